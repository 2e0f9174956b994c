# SPDX-License-Identifier: MPL-2.0
"""Numbered streams: the gaps that a probe counts are the messages that did not arrive."""

import contextlib
import os
import random
import signal
import struct

import zmq

from support.probing import ProbingAgent, probe
from support.waiting import wait_for

LAST_FRAME = {"frame": -1, "width": 4, "encoding": "little_endian"}


class Publisher:
    """A PUB whose last frame is a number; `sent` and `first` are the truth."""

    def __init__(self, context, endpoint, modulus=2 ** 32, start=0, hwm=1000):
        self.socket = context.socket(zmq.PUB)
        self.socket.linger = 0
        self.socket.sndhwm = hwm
        self.socket.sndbuf = 4096
        self.socket.bind(endpoint)
        self.endpoint = self.socket.last_endpoint.decode().rstrip("\0")
        self.modulus, self.number, self.sent = modulus, start, 0

    def send(self, count=1, size=1, topic=b"t"):
        for _ in range(count):
            self.socket.send_multipart([topic, bytes(size), struct.pack("<I", self.number)])
            self.number = (self.number + 1) % self.modulus
            self.sent += 1

    def mark(self):
        """A message without a number."""
        self.socket.send_multipart([b"t", b""])

    def close(self):
        self.socket.close()


def stream(name, endpoint, **settings):
    return probe(name, endpoint, "PUB", **{"subscriptions": [""], "sequence": LAST_FRAME, **settings})


def counts(agent, name):
    """All counters of a stream; "arrived" are the messages with a number."""
    page = agent.scrape()
    result = {key: agent.value(f"zmq_probe_{key}_total", name, page)
              for key in ("received_messages", "missed_messages", "sequence_restarts",
                          "unnumbered_messages", "untracked_messages")}
    result["arrived"] = result["received_messages"] - result["unnumbered_messages"]
    return result


@contextlib.contextmanager
def standing_still(agent):
    """Queues and kernel buffers fill up meanwhile."""
    agent.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, agent.pid, os.WSTOPPED)
    try:
        yield
    finally:
        agent.send_signal(signal.SIGCONT)


def flush(agent, publisher, name):
    """Until all that was published has arrived or is known to be missed.

    Messages keep their order, so behind one without a number none before it is on its way; then
    there is room for one with a number, which tells of a gap before it.
    """
    before = counts(agent, name)["unnumbered_messages"]
    wait_for(lambda: publisher.mark() or counts(agent, name)["unnumbered_messages"] > before, "a mark")
    wait_until_quiet(agent, name)
    arrived = counts(agent, name)["arrived"]
    publisher.send()
    wait_for(lambda: counts(agent, name)["arrived"] == arrived + 1, lambda: counts(agent, name))


def wait_until_quiet(agent, name):
    def is_quiet():
        first = counts(agent, name)
        return first == counts(agent, name)
    wait_for(is_quiet, "the stream to end")


def test_stream__publisher_overruns_the_probe__missed_is_the_truth(directory, folder, context):
    publisher = Publisher(context, "tcp://127.0.0.1:*", hwm=5)
    probes = [stream("feed", publisher.endpoint, receive_hwm=5)]
    with ProbingAgent(directory, folder, probes) as agent:
        agent.wait_success("feed")
        wait_for(lambda: publisher.send() or counts(agent, "feed")["arrived"] >= 1, "the first")
        flush(agent, publisher, "feed")
        start = counts(agent, "feed")
        missed_before_subscribing = publisher.sent - start["arrived"]
        assert start["missed_messages"] == 0
        for _ in range(3):
            with standing_still(agent):
                publisher.send(2000, size=20000)
            flush(agent, publisher, "feed")
        end = counts(agent, "feed")
        assert end["missed_messages"] > 1000
        assert end["arrived"] + end["missed_messages"] == publisher.sent - missed_before_subscribing
        assert end["sequence_restarts"] == 0
        assert agent.value("zmq_probe_received_bytes_total", "feed") > 20000
        assert agent.value("zmq_probe_last_received_timestamp_seconds", "feed") > 1e9


