# SPDX-License-Identifier: MPL-2.0
"""300 rounds of sudden death, of programs and of the agent, while pages are scraped throughout:
no counter ever decreases, none counts twice, none is lost, and what a page shows at the end is what
the next agent shows."""

import os
import random
import struct

from support import products
from support.agent import Agent
from support.process import Process
from support.waiting import wait_for

ROUNDS = 300
N_PROGRAMS = 5
SEED = int(os.environ.get("TEST_SEED", "1"))
COUNTERS = ("_total", "_bucket", "_count", "_sum")


class Watcher:
    """Remembers the greatest value of each counter, from whichever agent."""

    def __init__(self):
        self.known = {}
        self.n_pages = 0

    def look(self, agent):
        page = agent.scrape()
        self.n_pages += 1
        # The exporter's own counters begin anew with each; they have no program.
        seen = {
            (sample.name, *sorted(sample.labels.items())): sample.value for sample in page.samples
            if sample.name.endswith(COUNTERS) and "program" in sample.labels
        }
        for key, known in self.known.items():
            assert key in seen, f"{key} is gone from the page"
            assert seen[key] >= known, f"{key} fell from {known} to {seen[key]}"
        self.known = seen
        return page


class Mortals:
    """Programs that are killed and started again, each in the place of the last."""

    def __init__(self, folder, directory):
        self.folder, self.directory = folder, directory
        self.n_started = 0
        self.running = [self.start(i) for i in range(N_PROGRAMS)]

    def start(self, place):
        self.n_started += 1
        return Process(
            [*products.program("mortal"), f"ipc://{self.folder}/p{place}",
             self.folder / f"count-{self.n_started}"],
            self.directory, variables={"ZMQ_EXPORTER_PROGRAM": "mortal"},
        )

    def kill_one(self, place, is_ready):
        if is_ready:
            assert self.running[place].line() == "ready"
        self.running[place].end()
        self.running[place] = self.start(place)

    def end(self):
        for process in self.running:
            process.end()

    def n_sent(self):
        """Those that they were about to send and those that they have sent: the same but for whom
        death met between the two."""
        begun = done = 0
        for path in self.folder.glob("count-*"):
            data = path.read_bytes()
            if len(data) == 16:
                counts = struct.unpack("=2Q", data)
                begun, done = begun + counts[0], done + counts[1]
        return begun, done


class Folded:
    """The state file, which is replaced about once a second while something has died."""

    def __init__(self, directory):
        self.path = directory / "state"
        self.n_seen = 0

    def look(self):
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns

    def wait(self, before):
        wait_for(lambda: self.look() not in (None, before), "a new state file")
        self.n_seen += 1


def sent(page):
    return page.value("zmq_socket_sent_messages_total", program="mortal") or 0


def test_kills__300_rounds__no_counter_decreases(folder, directory):
    chance = random.Random(SEED)
    watcher = Watcher()
    mortals = Mortals(folder, directory)
    agent = Agent(directory)
    try:
        folded = Folded(directory)
        for _ in range(ROUNDS):
            what = chance.random()
            if what < 0.05:
                agent.end()
            before = folded.look()
            mortals.kill_one(chance.randrange(N_PROGRAMS), chance.random() < 0.8)
            if what < 0.05:
                agent = Agent(directory)
            page = watcher.look(agent)
            assert sent(page) <= mortals.n_sent()[0]
            if chance.random() < 0.06:
                folded.wait(before)

        mortals.end()
        wait_for(lambda: not list(directory.glob("*.seg")), "all segments to be folded")
        last = watcher.look(agent)
        begun, done = mortals.n_sent()
        assert 0 < done <= sent(last) <= begun <= done + mortals.n_started
        agent.end()
        agent = Agent(directory)
        assert sent(watcher.look(agent)) == sent(last)
        print(f"{watcher.n_pages} pages, {len(watcher.known)} series, {mortals.n_started} "
              f"programs, {folded.n_seen} foldings waited for, {sent(last):.0f} messages, {begun} begun, {done} done")
    finally:
        mortals.end()
        agent.end()
