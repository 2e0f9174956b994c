# SPDX-License-Identifier: MPL-2.0
"""Peers that greet as they must and then misbehave to the socket that follows; old protocols."""

import contextlib
import os
import struct
import time

import zmq

from support import zmtp_peers
from support.probing import SOCKET_TYPES, ProbingAgent, probe, publisher
from support.waiting import wait_for

CLOSED = {("transport", "EPIPE"), ("transport", "ECONNRESET")}
SILENT = {("transport", "ETIMEDOUT")}
NOT_ZMTP = {("protocol", "zmtp_unspecified"), ("protocol", "zmtp_invalid_metadata"), *CLOSED}

HELLO = zmtp_peers.greeting()
GOOD = HELLO + zmtp_peers.ready(b"PUB")


def frame(data, flags=0):
    if len(data) < 256:
        return bytes([flags, len(data)]) + data
    return bytes([flags | 2]) + struct.pack(">Q", len(data)) + data


def assert_untouched(agent, name):
    page = agent.wait_success(name)
    assert agent.value("zmq_probe_attempts_total", name, page) == 1
    assert agent.value("zmq_probe_disconnects_total", name, page) == 0
    assert set(agent.values("zmq_probe_failures_total", name, page).values()) == {0}


def test_probe__peer_that_greets_and_then_misbehaves__is_a_failed_handshake(directory, folder):
    cases = {
        "closes": (zmtp_peers.close, CLOSED),
        "closes in its greeting": (lambda c: c.sendall(HELLO[:30]), CLOSED),
        "closes before its ready": (lambda c: c.sendall(HELLO), CLOSED),
        "silent": (zmtp_peers.say(b""), SILENT),
        "no ready": (zmtp_peers.say(HELLO), SILENT),
        "one byte a second": (zmtp_peers.drip(GOOD), SILENT),
        "rubbish": (zmtp_peers.say(b"HTTP/1.1 400 Bad Request\r\n\r\n"), NOT_ZMTP | SILENT),
        "endless": (zmtp_peers.flood(b"\xff" * 65536),  # as a greeting it has a mechanism, too
                    NOT_ZMTP | {("protocol", "zmtp_mechanism_mismatch")}),
        "other type": (zmtp_peers.say(HELLO + zmtp_peers.ready(b"PUSH")), NOT_ZMTP),
        "refuses": (zmtp_peers.say(HELLO + zmtp_peers.command(b"ERROR", b"\x03400")), {("auth", "400")}),
        "other mechanism": (zmtp_peers.say(zmtp_peers.greeting(mechanism=b"CURVE", as_server=1)),
                            {("protocol", "zmtp_mechanism_mismatch")}),
        "unknown command": (zmtp_peers.say(HELLO + zmtp_peers.command(b"DANCE")),
                            {("protocol", "zmtp_unexpected_command")}),
    }
    with contextlib.ExitStack() as stack:
        probes = [probe("healthy", stack.enter_context(publisher()), "PUB")]
        for name, (behave, expected) in cases.items():
            peer = stack.enter_context(zmtp_peers.turns(behave))
            patience = {"timeout": "1s"} if SILENT <= expected else {}
            probes.append(probe(name, peer.endpoint, "PUB", **patience))
        agent = stack.enter_context(ProbingAgent(directory, folder, probes))
        for name, (_, expected) in cases.items():
            page = wait_for(lambda: agent.failure(name) and agent.scrape(), f"a failure of {name}")
            seen = {tuple(key.split(",")) for key in agent.values("zmq_probe_handshake_failures_total", name, page)}
            assert seen and seen <= expected, (name, seen)
            assert agent.value("zmq_probe_success", name, page) == 0
            assert agent.value("zmq_probe_connected", name, page) in (None, 0)
            assert agent.value("zmq_probe_disconnects_total", name, page) == 0
            failures = agent.values("zmq_probe_failures_total", name, page)
            assert failures["connect"] == failures["resolve"] == 0, name
        assert_untouched(agent, "healthy")


