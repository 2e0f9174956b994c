# SPDX-License-Identifier: MPL-2.0
"""Sockets inside zmq_proxy and its like, which no hook sees, have counts and queues all the same."""

import pytest
import zmq

from support import products
from support.process import Process
from support.puppet import LANGUAGES
from support.waiting import wait_equal, wait_for

SPELLINGS = ("proxy", "steerable", "device")


def endpoint_of(transport, folder, name):
    return {"tcp": "tcp://127.0.0.1:*", "ipc": f"ipc://{folder}/{name}"}[transport]


class Broker:
    """A puppet with a frontend and a backend, and their proxy once it runs."""

    def __init__(self, puppet, folder, kinds=(zmq.ROUTER, zmq.DEALER), transport="ipc", **options):
        self.puppet, self.folder, self.transport = puppet, folder, transport
        self.front = puppet.socket(kinds[0], **options)
        self.back = puppet.socket(kinds[1], **options)
        self.front_endpoint = self.front.bind(endpoint_of(transport, folder, "front"))
        self.back_endpoint = self.back.bind(endpoint_of(transport, folder, "back"))
        self.control = self.steering = None

    def run(self, spelling="proxy", capture=None):
        if spelling == "steerable":
            self.control = self.puppet.socket(zmq.PAIR)
            self.steering = self.control.bind(f"ipc://{self.folder}/control")
        self.front.proxy(self.back, capture, self.control, spelling)

    def counts(self):
        """(received, sent) of the frontend, (received, sent) of the backend."""
        segment = self.puppet.segment()
        return tuple(tuple(segment.counter(word, None, socket.endpoint)
                           for word in ("RECEIVED_MESSAGES", "SENT_MESSAGES"))
                     for socket in (self.front, self.back))

    def wait_counts(self, front, back):
        wait_equal(self.counts, (front, back), "counts of frontend and backend")
        self.puppet.wait_next_rounds()
        assert self.counts() == (front, back)


def request(client, n, frames=1):
    for _ in range(n):
        client.send_frames(b"", *[b"ask"] * frames)


def serve(worker, n):
    """Answers n requests, each with its own frames."""
    for _ in range(n):
        worker.send_frames(*worker.recv_frames())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("spelling", SPELLINGS)
def router_dealer__requests_and_replies__are_counted(start, folder, language, spelling):
    broker = Broker(start(language), folder)
    broker.run(spelling)
    clients, workers = ([start().socket(zmq.DEALER) for _ in range(2)] for _ in range(2))
    for client in clients:
        client.connect(broker.front_endpoint)
        request(client, 30, frames=3)
    for worker in workers:
        worker.connect(broker.back_endpoint)
    broker.wait_counts((60, 0), (0, 60))
    n_served = 0
    for worker in workers:
        while worker.poll(timeout_ms=200):
            serve(worker, 1)
            n_served += 1
    assert n_served == 60
    for client in clients:
        assert client.recv(30)[0] == 30
    broker.wait_counts((60, 60), (60, 60))
    segment = broker.puppet.segment()
    assert segment.counter("PROXIED", "ROUTER") == segment.counter("PROXIED", "DEALER") == 1
    assert segment.counter("SENT_BYTES", "ROUTER") == 0
    for kind in ("ROUTER", "DEALER"):
        assert segment.gauge("LAST_SENT_NS", kind) and segment.gauge("LAST_RECEIVED_NS", kind)


@pytest.mark.parametrize("n_subscribers", [1, 5])
def xsub_xpub__messages__are_counted_once_each(start, folder, n_subscribers):
    broker = Broker(start(), folder, (zmq.XSUB, zmq.XPUB))
    broker.run()
    publisher = start().socket(zmq.XPUB)
    publisher.connect(broker.front_endpoint)
    subscribers = []
    for _ in range(n_subscribers):
        subscribers.append(start().socket(zmq.SUB))
        subscribers[-1].set(zmq.SUBSCRIBE, "topic")
        subscribers[-1].connect(broker.back_endpoint)
    assert publisher.recv_frames() == [b"\x01topic"]
    # The proxy subscribes once; the others may come to the XPUB later than the first message.
    wait_equal(lambda: broker.puppet.segment().gauge("PIPES", "XPUB"), n_subscribers, "pipes")
    broker.puppet.wait_next_rounds()
    publisher.send(200, frames=2, first=b"topic")
    publisher.send(50, first=b"other")
    for subscriber in subscribers:
        assert subscriber.recv(1)[0] == 1
    wait_equal(lambda: (broker.counts()[0][0], broker.counts()[1][1]), (200, 200), "messages")
    broker.puppet.wait_next_rounds()
    assert (broker.counts()[0][0], broker.counts()[1][1]) == (200, 200)


