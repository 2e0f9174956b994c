# SPDX-License-Identifier: MPL-2.0
"""What probing many endpoints costs: time until every state is right, CPU, memory, page, reload.

usage: probes.py

A fifth of the endpoints is dead: half of those refuse, half never answer.
"""

import pathlib
import tempfile
import time

from support.many_probes import ManyProbes, raise_descriptor_limit
from support.waiting import wait_for

IDLE_S = 10


def measure(n):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "segments").mkdir()
        with ManyProbes(n, n // 5) as many:
            start = time.monotonic()
            with many.start(folder / "segments", folder) as agent:
                return measure_agent(many, agent, start)


def measure_agent(many, agent, start):
    wait_for(lambda: many.are_right(agent.get()), lambda: many.states(agent.get()), 120)
    figures = {"seconds until right": time.monotonic() - start}
    before, begin = agent.scrape().value("process_cpu_seconds_total"), time.monotonic()
    time.sleep(IDLE_S)  # a measurement over time, nothing is waited for
    page = agent.scrape()
    seconds = page.value("process_cpu_seconds_total") - before
    figures["CPU %"] = 100 * seconds / (time.monotonic() - begin)
    figures["memory MB"] = page.value("process_resident_memory_bytes") / 1e6
    figures["descriptors"] = page.value("process_open_fds")
    begin = time.monotonic()
    figures["page MB"] = len(agent.get()) / 1e6
    figures["page seconds"] = time.monotonic() - begin
    many.change(len(many.probes) // 2, agent)
    begin = time.monotonic()
    agent.reload()
    figures["reload seconds, half of them changed"] = time.monotonic() - begin
    wait_for(lambda: many.are_right(agent.get()), lambda: many.states(agent.get()), 120)
    figures["seconds until right again"] = time.monotonic() - begin
    return figures


def main():
    for n in (1000, 5000):
        if not raise_descriptor_limit(n):
            print(f"{n} endpoints: too few descriptors allowed")
            continue
        figures = measure(n)
        print(f"{n} endpoints: " + ", ".join(f"{value:.3g} {name}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