def test_probe__connection_that_breaks_again_and_again__is_counted_each_time(directory, folder):
    cases = {
        "closes": zmtp_peers.close,
        "bad frame": zmtp_peers.say(b"\xfe" + b"\xff" * 8),
        "too large": zmtp_peers.say(frame(b"topic" + bytes(5000))),
        "unknown command": zmtp_peers.say(zmtp_peers.command(b"DANCE") * 3 + b"\xff" * 100),
    }
    with contextlib.ExitStack() as stack:
        probes = [probe("healthy", stack.enter_context(publisher()), "PUB")]
        for name, behave in cases.items():
            peer = stack.enter_context(zmtp_peers.then(behave))
            probes.append(probe(name, peer.endpoint, "PUB", subscriptions=["topic"], max_message_size=1000))
        agent = stack.enter_context(ProbingAgent(directory, folder, probes))
        for name in cases:
            wait_for(lambda: (agent.value("zmq_probe_disconnects_total", name) or 0) >= 5,
                     lambda: f"{name}: {agent.get()}")
            page = agent.scrape()
            assert set(agent.values("zmq_probe_failures_total", name, page).values()) == {0}, name
            broken = agent.value("zmq_probe_disconnects_total", name, page)
            assert agent.value("zmq_probe_attempts_total", name, page) - broken in (0, 1), name
            assert agent.value("zmq_probe_received_messages_total", name, page) == 0
        assert_untouched(agent, "healthy")


def test_probe__flood_of_messages__holds_up_nobody(directory, folder):
    """Asked for or not: the other probes of the same thread and the page go on. libzmq itself has
    no limit for a message that does not end; it would fill the exporter."""
    floods = {
        "asked for": (b"PUB", frame(b"topic"), {"subscriptions": ["topic"]}),
        "not asked for": (b"PUB", frame(b"x"), {"subscriptions": ["topic"]}),
        "to a silent one": (b"PUB", frame(b"x"), {}),
        "endless message": (b"PUB", frame(b"topic", flags=1), {"subscriptions": ["topic"]}),
        "endless to a silent one": (b"PUB", frame(b"topic", flags=1), {}),
        "endless to a publisher": (b"SUB", frame(b"topic", flags=1), {}),
        "replies": (b"ROUTER", frame(b"", flags=1) + frame(b"x"), {}),
    }
    with contextlib.ExitStack() as stack:
        probes = [probe("healthy", stack.enter_context(publisher()), "PUB")]
        for name, (kind, data, settings) in floods.items():
            peer = stack.enter_context(zmtp_peers.then(zmtp_peers.flood(data * 5000), kind))
            probes.append(probe(name, peer.endpoint, kind.decode(), **settings))
        agent = stack.enter_context(ProbingAgent(directory, folder, probes))
        for name in floods:
            if "endless" in name or name == "not asked for":  # the others wait before a full queue
                agent.wait_failure(name, ("policy", "unasked", "connection"))
        wait_for(lambda: agent.value("zmq_probe_received_messages_total", "asked for") > 100000, agent.get)
        page = agent.wait_success("asked for", "replies")
        assert page.value("zmq_exporter_collector_success", collector="probe") == 1
        assert page.value("process_resident_memory_bytes") < 400e6
        for name in ("not asked for", "endless message"):
            assert agent.value("zmq_probe_received_messages_total", name, page) == 0
        assert agent.value("zmq_probe_disconnects_total", "asked for", page) == 0
        assert_untouched(agent, "healthy")


