# SPDX-License-Identifier: MPL-2.0
"""Each lost message is counted once, with its reason: the receivers know what is missing."""

import pytest
import zmq

from support import libzmq
from support.puppet import Puppet
from support.waiting import wait_equal, wait_for

REASONS = ("HWM", "UNROUTABLE", "LINGER", "DISCONNECT")
TRANSPORTS = ["inproc", "tcp", "ipc"]


def endpoint_of(transport, folder):
    return {"tcp": "tcp://127.0.0.1:*", "ipc": f"ipc://{folder}/q", "inproc": "inproc://q"}[transport]


def drops(puppet, kind):
    segment = puppet.segment()
    return {reason: n for reason in REASONS if (n := segment.counter(f"DROPPED_{reason}", kind))}


def wait_drops(puppet, kind, **expected):
    """Waits for these drops, and sees that they stay and that there are no others."""
    wait_equal(lambda: drops(puppet, kind), expected, f"drops of {kind}")
    puppet.wait_next_rounds()
    assert drops(puppet, kind) == expected


def attach(socket, n_peers, kind):
    def is_attached():
        socket.poll(zmq.POLLIN | zmq.POLLOUT)
        return socket.puppet.segment().gauge("PIPES", kind) == n_peers

    wait_for(is_attached, f"{n_peers} pipes of {kind}")


def wait_pipes(socket, n_pipes):
    """Lets libzmq take in what it has to; a full socket is asked for room."""
    def has_pipes():
        socket.poll(zmq.POLLOUT)
        return socket.puppet.segment().gauge("PIPES", NAMES[socket.kind]) == n_pipes

    wait_for(has_pipes, f"{n_pipes} pipes")


def receive_all(socket):
    """Until nothing more comes; how many messages."""
    n = 0
    while True:
        n += socket.recv(100000, zmq.DONTWAIT)[0]
        if not socket.poll(timeout_ms=300):
            return n


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


@pytest.mark.parametrize("transport", TRANSPORTS)
def router__peer_gone__each_message_is_unroutable(start, folder, router_drops, transport):
    router, dealer = router_and_dealer(start, folder, transport)
    assert router.send(3, first=b"peer") == 3
    assert dealer.recv(3)[0] == 3
    attach(router, 1, "ROUTER")  # so that none is not what was seen before it came
    dealer.close()
    attach(router, 0, "ROUTER")
    assert router.send(11, first=b"peer") == 11
    wait_drops(router.puppet, "ROUTER", UNROUTABLE=11)


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


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("frames", [1, 3])
def router__peer_full__what_did_not_arrive_is_dropped_at_the_mark(start, folder, router_drops, transport, frames):
    router, dealer = router_and_dealer(start, folder, transport, sndhwm=5, rcvhwm=5)
    size = 1 if transport == "inproc" else 50000
    sent = received = 0
    for _ in range(3):
        assert router.send(300, size, frames, first=b"peer") == 300
        sent += 300
        received += receive_all(dealer)
    assert received < sent
    wait_drops(router.puppet, "ROUTER", HWM=sent - received)


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


@pytest.mark.parametrize("language", ["c", "pyzmq"])
@pytest.mark.parametrize("transport", ["tcp", "ipc"])
def reply__requester_gone__is_unroutable(start, folder, router_drops, transport, language):
    """The pipe of the one that has gone stays until the reply, so its going is seen as an event;
    inproc has none."""
    server = start(language)
    reply = server.socket(zmq.REP)
    endpoint = reply.bind(endpoint_of(transport, folder))
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


@pytest.mark.parametrize("pair", [(zmq.PUSH, zmq.PULL), (zmq.DEALER, zmq.DEALER), (zmq.PAIR, zmq.PAIR)])
def senders_that_wait__full__lose_nothing(start, pair):
    puppet = start("c")
    sender, receiver = puppet.socket(pair[0], sndhwm=4), puppet.socket(pair[1], rcvhwm=4)
    sender.connect(receiver.bind("inproc://q"))
    assert sender.fill() == 8
    assert receive_all(receiver) == 8
    wait_drops(puppet, None)


def words(puppet, *names):
    segment = puppet.segment()
    return [segment.counter(name, "PUSH") for name in names]


def send__no_peer_and_full__are_told_apart(start):
    puppet = start("c")
    push, pull = puppet.socket(zmq.PUSH, sndhwm=2), puppet.socket(zmq.PULL, rcvhwm=2)
    for _ in range(3):
        assert push.send(flags=zmq.DONTWAIT) == 0
    push.connect(pull.bind("inproc://q"))
    assert push.fill() == 4
    for _ in range(4):
        assert push.send(flags=zmq.DONTWAIT) == 0
    wait_equal(lambda: words(puppet, "SEND_WOULD_BLOCK", "SEND_WOULD_BLOCK_NO_PEER"), [5, 3], "refusals")


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


NAMES = {zmq.PUSH: "PUSH", zmq.DEALER: "DEALER", zmq.PAIR: "PAIR", zmq.PUB: "PUB",
         zmq.XPUB: "XPUB"}


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