@pytest.mark.parametrize("language", LANGUAGES)
def steerable__used_before_and_after__counts_each_message_once(start, folder, language):
    broker = Broker(start(language), folder, (zmq.PULL, zmq.PUSH))
    sender, receiver = start().socket(zmq.PUSH), start().socket(zmq.PULL)
    sender.connect(broker.front_endpoint)
    receiver.connect(broker.back_endpoint)
    sent = received = 0
    for turn in range(3):
        sender.send(10)
        sent += 10
        assert broker.front.recv(10)[0] == 10
        assert broker.back.send(7) == 7
        assert receiver.recv(7)[0] == 7
        received += 7
        broker.wait_counts((sent, 0), (0, received))

        if turn == 0:
            broker.run("steerable")
            steering = start().socket(zmq.PAIR)
            steering.connect(broker.steering)
        else:
            broker.front.proxy(broker.back, None, broker.control, "steerable")
        sender.send(25)
        assert receiver.recv(25)[0] == 25
        sent += 25
        received += 25
        broker.wait_counts((sent, 0), (0, received))
        sender.send(3)
        sent += 3
        received += 3
        assert receiver.recv(3)[0] == 3
        steering.send_frames(b"TERMINATE")
        assert broker.puppet.answer() == ["0"]
        broker.wait_counts((sent, 0), (0, received))
        assert broker.puppet.segment().counter("RECEIVED_MESSAGES", "PAIR") == turn + 1


def steerable__entered_again_and_again__counts_each_message_once(start, folder):
    broker = Broker(start(), folder, (zmq.PULL, zmq.PUSH))
    sender, receiver, steering = (start().socket(kind) for kind in (zmq.PUSH, zmq.PULL, zmq.PAIR))
    sender.connect(broker.front_endpoint)
    receiver.connect(broker.back_endpoint)
    broker.run("steerable")
    steering.connect(broker.steering)
    for turn in range(1, 151):
        sender.send(40)
        assert receiver.recv(40)[0] == 40
        steering.send_frames(b"TERMINATE")
        assert broker.puppet.answer() == ["0"]
        if turn % 2:
            sender.send(3)
            assert broker.front.recv(3)[0] == broker.back.send(3) == receiver.recv(3)[0] == 3
        broker.front.proxy(broker.back, None, broker.control, "steerable")
    broker.wait_counts((150 * 40 + 75 * 3, 0), (0, 150 * 40 + 75 * 3))


def router_dealer__under_load__is_the_programs_truth(start, folder):
    """Four clients at once, each with twice the broker's marks under way; workers answer all."""
    n_clients, n_each = 4, 4000
    broker = Broker(start(), folder, sndhwm=500, rcvhwm=500)
    broker.run()
    workers = [start().socket(zmq.DEALER) for _ in range(2)]
    clients = [start().socket(zmq.DEALER, sndhwm=1000, rcvhwm=0) for _ in range(n_clients)]
    for worker in workers:
        worker.connect(broker.back_endpoint)
    for client in clients:
        client.connect(broker.front_endpoint)
    wait_equal(lambda: broker.puppet.segment().gauge("PIPES", "DEALER"), 2, "workers")
    for client in clients:
        client.puppet.tell("send", client.name, n_each, 10, 2)
    n_received = 0
    while n_received < n_clients * n_each:
        for worker in workers:
            n_received += worker.recv(100000, flags=zmq.DONTWAIT)[0]
    for client in clients:
        assert client.puppet.answer() == [str(n_each), "0"]
    broker.wait_counts((n_clients * n_each, 0), (0, n_clients * n_each))


