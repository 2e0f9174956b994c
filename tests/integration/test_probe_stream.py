# SPDX-License-Identifier: MPL-2.0
"""Numbered streams: the gaps that a probe counts are the messages that did not arrive."""

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

    def close(self):
        self.socket.close()


def stream(name, endpoint, **settings):
    return probe(name, endpoint, "PUB", **{"subscriptions": [""], "sequence": LAST_FRAME, **settings})


def counts(agent, name):
    page = agent.scrape()
    return {key: agent.value(f"zmq_probe_{key}_total", name, page)
            for key in ("received_messages", "missed_messages", "sequence_restarts",
                        "unnumbered_messages", "untracked_messages")}


def flush(agent, publisher, name):
    """Publishes until one more message arrives: all before it has arrived, or never will."""
    before = counts(agent, name)["received_messages"]

    def has_arrived():
        publisher.send()
        return counts(agent, name)["received_messages"] > before + 3
    wait_for(has_arrived, "a message")

    def is_quiet():
        first = counts(agent, name)
        return first == counts(agent, name)
    wait_for(is_quiet, "the stream to end")


def test_stream__publisher_overruns_the_probe__missed_is_the_truth(directory, folder):
    context = zmq.Context()
    publisher = Publisher(context, "tcp://127.0.0.1:*", hwm=5)
    probes = [stream("feed", publisher.endpoint, receive_hwm=5)]
    with ProbingAgent(directory, folder, probes) as agent:
        agent.wait_success("feed")
        wait_for(lambda: publisher.send() or counts(agent, "feed")["received_messages"] >= 1, "the first")
        flush(agent, publisher, "feed")
        start = counts(agent, "feed")
        missed_before_subscribing = publisher.sent - start["received_messages"]
        assert start["missed_messages"] == 0
        for _ in range(3):  # while the exporter stands still, queues and kernel buffers fill up
            agent.popen.send_signal(signal.SIGSTOP)
            publisher.send(2000, size=20000)
            agent.popen.send_signal(signal.SIGCONT)
            flush(agent, publisher, "feed")
        end = counts(agent, "feed")
        assert end["missed_messages"] > 1000
        assert end["received_messages"] + end["missed_messages"] == publisher.sent - missed_before_subscribing
        assert end["sequence_restarts"] == 0 and end["unnumbered_messages"] == 0
        assert agent.value("zmq_probe_received_bytes_total", "feed") > 20000
        assert agent.value("zmq_probe_last_received_timestamp_seconds", "feed") > 1e9
    context.destroy(linger=0)


def test_stream__wraparound__hides_no_gap(directory, folder):
    context = zmq.Context()
    publisher = Publisher(context, "tcp://127.0.0.1:*", modulus=1000, hwm=5)
    sequence = {**LAST_FRAME, "modulus": 1000}
    with ProbingAgent(directory, folder, [stream("feed", publisher.endpoint, sequence=sequence)]) as agent:
        agent.wait_success("feed")
        flush(agent, publisher, "feed")
        before = publisher.sent - counts(agent, "feed")["received_messages"]
        for _ in range(35):
            publisher.send(100)
            flush(agent, publisher, "feed")
        publisher.number = (publisher.number + 123) % 1000  # lost on the way
        publisher.sent += 123
        flush(agent, publisher, "feed")
        end = counts(agent, "feed")
        assert publisher.sent > 3000
        assert end["received_messages"] + end["missed_messages"] == publisher.sent - before
        assert end["missed_messages"] >= 123
        assert end["sequence_restarts"] == 0
    context.destroy(linger=0)


def test_stream__publisher_restarts__is_no_gap(directory, folder):
    context = zmq.Context()
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
        assert end["received_messages"] > 1500
        assert end["missed_messages"] == 0 and end["sequence_restarts"] == 0
    context.destroy(linger=0)


def test_stream__publisher_behind_a_proxy_restarts__is_a_restart_and_no_gap(directory, folder):
    """The connection to the proxy stands, the numbers go back."""
    context = zmq.Context()
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
    context.destroy(linger=0)


def test_stream__bitcoin_core__has_one_sequence_for_each_topic(directory, folder):
    """Topic, body, 4 bytes little-endian: what the example file shows."""
    context = zmq.Context()
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
    context.destroy(linger=0)
