# SPDX-License-Identifier: MPL-2.0
"""A stream of 1-byte messages: plain, with a preloaded library that only calls through, and tapped.

usage: throughput.py [ROUNDS]

Short runs in turn, so that what else the machine does falls on all. The rate is what the receiver
saw; of two threads in lockstep it depends on much. The CPU time, of both threads and libzmq's own,
is steadier. All are medians; a ratio is to the plain median.
"""

import pathlib
import statistics
import sys
import tempfile

from support import products
from support.process import run

COUNTS = {"inproc": 1_000_000, "tcp": 500_000}
KINDS = ("plain", "called through", "tapped")


def measure_once(transport, kind, directory):
    """(messages a second, CPU nanoseconds a message)"""
    program = [products.BUILD / "tests/bench/stream", transport, COUNTS[transport]]
    variables = {}
    if kind == "called through":
        variables["LD_PRELOAD"] = str(products.BUILD / "tests/bench/libcall_through.so")
    result = run(program, directory if kind == "tapped" else None, variables)
    assert result.returncode == 0, result.stderr
    return tuple(map(float, result.stdout.split()))


def measure(transport, n_rounds, directory):
    """By kind, what measure_once says, the medians."""
    seen = {kind: [] for kind in KINDS}
    measure_once(transport, KINDS[0], None)
    for i in range(n_rounds):
        for kind in KINDS[i % 3:] + KINDS[:i % 3]:
            seen[kind].append(measure_once(transport, kind, directory))
    return {kind: tuple(map(statistics.median, zip(*values))) for kind, values in seen.items()}


def main():
    n_rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    print("| stream | | messages/s | ratio | CPU ns a message | ratio |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="zt-") as directory:
        for transport in COUNTS:
            medians = measure(transport, n_rounds, pathlib.Path(directory))
            plain = medians["plain"]
            for kind, (rate, cpu_ns) in medians.items():
                print(f"| {transport} | {kind} | {rate:.0f} | {rate / plain[0]:.3f} "
                      f"| {cpu_ns:.0f} | {cpu_ns / plain[1]:.3f} |", flush=True)


if __name__ == "__main__":
    main()
