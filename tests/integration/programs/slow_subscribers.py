# SPDX-License-Identifier: MPL-2.0
"""Publishes to subscribers that are too slow, and knows what each of them lost.

usage: slow_subscribers.py '{"transport": "tcp", …}' …   (see Publishing.__init__ for the options)

Each argument is a publisher with a context and a thread of its own.

Every message carries a number. A subscriber lost those that match it and that it did not get.
Prints one JSON line, [{"lost": …, "received": …}, …], and stays until its input ends.
"""

import concurrent.futures
import json
import random
import sys

import zmq

MAX_HEAD = 100  # bytes of the longest topic and number
HELLO, END = b"\x00hello", b"\x00end"
XPUB_MANUAL_LAST_VALUE = 98
KINDS = {"PUB": zmq.PUB, "XPUB": zmq.XPUB}


class Subscriber:
    def __init__(self, context, options, rng):
        self.socket = context.socket(zmq.SUB)
        self.socket.linger = 0
        self.socket.rcvhwm = options["rcvhwm"]
        self.speed = rng.choice(options["speeds"])
        n_topics = min(len(options["subscriptions"]), options["n_subscriptions"])
        self.topics = [t.encode() for t in rng.sample(options["subscriptions"], n_topics)]
        self.is_inverted = options["invert"]
        self.is_manual = options["manual"]
        self.first = None  # number of the first message that it could get
        self.received = []
        if options["invert"]:
            self.socket.setsockopt(zmq.INVERT_MATCHING, 1)
        for name, value in options["sub_options"].items():
            self.socket.setsockopt(int(name), value)

    def subscribe(self):
        """To everything at once if so: a conflating publisher sees one subscription of many."""
        if self.is_manual:
            self.socket.subscribe(b"")
            return
        own = [] if self.is_inverted or self.topics == [b""] else [HELLO, END]
        for topic in self.topics + own:
            self.socket.subscribe(topic)

    def matches(self, frame):
        if self.is_inverted:
            return not any(frame.startswith(topic) for topic in self.topics)
        return any(frame.startswith(topic) for topic in self.topics + [HELLO, END])

    def receive(self):
        """One message, whole; False if there is none."""
        try:
            frames = self.socket.recv_multipart(zmq.NOBLOCK)
        except zmq.Again:
            return False
        assert all(frame == frames[1] for frame in frames[2:]), "frames of two messages"
        head = frames[0][:MAX_HEAD]  # what fills it up may be long
        number = int(head.partition(b"|")[2].partition(b"\xff")[0])
        assert not self.received or number > self.received[-1], "out of order"
        self.received.append(number)
        return True


