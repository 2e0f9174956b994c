# SPDX-License-Identifier: MPL-2.0
"""Streams of 1-byte messages: plain, with a preloaded library that only calls through, with one that
does as many instructions as the tap beside, with the tap turned off, and tapped.

usage: throughput.py [PLACES [SEED [STREAM ...]]]

Where sockets and queue lie in the heap changes the rate by half, and any library that allocates
before them moves them: a comparison at one place compares places. So each kind runs once with each
of PLACES random movements of the heap, in random order, short runs in turn, so that what else the
machine does falls on all. The rate is what the receiver saw, the CPU time that of both threads and
libzmq's own. A ratio is the geometric mean of those to plain with the same movement, with its
standard error; the deciles are those of the rates, and beside each its ratio to plain's.
"""

import math
import pathlib
import random
import statistics
import sys
import tempfile

from support import products
from support.process import run

# name: transport, how, messages
STREAMS = {
    "inproc": ("inproc", "calls", 1_000_000),
    "tcp": ("tcp", "calls", 500_000),
    "inproc_thr": ("inproc", "messages", 1_000_000),
    "local_thr": ("tcp", "processes", 500_000),
    "inproc_lat": ("inproc", "round", 30_000),
}
CALLS = {"called through": "libcall_through.so", "called through, padded": "libcall_padded.so"}
KINDS = ("plain", *CALLS, "off", "tapped")


def library_of(kind):
    """There is a padded one for x86-64 alone."""
    return products.BUILD / "tests/bench" / CALLS[kind]


def measure_once(stream, kind, place, directory):
    """(messages a second, CPU nanoseconds a message)"""
    transport, how, count = STREAMS[stream]
    program = [products.BUILD / "tests/bench/stream", transport, count, place, how]
    variables = {}
    if kind in CALLS:
        variables["LD_PRELOAD"] = str(library_of(kind))
    if kind == "off":
        variables["ZMQ_EXPORTER_TAP"] = "off"
    result = run(program, directory if kind in ("off", "tapped") else None, variables)
    assert result.returncode == 0, result.stderr
    return tuple(map(float, result.stdout.split()))


def measure(stream, kinds, places, directory):
    """By kind, what measure_once says at each place."""
    seen = {kind: [] for kind in kinds}
    for place in places:
        for kind in random.sample(kinds, len(kinds)):
            seen[kind].append(measure_once(stream, kind, place, directory))
    return seen


def ratio(values, plain_values):
    """(geometric mean of the ratios, its standard error)"""
    logs = [math.log(value / plain) for value, plain in zip(values, plain_values)]
    mean = math.exp(statistics.fmean(logs))
    return mean, mean * statistics.stdev(logs) / math.sqrt(len(logs))


def deciles(rates):
    """The first, the fifth (the median) and the ninth."""
    cuts = statistics.quantiles(rates, n=10, method="inclusive")
    return cuts[0], cuts[4], cuts[8]


def print_kind(stream, kind, measured, plain):
    rates, cpu = zip(*measured)
    plain_rates, plain_cpu = zip(*plain)
    shown = " | ".join(f"{value / 1e6:.3f} ({value / base:.3f})"
                       for value, base in zip(deciles(rates), deciles(plain_rates)))
    print(f"| {stream} | {kind} | {shown} | {'%.3f ± %.3f' % ratio(rates, plain_rates)} "
          f"| {statistics.fmean(cpu):.0f} | {'%.3f ± %.3f' % ratio(cpu, plain_cpu)} |", flush=True)


def main():
    n_places = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    random.seed(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    print("Millions of messages a second, and the ratio to plain's\n")
    print("| stream | | first decile | median | ninth decile | ratio | CPU ns a message | ratio |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="zt-", dir="/dev/shm") as directory:
        kinds = [kind for kind in KINDS if kind not in CALLS or library_of(kind).exists()]
        for stream in sys.argv[3:] or STREAMS:
            places = [random.randrange(1 << 31) for _ in range(n_places)]
            seen = measure(stream, kinds, places, pathlib.Path(directory))
            for kind in kinds:
                print_kind(stream, kind, seen[kind], seen["plain"])


if __name__ == "__main__":
    main()
