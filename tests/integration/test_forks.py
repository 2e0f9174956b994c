# SPDX-License-Identifier: MPL-2.0
"""Children, however they are made, never count in their parent's file, and have one of their own
once they have sockets of their own."""

import subprocess

import pytest

from support import products, segment_file
from support.process import run

WAYS = subprocess.run(products.program("forks"), capture_output=True, text=True, check=True).stdout.split()


def accounts(result):
    assert (result.returncode, result.stderr) == (0, ""), result.stdout
    lines = [line.split() for line in result.stdout.splitlines()]
    return {int(pid): int(n) for pid, n in lines}


def seen(directory):
    return {segment.header["pid"]: segment.counter("SENT_MESSAGES")
            for segment in segment_file.read_all(directory)}


@pytest.mark.parametrize("way", WAYS)
def child__made_in_each_way__each_process_has_its_own_count(directory, way):
    plain = accounts(run([*products.program("forks"), way], timeout=60))
    tapped = accounts(run([*products.program("forks"), way], directory, timeout=60))
    assert len(tapped) == len(plain)
    assert seen(directory) == tapped


@pytest.mark.parametrize("way", WAYS)
def child_on_disk__made_in_each_way__each_process_is_well(directory_on_disk, way):
    tapped = accounts(run([*products.program("forks"), way], directory_on_disk, timeout=60))
    for pid, n in seen(directory_on_disk).items():
        assert n <= tapped[pid]
