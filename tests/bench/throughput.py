# SPDX-License-Identifier: MPL-2.0
"""Throughput of a stream of 1-byte messages with the tap over without.

usage: throughput.py [PAIRS]

Short runs, with and without in turn, so that what else the machine does falls on both. The ratio
is that of the medians; beside it the middle half of the ratios of the pairs.
"""

import pathlib
import statistics
import sys
import tempfile

from support import products
from support.process import run

COUNTS = {"inproc": 1_000_000, "tcp": 500_000}


def rate(transport, directory):
    program = products.BUILD / "tests/bench/stream"
    result = run([program, transport, COUNTS[transport]], directory)
    assert result.returncode == 0, result.stderr
    return float(result.stdout)


def measure(transport, n_pairs, directory):
    plain, tapped = [], []
    rate(transport, None)
    for i in range(n_pairs):
        for is_tapped in ((i % 2, (i + 1) % 2)):
            (tapped if is_tapped else plain).append(rate(transport, directory if is_tapped else None))
    ratios = sorted(t / p for t, p in zip(tapped, plain))
    quarter = len(ratios) // 4
    return (statistics.median(plain), statistics.median(tapped),
            statistics.median(tapped) / statistics.median(plain), ratios[quarter], ratios[-1 - quarter])


def main():
    n_pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    print("| stream | messages/s without | with | ratio of medians | middle half of pairs |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="zt-") as directory:
        for transport in COUNTS:
            plain, tapped, ratio, low, high = measure(transport, n_pairs, pathlib.Path(directory))
            print(f"| {transport} | {plain:.0f} | {tapped:.0f} | {ratio:.3f} | {low:.3f}–{high:.3f} |", flush=True)


if __name__ == "__main__":
    main()