def test_probe__subscriptions_without_end__are_cut_off(directory, folder, context):
    """A silent publisher keeps its peer's subscriptions: they must not fill the exporter."""
    def subscribe(connection):
        while True:
            connection.sendall(b"".join(frame(b"\x01" + os.urandom(40)) for _ in range(500)))

    many = context.socket(zmq.SUB)
    for i in range(3000):
        many.subscribe(b"topic %d" % i)
    many.bind("tcp://127.0.0.1:*")
    with zmtp_peers.then(subscribe, b"SUB") as peer:
        probes = [probe("endless", peer.endpoint, "SUB"),
                  probe("many", many.last_endpoint.decode().rstrip("\0"), "SUB")]
        with ProbingAgent(directory, folder, probes) as agent:
            agent.wait_failure("endless", ("policy", "subscriptions", "connection"))
            agent.wait_success("many")
            for i in range(2000):  # many come and go, few are there
                many.subscribe(b"other %d" % i * 50)
                many.unsubscribe(b"other %d" % i * 50)
            wait_for(lambda: agent.value("zmq_probe_disconnects_total", "endless") >= 5, agent.get)
            assert agent.scrape().value("process_resident_memory_bytes") < 200e6
            assert_untouched(agent, "many")


def test_probe__zmtp_3_0__is_held_without_pings(directory, folder):
    """Not every library that speaks 3.0 answers a PING, and none of 3.0 must."""
    heard = {}

    def listen(name):
        def behave(connection):
            connection.settimeout(0.2)
            heard[name] = b""
            end = time.monotonic() + 3  # some intervals; what must not come has no event
            while time.monotonic() < end:
                with contextlib.suppress(TimeoutError):
                    heard[name] += connection.recv(4096)
            connection.settimeout(None)
            zmtp_peers.until_closed(connection)
        return behave

    with contextlib.ExitStack() as stack:
        beats = {"heartbeat_interval": "100ms", "heartbeat_timeout": "20s"}
        probes = []
        for name, minor in (("3.0", 0), ("3.1", 1)):
            peer = stack.enter_context(zmtp_peers.then(listen(name), minor=minor))
            probes.append(probe(name, peer.endpoint, "PUB", **beats))
        agent = stack.enter_context(ProbingAgent(directory, folder, probes))
        page = agent.wait_success("3.0", "3.1")
        for name in ("3.0", "3.1"):
            assert agent.values("zmq_probe_peer_info", name, page) == {f"NULL,PUB,{name}": 1}
            assert agent.value("zmq_probe_connected", name, page) == 1
        wait_for(lambda: b"PING" in heard.get("3.1", b""), "a ping")
        assert_untouched(agent, "3.0")
        assert heard["3.0"] == b""  # no subscription, no ping


def test_probe__zmtp_2_of_every_type__is_told_by_its_greeting(directory, folder):
    numbers = {kind: getattr(zmq, kind) for kind in SOCKET_TYPES}
    with contextlib.ExitStack() as stack:
        probes = []
        for kind, number in numbers.items():
            peer = stack.enter_context(zmtp_peers.says(zmtp_peers.SIGNATURE + bytes([1, number])))
            probes.append(probe(kind, peer.endpoint, kind, method="greeting", greet_old_peers=True))
        agent = stack.enter_context(ProbingAgent(directory, folder, probes))
        page = agent.wait_success(*numbers)
        for kind in numbers:
            assert agent.values("zmq_probe_peer_info", kind, page) == {f",{kind},2.0": 1}


def test_probe__visit_under_way__changes_nothing_on_the_page(directory, folder):
    """What the peer is stays as it was until the next visit is over."""
    def hesitate(connection):
        connection.sendall(HELLO)
        time.sleep(0.3)  # a peer that takes its time
        zmtp_peers.say(zmtp_peers.ready(b"PUSH"))(connection)

    with zmtp_peers.ZmtpPeer(hesitate) as peer:
        with ProbingAgent(directory, folder, [probe("slow", peer.endpoint, "PUSH")]) as agent:
            agent.wait_success("slow")

            def is_seen():
                page = agent.scrape()
                assert agent.values("zmq_probe_peer_info", "slow", page) == {"NULL,PUSH,3.1": 1}
                assert agent.value("zmq_probe_success", "slow", page) == 1
                return peer.visits >= 6
            wait_for(is_seen, "visits")
