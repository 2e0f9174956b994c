# SPDX-License-Identifier: MPL-2.0
"""A socket of each type that sends, with one peer: what the table of losses is tried on.

    with two puppets, or one over inproc:
    link = make_link("ROUTER", sender, receiver, "tcp://127.0.0.1:*", hwm=5)
    link.send_mixed(100)
    link.receive_all()
    assert link.missing() == link.sent - link.received
"""

import zmq

from support.losses import drops, receive_all
from support.waiting import wait_for

# (size of a frame, frames): small and large, of one frame and of several. What fits into a
# zmq_msg_t itself goes other ways through libzmq than what does not.
SHAPES = [(50000, 1), (3, 1), (20000, 3), (1, 4)]
BUFFER = 20000  # of the kernel: so little that a queue fills with what a test can send

# The draft types' numbers are not in every pyzmq.
SERVER, CLIENT, RADIO, DISH, GATHER, SCATTER, PEER, CHANNEL = 12, 13, 14, 15, 16, 17, 19, 20


class Link:
    """The sender binds, so that what is queued ends with the connection."""

    kinds = (zmq.PUSH, zmq.PULL)
    max_frames = 4
    may_refuse = True  # a send can be refused

    def __init__(self, name, sender, receiver, endpoint, hwm=50, receiver_options=None, **options):
        self.name = name
        self.receiver_options = {"rcvhwm": hwm} | (receiver_options or {})
        self.sent = self.received = self.refused = 0
        self.sender = self.open(sender, self.kinds[0], sndhwm=hwm, **options)
        self.resolved = self.sender.bind(endpoint)
        self.connect(receiver)

    def open(self, puppet, kind, **options):
        return puppet.socket(kind, sndbuf=BUFFER, rcvbuf=BUFFER, **options)

    def connect(self, puppet):
        self.receiver = self.open(puppet, self.kinds[1], **self.receiver_options)
        self.prepare()
        self.join()
        self.meet()

    def prepare(self):
        """Before the receiver connects."""

    def join(self):
        self.receiver.connect(self.resolved)

    def meet(self):
        """Until the sender's own thread has the peer."""
        wait_for(lambda: self.sender.poll(zmq.POLLOUT), f"a peer of {self.name}")

    def send_some(self, count, size, frames):
        """How many were taken."""
        return self.sender.send(count, size, frames, zmq.DONTWAIT)

    def send(self, count, size=1, frames=1):
        n = self.send_some(count, size, min(frames, self.max_frames))
        self.sent += n
        self.refused += n < count
        return n

    def send_mixed(self, count):
        for i in range(count):
            self.send(1, *SHAPES[i % len(SHAPES)])

    def receive_some(self):
        """What there is; how many messages."""
        n = self.receiver.recv(100000, zmq.DONTWAIT)[0]
        self.received += n
        return n

    def receive(self, count):
        assert self.receiver.recv(count)[0] == count
        self.received += count

    def missing(self):
        return self.sent - self.received

    def counter(self, word):
        """Of the sender. Over inproc some receivers are of the same type, and lose nothing."""
        return self.sender.puppet.segment().counter(word, self.name, self.sender.endpoint)

    def gauge(self, word):
        return self.sender.puppet.segment().gauge(word, self.name, self.sender.endpoint)

    def dropped(self):
        return drops(self.sender.puppet, self.name, self.sender.endpoint)

    def forbid_drops(self):
        """From now on it refuses what it would drop."""


class PairLink(Link):
    kinds = (zmq.PAIR, zmq.PAIR)


class DealerLink(Link):
    kinds = (zmq.DEALER, zmq.DEALER)


class RequestLink(Link):
    """One request at a time."""
    kinds = (zmq.REQ, zmq.REP)

    def send_mixed(self, count):
        self.send(1, *SHAPES[2])

    def receive_some(self):
        n = super().receive_some()
        if n:
            self.answer()
        return n

    def answer(self):
        self.receiver.send()
        assert self.sender.recv()[0] == 1


class PublishLink(Link):
    kinds = (zmq.PUB, zmq.SUB)
    may_refuse = False

    def prepare(self):
        self.receiver.set(zmq.SUBSCRIBE, "")

    def forbid_drops(self):
        self.sender.set(zmq.XPUB_NODROP, 1)

    def meet(self):
        def has_subscribed():
            self.sender.send()
            return self.receiver.poll(timeout_ms=50)

        wait_for(has_subscribed, f"a subscription at {self.name}")
        receive_all(self.receiver)


class ExtendedPublishLink(PublishLink):
    kinds = (zmq.XPUB, zmq.SUB)


