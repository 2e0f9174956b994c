# SPDX-License-Identifier: MPL-2.0
"""What the reader costs the program that it reads: messages a second, CPU time of its own for each
message, and memory for page tables.

    peek_target.py [PAIRS]     of runs, alone and read ten times a second, in random order

Each pair has the same places in the heap (see stream.c). A ratio is the geometric mean of read to
alone, with its standard error. Best in a PID namespace of its own, as peek.py.
"""

import math
import pathlib
import random
import re
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support import products  # noqa: E402
from support.peeked import Reader  # noqa: E402

STREAMS = {"inproc": 2_000_000, "tcp": 1_000_000}


def page_tables_kb(pid):
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    found = re.search(r"VmPTE:\s*(\d+)", status)
    return int(found.group(1)) if found else 0


def run_once(transport, place):
    """(messages a second, CPU nanoseconds a message, kB of page tables)"""
    program = [str(products.BUILD / "tests/bench/stream"), transport, str(STREAMS[transport]), str(place)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as running:
        largest = 0
        while running.poll() is None:
            largest = max(largest, page_tables_kb(running.pid))
            time.sleep(0.02)
        return (*map(float, running.stdout.read().split()), largest)


def run_read(transport, place):
    with Reader(interval_ms=100) as reader:
        reader.wait_passes(1)
        found = run_once(transport, place)
        return found


def show(transport, what, pairs):
    logs = [math.log(read / alone) for alone, read in pairs]
    error = statistics.stdev(logs) / math.sqrt(len(logs))
    print(f"{transport}: {what}, read to alone: {math.exp(statistics.mean(logs)):.4f} +- {error:.4f}",
          flush=True)


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    for transport in STREAMS:
        pairs = []
        for place in random.sample(range(1, 1_000_000), n):
            pair = {}
            for kind in random.sample((run_once, run_read), 2):
                pair[kind] = kind(transport, place)
            pairs.append((pair[run_once], pair[run_read]))
        for i, what in enumerate(("messages a second", "CPU time a message", "VmPTE")):
            show(transport, what, [(alone[i], read[i]) for alone, read in pairs])


if __name__ == "__main__":
    main()
