# SPDX-License-Identifier: MPL-2.0
"""The tap's thread in a process where nothing moves: its rounds are a second apart, and whatever the
program does ends that at once.

The times of rounds are the tap's own, of its heartbeat. A busy machine can only make them longer, so
what must be short is tried until it is.
"""

import pytest
import zmq

from support.waiting import wait_for

LONG_NS, SHORT_NS = 900_000_000, 700_000_000


def beat(puppet):
    return puppet.segment().header["updated_ns"]


def next_beat(puppet, last):
    wait_for(lambda: beat(puppet) != last, "a round")
    return beat(puppet)


def wait_rest(puppet):
    """Until two rounds in turn came after a long time; returns when the last one was."""
    seen, n_long = beat(puppet), 0

    def is_at_rest():
        nonlocal seen, n_long
        now = next_beat(puppet, seen)
        n_long = n_long + 1 if now - seen >= LONG_NS else 0
        seen = now
        return n_long == 2

    wait_for(is_at_rest, "rounds that are a second apart", 60)
    return seen


def is_roused_by(puppet, action):
    """Whether the round after the action came before its time."""
    last = wait_rest(puppet)
    action()
    return next_beat(puppet, last) - last < SHORT_NS


@pytest.fixture
def pair(start):
    puppet = start("c")
    push, pull = puppet.socket(zmq.PUSH), puppet.socket(zmq.PULL)
    push.connect(pull.bind("tcp://127.0.0.1:*"))
    assert push.send() == 1 and pull.recv() == (1, 1)
    return puppet, push, pull


ACTIONS = {
    "sends": lambda puppet, push, pull: (push.send(), pull.recv()),
    "sends_messages": lambda puppet, push, pull: (push.send(spelling="msg_send"), pull.recv()),
    "asks_for_one": lambda puppet, push, pull: pull.recv(flags=zmq.DONTWAIT),
    "asks_for_a_message": lambda puppet, push, pull: pull.recv(flags=zmq.DONTWAIT, spelling="msg_recv"),
    "sets_an_option": lambda puppet, push, pull: push.set(zmq.LINGER, 0),
    "makes_a_socket": lambda puppet, push, pull: puppet.socket(zmq.PUB).close(),
    "binds": lambda puppet, push, pull: pull.bind("inproc://more"),
}


@pytest.mark.parametrize("name", ACTIONS)
def program__at_rest__is_seen_at_once_when_it(pair, name):
    puppet = pair[0]
    wait_for(lambda: is_roused_by(puppet, lambda: ACTIONS[name](*pair)), "a round before its time", 120)


def publisher__at_rest__is_seen_at_once_when_it_publishes(start):
    puppet = start("c")
    publisher = puppet.socket(zmq.PUB)
    publisher.bind("tcp://127.0.0.1:*")
    wait_for(lambda: is_roused_by(puppet, publisher.send), "a round before its time", 120)


def peer__comes_to_one_at_rest__is_seen_at_once(start, context):
    puppet = start("c")
    endpoint = puppet.socket(zmq.PULL).bind("tcp://127.0.0.1:*")

    def connect():
        context.socket(zmq.PUSH).connect(endpoint)

    wait_for(lambda: is_roused_by(puppet, connect), "a round before its time", 120)


def message__comes_to_one_at_rest__is_in_the_queue_with_the_next_round(start, context):
    puppet = start("c")
    endpoint = puppet.socket(zmq.PULL).bind("tcp://127.0.0.1:*")
    push = context.socket(zmq.PUSH)
    push.connect(endpoint)
    puppet.wait_gauge(1, "PEERS", "PULL")
    wait_rest(puppet)
    push.send(b"x")
    puppet.wait_gauge(1, "RECEIVE_QUEUE", "PULL")


def queue__holds_something__never_rests(start):
    puppet = start("c")
    push, pull = puppet.socket(zmq.PUSH), puppet.socket(zmq.PULL)
    push.connect(pull.bind("tcp://127.0.0.1:*"))
    push.send()
    puppet.wait_gauge(1, "RECEIVE_QUEUE", "PULL")
    first = puppet.segment().header["samples"]
    wait_for(lambda: puppet.segment().header["samples"] >= first + 45, "samples")
    seen = beat(puppet)

    def comes_soon():
        nonlocal seen
        last, seen = seen, next_beat(puppet, seen)
        return seen - last < SHORT_NS

    wait_for(lambda: all(comes_soon() for _ in range(4)), "rounds that are not a second apart")


def time__at_rest__has_as_many_samples(pair):
    """Of the empty queue: as if it had been looked at all the time."""
    puppet = pair[0]
    wait_rest(puppet)

    def look():
        segment = puppet.segment()
        return segment.header["samples"], segment.counter(("SEND_FILL", 0), "PUSH")

    first = look()
    wait_for(lambda: look()[0] >= first[0] + 3, "rounds")
    last = look()
    assert last[1] - first[1] >= 8 * (last[0] - first[0])
