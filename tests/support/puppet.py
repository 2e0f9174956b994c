# SPDX-License-Identifier: MPL-2.0
"""Drives a puppet: a program, in C or Python, that does to its sockets what a test says.

    with Puppet("c", directory) as puppet:
        push = puppet.socket(zmq.PUSH)
        endpoint = push.bind("tcp://127.0.0.1:*")
        assert push.send(100) == 100
"""

import errno
import itertools

import zmq

from support import products
from support.process import Process

LANGUAGES = ("c", "pyzmq")
COMMANDS = {"c": "puppet", "pyzmq": "puppet.py"}


class PuppetError(Exception):
    def __init__(self, number, command):
        super().__init__(f"{errno.errorcode.get(number, number)}: {command}")
        self.errno = number


class Puppet(Process):
    def __init__(self, language="c", directory=None, prefix=(), **options):
        """`prefix`: the words of a program that starts it."""
        super().__init__([*prefix, *products.program(COMMANDS[language])], directory, **options)
        self.language = language
        self._names = (f"s{i}" for i in itertools.count())

    def tell(self, *words):
        """Gives a command and does not wait for its answer."""
        self.popen.stdin.write(" ".join(str(int(w) if isinstance(w, int) else w) for w in words) + "\n")
        self.popen.stdin.flush()

    def answer(self, *words):
        kind, *values = self.line().split()
        if kind == "error":
            raise PuppetError(int(values[0]), words)
        assert kind == "ok", (kind, values, words)
        return values

    def ask(self, *words):
        self.tell(*words)
        return self.answer(*words)

    def socket(self, kind, context="", **options):
        """A socket with integer options by their names, as `sndhwm=5`."""
        socket = PuppetSocket(self, next(self._names), kind)
        self.ask("socket", socket.name, kind, context)
        for name, value in options.items():
            socket.set(getattr(zmq, name.upper()), value)
        return socket

    def term(self, context=""):
        return self.ask("term", context)


class PuppetSocket:
    def __init__(self, puppet, name, kind):
        self.puppet, self.name, self.kind = puppet, name, kind
        self.endpoint = ""  # the first one given: what it is grouped by

    def set(self, option, value):
        if isinstance(value, str):
            self.puppet.ask("set_text", self.name, int(option), value)
        else:
            self.puppet.ask("set64" if option == zmq.MAXMSGSIZE else "set", self.name, int(option), value)

    def get(self, option):
        return int(self.puppet.ask("get", self.name, int(option))[0])

    def bind(self, endpoint):
        """Returns the endpoint with the wildcard resolved."""
        resolved = self.puppet.ask("bind", self.name, endpoint)[0]
        self.endpoint = self.endpoint or endpoint
        return resolved

    def connect(self, endpoint):
        self.puppet.ask("connect", self.name, endpoint)
        self.endpoint = self.endpoint or endpoint

    def unbind(self, endpoint):
        self.puppet.ask("unbind", self.name, endpoint)

    def disconnect(self, endpoint):
        self.puppet.ask("disconnect", self.name, endpoint)

    def proxy(self, backend, capture=None, control=None, spelling="proxy"):
        """Begins a proxy, which its thread is in from then on; `puppet.answer()` when it has ended."""
        names = [socket.name if socket else "-" for socket in (backend, capture, control)]
        self.puppet.tell("proxy", self.name, spelling, *names)

    def close(self):
        self.puppet.ask("close", self.name)

    def send(self, count=1, size=1, frames=1, flags=0, spelling="send", first=b""):
        """Returns how many messages were accepted before an error, as EAGAIN. `first` is one more
        frame before the others: a topic, or the peer's id at a ROUTER."""
        words = [first.hex()] if first else []
        return int(self.puppet.ask("send", self.name, count, size, frames, flags, spelling, *words)[0])

    def fill(self, limit=100000, size=1):
        """Sends until it would block; returns how many were accepted."""
        return self.send(limit, size, flags=zmq.DONTWAIT)

    def connect_peer(self, endpoint):
        """A PEER, with drafts: the id of whom it has connected to."""
        self.endpoint = self.endpoint or endpoint
        return self.puppet.ask("connect_peer", self.name, endpoint)[0]

    def join(self, group):
        """A DISH, with drafts."""
        self.puppet.ask("join", self.name, group)

    def recv_id(self):
        """Receives a message; the id of who sent it to a SERVER or PEER."""
        return self.puppet.ask("recv_id", self.name)[0]

    def send_to(self, address, count=1, size=1, flags=0, spelling="to_id"):
        """To a peer's id, or `to_group`."""
        return int(self.puppet.ask("send", self.name, count, size, 1, flags, spelling, address)[0])

    def recv(self, count=1, flags=0, spelling="recv"):
        """Returns (messages, bytes)."""
        answer = self.puppet.ask("recv", self.name, count, flags, spelling)
        return int(answer[0]), int(answer[1])

    def send_frames(self, *frames, flags=0):
        self.puppet.ask("send_frames", self.name, flags, *[f.hex() or "-" for f in frames])

    def recv_frames(self, flags=0):
        return [b"" if f == "-" else bytes.fromhex(f)
                for f in self.puppet.ask("recv_frames", self.name, flags)]

    def poll(self, events=zmq.POLLIN, timeout_ms=0):
        return int(self.puppet.ask("poll", self.name, int(events), timeout_ms)[0])
