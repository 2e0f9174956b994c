# SPDX-License-Identifier: MPL-2.0
"""Random traffic: what was sent was received, is queued, or was counted as dropped.

A seeded generator makes links of every kind and transport with small marks, and has their sockets
send and receive at random. At the end all that waits is received, so that nothing is left in the
kernel: each message that is missing then must have been counted, with a reason.

    TEST_BALANCE_SECONDS=600 TEST_BALANCE_SEED=7 ./dev test balance
"""

import itertools
import os
import random
import time

import pytest
import zmq

from support.losses import REASONS
from support.waiting import wait_equal, wait_for

SECONDS = float(os.environ.get("TEST_BALANCE_SECONDS", "0"))  # instead of so many steps
N_STEPS = 2000
N_REPLACED = 14
SEEDS = [int(os.environ["TEST_BALANCE_SEED"])] if "TEST_BALANCE_SEED" in os.environ else [1, 2, 3]
SIZES = [1, 30, 3000, 40000]

# What a connection can hold besides the queues, if messages are not small: the kernel gives twice
# what it is asked for, at both ends; libzmq writes and reads 8 KiB at a time, and has one message
# half written and one half read.
LARGE = [10000, 30000]
BUFFER = 150000
MAX_ON_THE_WAY = (2 * 2 * BUFFER + 2 * 8192) // LARGE[0] + 2


