# SPDX-License-Identifier: MPL-2.0
"""Connections, handshakes and their failures are counted one by one, on the side that knows."""

import pathlib
import socket
import subprocess
import time

import pytest
import zmq

from support import libzmq, products, segment_file
from support.process import Process, run
from support.puppet import Puppet
from support.waiting import wait_equal, wait_for

SIGNATURE = b"\xff" + bytes(7) + b"\x01\x7f"
NULL_GREETING = SIGNATURE + b"\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)


def port_of(endpoint):
    return int(endpoint.rsplit(":", 1)[1])


def total(segment, block, kind):
    """Sum over all details of a block of handshake failures."""
    return sum(segment.counter((block, detail), kind) for detail in getattr(segment_file, block))


def failures(process, kind):
    """(auth, protocol, transport)"""
    segment = process.segment()
    return tuple(total(segment, block, kind) for block in ("AUTH", "PROTOCOL", "TRANSPORT"))


def keys(client, server_key):
    public, secret = zmq.curve_keypair()
    client.set(zmq.CURVE_PUBLICKEY, public.decode())
    client.set(zmq.CURVE_SECRETKEY, secret.decode())
    client.set(zmq.CURVE_SERVERKEY, server_key)


@pytest.mark.parametrize("language", ["c", "pyzmq"])
def handshakes__as_this_libzmq_tells__are_counted_or_absent_with_a_reason(agent, start, language):
    server = start(language, variables={"ZMQ_EXPORTER_PROGRAM": "server"})
    pull = server.socket(zmq.PULL)
    endpoint = pull.bind("tcp://127.0.0.1:*")
    with zmq.Context() as context, context.socket(zmq.PUSH) as push:
        push.connect(endpoint)
        push.send(b"x")
        server.wait_counter(1, ("EVENTS", "accepted"), "PULL")
        server.wait_next_rounds()
        told = libzmq.has(4, 3, 0)
        assert server.segment().libraries[0][:3] == zmq.zmq_version_info()
        assert server.segment().capabilities["handshakes"] == (
            ("on", "") if told else ("off", "libzmq before 4.3.0"))
        labels = {"program": "server", "type": "PULL"}
        agent.wait_value(1, "zmq_socket_events_total", event="accepted", **labels)
        if told:
            agent.wait_value(1, "zmq_socket_handshakes_total", **labels)
        page = agent.scrape()
        state = "on" if told else "off"
        assert page.value("zmq_tap_capability", program="server", capability="handshakes", state=state) == 1
        for family in ("zmq_socket_handshakes_total", "zmq_socket_handshake_failures_total", "zmq_socket_peers"):
            assert (page.value(family, **labels) is None) != told, family


@libzmq.needs_curve
@libzmq.needs_handshakes
def failed_auth__refused_keys__are_counted_by_both_ends(directory, start):
    """ZAP says 400; libzmq tells both the server and, by an ERROR command, the client."""
    with Process(products.program("curve_server.py"), directory) as server:
        endpoint, public = server.line().split()
        client = start("c")
        for i in range(1, 8):
            push = client.socket(zmq.PUSH)
            keys(push, public)
            push.connect(endpoint)
            server.wait_counter(i, ("AUTH", "400"), "PULL")
            client.wait_counter(i, ("AUTH", "400"), "PUSH")
        assert failures(server, "PULL") == failures(client, "PUSH") == (7, 0, 0)
        assert server.segment().counter(("EVENTS", "handshake_succeeded"), "PULL") == 0
        server.wait_gauge(0, "PEERS", "PULL")