def xsub_xpub__under_load__is_the_programs_truth(start, folder):
    """What the proxy drops for a subscriber that does not keep up is not what it received."""
    broker = Broker(start(), folder, (zmq.XSUB, zmq.XPUB), sndhwm=100, rcvhwm=0)
    broker.run()
    publishers = [start().socket(zmq.XPUB, sndhwm=0) for _ in range(3)]
    subscribers = [start().socket(zmq.SUB, rcvhwm=10) for _ in range(2)]
    for publisher in publishers:
        publisher.connect(broker.front_endpoint)
    for subscriber in subscribers:
        subscriber.set(zmq.SUBSCRIBE, "")
        subscriber.connect(broker.back_endpoint)
    for publisher in publishers:
        assert publisher.recv_frames() == [b"\x01"]
    for publisher in publishers:
        publisher.puppet.tell("send", publisher.name, 5000, 200)
    for publisher in publishers:
        assert publisher.puppet.answer() == ["5000", "0"]
    wait_equal(lambda: (broker.counts()[0][0], broker.counts()[1][1]), (15000, 15000), "messages")
    broker.puppet.wait_next_rounds()
    assert (broker.counts()[0][0], broker.counts()[1][1]) == (15000, 15000)


def pyzmq_device__in_a_thread__is_counted(directory):
    with Process(products.program("proxy_device.py"), directory) as process:
        assert process.line() == "done"
        for kind, endpoint in (("ROUTER", "inproc://front"), ("DEALER", "inproc://back")):
            process.wait_counter(300, "RECEIVED_MESSAGES", kind, endpoint)
            process.wait_counter(300, "SENT_MESSAGES", kind, endpoint)


def thread__cancelled_in_a_proxy__leaves_nothing_that_counts_twice(directory):
    with Process(products.program("proxy_cancelled"), directory) as process:
        assert process.line() == "done"
        for kind, endpoint in (("PULL", "inproc://front"), ("PULL", "inproc://back")):
            process.wait_counter(20, "RECEIVED_MESSAGES", kind, endpoint)
        process.wait_next_rounds()
        segment = process.segment()
        assert segment.counter("RECEIVED_MESSAGES", "PULL") == 40
        assert segment.counter("SENT_MESSAGES", "PUSH") == 40


def peers__that_come_and_go__keep_what_was_seen(start, folder):
    broker = Broker(start(), folder, (zmq.PULL, zmq.PUSH))
    broker.run()
    receiver = start().socket(zmq.PULL)
    receiver.connect(broker.back_endpoint)
    for turn in range(1, 6):
        sender = start().socket(zmq.PUSH)
        sender.connect(broker.front_endpoint)
        sender.send(40)
        assert receiver.recv(40)[0] == 40
        broker.wait_counts((40 * turn, 0), (0, 40 * turn))
        sender.close()
        wait_equal(lambda: broker.puppet.segment().gauge("PIPES", "PULL"), 0, "pipes")


def capture__of_any_type__has_what_it_was_given(start, folder):
    for kind, name in ((zmq.PUB, "PUB"), (zmq.PUSH, "PUSH")):
        puppet = start()
        inner = folder / name
        inner.mkdir()
        broker = Broker(puppet, inner, (zmq.ROUTER, zmq.DEALER))
        capture = puppet.socket(kind)
        listener = start().socket(zmq.SUB if kind == zmq.PUB else zmq.PULL)
        listener.connect(capture.bind(f"ipc://{inner}/capture"))
        broker.run(capture=capture)
        client, worker = start().socket(zmq.DEALER), start().socket(zmq.DEALER)
        worker.connect(broker.back_endpoint)
        client.connect(broker.front_endpoint)
        request(client, 20)
        serve(worker, 20)
        assert client.recv(20)[0] == 20
        puppet.wait_counter(40, "SENT_MESSAGES", name)


