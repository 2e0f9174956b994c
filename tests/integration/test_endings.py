# SPDX-License-Identifier: MPL-2.0
"""What was queued when its socket or its peer ended is counted where it is known to be lost: what is
peculiar to one type or option. What all types have in common is in test_loss_table.py."""

import pytest
import zmq

from support.losses import NAMES, attach, endpoint_of, receive_all, wait_drops, wait_pipes
from support.puppet import Puppet
from support.waiting import wait_for


def linger__messages_delivered__are_no_drop(start):
    receiver, sender = start("c"), start("c")
    pull = receiver.socket(zmq.PULL)
    endpoint = pull.bind("tcp://127.0.0.1:*")
    for _ in range(5):
        push = sender.socket(zmq.PUSH, linger=20000)
        push.connect(endpoint)
        push.send(100)
        push.close()
        assert pull.recv(100)[0] == 100
    wait_drops(sender, None)


def see_end(puppet, kind):
    """libzmq takes in a connection's end when the program calls it, and by then the tap has seen."""
    puppet.wait_counter(1, ("EVENTS", "disconnected"), kind)
    puppet.wait_next_rounds()


def fill_up(socket):
    """Sends until nothing moves any more; returns what is queued then."""
    puppet, kind = socket.puppet, NAMES[socket.kind]
    queued = []

    def is_still():
        more = socket.fill(size=50000)
        puppet.wait_next_rounds()
        queued.append(puppet.segment().gauge("SEND_QUEUE", kind))
        return more == 0 and queued[-3:] == queued[-1:] * 3

    wait_for(is_still, "a full queue")
    return queued[-1]


def disconnect__inproc_peer_read_all__is_no_drop(start):
    puppet = start("c")
    for turn in range(5):
        push, pull = puppet.socket(zmq.PUSH), puppet.socket(zmq.PULL)
        push.connect(pull.bind(f"inproc://q{turn}"))
        assert push.send(40) == 40
        puppet.wait_next_rounds()
        assert pull.recv(40)[0] == 40
        pull.close()
        push.close()
    wait_drops(puppet, None)


def disconnect__peer_read_all_and_went__is_no_drop(start, folder):
    """However long its queue was at the look before."""
    sender = start("c")
    push = sender.socket(zmq.PUSH, sndhwm=50)
    endpoint = push.bind("tcp://127.0.0.1:*")
    for _ in range(5):
        with Puppet("c") as receiver:
            pull = receiver.socket(zmq.PULL, rcvhwm=50)
            pull.connect(endpoint)
            attach(push, 1, "PUSH")
            assert push.send(50, 50000, flags=zmq.DONTWAIT) > 0
            receive_all(pull)
        attach(push, 0, "PUSH")
    wait_drops(sender, "PUSH")


def disconnect__immediate__loses_its_queue(start):
    """A connecting socket with ZMQ_IMMEDIATE has no queue while it is not connected."""
    sender = start("c")
    push = sender.socket(zmq.PUSH, sndhwm=50, immediate=1, linger=0)
    with Puppet("c") as receiver:
        pull = receiver.socket(zmq.PULL, rcvhwm=5)
        push.connect(pull.bind("tcp://127.0.0.1:*"))
        attach(push, 1, "PUSH")
        queued = fill_up(push)
    assert queued >= 10
    see_end(sender, "PUSH")
    wait_pipes(push, 0)
    wait_drops(sender, "PUSH", DISCONNECT=queued)


def disconnect__connecting_side__keeps_its_queue(start):
    sender = start("c")
    with Puppet("c") as receiver:
        pull = receiver.socket(zmq.PULL, rcvhwm=5)
        endpoint = pull.bind("tcp://127.0.0.1:*")
        push = sender.socket(zmq.PUSH, sndhwm=20, reconnect_ivl=50)
        push.connect(endpoint)
        while push.fill(size=50000):
            sender.wait_next_rounds()
    queued = sender.segment().gauge("SEND_QUEUE", "PUSH")
    assert queued > 10
    sender.wait_counter(1, ("EVENTS", "disconnected"), "PUSH")
    wait_drops(sender, "PUSH")
    assert sender.segment().gauge("SEND_QUEUE", "PUSH") == queued


@pytest.mark.parametrize("transport", ["tcp", "ipc"])
def oversized__message_ends_the_connection__is_told_from_other_ends(start, folder, transport):
    receiver, sender = start("c"), start("c")
    pull, push = receiver.socket(zmq.PULL, maxmsgsize=1000), sender.socket(zmq.PUSH, linger=0)
    if receiver.segment().capabilities["oversized"][0] != "on":
        pytest.skip("this libzmq does not tell")
    endpoint = pull.bind(endpoint_of(transport, folder))
    push.connect(endpoint)
    push.send(3, 1000)
    assert pull.recv(3) == (3, 3000)
    push.send(1, 1001)
    receiver.wait_counter(1, "OVERSIZED", "PULL")
    assert sender.segment().counter("OVERSIZED", "PUSH") == 0
    receiver.wait_counter(2, ("EVENTS", "accepted"), "PULL")
    push.close()  # it has connected again, and ends as any other does
    receiver.wait_counter(2, ("EVENTS", "disconnected"), "PULL")
    with Puppet("c") as third:
        other = third.socket(zmq.PUSH)
        other.connect(endpoint)
        other.send(1, 10)
        assert pull.recv(1) == (1, 10)
    receiver.wait_counter(3, ("EVENTS", "disconnected"), "PULL")
    assert receiver.segment().counter("OVERSIZED", "PULL") == 1
