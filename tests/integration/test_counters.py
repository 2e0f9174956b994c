# SPDX-License-Identifier: MPL-2.0
"""Messages and bytes equal what the programs counted themselves, however they send and receive."""

import json

import pytest
import zmq

from support import products
from support.process import Process
from support.waiting import wait_equal

SEND_SPELLINGS = ["send", "send_const", "msg_send", "sendmsg", "sendiov"]
RECEIVE_SPELLINGS = ["recv", "msg_recv", "recvmsg", "recviov"]


def check_pair(push, pull, sent, size):
    """`sent` messages of `size` bytes in all were sent and received, and nothing else counted."""
    push.puppet.wait_counter(sent, "SENT_MESSAGES", "PUSH", push.endpoint)
    pull.puppet.wait_counter(sent, "RECEIVED_MESSAGES", "PULL", pull.endpoint)
    push.puppet.wait_next_rounds()
    pull.puppet.wait_next_rounds()
    sender, receiver = push.puppet.segment(), pull.puppet.segment()
    assert [sender.counter(word, "PUSH", push.endpoint)
            for word in ("SENT_MESSAGES", "SENT_BYTES", "RECEIVED_MESSAGES")] == [sent, size, 0]
    assert [receiver.counter(word, "PULL", pull.endpoint)
            for word in ("RECEIVED_MESSAGES", "RECEIVED_BYTES", "SENT_MESSAGES")] == [sent, size, 0]


@pytest.mark.parametrize("receive", RECEIVE_SPELLINGS)
@pytest.mark.parametrize("send", SEND_SPELLINGS)
def counters__each_spelling__count_whole_messages_once(start, send, receive):
    puppet = start("c")
    push, pull = puppet.socket(zmq.PUSH, sndhwm=0), puppet.socket(zmq.PULL, rcvhwm=0)
    push.connect(pull.bind("inproc://spelling"))
    sent = size = 0
    for frames, bytes_each in ((1, 1), (1, 100), (3, 7), (2, 0), (5, 200)):
        assert push.send(11, bytes_each, frames, spelling=send) == 11
        assert pull.recv(11, spelling=receive) == (11, 11 * frames * bytes_each)
        sent += 11
        size += 11 * frames * bytes_each
    check_pair(push, pull, sent, size)


@pytest.mark.parametrize("spelling", ["copy", "nocopy"])
@pytest.mark.parametrize("transport", ["tcp://127.0.0.1:*", "inproc://python"])
def counters__pyzmq__count_whole_messages_once(start, spelling, transport):
    receiver = start("pyzmq")
    sender = receiver if transport.startswith("inproc") else start("pyzmq")
    pull, push = receiver.socket(zmq.PULL, rcvhwm=0), sender.socket(zmq.PUSH, sndhwm=0)
    push.connect(pull.bind(transport))
    sent = size = 0
    # Zero-copy begins at 64 KiB; pyzmq then has sockets of its own, inproc://pyzmq.gc.
    for frames, bytes_each in ((1, 1), (3, 50), (2, 70000)):
        assert push.send(20, bytes_each, frames, spelling=spelling) == 20
        assert pull.recv(20, spelling=spelling) == (20, 20 * frames * bytes_each)
        sent += 20
        size += 20 * frames * bytes_each
    check_pair(push, pull, sent, size)


@pytest.mark.parametrize("language", ["c", "pyzmq"])
def counters__refused_calls__count_as_would_block_only(start, language):
    puppet = start(language)
    push, pull = puppet.socket(zmq.PUSH, sndhwm=5), puppet.socket(zmq.PULL, rcvhwm=5)
    for _ in range(3):
        assert pull.recv(1, zmq.DONTWAIT) == (0, 0)
        assert push.send(1, flags=zmq.DONTWAIT) == 0  # no peer yet
    push.connect(pull.bind("inproc://refused"))
    assert push.fill() == 10
    puppet.wait_counter(1, "SEND_WOULD_BLOCK", "PUSH")
    puppet.wait_counter(3, "SEND_WOULD_BLOCK_NO_PEER", "PUSH")
    puppet.wait_counter(3, "RECEIVE_WOULD_BLOCK", "PULL")
    puppet.wait_counter(10, "SENT_MESSAGES", "PUSH")
    puppet.wait_counter(10, "SENT_BYTES", "PUSH")


