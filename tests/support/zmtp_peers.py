# SPDX-License-Identifier: MPL-2.0
"""Peers that no library would make: old protocols, rubbish, slowness, silence.

Each is a server on 127.0.0.1 with a thread; `visits` counts what it accepted.
"""

import socket
import struct
import threading
import time

SIGNATURE = b"\xff" + bytes(7) + b"\x01\x7f"


def greeting(minor=1, mechanism=b"NULL", as_server=0):
    return SIGNATURE + bytes([3, minor]) + mechanism.ljust(20, b"\0") + bytes([as_server]) + bytes(31)


def command(name, body=b""):
    content = bytes([len(name)]) + name + body
    return b"\x04" + bytes([len(content)]) + content


def ready(socket_type, identity=b""):
    def one(name, value):
        return bytes([len(name)]) + name + struct.pack(">I", len(value)) + value
    return command(b"READY", one(b"Socket-Type", socket_type) + one(b"Identity", identity))


class ZmtpPeer:
    """Runs `behave(connection)` for each connection, one after the other."""

    def __init__(self, behave, backlog=128):
        self.behave, self.visits = behave, 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=backlog)
        self.endpoint = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"
        self.is_ending = threading.Event()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while not self.is_ending.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.visits += 1
            with connection:
                try:
                    self.behave(connection)
                except OSError:
                    pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.is_ending.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(30)


def until_closed(connection):
    while connection.recv(4096):
        pass


def say(data):
    """Sends the bytes, then reads until the visitor goes."""
    def behave(connection):
        connection.sendall(data)
        until_closed(connection)
    return behave


def drip(data):
    """One byte a second."""
    def behave(connection):
        for i in range(len(data)):
            connection.sendall(data[i:i + 1])
            time.sleep(1)
    return behave


def flood(data):
    """Sends as much as it can for as long as it can."""
    def behave(connection):
        while True:
            connection.sendall(data)
    return behave


def close(_connection):
    pass


def says(data):
    return ZmtpPeer(say(data))


def closes():
    return ZmtpPeer(close)


def drips(data):
    return ZmtpPeer(drip(data))


def floods():
    return ZmtpPeer(flood(b"\xff" * 65536))


def read_exactly(connection, size):
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise ConnectionResetError
        data += part
    return data


def shake_hands(connection, kind, minor=1):
    """Greetings and READY both ways, as libzmq has them; the visitor's READY is returned."""
    connection.sendall(greeting(minor) + ready(kind))
    read_exactly(connection, 64)
    _, size = read_exactly(connection, 2)
    return read_exactly(connection, size)


def then(behave, kind=b"PUB", minor=1):
    """A peer that is as it must be until the handshake is done, then behaves like that. A visit
    by greeting ends before."""
    def run(connection):
        shake_hands(connection, kind, minor)
        behave(connection)
    return ZmtpPeer(run)


def turns(behave, kind=b"PUB"):
    """Every other visit is answered as it must be, so that a probe goes on with a socket; that one
    meets `behave` instead."""
    n_visits = 0

    def run(connection):
        nonlocal n_visits
        n_visits += 1
        if n_visits % 2 == 0:
            behave(connection)
            return
        connection.sendall(greeting() + ready(kind))
        until_closed(connection)
    return ZmtpPeer(run)


class FullBacklog:
    """A listener that accepts nobody and has no room for more: a connect gets no answer."""

    def __init__(self):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(0)
        self.address = self.listener.getsockname()
        self.endpoint = f"tcp://127.0.0.1:{self.address[1]}"
        self.fillers = []
        while self._fill():
            pass

    def _fill(self):
        filler = socket.socket()
        filler.settimeout(0.5)
        self.fillers.append(filler)
        try:
            filler.connect(self.address)
        except TimeoutError:
            return False
        return True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for filler in self.fillers:
            filler.close()
        self.listener.close()
