# SPDX-License-Identifier: MPL-2.0
"""A process of another word size than the agent's has the same file, and the same page."""

import subprocess

import pytest

from support import products
from support.process import Process

SOURCE = products.TESTS.parent / "src"
SOURCES = [
    products.PROGRAMS_SOURCE / "bare_writer.c",
    *(SOURCE / "segment" / f"segment_{part}.c"
      for part in ("copy", "file", "identity", "map", "table", "writer")),
    SOURCE / "base" / "program_name.c",
]


def build(folder, bits):
    """The writer for this word size; skips where the compiler has no library for it."""
    program = folder / f"writer{bits}"
    made = subprocess.run(
        ["cc", f"-m{bits}", "-std=gnu11", "-D_GNU_SOURCE", '-DPROJECT_VERSION="0"', "-O2",
         f"-I{SOURCE}", "-o", program, *SOURCES], stderr=subprocess.PIPE, text=True, check=False,
    )
    if made.returncode:
        assert bits == 32, made.stderr
        pytest.skip(f"cc -m{bits} does not work here: {made.stderr.splitlines()[0]}")
    return program


@pytest.mark.parametrize("bits", (32, 64))
def test_segment__of_a_process_of_any_word_size__is_read_and_folded(folder, directory, agent, bits):
    labels = {"program": f"writer{bits}"}
    with Process([build(folder, bits)], directory) as writer:
        assert writer.line() == f"ready {bits}"
        page = agent.scrape()
        sent = "zmq_socket_sent_messages_total"
        for endpoint, queue in (("tcp://*:1", 100), ("tcp://*:2", 90)):
            assert page.value(sent, address=endpoint, **labels) == 100000000010
            assert page.value("zmq_socket_send_queue_messages", address=endpoint, **labels) == queue
            assert page.value("zmq_socket_option", address=endpoint, option="linger", **labels) == -1
        assert page.value("zmq_tap_sampling_rounds_total", **labels) == 5000000000
        assert page.value("zmq_processes", **labels) == 1
    agent.wait_value(0, "zmq_processes", **labels)
    assert agent.scrape().value(sent, **labels) == 200000000020
