# SPDX-License-Identifier: MPL-2.0
"""How long the oldest message has waited, against the clock of whoever sent it.

The tap samples at moments that a test does not know, but each lies between two looks at the clock:
the age that is told must fit between them, however slow the machine is.
"""

import time

import pytest
import zmq

from support.waiting import wait_for

SEND, RECEIVE = "SEND_AGE_NS", "RECEIVE_AGE_NS"
QUEUES = {SEND: "SEND_QUEUE", RECEIVE: "RECEIVE_QUEUE"}
PAGE = {SEND: "zmq_socket_send_queue_oldest_message_age_seconds",
        RECEIVE: "zmq_socket_receive_queue_oldest_message_age_seconds"}
KINDS = {SEND: "PUSH", RECEIVE: "PULL"}
TRANSPORTS = ["tcp", "ipc", "inproc"]


def endpoint_of(transport, folder):
    return {"tcp": "tcp://127.0.0.1:*", "ipc": f"ipc://{folder}/q", "inproc": "inproc://q"}[transport]


def wait_samples(puppet, n=2):
    """Waits for `n` more samples; the last one is begun later than this is called if there are two."""
    first = puppet.segment().header["samples"]
    wait_for(lambda: puppet.segment().header["samples"] >= first + n, "samples")


def age(puppet, word):
    """In seconds, of the puppet's only PUSH or PULL; the oldest of them, if there are several."""
    return puppet.segment().fullest(word, KINDS[word])


class Held:
    """Messages that were sent, between two looks at the clock, until they were seen in a queue."""

    def __init__(self, sender, holder, word, n=1):
        self.holder, self.word = holder, word
        queue = (QUEUES[word], KINDS[word])
        before = holder.segment().gauge(*queue) or 0
        self.begin = time.monotonic()
        assert sender.send(n) == n
        wait_for(lambda: holder.segment().gauge(*queue) == before + n, "messages in the queue")
        wait_samples(holder, 1)  # each word of the sample that saw them is written
        self.end = time.monotonic()

    def bounds(self):
        """Of the age that is told now: (at least, told, at most)."""
        begin = time.monotonic()
        wait_samples(self.holder)
        told = age(self.holder, self.word)
        return begin - self.end, told, time.monotonic() - self.begin

    def check(self):
        least, told, most = self.bounds()
        assert least <= told <= most

    def hold(self, seconds):
        wait_for(lambda: (age(self.holder, self.word) or 0) >= seconds, f"an age of {seconds} s")
        self.check()


def pair(start, transport, folder, language="c", **options):
    receiver = start(language)
    sender = receiver if transport == "inproc" else start(language)
    pull, push = receiver.socket(zmq.PULL, **options), sender.socket(zmq.PUSH, **options)
    push.connect(pull.bind(endpoint_of(transport, folder)))
    return push, pull


@pytest.mark.parametrize("language", ["c", "pyzmq"])
def age__held_for_five_seconds__is_the_time_since_they_were_sent(start, folder, language):
    held = []
    for transport in TRANSPORTS:
        push, pull = pair(start, transport, folder, language)
        held.append(Held(push, pull.puppet, RECEIVE, 3))
        if transport == "inproc":  # the same queue, from its other end
            wait_samples(push.puppet)
            assert age(push.puppet, SEND) == pytest.approx(age(push.puppet, RECEIVE), abs=0.5)
        else:  # all has gone to the receiver
            assert age(push.puppet, SEND) == 0
    for one in held:
        one.hold(5)
    least, _, most = held[0].bounds()
    assert least >= 5 and most - least < 60  # the bounds say something


def age__nobody_listens__is_the_senders(start):
    puppet = start()
    push = puppet.socket(zmq.PUSH)
    push.connect("ipc:///nonexistent/nobody")
    held = Held(push, puppet, SEND, 2)
    push.send(5)
    held.hold(2)


@pytest.mark.parametrize("transport", TRANSPORTS)
def age__read_in_parts__is_that_of_the_next_message(start, folder, transport):
    push, pull = pair(start, transport, folder, sndhwm=0, rcvhwm=0)
    puppet, batches = pull.puppet, []
    for n in (3, 1, 1000):
        batches.append((n, Held(push, puppet, RECEIVE, n)))
        wait_samples(puppet, 5)
    for n, held in batches:
        held.check()
        if n > 1:
            assert pull.recv(n - 1)[0] == n - 1
            held.check()
        assert pull.recv()[0] == 1
    wait_for(lambda: age(puppet, RECEIVE) == 0, "an empty queue")
    held = Held(push, puppet, RECEIVE)  # nothing of what was before counts
    held.hold(0.5)


