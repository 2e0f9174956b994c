# SPDX-License-Identifier: MPL-2.0
"""A program: slow clients and a flood of rubbish at one address, until its standard input ends.

usage: python3 -m support.crowd HOST:PORT N [CA-FILE]

It is a process of its own, so that whoever measures beside it does not wait for its interpreter's
lock. With a certificate authority it speaks TLS, and guesses passwords. Prints "ready" when all have
tried to come, and at the end how often each thing was done.
"""

import base64
import collections
import os
import random
import socket
import ssl
import sys
import threading

PADDING = b"X-Padding: " + b"x" * 500 + b"\r\n"
PROBLEMS = (OSError, ssl.SSLError)
WAITING = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
RUBBISH = [b"", b"\0", b"GET", b"GET / HTTP/1.1\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
           b"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\nx",
           b"GET /" + b"a" * 30000, b"GET /metrics HTTP/1.1\r\n" + b"A: b\r\n" * 5000,
           b"GET /metrics?collect[]=%00%ff&collect[]=" + b"z" * 2000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
           b"GET /metrics HTTP/1.1\r\nHost: a\r\nAccept: " + b",;q=\"" * 1000 + b"\r\n\r\n"]


def request():
    """A scrape, with a password that nobody tried before."""
    guess = base64.b64encode(b"prometheus:%d" % random.getrandbits(64))
    return b"GET /metrics HTTP/1.1\r\nHost: a\r\nAuthorization: Basic " + guess + b"\r\n" + PADDING + b"\r\n"


def client_hello(context):
    """The first message of a handshake, which costs the server much and the sender nothing."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        context.wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


class Place:
    """Where all of them go."""

    def __init__(self, address, authority):
        host, port = address.rsplit(":", 1)
        self.address = host, int(port)
        self.context = ssl.create_default_context(cafile=authority) if authority else None
        self.hello = client_hello(self.context) if authority else None

    def connect(self, is_secure=True):
        stream = socket.socket()
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stream.settimeout(20)
        try:
            stream.connect(self.address)
            if not self.context or not is_secure:
                return stream
            return self.context.wrap_socket(stream, server_hostname="localhost")
        except PROBLEMS:
            stream.close()
            raise


class Slow:
    """Sends a byte of what it has to say now and then; or, when it said all, takes a byte."""

    def __init__(self, place, kind):
        self.stream = place.connect(is_secure=kind != "greeter")
        self.text = place.hello if kind == "greeter" else request()
        if kind == "reader":
            self.stream.sendall(self.text)
            self.text = b""
        self.stream.setblocking(False)

    def trickle(self):
        """False: it was shut out."""
        try:
            if not self.text:
                return bool(self.stream.recv(1))
            self.text = self.text[self.stream.send(self.text[:1]):]
            return True
        except WAITING:
            return True
        except OSError:
            return False


class Crowd(threading.Thread):
    """Slow clients; for each that is shut out a new one comes."""

    def __init__(self, place, n):
        super().__init__(daemon=True)
        self.place, self.n = place, n
        self.kinds = ["writer", "reader"] + (["greeter"] if place.context else [])
        self.clients = []
        self.counts = collections.Counter()
        self.is_full = threading.Event()

    def come(self):
        kind = self.kinds[sum(self.counts.values()) % len(self.kinds)]
        self.counts[kind] += 1
        try:
            self.clients.append(Slow(self.place, kind))
        except PROBLEMS:
            self.counts["not let in"] += 1

    def run(self):
        pause = threading.Event()
        while True:
            for _ in range(min(self.n - len(self.clients), 100)):
                self.come()
            if sum(self.counts.values()) >= self.n:
                self.is_full.set()
            for client in random.sample(self.clients, min(100, len(self.clients))):
                if not client.trickle():
                    client.stream.close()
                    self.clients.remove(client)
            pause.wait(0.05)


class Flood(threading.Thread):
    """Connections that send rubbish, half a handshake, or a guess, and go."""

    def __init__(self, place):
        super().__init__(daemon=True)
        self.place = place
        self.n = 0

    def attack(self):
        kind = self.n % 3 if self.place.context else 0
        with self.place.connect(is_secure=kind == 1) as stream:
            if kind == 0:
                stream.sendall(RUBBISH[self.n // 3 % len(RUBBISH)])
            elif kind == 1:
                stream.sendall(request())
            else:
                stream.sendall(self.place.hello)

    def run(self):
        while True:
            try:
                self.attack()
            except PROBLEMS:
                pass
            self.n += 1


def main():
    os.nice(10)  # it stands for other machines, which do not take the processor from this one
    place = Place(sys.argv[1], sys.argv[3] if len(sys.argv) > 3 else None)
    crowd, flood = Crowd(place, int(sys.argv[2])), Flood(place)
    crowd.start()
    flood.start()
    crowd.is_full.wait(60)
    print("ready", flush=True)
    sys.stdin.read()
    print(dict(crowd.counts), "flood:", flood.n, flush=True)


if __name__ == "__main__":
    main()
