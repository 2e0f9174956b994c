# SPDX-License-Identifier: MPL-2.0
"""What the tap does at the edges of its tables, and where a socket does what it seldom does."""

import resource

import pytest
import zmq

from support import libzmq, products, segment_file
from support.losses import attach, drops, receive_all, wait_drops, wait_pipes
from support.process import run
from support.waiting import wait_equal, wait_for

MANUAL_LAST = 98  # XPUB_MANUAL_LAST_VALUE: in the headers of drafts only
MAX_SOCKETS, N_SOCKETS = 8192, 9000  # of the tap; of the program


def sockets__beyond_the_table__are_counted_as_such(directory):
    """Three rounds of a message each; after each of the first two a known one is closed, and another
    has its place."""
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < N_SOCKETS + 100:
        pytest.skip("so many descriptors are not allowed here")
    result = run([*products.program("harmless_large"), "thousands_of_sockets"], directory)
    assert f"{3 * N_SOCKETS} sent" in result.stdout
    [segment] = segment_file.read_all(directory)
    # The three that are closed and made anew may find their places not free yet.
    missed = segment.header["untracked_sockets"] - (N_SOCKETS - MAX_SOCKETS)
    assert 0 <= missed <= 3
    sent = segment.counter("SENT_MESSAGES", "PUB")
    assert 3 * (MAX_SOCKETS - missed) <= sent <= 3 * MAX_SOCKETS


@pytest.mark.parametrize("text", ["1025", "1000000", "0", "-3", "many"])
def groups__limit_is_none__is_the_default(start, text):
    puppet = start("c", variables={"ZMQ_EXPORTER_MAX_GROUPS": text})
    for i in range(300):
        puppet.socket(zmq.PUSH).bind(f"inproc://q{i}")
    # Those with an endpoint, the one without, and (other).
    wait_equal(lambda: len(puppet.segment().groups), 257, "groups")


def peers__connection_cut_by_the_program__are_gone(start):
    server, client = start("c"), start("c")
    pull, push = server.socket(zmq.PULL), client.socket(zmq.PUSH)
    endpoint = pull.bind("tcp://127.0.0.1:*")
    for _ in range(3):
        push.connect(endpoint)
        client.wait_gauge(1, "PEERS", "PUSH")
        push.disconnect(endpoint)
        client.wait_gauge(0, "PEERS", "PUSH")


def linger__receiver_stalls_and_then_reads_all__is_no_drop(start):
    """The queue stands still for longer than two looks, and its linger has not run out."""
    receiver, sender = start("c"), start("c")
    pull, push = receiver.socket(zmq.PULL, rcvhwm=5), sender.socket(zmq.PUSH, linger=20000)
    push.connect(pull.bind("tcp://127.0.0.1:*"))
    attach(push, 1, "PUSH")
    assert push.send(300, 100000) == 300  # more than the kernel's buffers hold
    sender.wait_next_rounds()
    assert sender.segment().gauge("SEND_QUEUE", "PUSH") > 0
    push.close()
    sender.wait_next_rounds(10)
    assert pull.recv(300)[0] == 300
    wait_drops(sender, None)


@pytest.mark.parametrize("size", [32, 33, 34, 100, 255])
def router__long_ids_in_messages__are_asked_for_their_cause(start, size):
    puppet = start("c")
    router, dealer = puppet.socket(zmq.ROUTER, sndhwm=2), puppet.socket(zmq.DEALER, rcvhwm=2)
    peer, nobody = b"p" * size, b"n" * size
    dealer.set(zmq.ROUTING_ID, peer.decode())
    dealer.connect(router.bind("inproc://q"))
    dealer.send()
    assert router.recv()[0] == 1
    assert router.send(3, 5, 2, spelling="msg_send", first=nobody) == 3
    assert router.send(10, 5, 2, spelling="msg_send", first=peer) == 10
    assert receive_all(dealer) == 4
    wait_drops(puppet, "ROUTER", UNROUTABLE=3, HWM=6)
    segment = puppet.segment()
    assert segment.counter("SENT_MESSAGES", "ROUTER") == 13
    assert segment.counter("SENT_BYTES", "ROUTER") == 13 * (size + 2 * 5)


@pytest.mark.parametrize("spelling", ["send", "msg_send"])
def router__id_and_no_message__is_unroutable(start, spelling):
    puppet = start("c")
    router = puppet.socket(zmq.ROUTER)
    router.bind("inproc://q")
    assert router.send(4, 3, spelling=spelling) == 4
    wait_drops(puppet, "ROUTER", UNROUTABLE=4)


@pytest.mark.parametrize("n_subscribers", [63, 64, 65, 150])
def publish__many_full_subscribers__each_loses_each_message(start, n_subscribers):
    puppet = start("c")
    pub = puppet.socket(zmq.PUB, sndhwm=1)
    endpoint = pub.bind("inproc://many")
    for _ in range(n_subscribers):
        sub = puppet.socket(zmq.SUB, rcvhwm=1)
        sub.set(zmq.SUBSCRIBE, "")
        sub.connect(endpoint)
    pub.poll()
    assert pub.send(12) == 12
    wait_drops(puppet, "PUB", HWM=n_subscribers * 10)