@pytest.mark.parametrize("transport", TRANSPORTS)
def age__several_peers__is_that_of_the_oldest(start, folder, transport):
    receiver = start()
    pull = receiver.socket(zmq.PULL)
    endpoint = pull.bind(endpoint_of(transport, folder))
    held = []
    for _ in range(3):
        sender = receiver if transport == "inproc" else start()
        push = sender.socket(zmq.PUSH)
        push.connect(endpoint)
        held.append(Held(push, receiver, RECEIVE, 2))
        held[0].check()
        wait_samples(receiver, 5)
    held[0].hold(1)
    assert pull.recv(5)[0] == 5
    least, told, most = held[0].bounds()
    assert 0 < told <= most  # of one of the three
    assert pull.recv()[0] == 1
    wait_for(lambda: age(receiver, RECEIVE) == 0, "empty queues")


@pytest.mark.parametrize("transport", TRANSPORTS)
def age__stuck_since_before_peers_came__grows(start, folder, transport):
    """The socket does not know its pipe yet: it is in the mailbox."""
    receiver = start()
    endpoint = receiver.socket(zmq.PULL).bind(endpoint_of(transport, folder))
    sender = receiver if transport == "inproc" else start()
    push = sender.socket(zmq.PUSH)
    push.connect(endpoint)
    held = Held(push, receiver, RECEIVE, 10)
    held.hold(2)


def age__receiver_that_lags__is_its_lag(start, folder):
    """Many samples, so that old ones are merged."""
    push, pull = pair(start, "tcp", folder)
    held = [Held(push, pull.puppet, RECEIVE) for _ in range(90)]
    for one in held[:60:5]:
        least, told, most = one.bounds()
        assert least * 0.9 <= told <= most * 1.1
        assert pull.recv(5)[0] == 5


@pytest.mark.parametrize("transport", ["tcp", "inproc"])
def age__conflate__is_absent(start, folder, agent, transport):
    push, pull = pair(start, transport, folder, conflate=1)
    puppet = pull.puppet
    for turn in (1, 2):
        push.send(50)
        wait_for(lambda: puppet.segment().gauge("RECEIVE_QUEUE", "PULL") == 1, "the last message")
        wait_samples(puppet)
        assert age(puppet, RECEIVE) is None and age(push.puppet, SEND) is None
        while pull.poll(timeout_ms=200):
            pull.recv()
        wait_samples(puppet)
        assert age(puppet, RECEIVE) is None and age(push.puppet, SEND) is None
    page = agent.scrape()
    assert page.value("zmq_socket_receive_queue_messages", type="PULL") == 0
    assert not page.find(PAGE[RECEIVE]) and not page.find(PAGE[SEND])


def age__closed_and_opened_again__begins_anew(start):
    """libzmq's pipes, or others of the same size, lie where those lay that are gone."""
    puppet = start()
    for turn in range(5):
        pull, push = puppet.socket(zmq.PULL, linger=0), puppet.socket(zmq.PUSH, linger=0)
        push.connect(pull.bind(f"inproc://again{turn}"))  # closing goes on after zmq_close
        held = Held(push, puppet, RECEIVE, 2)
        wait_samples(puppet, 3)
        held.check()
        push.close()
        pull.close()


def age__page__has_the_greatest_of_the_group_and_zero_for_none(start, agent):
    puppet = start()
    pushes = [puppet.socket(zmq.PUSH) for _ in range(3)]
    for push in pushes:
        push.connect("ipc:///nonexistent/group")
    puppet.socket(zmq.PULL).bind("inproc://alone")  # no pipe at all
    held = Held(pushes[1], puppet, SEND, 1)
    Held(pushes[2], puppet, SEND, 7)
    begin = time.monotonic()
    wait_samples(puppet)
    page = agent.scrape()
    told = page.value(PAGE[SEND], type="PUSH", address="ipc:///nonexistent/group")
    assert begin - held.end - 0.001 <= told <= time.monotonic() - held.begin
    assert page.value(PAGE[RECEIVE], type="PULL", address="inproc://alone") == 0
    assert not page.find(PAGE[RECEIVE], type="PUSH") and not page.find(PAGE[SEND], type="PULL")
