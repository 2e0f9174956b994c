# SPDX-License-Identifier: MPL-2.0
"""Programs that end in every way there is: the page has all that they have counted, no more.

TEST_ENDS_MANY=1000 tries so many of them at random."""

import os
import random
import struct
import subprocess

import pytest

from support import products, segment_file
from support.agent import Agent
from support.process import environment, run
from support.waiting import DEADLINE_S, wait_equal, wait_for

MANY = int(os.environ.get("TEST_ENDS_MANY", "150"))
SEED = int(os.environ.get("TEST_SEED", "1"))
AT_ONCE = 6
WAYS = subprocess.run(products.program("ends"), capture_output=True, text=True, check=True).stdout.split()


def recorded(path):
    return struct.unpack("=Q", path.read_bytes())[0]


def sent(directory):
    return sum(segment.counter("SENT_MESSAGES") for segment in segment_file.read_all(directory))


def needs_root(way):
    return way in ("chroot", "giving_up_user") and os.geteuid() != 0


@pytest.mark.parametrize("pause_ms", [0, 130])
@pytest.mark.parametrize("way", WAYS)
def end__of_each_way__segment_has_all(folder, directory, way, pause_ms):
    if needs_root(way):
        pytest.skip("only root can")
    run([*products.program("ends"), way, folder / "count", 3, 1000, pause_ms], directory)
    assert recorded(folder / "count") >= 1000
    assert sent(directory) == recorded(folder / "count")
    for segment in segment_file.read_all(directory):
        assert segment.capabilities["durable"] == ("on", "")


def end__on_disk__says_that_it_may_have_lost(folder, directory_on_disk):
    run([*products.program("ends"), "exit", folder / "count", 3, 1000], directory_on_disk)
    assert sent(directory_on_disk) == 1000
    state, reason = segment_file.read_all(directory_on_disk)[0].capabilities["durable"]
    assert state == "bound" and "tmpfs" in reason


def end__of_many_sockets_at_once__segment_has_all(folder, directory):
    """There is room for all of them before they are used."""
    run([*products.program("ends"), "_exit", folder / "count", 200, 1000], directory)
    assert sent(directory) == recorded(folder / "count") == 1000
    assert segment_file.read_all(directory)[0].capabilities["durable"] == ("on", "")


class Crowd:
    """Programs that end at random, some at a time."""

    def __init__(self, folder, directory, chance):
        self.folder, self.directory, self.chance = folder, directory, chance
        self.running, self.counts, self.ways = [], [], set()

    def start(self):
        way = self.chance.choice([way for way in WAYS if not needs_root(way)])
        path = self.folder / f"count-{len(self.counts)}"
        path.write_bytes(bytes(8))
        words = [*products.program("ends"), way, path, self.chance.randint(1, 60),
                 self.chance.randint(1, 3000), self.chance.choice([0, 0, 20, 110])]
        self.running.append(subprocess.Popen(
            [str(word) for word in words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=environment(self.directory, ZMQ_EXPORTER_PROGRAM="ends")))
        self.counts.append(path)
        self.ways.add(way)

    def wait(self, n_left):
        while len(self.running) > n_left:
            self.running.pop(0).wait(DEADLINE_S)

    def end(self):
        for process in self.running:
            process.kill()
            process.wait(DEADLINE_S)

    def n_sent(self):
        return sum(recorded(path) for path in self.counts)


def page_sum(agent):
    return agent.scrape().value("zmq_socket_sent_messages_total", program="ends") or 0


def ends__at_random__sum_on_the_page_is_exact(folder, directory):
    chance = random.Random(SEED)
    crowd, last = Crowd(folder, directory, chance), 0
    agent = Agent(directory)
    try:
        for i in range(MANY):
            crowd.start()
            crowd.wait(AT_ONCE)
            if chance.random() < 0.02:
                agent.end()
                agent = Agent(directory)
            if i % 10 == 0:
                assert page_sum(agent) <= crowd.n_sent()
        crowd.wait(0)
        wait_for(lambda: not list(directory.glob("*.seg")), "all segments to be folded")
        wait_equal(lambda: page_sum(agent), crowd.n_sent(), "messages sent")
        print(f"{MANY} programs, {len(crowd.ways)} ways to end, {crowd.n_sent()} messages")
    finally:
        crowd.end()
        agent.end()


def ends__by_exit_and_without__are_counted_apart(agent, folder, directory):
    for way in ("exit", "_exit", "_exit"):
        run([*products.program("ends"), way, folder / "count", 3, 1000], directory)
    agent.wait_value(1, "zmq_process_ends_total", end="orderly")
    agent.wait_value(2, "zmq_process_ends_total", end="abrupt")
