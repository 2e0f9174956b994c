# SPDX-License-Identifier: MPL-2.0
"""A probe never takes data: programs of every socket type, under traffic, while they are probed.

Each conversation has its bound socket probed by greeting again and again, by sockets where
that is allowed, and on demand, while every message is accounted for: none lost, none more.
"""

import pytest
import zmq

from support.probing import BY_GREETING, SOCKET_TYPES, ProbingAgent, probe
from support.waiting import DEADLINE_S, wait_for

VISITS = 40  # during the traffic, of all probes


class Conversation:
    """The bound socket `bound`, the connected ones `others`, and one round of their talk."""

    def __init__(self, kind, mechanism="NULL"):
        self.context = zmq.Context()
        self.keys = zmq.curve_keypair() if mechanism == "CURVE" else None
        self.bound = self.make(kind)
        if self.keys:
            self.bound.curve_server, self.bound.curve_secretkey = True, self.keys[1]
        self.bound.bind("tcp://127.0.0.1:*")
        self.endpoint = self.bound.last_endpoint.decode().rstrip("\0")
        self.others, self.rounds = [], 0
        self.talk = getattr(self, "talk_" + kind.lower())
        getattr(self, "open_" + kind.lower())()

    def make(self, kind):
        one = self.context.socket(getattr(zmq, kind))
        one.linger, one.rcvtimeo, one.sndtimeo = 0, int(DEADLINE_S * 1000), int(DEADLINE_S * 1000)
        one.sndhwm = one.rcvhwm = 0
        return one

    def join(self, kind, n=1):
        for _ in range(n):
            one = self.make(kind)
            if kind == "SUB":
                one.subscribe(b"")
            if self.keys:
                one.curve_publickey, one.curve_secretkey = zmq.curve_keypair()
                one.curve_serverkey = self.keys[0]
            one.connect(self.endpoint)
            self.others.append(one)

    def end(self):
        self.context.destroy(linger=0)

    def round(self):
        self.talk(b"%d" % self.rounds)
        self.rounds += 1

    def check_nothing_left(self):
        for one in [self.bound, *self.others]:
            if one.type not in (zmq.PUB, zmq.PUSH):
                assert one.poll(100) in (0, zmq.POLLOUT), "a message that nobody sent"

    # Work is shared: whatever a probe took would be missing at the workers.
    def open_push(self):
        self.join("PULL", 2)

    def talk_push(self, text):
        for i in range(4):
            self.bound.send(text + b".%d" % i)
        self.receive_all({text + b".%d" % i for i in range(4)})

    def receive_all(self, expected):
        poller = zmq.Poller()
        for one in self.others:
            poller.register(one, zmq.POLLIN)
        while expected:
            ready = poller.poll(DEADLINE_S * 1000)
            assert ready, f"lost: {expected}"
            for one, _ in ready:
                expected.remove(one.recv())

    def open_dealer(self):
        self.join("REP", 2)

    def talk_dealer(self, text):
        for i in range(4):
            self.bound.send_multipart([b"", text + b".%d" % i])
        poller = zmq.Poller()
        for one in self.others:
            poller.register(one, zmq.POLLIN)
        left = 4
        while left:
            ready = poller.poll(DEADLINE_S * 1000)
            assert ready, "a request is lost"
            for one, _ in ready:
                one.send(one.recv())
                left -= 1
        assert {self.bound.recv_multipart()[1] for _ in range(4)} == {text + b".%d" % i for i in range(4)}

    def open_req(self):
        self.join("REP")

    def talk_req(self, text):
        self.ask(self.bound, self.others[0], text)

    @staticmethod
    def ask(client, server, text):
        client.send(text)
        assert server.recv() == text
        server.send(text + b"!")
        assert client.recv() == text + b"!"

    def open_rep(self):
        self.join("REQ")

    def talk_rep(self, text):
        self.ask(self.others[0], self.bound, text)

    def open_router(self):
        self.join("DEALER")

    def talk_router(self, text):
        self.others[0].send(text)
        sender, received = self.bound.recv_multipart()
        assert received == text
        self.bound.send_multipart([sender, text + b"!"])
        assert self.others[0].recv() == text + b"!"

    def open_pull(self):
        self.join("PUSH")

    def talk_pull(self, text):
        self.others[0].send(text)
        assert self.bound.recv() == text

    def open_pair(self):
        self.join("PAIR")

    def talk_pair(self, text):
        for one, other in [(self.bound, self.others[0]), (self.others[0], self.bound)]:
            one.send(text)
            assert other.recv() == text

    def open_pub(self):
        self.join("SUB", 2)
        for one in self.others:  # until the subscription is there
            while not one.poll(10):
                self.bound.send(b"hello")
        for one in self.others:
            while one.poll(100):
                assert one.recv() == b"hello"

    def talk_pub(self, text):
        self.bound.send(text)
        assert [one.recv() for one in self.others] == [text, text]

    def open_xpub(self):
        self.join("SUB", 2)
        assert self.bound.recv() == b"\x01"  # one for both, and none of a probe's

    talk_xpub = talk_pub

    def open_sub(self):
        self.bound.subscribe(b"")
        self.join("XPUB")
        self.await_subscription()

    def await_subscription(self):
        # A bound SUB subscribes at a new peer when its program next looks at it.
        wait_for(lambda: self.bound.poll(1) or self.others[0].poll(10), "a subscription")
        assert self.others[0].recv() == b"\x01"

    def talk_sub(self, text):
        self.others[0].send(text)
        assert self.bound.recv() == text

    def open_xsub(self):
        self.bound.send(b"\x01")
        self.join("XPUB")
        self.await_subscription()

    talk_xsub = talk_sub