def test_stream__wraparound__hides_no_gap(directory, folder, context):
    publisher = Publisher(context, "tcp://127.0.0.1:*", modulus=1000, hwm=5)
    sequence = {**LAST_FRAME, "modulus": 1000}
    with ProbingAgent(directory, folder, [stream("feed", publisher.endpoint, sequence=sequence)]) as agent:
        agent.wait_success("feed")
        flush(agent, publisher, "feed")
        before = publisher.sent - counts(agent, "feed")["arrived"]
        for _ in range(35):
            publisher.send(100)
            flush(agent, publisher, "feed")
        publisher.number = (publisher.number + 123) % 1000  # lost on the way
        publisher.sent += 123
        flush(agent, publisher, "feed")
        end = counts(agent, "feed")
        assert publisher.sent > 3000
        assert end["arrived"] + end["missed_messages"] == publisher.sent - before
        assert end["missed_messages"] >= 123
        assert end["sequence_restarts"] == 0


def test_stream__publisher_restarts__is_no_gap(directory, folder, context):
    endpoint = f"ipc://{folder}/feed"
    with ProbingAgent(directory, folder, [stream("feed", endpoint)]) as agent:
        for i, start in enumerate((0, 0, 5000)):  # to the beginning, and further ahead
            publisher = Publisher(context, endpoint, start=start)
            agent.wait_success("feed")
            flush(agent, publisher, "feed")
            publisher.send(500)
            flush(agent, publisher, "feed")
            publisher.close()
            agent.wait_value(i + 1, "zmq_probe_disconnects_total", probe="feed")
        end = counts(agent, "feed")
        assert end["arrived"] > 1500
        assert end["missed_messages"] == 0 and end["sequence_restarts"] == 0


def test_stream__publisher_behind_a_proxy_restarts__is_a_restart_and_no_gap(directory, folder, context):
    """The connection to the proxy stands, the numbers go back."""
    publisher = Publisher(context, "tcp://127.0.0.1:*", start=9000)
    with ProbingAgent(directory, folder, [stream("feed", publisher.endpoint)]) as agent:
        agent.wait_success("feed")
        flush(agent, publisher, "feed")
        publisher.number = 0
        flush(agent, publisher, "feed")
        publisher.send(100)
        flush(agent, publisher, "feed")
        end = counts(agent, "feed")
        assert end["sequence_restarts"] == 1 and end["missed_messages"] == 0


def test_stream__bitcoin_core__has_one_sequence_for_each_topic(directory, folder, context):
    """Topic, body, 4 bytes little-endian: what the example file shows."""
    hashtx = Publisher(context, "tcp://127.0.0.1:*")
    blocks = [700000]
    sequence = {**LAST_FRAME, "key": {"frame": 0}}
    probes = [stream("bitcoin", hashtx.endpoint, sequence=sequence, subscriptions=["hashtx", "hashblock"])]
    with ProbingAgent(directory, folder, probes) as agent:
        agent.wait_success("bitcoin")

        def talk():
            hashtx.send(5, size=32, topic=b"hashtx")
            hashtx.socket.send_multipart([b"hashblock", bytes(32), struct.pack("<I", blocks[0])])
            blocks[0] += 1
            hashtx.socket.send_multipart([b"rawtx", bytes(200), struct.pack("<I", 5)])  # not asked for
            return counts(agent, "bitcoin")["received_messages"] > 200
        wait_for(talk, "messages")
        blocks[0] += 3
        hashtx.number += 4
        before = counts(agent, "bitcoin")["received_messages"]
        talk()
        wait_for(lambda: counts(agent, "bitcoin")["received_messages"] >= before + 6, "the last")
        end = counts(agent, "bitcoin")
        assert end["missed_messages"] == 7
        assert end["sequence_restarts"] == 0 and end["unnumbered_messages"] == 0


def test_stream__overrun_across_wraparound_and_restart__missed_is_the_truth(directory, folder, context):
    """The natural end of 4 bytes, then a new publisher at the same place, each overrun in turn."""
    endpoint = f"ipc://{folder}/feed"
    with ProbingAgent(directory, folder, [stream("feed", endpoint, receive_hwm=5)]) as agent:
        seen = {"arrived": 0, "missed_messages": 0}
        for i, start in enumerate((2 ** 32 - 1000, 77, 2 ** 32 - 1000)):
            publisher = Publisher(context, endpoint, start=start, hwm=5)
            agent.wait_success("feed")
            flush(agent, publisher, "feed")
            first = counts(agent, "feed")
            # What is published before the subscription is there is nobody's.
            before = publisher.sent - (first["arrived"] - seen["arrived"])
            assert first["missed_messages"] == seen["missed_messages"]
            with standing_still(agent):
                publisher.send(3000, size=20000)
            flush(agent, publisher, "feed")
            end = counts(agent, "feed")
            received, missed = (end[key] - seen[key] for key in seen)
            assert missed > 1000
            assert received + missed == publisher.sent - before
            publisher.close()
            agent.wait_value(i + 1, "zmq_probe_disconnects_total", probe="feed")
            seen = {key: counts(agent, "feed")[key] for key in seen}
        assert end["sequence_restarts"] == 0


