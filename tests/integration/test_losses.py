# SPDX-License-Identifier: MPL-2.0
"""Each lost message is counted once, with its reason: what is peculiar to one type or option.

What all types have in common is in test_loss_table.py."""

import pytest
import zmq

from support import products
from support.losses import attach, endpoint_of, receive_all, wait_drops
from support.process import Process
from support.waiting import DEADLINE_S, wait_for


@pytest.fixture
def router_drops(start):
    """Skips where the tap itself says that it does not count a ROUTER's drops."""
    puppet = start("c")
    puppet.socket(zmq.ROUTER)
    state, reason = puppet.segment().capabilities["router_drops"]
    if state != "on":
        pytest.skip(f"the tap does not count a ROUTER's drops here: {state} {reason}")


def router_and_dealer(start, folder, transport, **options):
    server = start("c")
    router = server.socket(zmq.ROUTER)
    for name, value in options.items():
        router.set(getattr(zmq, name.upper()), value)
    options = {name: value for name, value in options.items() if name.endswith("hwm")}
    router.resolved = endpoint = router.bind(endpoint_of(transport, folder))
    client = server if transport == "inproc" else start("c")
    dealer = client.socket(zmq.DEALER, **options)
    dealer.set(zmq.ROUTING_ID, "peer")
    dealer.connect(endpoint)
    dealer.send()
    assert router.recv() == (1, 5)
    return router, dealer


@pytest.mark.parametrize("spelling", ["send", "send_const", "msg_send", "sendmsg"])
@pytest.mark.parametrize("frames", [1, 4])
def router__peer_unknown__each_message_is_unroutable(start, folder, router_drops, frames, spelling):
    router, dealer = router_and_dealer(start, folder, "inproc")
    assert router.send(7, 3, frames, spelling=spelling, first=b"nobody") == 7
    assert router.send(5, 3, frames, spelling=spelling, first=b"peer") == 5
    assert dealer.recv(5)[0] == 5
    wait_drops(router.puppet, "ROUTER", UNROUTABLE=7)


@pytest.mark.parametrize("rest", [[b"other", b"body"], [b"body"]])
def router__peer_goes_between_frames__the_rest_goes_to_nobody(start, folder, router_drops, rest):
    """Not even where the next frame is the id of another peer."""
    router, dealer = router_and_dealer(start, folder, "inproc")
    other = router.puppet.socket(zmq.DEALER)
    other.set(zmq.ROUTING_ID, "other")
    other.connect("inproc://q")
    other.send()
    assert router.recv() == (1, 6)
    attach(router, 2, "ROUTER")
    router.send_frames(b"peer", flags=zmq.SNDMORE)
    dealer.close()
    attach(router, 1, "ROUTER")
    router.poll()
    router.send_frames(*rest)
    wait_drops(router.puppet, "ROUTER", UNROUTABLE=1)
    assert router.send(5, first=b"other") == 5
    assert receive_all(other) == 5
    wait_drops(router.puppet, "ROUTER", UNROUTABLE=1)


def router__mandatory__tells_the_program_and_counts_no_drop(start, folder, router_drops):
    router, dealer = router_and_dealer(start, folder, "inproc", sndhwm=2, rcvhwm=2)
    router.set(zmq.ROUTER_MANDATORY, 1)
    assert router.send(3, first=b"nobody", flags=zmq.DONTWAIT) == 0
    assert router.send(10, first=b"peer", flags=zmq.DONTWAIT) == 4
    assert receive_all(dealer) == 4
    wait_drops(router.puppet, "ROUTER")
    router.set(zmq.ROUTER_MANDATORY, 0)
    assert router.send(3, first=b"nobody") == 3
    wait_drops(router.puppet, "ROUTER", UNROUTABLE=3)


@pytest.mark.parametrize("transport", ["tcp", "ipc"])
def router__handover__messages_go_to_the_newcomer(start, folder, router_drops, transport):
    router, dealer = router_and_dealer(start, folder, transport, router_handover=1)
    other = start("c").socket(zmq.DEALER)
    other.set(zmq.ROUTING_ID, "peer")
    other.connect(router.resolved)
    other.send()
    assert router.recv() == (1, 5)
    assert router.send(9, first=b"peer") == 9
    assert other.recv(9) == (9, 9)
    dealer.close()
    wait_drops(router.puppet, "ROUTER")


