# SPDX-License-Identifier: MPL-2.0
"""A stream of 1-byte messages: plain, with a preloaded library that only calls through, and tapped.

usage: throughput.py [ROUNDS]

Short runs in turn, so that what else the machine does falls on all. The rate is what the receiver
saw, the CPU time that of both threads and libzmq's own.

Where the queue lies in the heap changes both by a fifth, and any library that allocates before it
moves it. So each round goes through SHIFTS places, the same ones for all kinds. A figure is the
mean over the places of the medians over the rounds; a ratio is to plain's.
"""

import pathlib
import statistics
import sys
import tempfile

from support import products
from support.process import run

COUNTS = {"inproc": 2_000_000, "tcp": 500_000}
SHIFTS = range(8)
KINDS = ("plain", "called through", "tapped")


def measure_once(transport, kind, shift, directory):
    """(messages a second, CPU nanoseconds a message)"""
    program = [products.BUILD / "tests/bench/stream", transport, COUNTS[transport], shift]
    variables = {}
    if kind == "called through":
        variables["LD_PRELOAD"] = str(products.BUILD / "tests/bench/libcall_through.so")
    result = run(program, directory if kind == "tapped" else None, variables)
    assert result.returncode == 0, result.stderr
    return tuple(map(float, result.stdout.split()))


def measure(transport, n_rounds, directory):
    """By kind, what measure_once says."""
    seen = {(kind, shift): [] for kind in KINDS for shift in SHIFTS}
    measure_once(transport, KINDS[0], 0, None)
    for i in range(n_rounds):
        for shift in SHIFTS:
            for kind in KINDS[i % 3:] + KINDS[:i % 3]:
                seen[kind, shift].append(measure_once(transport, kind, shift, directory))
    medians = {key: tuple(map(statistics.median, zip(*values))) for key, values in seen.items()}
    return {kind: tuple(map(statistics.fmean, zip(*(medians[kind, shift] for shift in SHIFTS))))
            for kind in KINDS}


def main():
    n_rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print("| stream | | messages/s | ratio | CPU ns a message | ratio |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="zt-") as directory:
        for transport in COUNTS:
            means = measure(transport, n_rounds, pathlib.Path(directory))
            plain = means["plain"]
            for kind, (rate, cpu_ns) in means.items():
                print(f"| {transport} | {kind} | {rate:.0f} | {rate / plain[0]:.3f} "
                      f"| {cpu_ns:.0f} | {cpu_ns / plain[1]:.3f} |", flush=True)


if __name__ == "__main__":
    main()