def until(n_wanted, count):
    """Goes on until `count` says so many, or as long as the environment says."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end if SECONDS else count() < n_wanted:
        yield


class Link:
    """One sender and its receivers. `expected` counts copies: a message for each receiver that
    ought to get it."""

    kinds = (zmq.PUSH, zmq.PULL)
    names = ("PUSH", "PULL")
    needs = None
    numbers = itertools.count()

    def __init__(self, rng, start, folder, transports=("inproc", "tcp", "ipc"), sizes=SIZES,
                 n_receivers=None, hwm=None, **options):
        self.rng, self.sizes, self.hwm, self.options = rng, sizes, hwm, options
        self.n_gone = self.n_gone_unread = 0  # receivers; what these had in their queues
        transport = rng.choice(transports)
        n_receivers = n_receivers or (rng.randint(1, 4) if self.kinds[0] != zmq.PAIR else 1)
        self.endpoint = {"inproc": "inproc://", "tcp": "tcp://127.0.0.1:*",
                         "ipc": f"ipc://{folder}/"}[transport]
        if transport != "tcp":
            self.endpoint += str(next(self.numbers))
        puppet = start("c")
        self.sender = puppet.socket(self.kinds[0], sndhwm=hwm or rng.choice([1, 2, 7, 50, 0]), **options)
        self.resolved = self.sender.bind(self.endpoint)
        self.receivers = []
        for i in range(n_receivers):
            other = puppet if transport == "inproc" else start("c")
            self.receivers.append(self.open_receiver(i, other))
        self.expected = self.received = self.accepted = self.drained = 0
        self.meet()
        for puppet in {self.sender.puppet, *(receiver.puppet for receiver in self.receivers)}:
            puppet.wait_next_rounds()
        self.dropped_before, self.sent_before, self.received_before = self.counted()

    def open_receiver(self, i, puppet):
        mark = self.hwm or self.rng.choice([1, 3, 20, 0])
        receiver = puppet.socket(self.kinds[1], rcvhwm=mark, **self.options)
        self.prepare(i, receiver)
        receiver.connect(self.resolved)
        return receiver

    def prepare(self, i, receiver):
        """Before the receiver connects."""

    def meet(self):
        """Waits until the sender's own thread has taken in every peer."""
        n_pipes = len(self.receivers)
        if self.kinds[0] == self.kinds[1] and self.endpoint.startswith("inproc"):
            n_pipes *= 2  # the group has both ends

        def has_met():
            self.sender.poll(zmq.POLLIN if self.kinds[0] in (zmq.PAIR, zmq.DEALER) else zmq.POLLOUT)
            return self.sender.puppet.segment().gauge("PIPES", self.names[0]) == n_pipes

        wait_for(has_met, "all peers")

    def replace(self, i):
        """A receiver goes, with what it has not read, and another comes in its place."""
        old = self.receivers.pop(i)
        self.n_gone += 1
        if self.endpoint.startswith("inproc"):
            old.close()
        else:
            self.close_at_rest(old)
        self.sender.puppet.wait_next_rounds()  # the tap has looked when the sender takes it in
        self.wait_pipes()
        new = self.open_receiver(i, old.puppet)
        self.receivers.insert(i, new)
        self.greet(new)
        self.wait_pipes()

    def close_at_rest(self, receiver):
        """Closes it when nothing moves any more, and waits until the sender's side has seen it."""
        seen = []

        def queues():
            receiver.puppet.wait_next_rounds()
            return (self.sender.puppet.segment().gauge("SEND_QUEUE", self.names[0]),
                    receiver.puppet.segment().gauge("RECEIVE_QUEUE", self.names[1], self.resolved))

        def is_at_rest():
            seen.append(queues())
            return seen[-2:] == seen[-1:] * 2

        def n_ends():
            return self.sender.puppet.segment().counter(("EVENTS", "disconnected"), self.names[0])

        wait_for(is_at_rest, lambda: f"rest: {seen[-2:]}")
        self.n_gone_unread += seen[-1][1]
        n_before = n_ends()
        receiver.close()
        wait_for(lambda: n_ends() > n_before, "the end of a connection")

    def greet(self, receiver):
        """Makes a new receiver known to the sender."""

    def wait_pipes(self):
        n_pipes = len(self.receivers)
        if self.kinds[0] == self.kinds[1] and self.endpoint.startswith("inproc"):
            n_pipes *= 2

        def has_pipes():
            self.sender.poll(zmq.POLLIN | zmq.POLLOUT)
            return self.sender.puppet.segment().gauge("PIPES", self.names[0]) == n_pipes

        wait_for(has_pipes, lambda: f"{n_pipes} pipes: {self.tell()}")

    def step(self):
        if self.accepted - self.drained > 2000:  # without a mark it would take all memory
            self.receive_what_comes()
            self.drained = self.accepted
        elif self.rng.random() < 0.5:
            self.send(self.rng.choice([1, 5, 50, 300]), self.rng.choice(self.sizes), self.rng.randint(1, 3))
        else:
            self.receive(self.rng.choice(self.receivers), self.rng.choice([1, 10, 200]))

    def send(self, count, size, frames):
        n = self.sender.send(count, size, frames, zmq.DONTWAIT)
        self.accepted += n
        self.expected += n

    def receive(self, receiver, count):
        n = receiver.recv(count, zmq.DONTWAIT)[0]
        self.received += n
        return n

    def dropped(self):
        segment = self.sender.puppet.segment()
        return sum(segment.counter(f"DROPPED_{reason}", self.names[0])
                   for reason in REASONS)

    def receive_what_there_is(self):
        return sum(self.receive(receiver, 100000) for receiver in self.receivers)

    def receive_what_comes(self):
        """Until nothing has come for a while; a mark of one lets it come one by one."""
        n_quiet = 0
        while n_quiet < 5:
            is_quiet = self.receive_what_there_is() == 0 and not any(
                receiver.poll(timeout_ms=20) for receiver in self.receivers)
            n_quiet = n_quiet + 1 if is_quiet else 0

    def drain(self):
        """Receives what there is; true once all has come or was counted."""
        n = self.receive_what_there_is()
        return n == 0 and self.is_balanced(self.received + self.dropped() - self.dropped_before)

    def is_balanced(self, known):
        return known == self.expected

    def counted(self):
        """(dropped, sent, received) as the tap has counted them."""
        sent = self.sender.puppet.segment().counter("SENT_MESSAGES", self.names[0], self.endpoint)
        received = sum(puppet.segment().counter("RECEIVED_MESSAGES", self.names[1], self.resolved)
                       for puppet in {receiver.puppet for receiver in self.receivers})
        return self.dropped(), sent, received

    def check_counters(self):
        """The tap counted what the sockets answered, no more and no less."""
        _, sent, received = self.counted()
        assert (sent - self.sent_before, received - self.received_before) == (
            self.accepted, self.received), self.tell()

    def tell(self):
        return (f"{self.names} {self.endpoint}: {self.expected} ought to come, {self.received} came, "
                f"{self.dropped() - self.dropped_before} dropped; {self.n_gone} receivers went, "
                f"{self.n_gone_unread} unread")


class PairLink(Link):
    kinds, names = (zmq.PAIR, zmq.PAIR), ("PAIR", "PAIR")


class DealerLink(Link):
    kinds, names = (zmq.DEALER, zmq.DEALER), ("DEALER", "DEALER")


