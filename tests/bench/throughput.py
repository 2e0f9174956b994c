# SPDX-License-Identifier: MPL-2.0
"""A stream of 1-byte messages: plain, with a preloaded library that only calls through, and tapped.

usage: throughput.py [PLACES [SEED]]

Where sockets and queue lie in the heap changes the rate by half, and any library that allocates
before them moves them: a comparison at one place compares places. So each kind runs once with each
of PLACES random movements of the heap, in random order, short runs in turn, so that what else the
machine does falls on all. The rate is what the receiver saw, the CPU time that of both threads and
libzmq's own. A ratio is the geometric mean of those to plain with the same movement, with its
standard error.
"""

import math
import pathlib
import random
import statistics
import sys
import tempfile

from support import products
from support.process import run

COUNTS = {"inproc": 1_000_000, "tcp": 500_000}
KINDS = ("plain", "called through", "tapped")


def measure_once(transport, kind, place, directory):
    """(messages a second, CPU nanoseconds a message)"""
    program = [products.BUILD / "tests/bench/stream", transport, COUNTS[transport], place]
    variables = {}
    if kind == "called through":
        variables["LD_PRELOAD"] = str(products.BUILD / "tests/bench/libcall_through.so")
    result = run(program, directory if kind == "tapped" else None, variables)
    assert result.returncode == 0, result.stderr
    return tuple(map(float, result.stdout.split()))


def measure(transport, places, directory):
    """By kind, what measure_once says at each place."""
    seen = {kind: [] for kind in KINDS}
    for place in places:
        for kind in random.sample(KINDS, len(KINDS)):
            seen[kind].append(measure_once(transport, kind, place, directory))
    return seen


def ratio(values, plain_values):
    """(geometric mean of the ratios, its standard error)"""
    logs = [math.log(value / plain) for value, plain in zip(values, plain_values)]
    mean = math.exp(statistics.fmean(logs))
    return mean, mean * statistics.stdev(logs) / math.sqrt(len(logs))


def main():
    n_places = int(sys.argv[1]) if len(sys.argv) > 1 else 150
    random.seed(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    print("| stream | | messages/s | ratio | CPU ns a message | ratio |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="zt-") as directory:
        for transport in COUNTS:
            places = [random.randrange(1 << 31) for _ in range(n_places)]
            seen = measure(transport, places, pathlib.Path(directory))
            plain_rates, plain_cpu = zip(*seen["plain"])
            for kind in KINDS:
                rates, cpu = zip(*seen[kind])
                print(f"| {transport} | {kind} | {statistics.fmean(rates):.0f} "
                      f"| {'%.3f ± %.3f' % ratio(rates, plain_rates)} "
                      f"| {statistics.fmean(cpu):.0f} "
                      f"| {'%.3f ± %.3f' % ratio(cpu, plain_cpu)} |", flush=True)


if __name__ == "__main__":
    main()
