# SPDX-License-Identifier: MPL-2.0
"""A program does under the tap what it does without: each case runs both ways and is compared."""

import subprocess

import pytest

from support import products, segment_file
from support.process import run

PROGRAMS = ["harmless_calls", "harmless_drops", "harmless_limits", "harmless_large", "harmless_monitor",
            "harmless_monitor_calls", "harmless_end", "harmless_interrupted", "harmless_fork",
            "harmless_path", "harmless_shared", "harmless_threads", "harmless_filter",
            "harmless_czmq", "harmless_pyzmq.py"]
# Without a socket, or gone before the first round: no segment to expect.
NO_SEGMENT = {"null_arguments", "quick_exit_with_open_sockets", "abort_with_open_sockets",
              "killed_by_sigterm"}


def cases():
    for name in PROGRAMS:
        listed = subprocess.run(products.program(name), capture_output=True, text=True, check=True)
        yield from ((name, case) for case in listed.stdout.split())


def outcome(result):
    return result.returncode, result.stdout, result.stderr


@pytest.mark.parametrize("name,case", cases(), ids=lambda word: word.removeprefix("harmless_"))
def case__run_both_ways__is_the_same(directory, name, case):
    command = [*products.program(name), case]
    plain = run(command)
    tapped = run(command, directory)
    assert outcome(tapped) == outcome(plain)
    assert plain.stdout
    if case not in NO_SEGMENT:
        assert segment_file.read_all(directory), "the tap was not there"