@pytest.mark.parametrize("kind", SOCKET_TYPES)
def test_probe__under_traffic__loses_and_gains_no_message(directory, folder, kind):
    talk = Conversation(kind)
    methods = ["greeting"] if kind in BY_GREETING else ["greeting", "socket"]
    probes = [probe(f"{name} {i}", talk.endpoint, kind, method=name) for name in methods for i in range(4)]
    names = [one["name"] for one in probes]
    modules = {name: {"peer": kind, "method": name} for name in methods}
    try:
        with ProbingAgent(directory, folder, probes, modules=modules,
                          probe_targets=["tcp://127.0.0.1:*"]) as agent:
            talk.round()
            agent.wait_success(*names)

            def has_visited():
                for _ in range(50):
                    talk.round()
                for name in methods:
                    status, text = agent.request(f"/probe?target={talk.endpoint}&module={name}")
                    assert status == 200 and "zmq_probe_success 1\n" in text, text
                return agent.scrape().value("zmq_probe_attempts_total") >= VISITS

            wait_for(has_visited, "visits during the traffic")
            page = agent.wait_success(*names)
            assert page.value("zmq_probe_failures_total") == 0
            assert page.value("zmq_probe_disconnects_total") in (None, 0)
            talk.check_nothing_left()
        talk.round()
        talk.check_nothing_left()
    finally:
        talk.end()


def test_probe__with_subscriptions__gets_copies_and_takes_none(directory, folder):
    talk = Conversation("PUB")
    probes = [probe("feed", talk.endpoint, "PUB", subscriptions=[""])]
    try:
        with ProbingAgent(directory, folder, probes) as agent:
            agent.wait_success("feed")

            def has_arrived():
                talk.round()
                return agent.value("zmq_probe_received_messages_total", "feed") >= 100

            wait_for(has_arrived, "copies")
            talk.check_nothing_left()
    finally:
        talk.end()


# Peers that the same socket of ours fits: libzmq has no quarrel, and none of them loses anything.
ALIKE = [{"PUB", "XPUB"}, {"SUB", "XSUB"}, {"ROUTER", "REP"}]


def fits(kind, configured):
    return any({kind, configured} <= pair for pair in ALIKE)


@pytest.mark.parametrize("mechanism", ["NULL", "CURVE"])
@pytest.mark.parametrize("kind", SOCKET_TYPES)
def test_probe__configured_for_another_type__loses_and_gains_no_message(directory, folder, kind, mechanism):
    """With NULL the greeting tells. With CURVE a socket of ours does connect, and libzmq refuses."""
    talk = Conversation(kind, mechanism)
    security = {"security": {"mechanism": "CURVE", "server_key": talk.keys[0].decode()}} if talk.keys else {}
    wrong = [other for other in SOCKET_TYPES if other not in BY_GREETING and other != kind]
    probes = [probe(other, talk.endpoint, other, **security) for other in wrong]
    try:
        with ProbingAgent(directory, folder, probes) as agent:
            def has_visited():
                for _ in range(20):
                    talk.round()
                return agent.scrape().value("zmq_probe_attempts_total") >= VISITS

            wait_for(has_visited, "visits during the traffic")
            page = agent.scrape()
            for other in wrong:
                is_held = mechanism == "CURVE" and fits(kind, other)
                assert agent.value("zmq_probe_success", other, page) == is_held, other
            talk.check_nothing_left()
        talk.round()
        talk.check_nothing_left()
    finally:
        talk.end()