class RouterLink(Link):
    kinds, names = (zmq.ROUTER, zmq.DEALER), ("ROUTER", "DEALER")
    needs = "router_drops"

    def prepare(self, i, receiver):
        receiver.set(zmq.ROUTING_ID, f"peer{i}")

    def meet(self):
        """A ROUTER knows a peer's id once it has looked for messages."""
        for receiver in self.receivers:
            receiver.send()
        wait_for(lambda: self.sender.recv(1, zmq.DONTWAIT)[0] == 0 and
                 self.sender.puppet.segment().counter("RECEIVED_MESSAGES", "ROUTER") == len(self.receivers),
                 "every peer's first message")

    def greet(self, receiver):
        receiver.send()
        wait_for(lambda: self.sender.recv(1, zmq.DONTWAIT)[0] == 1, "the new peer's first message")

    def send(self, count, size, frames):
        name = f"peer{self.rng.randint(0, len(self.receivers))}"  # the last one does not exist
        n = self.sender.send(count, size, frames, zmq.DONTWAIT, first=name.encode())
        assert n == count
        self.accepted += n
        self.expected += n


class ReplyLink(Link):
    """Requesters that ask again before they have read the answer, as a DEALER may."""
    kinds, names = (zmq.REP, zmq.DEALER), ("REP", "DEALER")
    needs = "router_drops"

    def send(self, count, size, frames):
        count = min(count, 20)  # each takes four answers of the puppets
        for _ in range(count):
            self.rng.choice(self.receivers).send_frames(b"", b"request")
            assert self.sender.recv()[0] == 1
            assert self.sender.send(1, size, frames) == 1
        self.accepted += count
        self.expected += count


class RequestLink(Link):
    """One request at a time; who has got it answers."""
    kinds, names = (zmq.REQ, zmq.REP), ("REQ", "REP")
    has_asked = False

    def send(self, count, size, frames):
        if not self.has_asked:
            super().send(1, size, frames)
            self.has_asked = True

    def receive(self, receiver, count):
        n = super().receive(receiver, 1)
        if n:
            receiver.send()
            assert self.sender.recv()[0] == 1
            self.has_asked = False
        return n


class PublishLink(Link):
    kinds, names = (zmq.PUB, zmq.SUB), ("PUB", "SUB")
    needs = "publish_drops"

    topics = [b"A", b"AB", b"ABC", b"B", b"BA", b"Z"]
    subscriptions = ["", "A", "AB", "B", "ABCD", "Z"]

    def prepare(self, i, receiver):
        receiver.topics = self.rng.sample(self.subscriptions, self.rng.randint(1, 3))
        for topic in receiver.topics:
            receiver.set(zmq.SUBSCRIBE, topic)
        receiver.set(zmq.SUBSCRIBE, "?")  # the last of its subscriptions to come

    def meet(self):
        """Sends until one and the same message has come to all, as the last one: then all
        subscriptions are known, and no other message is on its way."""
        super().meet()
        last = [None] * len(self.receivers)
        for number in itertools.count():
            self.sender.send_frames(b"?", b"%d" % number)
            for i, receiver in enumerate(self.receivers):
                while receiver.poll(timeout_ms=50):
                    last[i] = int(receiver.recv_frames()[1])
            if last == [number] * len(last):
                return

    def greet(self, receiver):
        """Sends what all subscribe to until it has come to the new one, whose it is from then on."""
        for number in itertools.count():
            self.sender.send_frames(b"?", b"%d" % number)
            self.accepted += 1
            self.expected += len(self.receivers) - 1
            if receiver.poll(timeout_ms=50):
                self.received += 1
                self.expected += number - int(receiver.recv_frames()[1]) + 1
                return

    def send(self, count, size, frames):
        topic = self.rng.choice(self.topics)
        n = self.sender.send(count, size, frames, zmq.DONTWAIT, first=topic)
        assert n == count
        self.accepted += n
        self.expected += n * sum(any(topic.decode().startswith(wanted) for wanted in receiver.topics)
                                 for receiver in self.receivers)


class ExtendedPublishLink(PublishLink):
    kinds, names = (zmq.XPUB, zmq.SUB), ("XPUB", "SUB")


KINDS = [Link, PairLink, DealerLink, RouterLink, RequestLink, ReplyLink, PublishLink,
         ExtendedPublishLink]


def kinds_that_can_be_known(start):
    """Where the tap says that it does not know a type's drops, there is no balance to ask for."""
    puppet = start("c")
    puppet.socket(zmq.ROUTER), puppet.socket(zmq.PUB)
    capabilities = puppet.segment().capabilities
    return [kind for kind in KINDS if not kind.needs or capabilities[kind.needs][0] == "on"]


