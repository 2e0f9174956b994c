# SPDX-License-Identifier: MPL-2.0
"""A user id that a ZAP handler gives lies in the queue with the messages, and is none of them."""

import contextlib
import os
import time

import pytest
import zmq

from support import libzmq, products
from support.agent import Agent
from support.process import Process
from support.waiting import wait_for

# Serves PLAIN or CURVE, says where and with which key, reads as many messages as it is told.
SERVER = """
import sys, threading, zmq
kind, mechanism, user = getattr(zmq, sys.argv[1]), sys.argv[2], sys.argv[3].encode()
context = zmq.Context()
handler = context.socket(zmq.REP)
handler.bind("inproc://zeromq.zap.01")
def serve():
    while True:
        request = handler.recv_multipart()
        handler.send_multipart([b"1.0", request[1], b"200", b"OK", user, b""])
threading.Thread(target=serve, daemon=True).start()
socket, key = context.socket(kind), b"-"
socket.zap_domain = b"all"
if mechanism == "PLAIN":
    socket.plain_server = True
else:
    key, socket.curve_secretkey = zmq.curve_keypair()
    socket.curve_server = True
port = socket.bind_to_random_port("tcp://127.0.0.1")
print(port, key.decode(), flush=True)
for line in sys.stdin:
    for _ in range(int(line)):
        socket.recv_multipart()
    print("read", flush=True)
"""
PEERS = {"PULL": zmq.PUSH, "ROUTER": zmq.DEALER}
NAME = f"server-{os.getpid()}"  # of no other run on this machine
STEADY_S = 1.1  # longer than from one look of the reader to the next
QUEUE = "zmq_socket_receive_queue_messages"
AGE = "zmq_socket_receive_queue_oldest_message_age_seconds"


def connect(context, kind, mechanism, port, key):
    socket = context.socket(PEERS[kind])
    if mechanism == "PLAIN":
        socket.plain_username, socket.plain_password = b"probe", b"geheim"
    else:
        socket.curve_serverkey = key.encode()
        socket.curve_publickey, socket.curve_secretkey = zmq.curve_keypair()
    socket.connect(f"tcp://127.0.0.1:{port}")
    return socket


def wait_steady(agent, expected, name, kind):
    """The page has this value, and no other for a while."""
    since = [None, None]

    def is_steady():
        value = agent.scrape().value(name, program=NAME, type=kind)
        if value != since[0]:
            since[:] = [value, time.monotonic()]
        return value == expected and time.monotonic() - since[1] > STEADY_S

    wait_for(is_steady, lambda: f"{name} is {since[0]}, not {expected}")


class Link:
    """A server of this kind, and three peers that it knows by a user id."""

    def __init__(self, stack, context, server, directory, kind, mechanism, user):
        server.write_text(SERVER, encoding="utf-8")
        self.process = stack.enter_context(
            Process([products.PYTHON, server, kind, mechanism, user], directory))
        port, key = self.process.line().split()
        self.peers = [connect(context, kind, mechanism, port, key) for _ in range(3)]

    def send(self, n):
        for peer in self.peers:
            for i in range(n):
                peer.send(b"%d" % i)

    def read(self, n):
        self.process.popen.stdin.write(f"{n}\n")
        self.process.popen.stdin.flush()
        assert self.process.line() == "read"


@pytest.mark.parametrize("kind,mechanism,is_tapped,user", [
    ("PULL", "PLAIN", True, "user"), ("PULL", "PLAIN", False, "user"), ("PULL", "PLAIN", True, ""),
    pytest.param("ROUTER", "CURVE", True, "user", marks=libzmq.needs_curve),
    pytest.param("ROUTER", "CURVE", False, "user", marks=libzmq.needs_curve),
])
def queue__peers_are_authenticated__has_their_messages_alone(context, directory, folder, kind, mechanism, is_tapped,
                                                             user):
    with contextlib.ExitStack() as stack:
        agent = stack.enter_context(Agent(directory, peeks=True))
        agent.keep_log()
        link = Link(stack, context, folder / NAME, directory if is_tapped else None, kind,
                    mechanism, user)
        link.send(10)
        wait_steady(agent, 30, QUEUE, kind)
        link.read(12)
        wait_steady(agent, 18, QUEUE, kind)
        link.read(18)
        wait_steady(agent, 0, QUEUE, kind)
        wait_steady(agent, 0, AGE, kind)
        link.send(2)
        wait_steady(agent, 6, QUEUE, kind)
        link.read(6)
        wait_steady(agent, 0, QUEUE, kind)


@pytest.mark.parametrize("kind,mechanism", [
    pytest.param("PULL", "CURVE", marks=libzmq.needs_curve), ("ROUTER", "PLAIN"),
])
def queue__was_read_from_before_it_is_seen__has_its_messages_alone(context, directory, folder, kind, mechanism):
    with contextlib.ExitStack() as stack:
        link = Link(stack, context, folder / NAME, None, kind, mechanism, "user")
        link.send(40)
        link.read(90)
        agent = stack.enter_context(Agent(directory, peeks=True))
        agent.keep_log()
        wait_steady(agent, 30, QUEUE, kind)
        link.read(30)
        wait_steady(agent, 0, QUEUE, kind)