def router__raw__is_left_alone(start):
    puppet = start("c")
    router = puppet.socket(zmq.ROUTER, router_raw=1)
    router.bind("tcp://127.0.0.1:*")
    assert router.send(5, first=b"nobody") == 5
    wait_drops(puppet, "ROUTER")


def publisher__nobody_subscribes__is_no_drop(start):
    puppet = start("c")
    for kind in (zmq.PUB, zmq.XPUB):
        publisher = puppet.socket(kind, linger=0)
        publisher.bind("tcp://127.0.0.1:*")
        assert publisher.send(100) == 100
        publisher.close()
    wait_drops(puppet, None)


def reply__requester_gone__is_unroutable_from_pyzmq_too(start, folder, router_drops):
    """The pipe of the one that has gone stays until the reply, so its going is seen as an event."""
    server = start("pyzmq")
    reply = server.socket(zmq.REP)
    endpoint = reply.bind("tcp://127.0.0.1:*")
    for turn in range(1, 6):
        request = start("c").socket(zmq.REQ, linger=0)
        request.connect(endpoint)
        request.send()
        assert reply.recv()[0] == 1
        request.close()
        server.wait_counter(turn, ("EVENTS", "disconnected"), "REP")
        reply.poll(zmq.POLLIN)  # libzmq hears of it
        assert reply.send() == 1
        wait_drops(server, "REP", UNROUTABLE=turn)
    assert server.segment().counter("SENT_MESSAGES", "REP") == 5


def words(puppet, *names):
    segment = puppet.segment()
    return [segment.counter(name, "PUSH") for name in names]


@pytest.mark.parametrize("cause", ["full", "no_peer"])
def send__waits__is_seen_while_it_waits(start, cause):
    """The program's own thread is stuck in zmq_send, and its time already counts."""
    word, other = (("SEND_BLOCKED_NS", "SEND_BLOCKED_NO_PEER_NS") if cause == "full"
                   else ("SEND_BLOCKED_NO_PEER_NS", "SEND_BLOCKED_NS"))
    sender, receiver = start("c"), start("c")
    push, pull = sender.socket(zmq.PUSH, sndhwm=1), receiver.socket(zmq.PULL, rcvhwm=1)
    endpoint = pull.bind("tcp://127.0.0.1:*")
    if cause == "full":
        push.connect(endpoint)
    sender.tell("send", push.name, 300, 100000)  # more than the kernel's buffers hold
    wait_for(lambda: words(sender, word)[0] > 5e8, f"half a second of {word}")
    assert words(sender, other)[0] == 0
    if cause == "full":
        wait_for(lambda: words(sender, "SEND_AT_HWM_NS")[0] > 5e8, "half a second at the mark")
        receiver.tell("recv", pull.name, 1000000)
        assert sender.answer("send")[0] == "300"


@pytest.mark.parametrize("spelling", ["send", "msg_send"])
def send__may_wait_again__counts_its_waits(start, spelling):
    """An option that a program changes between two messages is in force with the next one."""
    puppet = start("c")
    push = puppet.socket(zmq.PUSH, sndtimeo=0)
    push.bind("tcp://127.0.0.1:*")
    assert push.send(spelling=spelling) == 0
    push.set(zmq.SNDTIMEO, 20)
    assert push.send(spelling=spelling) == 0
    puppet.wait_counter(2, "SEND_WOULD_BLOCK_NO_PEER", "PUSH")
    wait_for(lambda: words(puppet, "SEND_BLOCKED_NO_PEER_NS")[0] > 0, "its wait")


@pytest.mark.parametrize("how", ["cancel", "jump"])
def send__left_while_it_waits__waits_no_longer(directory, how):
    """The thread is cancelled in its send, or a signal handler jumps out of it."""
    with Process([*products.program("escaped_send"), how], directory) as process:
        assert process.line() == "left"
        process.wait_next_rounds()
        before = process.segment().counter("SEND_BLOCKED_NS", "PUSH")
        assert before > 0
        process.wait_next_rounds(10)
        assert process.segment().counter("SEND_BLOCKED_NS", "PUSH") == before
        process.popen.stdin.write("go\n")
        process.popen.stdin.flush()
        assert process.line() == "sent"
        assert process.popen.wait(DEADLINE_S) == 0