def counters__unfinished_message__is_counted_when_it_is_whole(start):
    puppet = start("c")
    push, pull = puppet.socket(zmq.PUSH), puppet.socket(zmq.PULL)
    push.connect(pull.bind("inproc://parts"))
    push.send(1, 5, flags=zmq.SNDMORE)
    push.send(1, 5, flags=zmq.SNDMORE)
    puppet.wait_next_rounds()
    assert puppet.segment().counter("SENT_MESSAGES", "PUSH") == 0
    push.send(1, 5)
    puppet.wait_counter(1, "SENT_MESSAGES", "PUSH")
    puppet.wait_counter(15, "SENT_BYTES", "PUSH")
    assert pull.recv(1) == (1, 15)
    puppet.wait_counter(1, "RECEIVED_MESSAGES", "PULL")


def counters__closed_sockets__stay_in_the_sums(start):
    puppet = start("c")
    pull = puppet.socket(zmq.PULL)
    endpoint = pull.bind("tcp://127.0.0.1:*")
    for turn in range(1, 6):
        push = puppet.socket(zmq.PUSH)
        push.connect(endpoint)
        push.send(10)
        pull.recv(10)
        push.close()
        puppet.wait_counter(10 * turn, "SENT_MESSAGES", "PUSH", endpoint)
    segment = puppet.segment()
    assert segment.counter("RECEIVED_MESSAGES", "PULL", "tcp://127.0.0.1:*") == 50
    assert segment.open_sockets("PUSH") == 0
    assert len([g for g in segment.groups if g[:2] == ("PUSH", endpoint)]) == 1


@pytest.mark.parametrize("transport", ["inproc", "tcp"])
def counters__eight_threads__equal_the_programs_own(directory, transport):
    with Process([*products.program("threads"), transport, "20000"], directory) as process:
        told = json.loads(process.line())
        for word, value in told.items():
            process.wait_counter(value, word.upper())
        assert told["sent_messages"] == told["received_messages"] == 8 * 20000


@pytest.mark.parametrize("transport", ["tcp://127.0.0.1:*", "inproc://random"])
@pytest.mark.parametrize("kind, peer", [("PUSH", "PULL"), ("DEALER", "DEALER"), ("ROUTER", "DEALER"),
                                        ("PUB", "SUB"), ("XPUB", "SUB")])
def counters__random_calls__equal_the_programs_own(directory, kind, peer, transport):
    """Whatever a program does in the middle of a message, and whatever it is refused."""
    words = [int(getattr(zmq, kind)), int(getattr(zmq, peer)), transport, 1]
    with Process([*products.program("random_calls"), *words], directory) as process:
        told = json.loads(process.line())

        def counted(*names):
            segment = process.segment()
            return sum(segment.counter(name, kind, transport) for name in names)

        wait_equal(lambda: {"messages": counted("SENT_MESSAGES"), "bytes": counted("SENT_BYTES"),
                            "refused": counted("SEND_WOULD_BLOCK", "SEND_WOULD_BLOCK_NO_PEER")},
                   {name: told[name] for name in ("messages", "bytes", "refused")}, "counters")
        assert told["messages"] > 500 and (told["refused"] > 0 or kind not in ("PUSH", "DEALER"))
        assert counted("SEND_BLOCKED_NS", "SEND_BLOCKED_NO_PEER_NS") >= told["waited_ms"] * 1e6


def counters__process_ends__are_whole_in_the_closed_segment(directory):
    """What was sent in the last hundred milliseconds is there too."""
    with Process([*products.program("threads"), "inproc", "1000"], directory) as process:
        told = json.loads(process.line())
        process.popen.stdin.close()
        assert process.popen.wait(30) == 0
        segment = process.segment()
        assert segment.header["state"] == 2
        assert {word: segment.counter(word.upper()) for word in told} == told
