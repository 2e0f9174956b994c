# SPDX-License-Identifier: MPL-2.0
"""Instructions that the tap adds to one send and one receive, counted by callgrind. A message of two
frames is two sends, as is one to a ROUTER, the peer's id and one frame; the row has half of it.

usage: instructions.py

Counted are the program's own thread and only the calls; exact, whatever the machine is doing. And those
that an exporter takes in each scrape to look up the worst connection of every socket.
"""

import re
import tempfile

from support import products
from support.process import run

COUNT = 20000
FULL_COUNT = 2000
FULL = {"PUB, 1 full subscriber": 1, "PUB, 10 full subscribers": 10, "PUB, 100 full subscribers": 100,
        "PUSH, refused": 1, "ROUTER, peer full": 1, "ROUTER, peer unknown": 1}
SPELLINGS = {"send": 1, "msg_send": 1, "recv": 1, "msg_recv": 1,
             "send of two frames": 2, "msg_send of two frames": 2,
             "send by a publisher": 1, "msg_send by a publisher": 1,
             "send to ROUTER": 2, "msg_send to ROUTER": 2}


def collected(command, directory, folder, variables=None):
    """Instructions within the program's function `measured`."""
    result = run(["valgrind", "--tool=callgrind", "--toggle-collect=measured",
                  f"--callgrind-out-file={folder}/out", *command], directory, variables, timeout=300)
    assert result.returncode == 0, result.stderr
    return int(re.search(r"Collected : (\d+)", result.stderr).group(1))


def instructions(program, spelling, directory, folder, variables=None):
    count = COUNT if program == "calls" else FULL_COUNT
    command = [products.BUILD / "tests/bench" / program, spelling, count]
    return collected(command, directory, folder, variables) / count


def main():
    print("| call | instructions without | with | added | added with the tap off |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="zt-") as folder:
        for spelling, calls in SPELLINGS.items():
            plain = instructions("calls", spelling, None, folder) / calls
            tapped = instructions("calls", spelling, folder, folder) / calls
            off = instructions("calls", spelling, folder, folder, {"ZMQ_EXPORTER_TAP": "off"}) / calls
            print(f"| zmq_{spelling} | {plain:.1f} | {tapped:.1f} | {tapped - plain:.1f} | {off - plain:.1f} |",
                  flush=True)
        print("\n| message lost or refused | instructions without | with | added for each peer |")
        print("|---|---|---|---|")
        for case, n_peers in FULL.items():
            plain = instructions("full", case, None, folder)
            tapped = instructions("full", case, folder, folder)
            added = (tapped - plain) / n_peers
            print(f"| {case} | {plain:.0f} | {tapped:.0f} | {added:.0f} |", flush=True)
        print("\n| connections of two programs | instructions of a scrape for their worst | a socket |")
        print("|---|---|---|")
        for n in (10, 100, 1000):
            in_all = collected([products.BUILD / "tests/bench/peer_table_bench", n], None, folder)
            print(f"| {n} | {in_all} | {in_all / (n + 1):.1f} |", flush=True)


if __name__ == "__main__":
    main()