def publish__inverted_later__counts_whom_it_does_not_match(start):
    puppet = start("c")
    pub = puppet.socket(zmq.XPUB, sndhwm=1)
    endpoint = pub.bind("inproc://inverted")
    subs = [puppet.socket(zmq.SUB, rcvhwm=1, invert_matching=1) for _ in range(2)]
    for sub, topic in zip(subs, ("A", "B")):
        sub.set(zmq.SUBSCRIBE, topic)
        sub.connect(endpoint)
    assert pub.recv(2)[0] == 2
    pub.set(zmq.INVERT_MATCHING, 1)
    assert pub.send(5, 1, first=b"A") == 5  # to the second alone, which has room for two
    wait_drops(puppet, "XPUB", HWM=3)
    pub.set(zmq.INVERT_MATCHING, 0)
    assert pub.send(4, 1, first=b"A") == 4  # to the first alone
    wait_drops(puppet, "XPUB", HWM=3 + 2)


def publish__after_a_proxy__is_watched_again(start, folder):
    """What the proxy sent has filled the queue that there was room in before."""
    puppet = start("c")
    front, back = puppet.socket(zmq.XSUB), puppet.socket(zmq.XPUB, sndhwm=1000)
    control = puppet.socket(zmq.PAIR)
    ends = [socket.bind(f"ipc://{folder}/{i}") for i, socket in enumerate((front, back, control))]
    publisher, subscriber = start("c").socket(zmq.XPUB, sndhwm=0), start("c").socket(zmq.SUB, rcvhwm=1)
    subscriber.set(zmq.SUBSCRIBE, "")
    subscriber.connect(ends[1])
    publisher.connect(ends[0])
    steering = start("c").socket(zmq.PAIR)
    steering.connect(ends[2])
    assert back.recv()[0] == 1
    assert back.send(1, 10) == 1  # looks at the queue, and finds room for a thousand
    front.proxy(back, None, control, "steerable")
    steering.send_frames(b"PAUSE")
    steering.send_frames(b"RESUME")
    # The proxy passes the subscription on only if it comes while it runs.
    subscriber.set(zmq.SUBSCRIBE, "more")
    assert publisher.recv_frames() == [b"\x01more"]
    assert publisher.send(900, 50000, first=b"more") == 900
    puppet.wait_counter(901, "SENT_MESSAGES", "XPUB")
    steering.send_frames(b"TERMINATE")
    assert puppet.answer() == ["0"]
    assert back.send(700, 50000) == 700
    n_received = receive_all(subscriber)
    assert n_received < 1601
    wait_drops(puppet, "XPUB", HWM=1601 - n_received)


@libzmq.needs(4, 3, 3, reason="has no XPUB_MANUAL_LAST_VALUE")
def publish__last_subscriber_leaves_within_the_call__all_others_are_asked(start):
    """The message was for the one that subscribed last, until libzmq heard in the call that it has
    gone: so it is for all, of whom one is full."""
    puppet = start("c")
    xpub = puppet.socket(zmq.XPUB, sndhwm=1)
    xpub.set(MANUAL_LAST, 1)
    endpoint = xpub.bind("inproc://last")

    def subscribe(rcvhwm):
        sub = puppet.socket(zmq.SUB, rcvhwm=rcvhwm)
        sub.set(zmq.SUBSCRIBE, "")
        sub.connect(endpoint)
        assert xpub.recv()[0] == 1
        xpub.set(zmq.SUBSCRIBE, "")
        return sub

    subscribe(1)
    assert xpub.send(5) == 5
    wait_drops(puppet, "XPUB", HWM=3)

    n_left = 0

    def leaves_within():
        nonlocal n_left
        subscribe(0).close()
        puppet.wait_next_rounds()
        xpub.poll()  # agrees to its end, which libzmq hears of in the next call, or in this one
        puppet.wait_next_rounds()
        assert xpub.send(1) == 1
        puppet.wait_next_rounds()
        if puppet.segment().gauge("PIPES", "XPUB") == 1:
            n_left += 1
        else:
            wait_pipes(xpub, 1)  # it had not gone yet, and had the message to itself
        return puppet.segment().capabilities["publish_drops"] == (
            "bound", "a subscriber left during a message to the last one")

    wait_for(leaves_within, "a subscriber that leaves in time")
    wait_drops(puppet, "XPUB", HWM=3 + n_left)


def rep__requester_is_gone_and_was_full__reply_is_unroutable(start):
    """Its pipe stays until its last request was read, and is still full."""
    puppet = start("c")
    rep, dealer = puppet.socket(zmq.REP, sndhwm=1), puppet.socket(zmq.DEALER, rcvhwm=1)
    dealer.connect(rep.bind("inproc://requests"))
    for _ in range(100):
        dealer.send_frames(b"", b"x")
    for _ in range(3):  # two replies fill the queue
        assert rep.recv()[0] == 1 and rep.send() == 1
    wait_drops(puppet, "REP", HWM=1)
    dealer.close()

    def is_heard_of():
        assert rep.recv()[0] == 1 and rep.send() == 1
        puppet.wait_next_rounds()
        rep.poll()
        return "UNROUTABLE" in drops(puppet, "REP")

    wait_for(is_heard_of, lambda: f"the requester's end: {drops(puppet, 'REP')}")