class Publishing:
    def __init__(self, options):
        self.options = {
            "transport": "inproc", "kind": "PUB", "sndhwm": 10, "rcvhwm": 10, "n_subscribers": 3,
            "subscriptions": [""], "n_subscriptions": 1, "topics": ["A"], "speeds": [0, 0.5],
            "n_messages": 300, "sizes": [20], "frames": [1], "invert": False, "seed": 1,
            "pub_options": {}, "sub_options": {}, "welcome": "",
            "manual": False, "last_value": 0, "ipc_path": "",
        } | options
        self.rng = random.Random(self.options["seed"])
        self.context = zmq.Context()
        self.poller = zmq.Poller()
        self.sent = []  # first frames, by number; None: refused
        self.only = {}  # number: the one subscriber that the message was for
        self.socket = self.context.socket(KINDS[self.options["kind"]])
        self.socket.sndhwm = self.options["sndhwm"]
        if self.options["invert"]:
            self.socket.setsockopt(zmq.INVERT_MATCHING, 1)
        if self.options["welcome"]:
            self.socket.setsockopt(zmq.XPUB_WELCOME_MSG, self.options["welcome"].encode())
        if self.options["manual"]:
            self.socket.setsockopt(XPUB_MANUAL_LAST_VALUE if self.options["last_value"]
                                   else zmq.XPUB_MANUAL, 1)
        for name, value in self.options["pub_options"].items():
            self.socket.setsockopt(int(name), value)
        endpoint = {"tcp": "tcp://127.0.0.1:*", "inproc": "inproc://losses",
                    "ipc": f"ipc://{self.options['ipc_path']}"}[self.options["transport"]]
        self.socket.bind(endpoint)
        self.subscribers = [Subscriber(self.context, self.options, self.rng)
                            for _ in range(self.options["n_subscribers"])]

    def publish(self, topic, size=0, frames=1):
        """The number of the message, which stands in its first frame, which has `size` bytes."""
        first = topic + b"|%d" % len(self.sent)
        first += b"\xff" * max(0, size - len(first))
        try:
            self.socket.send_multipart([first] + [b"%d" % len(self.sent)] * (frames - 1), zmq.NOBLOCK)
        except zmq.Again:
            self.sent.append(None)
        else:
            self.sent.append(first)
        return len(self.sent) - 1

    def settle(self):
        self.socket.getsockopt(zmq.EVENTS)

    def greet(self):
        """Until each subscriber has got a message: from that one on they all count."""
        for subscriber in self.subscribers:
            subscriber.subscribe()
            subscriber.socket.connect(self.socket.last_endpoint.decode())
            if self.options["welcome"]:
                while not subscriber.socket.poll(10):
                    self.settle()
                assert subscriber.socket.recv().decode() == self.options["welcome"]
            if self.options["manual"]:
                self.subscribe_for(subscriber)
        for subscriber in self.subscribers:
            self.poller.register(subscriber.socket, zmq.POLLIN)
        while any(not s.received for s in self.subscribers):
            self.settle()
            self.publish(HELLO)
            self.drain()
        for subscriber in self.subscribers:
            subscriber.first = subscriber.received[0]

    def subscribe_for(self, subscriber):
        """XPUB_MANUAL: what a subscriber gets is for the publisher to say."""
        self.socket.poll()
        assert self.socket.recv()[:1] == b"\x01"
        for topic in subscriber.topics + [HELLO, END]:
            self.socket.setsockopt(zmq.SUBSCRIBE, topic)
        if self.options["last_value"]:
            self.publish(b"to nobody")  # or the next message went to this one only

    def send_last_value(self, subscriber):
        """It subscribes once more, and the next message is for it alone."""
        subscriber.socket.subscribe(b"again%d" % len(self.sent))
        self.socket.poll()
        assert self.socket.recv()[:1] == b"\x01"
        number = self.publish(self.rng.choice(self.options["topics"]).encode())
        self.only[number] = subscriber

    def drain(self):
        """Receives until nothing comes for a moment; this decides nothing but the pace."""
        by_socket = {s.socket: s for s in self.subscribers}
        while ready := self.poller.poll(20):
            for socket, _ in ready:
                while by_socket[socket].receive():
                    pass

    def run(self):
        self.greet()
        for _ in range(self.options["n_messages"]):
            topic = self.rng.choice(self.options["topics"]).encode()
            self.publish(topic, self.rng.choice(self.options["sizes"]),
                         self.rng.choice(self.options["frames"]))
            if self.rng.random() < self.options["last_value"]:
                self.send_last_value(self.rng.choice(self.subscribers))
            for subscriber in self.subscribers:
                if self.rng.random() < subscriber.speed:
                    subscriber.receive()
        self.finish()

    def finish(self):
        """Until each has got the very last message: what it has not got by then is lost."""
        while True:
            last = self.publish(END)
            self.drain()
            if all(s.received and s.received[-1] == last for s in self.subscribers):
                return

    def was_for(self, subscriber, number, first):
        return (first is not None and number >= subscriber.first and subscriber.matches(first)
                and self.only.get(number, subscriber) is subscriber)

    def lost(self):
        return sum(sum(self.was_for(s, number, first) for number, first in enumerate(self.sent))
                   - len(s.received) for s in self.subscribers)


def told_of(publishing):
    return {
        "lost": publishing.lost(),
        "received": sum(len(s.received) for s in publishing.subscribers),
        "sent": len(publishing.sent) - publishing.sent.count(None),
        "refused": publishing.sent.count(None),
    }


def publish(options):
    publishing = Publishing(options)
    publishing.run()
    return publishing


def main():
    with concurrent.futures.ThreadPoolExecutor(len(sys.argv) - 1) as threads:
        publishings = list(threads.map(publish, map(json.loads, sys.argv[1:])))
    print(json.dumps([told_of(publishing) for publishing in publishings]), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
