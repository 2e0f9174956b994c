# SPDX-License-Identifier: MPL-2.0
"""Instructions that the tap adds to one send and one receive, counted by callgrind. A message to a
ROUTER is two sends, the peer's id and one frame; the row has half of it.

usage: instructions.py

Counted are the program's own thread and only the calls; exact, whatever the machine is doing.
"""

import re
import tempfile

from support import products
from support.process import run

COUNT = 20000
SPELLINGS = {"send": 1, "msg_send": 1, "recv": 1, "msg_recv": 1, "send to ROUTER": 2, "msg_send to ROUTER": 2}


def instructions(spelling, directory, folder):
    command = ["valgrind", "--tool=callgrind", "--toggle-collect=measured",
               f"--callgrind-out-file={folder}/out", products.BUILD / "tests/bench/calls", spelling, COUNT]
    result = run(command, directory, timeout=300)
    assert result.returncode == 0, result.stderr
    return int(re.search(r"Collected : (\d+)", result.stderr).group(1)) / COUNT


def main():
    print("| call | instructions without | with | added |")
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="zt-") as folder:
        for spelling, calls in SPELLINGS.items():
            plain = instructions(spelling, None, folder) / calls
            tapped = instructions(spelling, folder, folder) / calls
            print(f"| zmq_{spelling} | {plain:.1f} | {tapped:.1f} | {tapped - plain:.1f} |", flush=True)


if __name__ == "__main__":
    main()