def xsub_xpub__stalled_subscriber__fills_and_hides_what_is_not_known(start, folder, agent):
    broker = Broker(start(), folder, (zmq.XSUB, zmq.XPUB), sndhwm=100)
    broker.run()
    publisher, subscriber = start().socket(zmq.XPUB, sndhwm=0), start().socket(zmq.SUB, rcvhwm=10)
    publisher.connect(broker.front_endpoint)
    subscriber.set(zmq.SUBSCRIBE, "")
    subscriber.connect(broker.back_endpoint)
    assert publisher.recv_frames() == [b"\x01"]
    n = 0

    def is_full():
        nonlocal n
        n += publisher.send(500, size=20000)
        return (agent.scrape().value("zmq_socket_send_at_hwm_seconds_total", type="XPUB",
                                     address=broker.back.endpoint) or 0) > 0.3

    wait_for(is_full, "time at HWM")
    agent.wait_value(n, "zmq_socket_received_messages_total", type="XSUB")
    agent.wait_value(n, "zmq_socket_sent_messages_total", type="XPUB", address=broker.back.endpoint)
    page = agent.scrape()
    assert page.value("zmq_socket_dropped_messages_total", type="XPUB", reason="hwm",
                      address=broker.back.endpoint) is None
    assert page.value("zmq_socket_received_messages_total", type="XPUB",
                      address=broker.back.endpoint) is None
    assert page.value("zmq_socket_sent_messages_total", type="XSUB") is None
    # The publisher's own socket is in no proxy.
    own = {"type": "XPUB", "address": publisher.endpoint}
    assert page.value("zmq_socket_dropped_messages_total", reason="hwm", **own) is not None
    assert page.value("zmq_socket_received_messages_total", **own) == 1


def stalled_consumer__beside_healthy_one__is_told_apart(start, folder, agent):
    """Two brokers with the same load; behind one a worker has stopped."""
    puppets = {name: start(variables={"ZMQ_EXPORTER_PROGRAM": name}) for name in ("healthy", "stalled")}
    brokers, senders = {}, {}
    for name, puppet in puppets.items():
        inner = folder / name
        inner.mkdir()
        brokers[name] = Broker(puppet, inner, (zmq.PULL, zmq.PUSH), sndhwm=100, rcvhwm=100)
        brokers[name].run()
        receiver = start().socket(zmq.PULL, rcvhwm=10)
        receiver.connect(brokers[name].back_endpoint)
        senders[name] = start().socket(zmq.PUSH, sndhwm=100)
        senders[name].connect(brokers[name].front_endpoint)
        senders[name].send(1)
        assert receiver.recv(1)[0] == 1
        if name == "healthy":
            healthy_receiver = receiver
    for _ in range(20):
        senders["healthy"].send(50)
        assert healthy_receiver.recv(50)[0] == 50
    stuck = senders["stalled"]
    while stuck.poll(zmq.POLLOUT, timeout_ms=500):
        stuck.send(100, size=20000, flags=zmq.DONTWAIT)

    def page(family, name, kind, **labels):
        return agent.scrape().value(family, program=name, type=kind, **labels)

    wait_for(lambda: page("zmq_socket_send_at_hwm_seconds_total", "stalled", "PUSH") > 0.3, "time at HWM")
    assert page("zmq_socket_send_at_hwm_seconds_total", "healthy", "PUSH") == 0
    # Full until the other end has read as much as makes it tell: half the mark.
    assert page("zmq_socket_send_queue_messages", "stalled", "PUSH") >= 50
    assert page("zmq_socket_send_hwm_proximity_ratio", "stalled", "PUSH") >= 0.5
    assert page("zmq_socket_send_queue_messages", "healthy", "PUSH") == 0
    assert page("zmq_socket_receive_queue_messages", "stalled", "PULL") >= 50
    assert page("zmq_socket_receive_queue_messages", "healthy", "PULL") == 0
    wait_equal(lambda: page("zmq_socket_received_messages_total", "healthy", "PULL"), 1001, "received")
    wait_equal(lambda: page("zmq_socket_sent_messages_total", "healthy", "PUSH"), 1001, "sent")
    # What nobody can know is not on the page.
    names = {sample.name for sample in agent.scrape().samples if sample.labels.get("program") == "stalled"}
    assert "zmq_socket_sent_messages_total" in names
    assert "zmq_socket_sent_bytes_total" not in names
    assert "zmq_socket_send_blocked_seconds_total" not in names
