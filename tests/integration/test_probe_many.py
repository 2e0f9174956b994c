# SPDX-License-Identifier: MPL-2.0
"""1,000 endpoints on one exporter, 200 of them dead. The figures are in tests/bench/README.md."""

import pathlib
import time

import pytest

from support.many_probes import ManyProbes, raise_descriptor_limit
from support.probing import write_config
from support.waiting import wait_for

N, N_DOWN, N_CHANGED = 1000, 200, 500
MEMORY_BYTES = 100e6  # the bench has 42 MB; here malloc fills what it gives (MALLOC_PERTURB_)
MEMORY_RELOADED_BYTES = 120e6  # for a while there are old and new ones, and the heap keeps the room
CPU_SHARE = 0.3  # of a core; the bench has some hundredths, under sanitizers it is many times that


def n_actors(agent):
    return [path.read_text() for path in pathlib.Path(f"/proc/{agent.pid}/task").glob("*/comm")].count("probe-actor\n")


def cpu_share(agent):
    """Of a core, while nobody asks, over two rounds of those that are dead."""
    before, start = agent.scrape().value("process_cpu_seconds_total"), time.monotonic()
    wait_for(lambda: time.monotonic() > start + 5, "the time to measure")
    return (agent.scrape().value("process_cpu_seconds_total") - before) / (time.monotonic() - start)


def test_probes__a_thousand_endpoints__are_all_right_and_a_reload_keeps_the_unchanged(directory, folder):
    if not raise_descriptor_limit(N):
        pytest.skip("too few descriptors allowed")
    with ManyProbes(N, N_DOWN) as many, many.start(directory, folder) as agent:
        wait_for(lambda: many.are_right(agent.get()), lambda: many.states(agent.get()))
        page = agent.scrape()
        assert page.value("zmq_exporter_probes") == N
        assert page.value("zmq_exporter_collector_success", collector="probe") == 1
        assert page.value("process_resident_memory_bytes") < MEMORY_BYTES
        assert n_actors(agent) == 5  # 256 endpoints each, and one for /probe
        assert cpu_share(agent) < CPU_SHARE
        socket_names = [p["name"] for p in many.probes[:many.n_up] if p["peer"] not in ("PUSH", "DEALER")]
        before = {name: agent.value("zmq_probe_attempts_total", name, page) for name in socket_names}

        changed = many.change(N_CHANGED, agent)
        assert agent.reload()[0] == 200
        wait_for(lambda: many.are_right(agent.get()), lambda: many.states(agent.get()))
        page = agent.scrape()
        for name in socket_names:
            attempts = agent.value("zmq_probe_attempts_total", name, page)
            if name in changed:
                assert attempts > before[name], name
            else:
                assert attempts == before[name], name
                # Of those that were made anew, one may have ended while it was.
                assert agent.value("zmq_probe_disconnects_total", name, page) == 0, name
        assert page.value("process_resident_memory_bytes") < MEMORY_RELOADED_BYTES

        # All of it goes, and comes again.
        write_config(agent.config)
        assert agent.reload()[0] == 200
        page = agent.scrape()
        assert page.value("zmq_exporter_probes") == 0 and page.find("zmq_probe_success") == []
        wait_for(lambda: agent.scrape().value("process_open_fds") < 100, "descriptors to be closed")
