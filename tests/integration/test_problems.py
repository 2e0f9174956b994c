# SPDX-License-Identifier: MPL-2.0
"""What is wrong right now, in words: the cause before its symptoms, and nothing of what is well."""

import json
import re
import signal
import socket as sockets

import pytest
import zmq

from support import http, products
from support.waiting import wait_for


def problems(agent):
    return json.loads(agent.get("/api/v1/problems"))["problems"]


def kinds(agent):
    return [(p["program"], p["kind"]) for p in problems(agent)]


@pytest.fixture
def named(start):
    return lambda name: start("c", variables={"ZMQ_EXPORTER_PROGRAM": name})


@pytest.fixture
def free_port():
    """A port that nothing listens at: a program that writes its number, as most do."""
    with sockets.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.fixture
def link(named, free_port):
    """A sender and a receiver in two processes, whose addresses are written differently."""
    sender, receiver = named("orders").socket(zmq.PUSH, sndhwm=10), named("ledger").socket(zmq.PULL, rcvhwm=10)
    sender.bind(f"tcp://127.0.0.1:{free_port}")
    receiver.connect(f"tcp://localhost:{free_port}")
    return sender, receiver


def test_receiver__stands_still__is_the_one_problem_and_names_the_sender(agent, link):
    sender, receiver = link
    assert sender.send(1) == 1 and receiver.recv(1)[0] == 1
    # It takes nothing more until half of it has been read, so it need not stay at its mark.
    wait_for(lambda: sender.fill(1000000, size=100000) == 0 and
             (agent.scrape().value("zmq_socket_send_hwm_proximity_ratio", program="orders") or 0) > 0.5,
             "a full queue")

    def is_named():
        sender.fill(1000, size=100000)  # the kernel may have taken some more
        return [p["kind"] for p in problems(agent)] == ["receiver_stuck"] and problems(agent)[0]["blocked"]
    wait_for(is_named,
             lambda: f"one problem, which names the sender; there are {problems(agent)}")
    found, = problems(agent)
    assert found["program"] == "ledger" and found["type"] == "PULL" and found["pid"] == receiver.puppet.pid
    assert found["severity"] == "critical" and found["runbook"] == "ZeroMQReceiverStuck"
    assert [(b["program"], b["pid"]) for b in found["blocked"]] == [("orders", sender.puppet.pid)]
    assert found["text"].startswith("stopped receiving ") and found["text"].endswith("; orders is blocked by it")
    assert found["seconds"] > 1 and found["value"] > 1
    assert receiver.recv(found["value"])[0] > 0


def test_receiver__goes_on__is_no_problem(agent, link):
    sender, receiver = link
    assert sender.send(5) == 5 and receiver.recv(5)[0] == 5
    agent.wait_value(5, "zmq_socket_received_messages_total", program="ledger")
    assert problems(agent) == []
    assert sender.send(1) == 1  # one alone may be one that nobody means to read
    agent.wait_value(1, "zmq_socket_receive_queue_messages", program="ledger")
    assert problems(agent) == []


def test_nobody__answers__is_said_of_the_one_that_connects(agent, named, free_port):
    socket = named("lonely").socket(zmq.SUB)
    socket.connect(f"tcp://127.0.0.1:{free_port}")
    wait_for(lambda: kinds(agent) == [("lonely", "no_peer")], lambda: f"no peer; there are {problems(agent)}")


def test_router__without_the_peer__drops(agent, named):
    router = named("desk").socket(zmq.ROUTER)
    router.bind("inproc://desk")
    wait_for(lambda: agent.scrape().value("zmq_sockets", program="desk"), "the socket")
    wait_for(lambda: json.loads(agent.get("/api/v1/problems"))["recent_seconds"] > 0, "a first look")

    def dropping():
        router.send(1, size=3)
        return kinds(agent) == [("desk", "unroutable")]
    wait_for(dropping, lambda: f"a drop; there are {problems(agent)}")
    assert "their receivers are not connected" in problems(agent)[0]["text"]


def test_process__stopped__is_one_problem_however_many_sockets(agent, named):
    puppet = named("asleep")
    for _ in range(5):
        puppet.socket(zmq.PUB).bind("tcp://127.0.0.1:*")
    agent.wait_value(5, "zmq_sockets", program="asleep")
    puppet.popen.send_signal(signal.SIGSTOP)
    wait_for(lambda: kinds(agent) == [("asleep", "tap_silent")], lambda: f"silence; there are {problems(agent)}")
    puppet.popen.send_signal(signal.SIGCONT)
    wait_for(lambda: problems(agent) == [], "none")


def test_runbook__of_each_kind__is_served(agent):
    names = re.findall(r'X\([A-Z_]+, "[a-z_]+", "(\w+)"\)', (products.TESTS.parent / "src/problems/problem.h").read_text())
    assert len(names) >= 10
    for name in names:
        assert http.request(agent.address, f"/runbooks/{name}?program=a").status == 200, name


def test_workers__alike__are_one_problem(agent, named):
    puppet = named("pool")
    push = puppet.socket(zmq.PUSH)
    push.bind("inproc://jobs")
    pulls = [puppet.socket(zmq.PULL) for _ in range(3)]
    for pull in pulls:
        pull.connect("inproc://jobs")
    assert push.send(30) == 30
    for pull in pulls:
        assert pull.poll() == zmq.POLLIN
    wait_for(lambda: [(p["sockets"], p["value"]) for p in problems(agent)] == [(3, 30)],
             lambda: f"one problem of three sockets; there are {problems(agent)}")
    assert problems(agent)[0]["text"].endswith("(3 sockets)")
