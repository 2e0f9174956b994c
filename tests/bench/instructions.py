# SPDX-License-Identifier: MPL-2.0
"""Instructions that the tap adds to one send and one receive, counted by callgrind.

usage: instructions.py

Counted are the program's own thread and only the calls; exact, whatever the machine is doing.
"""

import re
import tempfile

from support import products
from support.process import run

COUNT = 20000


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
        for spelling in ("send", "msg_send", "recv", "msg_recv"):
            plain = instructions(spelling, None, folder)
            tapped = instructions(spelling, folder, folder)
            print(f"| zmq_{spelling} | {plain:.1f} | {tapped:.1f} | {tapped - plain:.1f} |", flush=True)


if __name__ == "__main__":
    main()