@pytest.mark.parametrize("seed", SEEDS)
def balance__random_traffic__no_message_is_missing(start, folder, seed):
    rng = random.Random(seed)
    links = [kind(rng, start, folder) for kind in kinds_that_can_be_known(start)]
    steps = itertools.count()
    for _ in until(N_STEPS, lambda: next(steps)):
        rng.choice(links).step()
    for link in links:
        wait_for(link.drain, link.tell)
        wait_equal(lambda: link.sender.puppet.segment().gauge("SEND_QUEUE", link.names[0]), 0, "queue")
        link.sender.puppet.wait_next_rounds()
        assert link.drain(), link.tell()
        assert link.accepted > 0 and (link.received > 0 or link.expected == 0), link.tell()
        link.check_counters()
    print([link.tell() for link in links])


def kinds_whose_peers_may_go(start):
    """A REQ whose server goes with its request sends no other."""
    return [kind for kind in kinds_that_can_be_known(start) if kind is not RequestLink]


def come_and_go(rng, links, has_lost):
    """Random traffic, and receivers that are replaced, of each link at least until it has lost some
    by that; in the end all that is to come has come."""
    def go_on():
        link = rng.choice(links)
        link.step()
        if rng.random() < 0.05:
            link.replace(rng.randrange(len(link.receivers)))
        return all(map(has_lost, links))

    for _ in until(N_REPLACED, lambda: sum(link.n_gone for link in links)):
        go_on()
    wait_for(go_on, "a loss of each link", 120)
    for link in links:
        link.receive_what_comes()
        link.sender.puppet.wait_next_rounds()
        link.receive_what_comes()
    print([link.tell() for link in links])


def assert_publishers_are_sure(links):
    for link in links:
        if isinstance(link, PublishLink):
            assert link.sender.puppet.segment().capabilities["publish_drops"] == ("on", "")


def balance__peers_come_and_go__what_they_had_not_read_is_counted(start, folder):
    rng = random.Random(SEEDS[0])
    links = [kind(rng, start, folder, ["inproc"]) for kind in kinds_whose_peers_may_go(start)]

    def has_lost(link):
        return link.sender.puppet.segment().counter("DROPPED_DISCONNECT", link.names[0]) > 0

    come_and_go(rng, links, has_lost)
    for link in links:
        wait_for(link.drain, link.tell)
        assert has_lost(link), link.tell()
    assert_publishers_are_sure(links)


def balance__peers_come_and_go_over_networks__what_is_missing_was_on_its_way(start, folder):
    """What a receiver had not read when it went was in the sender's queue, and is counted there; or
    in its own, of which the tap told before; or on the way between them, which is the only leak."""
    rng = random.Random(SEEDS[0])
    links = [kind(rng, start, folder, ["tcp", "ipc"], LARGE, sndbuf=BUFFER, rcvbuf=BUFFER)
             for kind in kinds_whose_peers_may_go(start)]
    come_and_go(rng, links, lambda link: link.n_gone > 0)
    for link in links:
        known = link.received + link.dropped() - link.dropped_before + link.n_gone_unread
        on_the_way = link.expected - known
        print(link.names, on_the_way, link.n_gone)
        assert 0 <= on_the_way <= link.n_gone * MAX_ON_THE_WAY, (on_the_way, link.tell())
    assert_publishers_are_sure(links)


@pytest.mark.parametrize("transport", ["tcp", "ipc"])
@pytest.mark.parametrize("kind", [PublishLink, ExtendedPublishLink])
def balance__subscriber_leaves_a_busy_publisher__is_between_its_bounds(start, folder, kind, transport):
    """What one that stays has lost is counted, all of it; of one that leaves at most what did not
    come to it, whether it was in its queue then, or was to go there while it was full, or came
    before libzmq had told the publisher that nobody is there."""
    if kind not in kinds_that_can_be_known(start):
        pytest.skip("the tap does not know what publishers drop here")
    link = kind(random.Random(1), start, folder, [transport], n_receivers=2, hwm=20)
    stays, leaves = link.receivers
    for receiver in link.receivers:
        receiver.set(zmq.SUBSCRIBE, "")
    link.meet()
    link.sender.puppet.tell("send", link.sender.name, 300000, 200)
    n_left = leaves.recv(10)[0]
    leaves.close()
    n_sent = int(link.sender.puppet.answer()[0])
    link.receivers.remove(leaves)
    link.wait_pipes()

    def are_known():
        link.receive_what_there_is()
        return n_sent - link.received <= link.dropped() - link.dropped_before

    wait_for(are_known, link.tell)
    link.sender.puppet.wait_next_rounds()
    n_most = n_sent - link.received + n_sent - n_left
    assert link.dropped() - link.dropped_before <= n_most, (link.tell(), n_sent, n_left)
    assert_publishers_are_sure([link])