@libzmq.needs_curve
@libzmq.needs_handshakes
def failed_handshake__wrong_server_key__is_protocol_at_the_server(directory, start):
    """The server cannot open the client's first box; the client only sees the connection end."""
    with Process(products.program("curve_server.py"), directory) as server:
        endpoint, _ = server.line().split()
        client = start("c")
        push = client.socket(zmq.PUSH, reconnect_ivl=-1)
        keys(push, zmq.curve_keypair()[0].decode())
        push.connect(endpoint)
        server.wait_counter(1, ("PROTOCOL", "zmtp_cryptographic"), "PULL")
        wait_equal(lambda: failures(client, "PUSH"), (0, 0, 1), "failures of the client")
        assert failures(server, "PULL") == (0, 1, 0)


@libzmq.needs_handshakes
@pytest.mark.parametrize("language", ["c", "pyzmq"])
@pytest.mark.parametrize("transport", ["tcp", "ipc"])
def disconnects__peers_come_and_go__are_counted_each(start, folder, transport, language):
    server = start(language)
    pull = server.socket(zmq.PULL)
    endpoint = pull.bind("tcp://127.0.0.1:*" if transport == "tcp" else f"ipc://{folder}/s")
    context = zmq.Context()
    for i in range(1, 21):
        push = context.socket(zmq.PUSH)
        push.connect(endpoint)
        push.send(b"x")
        server.wait_counter(i, ("EVENTS", "handshake_succeeded"), "PULL")
        server.wait_gauge(1, "PEERS", "PULL")
        push.close()
        server.wait_counter(i, ("EVENTS", "disconnected"), "PULL")
        server.wait_gauge(0, "PEERS", "PULL")
    assert failures(server, "PULL") == (0, 0, 0)
    assert server.segment().counter(("EVENTS", "accepted"), "PULL") == 20
    context.destroy(0)


@libzmq.needs_handshakes
def disconnects__server_dies__are_counted_by_the_client(start):
    client = start("c")
    push = client.socket(zmq.PUSH, reconnect_ivl=10)
    for i in range(1, 4):
        with Puppet("c") as server:
            pull = server.socket(zmq.PULL)
            push.connect(endpoint := pull.bind("tcp://127.0.0.1:*"))
            client.wait_gauge(1, "PEERS", "PUSH")
        client.wait_counter(i, ("EVENTS", "disconnected"), "PUSH")
        client.wait_gauge(0, "PEERS", "PUSH")
        push.disconnect(endpoint)
    wait_for(lambda: client.segment().counter(("EVENTS", "connect_retried"), "PUSH"), "a retry")


RUBBISH = {
    # name: (what is sent, the detail libzmq gives)
    "high bytes": (b"\xff" * 200, "zmtp_mechanism_mismatch"),
    "unknown mechanism": (SIGNATURE + b"\x03\x00" + b"BOGUS".ljust(20, b"\0") + bytes(32),
                          "zmtp_mechanism_mismatch"),
    "bad command": (NULL_GREETING + b"\x04\x08\x07RUBBISH", "zmtp_unexpected_command"),
    "message before ready": (NULL_GREETING + b"\x00\x05hello", "zmtp_unexpected_command"),
    # libzmq gives up without a word of its own here: only the connection's end is seen.
    "zeros": (bytes(100), "zmtp_unspecified"),
}


@libzmq.needs_handshakes
@pytest.mark.parametrize("name", RUBBISH)
def failed_protocol__rubbish__is_counted_each(start, name):
    data, detail = RUBBISH[name]
    server = start("c")
    port = port_of(server.socket(zmq.ROUTER).bind("tcp://127.0.0.1:*"))
    for i in range(1, 6):
        with socket.create_connection(("127.0.0.1", port)) as rubbish:
            rubbish.sendall(data)
            server.wait_counter(i, ("PROTOCOL", detail), "ROUTER")
    server.wait_counter(5, ("EVENTS", "disconnected"), "ROUTER")
    server.wait_next_rounds()
    assert failures(server, "ROUTER") == (0, 5, 0)
    assert server.segment().gauge("PEERS", "ROUTER") == 0