class RouterLink(Link):
    kinds = (zmq.ROUTER, zmq.DEALER)
    may_refuse = False

    def prepare(self):
        self.receiver.set(zmq.ROUTING_ID, "peer")

    def forbid_drops(self):
        self.sender.set(zmq.ROUTER_MANDATORY, 1)

    def meet(self):
        self.receiver.send()
        assert self.sender.recv()[0] == 1

    def send_some(self, count, size, frames):
        return self.sender.send(count, size, frames, zmq.DONTWAIT, first=b"peer")


class ReplyLink(Link):
    """The requester asks again before it has read the answer, as a DEALER may."""
    kinds = (zmq.REP, zmq.DEALER)
    may_refuse = False

    def meet(self):
        """Nothing: a request shows that the peer is there."""

    def ask(self):
        self.receiver.send_frames(b"", b"request")
        assert self.sender.recv()[0] == 1

    def send_some(self, count, size, frames):
        for _ in range(count):
            self.ask()
            assert self.sender.send(1, size, frames) == 1
        return count


class StreamLink(Link):
    """Raw TCP: what is sent is bytes, in a frame after the peer's id."""
    kinds = (zmq.STREAM, zmq.STREAM)
    max_frames = 1
    n_bytes = 0  # sent and not received

    def meet(self):
        self.id, empty = self.sender.recv_frames()
        assert empty == b""

    def send_some(self, count, size, frames):
        n = self.sender.send(count, size, frames, zmq.DONTWAIT, first=self.id)
        self.n_bytes += n * size
        return n

    def receive_some(self):
        """Bytes know no messages: all or nothing has come."""
        n, n_bytes = self.receiver.recv(100000, zmq.DONTWAIT)
        self.n_bytes -= n_bytes
        self.received = self.sent if self.n_bytes <= 0 else 0
        return n


class UpstreamLink(Link):
    """What an XSUB sends that is no subscription goes to every publisher."""
    kinds = (zmq.XSUB, zmq.XPUB)
    may_refuse = False

    def meet(self):
        def has_come():
            self.sender.send_frames(b"\x05hello")
            return self.receiver.poll(timeout_ms=50)

        wait_for(has_come, f"a publisher at {self.name}")
        receive_all(self.receiver)

    def send_some(self, count, size, frames):
        for _ in range(count):
            self.sender.send_frames(b"\x05" * min(size, 2000))
        return count


class DraftLink(Link):
    """Of libzmq's drafts: messages of one frame."""
    max_frames = 1


class ScatterLink(DraftLink):
    kinds = (SCATTER, GATHER)


class ChannelLink(DraftLink):
    kinds = (CHANNEL, CHANNEL)


class ClientLink(DraftLink):
    kinds = (CLIENT, SERVER)


class ServerLink(DraftLink):
    kinds = (SERVER, CLIENT)

    def meet(self):
        self.receiver.send()
        self.id = self.sender.recv_id()

    def send_some(self, count, size, frames):
        return self.sender.send_to(self.id, count, size, zmq.DONTWAIT)


class PeerLink(ServerLink):
    """Both ends name whom they send to, and the one that connects is told by that call."""
    kinds = (PEER, PEER)

    def meet(self):
        self.receiver.send_to(self.id_of_sender)
        self.id = self.sender.recv_id()

    def join(self):
        self.id_of_sender = self.receiver.connect_peer(self.resolved)


class RadioLink(DraftLink):
    kinds = (RADIO, DISH)
    may_refuse = False

    def prepare(self):
        self.receiver.join("group")

    def meet(self):
        def has_joined():
            self.sender.send_to("group", spelling="to_group")
            return self.receiver.poll(timeout_ms=50)

        wait_for(has_joined, f"a member at {self.name}")
        receive_all(self.receiver)

    def forbid_drops(self):
        self.sender.set(zmq.XPUB_NODROP, 1)

    def send_some(self, count, size, frames):
        return self.sender.send_to("group", count, size, zmq.DONTWAIT, "to_group")


DRAFT_LINKS = {"SERVER": ServerLink, "CLIENT": ClientLink, "RADIO": RadioLink,
               "SCATTER": ScatterLink, "PEER": PeerLink, "CHANNEL": ChannelLink}
LINKS = {
    "PAIR": PairLink, "PUB": PublishLink, "XPUB": ExtendedPublishLink, "PUSH": Link,
    "DEALER": DealerLink, "ROUTER": RouterLink, "REQ": RequestLink, "REP": ReplyLink,
    "XSUB": UpstreamLink, "STREAM": StreamLink,
}


def make_link(name, *arguments, **options):
    return (LINKS | DRAFT_LINKS)[name](name, *arguments, **options)
