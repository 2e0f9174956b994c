# SPDX-License-Identifier: MPL-2.0
"""What was queued when its socket or its peer ended is counted where it is known to be lost."""

import pytest
import zmq

from support import libzmq
from support.losses import NAMES, attach, drops, endpoint_of, receive_all, wait_drops, wait_pipes
from support.puppet import Puppet
from support.waiting import wait_for


@libzmq.needs_handshakes
def linger__nobody_listens__all_that_is_queued_is_dropped(start):
    puppet = start("c")
    dropped = 0
    for linger, count in ((0, 7), (50, 5), (0, 1), (500, 3)):
        push = puppet.socket(zmq.PUSH, linger=linger)
        push.connect("ipc:///nonexistent/socket")
        assert push.send(count) == count
        push.close()
        dropped += count
        wait_drops(puppet, "PUSH", LINGER=dropped)


@libzmq.needs_handshakes
@pytest.mark.parametrize("kind", [zmq.PUSH, zmq.DEALER, zmq.PAIR, zmq.REQ])
def linger__context_is_terminated__is_counted_before_the_end(start, kind):
    puppet = start("c")
    socket = puppet.socket(kind, linger=0)
    socket.connect("ipc:///nonexistent/socket")
    count = 1 if kind == zmq.REQ else 9
    assert socket.send(count) == count
    socket.close()
    puppet.term()
    assert drops(puppet, None) == {"LINGER": count}


@pytest.mark.parametrize("linger", [0, 300])
def linger__peer_does_not_read__what_stays_in_the_queue_is_dropped(start, linger):
    """At least that, where it stood still; what libzmq and the kernel hold for the peer is lost
    or not, and not known."""
    sender, receiver = start("c"), start("c")
    pull = receiver.socket(zmq.PULL, rcvhwm=1)
    endpoint = pull.bind("tcp://127.0.0.1:*")
    push = sender.socket(zmq.PUSH, sndhwm=50, linger=linger)
    push.connect(endpoint)
    queued = fill_up(push)
    sent = sender.segment().counter("SENT_MESSAGES", "PUSH")
    push.close()
    sender.term()  # waits until linger has run out
    dropped = drops(sender, "PUSH").get("LINGER", 0)
    received = receive_all(pull)
    assert dropped <= sent - received
    if linger == 0:
        assert dropped == queued


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


def linger__inproc__the_peer_still_reads(start):
    puppet = start("c")
    push, pull = puppet.socket(zmq.PUSH, linger=0), puppet.socket(zmq.PULL)
    push.connect(pull.bind("inproc://q"))
    assert push.send(9) == 9
    puppet.wait_next_rounds()
    push.close()
    puppet.wait_next_rounds()
    assert pull.recv(9)[0] == 9
    wait_drops(puppet, None)


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


@pytest.mark.parametrize("kinds", [(zmq.PUSH, zmq.PULL), (zmq.DEALER, zmq.DEALER), (zmq.PAIR, zmq.PAIR)])
@pytest.mark.parametrize("transport", ["tcp", "ipc"])
def disconnect__binding_side__loses_what_was_queued(start, folder, transport, kinds):
    """What the peer had not yet read when it went. The kernel's part is not known."""
    sender = start("c")
    socket = sender.socket(kinds[0], sndhwm=50, linger=0)
    endpoint = socket.bind(endpoint_of(transport, folder))
    with Puppet("c") as receiver:
        receiver.socket(kinds[1], rcvhwm=50).connect(endpoint)
        attach(socket, 1, NAMES[kinds[0]])
        queued = fill_up(socket)
    assert queued >= 10
    see_end(sender, NAMES[kinds[0]])
    attach(socket, 0, NAMES[kinds[0]])
    wait_drops(sender, NAMES[kinds[0]], DISCONNECT=queued)


def disconnect__while_the_program_is_busy__is_a_bound(start):
    """Here nobody waits for the tap to look."""
    sender = start("c")
    push = sender.socket(zmq.PUSH, sndhwm=50, linger=0)
    endpoint = push.bind("tcp://127.0.0.1:*")
    lost = 0
    for _ in range(5):
        with Puppet("c") as receiver:
            receiver.socket(zmq.PULL, rcvhwm=50).connect(endpoint)
            attach(push, 1, "PUSH")
            lost += push.fill(size=50000)
        attach(push, 0, "PUSH")
    sender.wait_next_rounds()
    seen = drops(sender, "PUSH")
    assert seen.keys() <= {"DISCONNECT"} and seen.get("DISCONNECT", 0) <= lost
    assert sender.segment().capabilities["endings"][0] == "bound"


@pytest.mark.parametrize("kinds", [(zmq.PUSH, zmq.PULL), (zmq.DEALER, zmq.DEALER), (zmq.PAIR, zmq.PAIR)])
def disconnect__inproc__loses_what_the_peer_had_not_read(start, kinds):
    puppet = start("c")
    sender, receiver = puppet.socket(kinds[0]), puppet.socket(kinds[1])
    sender.connect(receiver.bind("inproc://q"))
    assert sender.send(40) == 40
    assert receiver.recv(15)[0] == 15
    puppet.wait_next_rounds()
    receiver.close()
    wait_pipes(sender, 0)
    wait_drops(puppet, None, DISCONNECT=25)


@pytest.mark.parametrize("kind", [zmq.PUB, zmq.XPUB])
def disconnect__publisher_inproc__loses_what_the_subscriber_had_not_read(start, kind):
    puppet = start("c")
    publisher, subscriber = puppet.socket(kind), puppet.socket(zmq.SUB)
    subscriber.set(zmq.SUBSCRIBE, "")
    subscriber.connect(publisher.bind("inproc://q"))

    def has_subscribed():
        publisher.send(1)
        return subscriber.poll(timeout_ms=100)

    wait_for(has_subscribed, "the subscription")
    receive_all(subscriber)
    assert publisher.send(40) == 40
    assert subscriber.recv(15)[0] == 15
    puppet.wait_next_rounds()
    subscriber.close()
    wait_pipes(publisher, 0)
    wait_drops(puppet, None, DISCONNECT=25)


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
@pytest.mark.parametrize("is_binding", [True, False])
def oversized__message_ends_the_connection__is_told_from_other_ends(start, folder, transport, is_binding):
    receiver, sender = start("c"), start("c")
    pull, push = receiver.socket(zmq.PULL, maxmsgsize=1000), sender.socket(zmq.PUSH, linger=0)
    if receiver.segment().capabilities["oversized"][0] != "on":
        pytest.skip("this libzmq does not tell")
    if is_binding:
        endpoint = pull.bind(endpoint_of(transport, folder))
        push.connect(endpoint)
    else:
        pull.connect(push.bind(endpoint_of(transport, folder)))
    push.send(3, 1000)
    assert pull.recv(3) == (3, 3000)
    push.send(1, 1001)
    receiver.wait_counter(1, "OVERSIZED", "PULL")
    assert sender.segment().counter("OVERSIZED", "PUSH") == 0
    if not is_binding:
        receiver.wait_next_rounds(5)
        assert receiver.segment().counter(("EVENTS", "connected"), "PULL") == 1
        return
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