SEED = 20130731


def send_all(socket, agent, name, messages):
    """Publishes them all, once the subscription is there; waits until all have arrived."""
    wait_until_quiet(agent, name)
    before = counts(agent, name)["received_messages"]
    for i, message in enumerate(messages):
        socket.send_multipart(message)
        if i % 500 == 499:  # well below any limit: nothing is lost on the way
            wait_for(lambda i=i: counts(agent, name)["received_messages"] == before + i + 1, "a part")
    wait_for(lambda: counts(agent, name)["received_messages"] == before + len(messages), "all")


def test_stream__one_sequence_per_source__gaps_are_kept_apart(directory, folder, context):
    """Two bytes of source, eight of number, big-endian; some sources publish seldom."""
    publisher = Publisher(context, "tcp://127.0.0.1:*", hwm=0)
    sequence = {"frame": 1, "offset": 2, "width": 8, "encoding": "big_endian",
                "key": {"frame": 1, "offset": 0, "width": 2, "limit": 20}}
    probes = [stream("feed", publisher.endpoint, sequence=sequence, subscriptions=["t"], receive_hwm=100000)]
    chance = random.Random(SEED)
    numbers = [chance.randrange(2 ** 63) for _ in range(25)]
    missed, untracked, messages, followed = 0, 0, [], []
    for _ in range(3000):
        source = min(chance.randrange(25), chance.randrange(25))
        if source not in followed and len(followed) < 20:
            followed.append(source)  # where its sequence begins
        elif source in followed:
            skipped = chance.choice((0, 0, 0, 1, 7, 100000))
            numbers[source] += skipped
            missed += skipped
        untracked += source not in followed
        messages.append([b"t", struct.pack(">HQ", source, numbers[source]) + b"body"])
        numbers[source] += 1
    with ProbingAgent(directory, folder, probes) as agent:
        agent.wait_success("feed")
        greet = [b"t", b"short"]
        wait_for(lambda: publisher.socket.send_multipart(greet) or
                 counts(agent, "feed")["received_messages"] > 0, "the subscription")
        send_all(publisher.socket, agent, "feed", messages)
        end = counts(agent, "feed")
        assert (end["missed_messages"], end["untracked_messages"]) == (missed, untracked)
        assert end["sequence_restarts"] == 0 and end["unnumbered_messages"] > 0


def test_stream__decimal_text__is_read_as_it_is_written(directory, folder, context):
    publisher = Publisher(context, "tcp://127.0.0.1:*", hwm=0)
    sequence = {"frame": 0, "offset": 9, "width": 6, "encoding": "decimal", "modulus": 1000000}
    chance = random.Random(SEED)
    number, missed, messages = 999000, 0, []
    for i in range(2000):
        skipped = chance.choice((0, 0, 3)) if i else 0
        missed, number = missed + skipped, (number + skipped) % 1000000
        messages.append([b"weather #%06d degrees" % number])
        number = (number + 1) % 1000000
    probes = [stream("feed", publisher.endpoint, sequence=sequence, receive_hwm=100000)]
    with ProbingAgent(directory, folder, probes) as agent:
        agent.wait_success("feed")
        wait_for(lambda: publisher.socket.send(b"weather #?") is not None or
                 counts(agent, "feed")["received_messages"] > 0, "the subscription")
        wait_until_quiet(agent, "feed")
        unnumbered = counts(agent, "feed")["unnumbered_messages"]
        send_all(publisher.socket, agent, "feed", messages)
        end = counts(agent, "feed")
        assert end["missed_messages"] == missed
        assert end["sequence_restarts"] == 0 and end["unnumbered_messages"] == unnumbered