@libzmq.needs_handshakes
def failed_transport__client_leaves_in_the_handshake__is_counted(start):
    server = start("c")
    port = port_of(server.socket(zmq.ROUTER).bind("tcp://127.0.0.1:*"))
    for i in range(1, 6):
        with socket.create_connection(("127.0.0.1", port)) as leaver:
            leaver.sendall(SIGNATURE)
            server.wait_counter(i, ("EVENTS", "accepted"), "ROUTER")
        wait_equal(lambda: failures(server, "ROUTER"), (0, 0, i), "failures")


@libzmq.needs_handshakes
def failed_handshakes__stream_socket__has_none(start):
    """libzmq raises a failure each time a peer of a STREAM leaves; there was no handshake."""
    server = start("c")
    stream = server.socket(zmq.STREAM)
    port = port_of(stream.bind("tcp://127.0.0.1:*"))
    for i in range(1, 11):
        with socket.create_connection(("127.0.0.1", port)) as peer:
            peer.sendall(b"hello")
            server.wait_gauge(1, "PEERS", "STREAM")
        server.wait_counter(i, ("EVENTS", "disconnected"), "STREAM")
        server.wait_gauge(0, "PEERS", "STREAM")
    assert failures(server, "STREAM") == (0, 0, 0)
    assert server.segment().counter(("EVENTS", "handshake_failed_no_detail"), "STREAM") == 10


def failed_bind__address_in_use__is_counted(start):
    puppet = start("c")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        pull = puppet.socket(zmq.PULL)
        for i in range(1, 4):
            with pytest.raises(Exception, match="EADDRINUSE"):
                pull.bind(f"tcp://127.0.0.1:{port}")
            puppet.wait_counter(i, ("EVENTS", "bind_failed"), "PULL")


def resident_kib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


def events__fifty_thousand_connections_in_a_burst__none_is_lost(start):
    """Meanwhile the same I/O thread answers pings, and afterwards the memory is back."""
    count = 50000
    server = start("c")
    router, echo = server.socket(zmq.ROUTER), server.socket(zmq.STREAM)
    endpoint = router.bind("tcp://127.0.0.1:*")
    ping_endpoint = echo.bind("tcp://127.0.0.1:*")
    run([*products.program("churn"), port_of(endpoint), 2000])
    server.wait_counter(2000, ("EVENTS", "disconnected"), "ROUTER")
    before = resident_kib(server.pid)

    churn = subprocess.Popen([*products.program("churn"), str(port_of(endpoint)), str(count)],
                             stdout=subprocess.PIPE, text=True)
    pings, slowest = 0, 0.0
    while churn.poll() is None:
        began = time.monotonic()
        # The I/O thread itself answers: it accepts, and greets with what STREAM queued.
        with socket.create_connection(("127.0.0.1", port_of(ping_endpoint)), timeout=30) as ping:
            ping.sendall(b"ping")
            frames = echo.recv_frames()
            while frames[1] != b"ping":
                frames = echo.recv_frames()
            echo.send_frames(frames[0], b"pong")
            assert ping.recv(4) == b"pong"
        slowest = max(slowest, time.monotonic() - began)
        pings += 1
    assert churn.communicate()[0].strip() == str(count)
    assert pings > 20 and slowest < 10, (pings, slowest)

    for event in ("accepted", "disconnected"):
        server.wait_counter(2000 + count, ("EVENTS", event), "ROUTER", deadline_s=120)
    if not libzmq.has(4, 3, 0):
        return
    assert failures(server, "ROUTER") == (0, 0, 2000 + count)
    server.wait_gauge(0, "PEERS", "ROUTER")
    if libzmq.has(4, 3, 3):  # older ones keep 10 KiB of a client that was refused
        wait_for(lambda: resident_kib(server.pid) < before + 8192,
                 lambda: f"{before} KiB before, {resident_kib(server.pid)} after")
    print(f"{pings} pings, slowest {slowest * 1000:.0f} ms, {before} → {resident_kib(server.pid)} KiB")
