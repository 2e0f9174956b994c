# SPDX-License-Identifier: MPL-2.0
"""Programs without a tap, as the reader sees them: puppets that are asked as tapped ones are.

The reader is the one that the exporter starts, here on a socket pair of the test's own. Its records
are read from their description (src/peek/peek_record.h) alone: a second opinion on the format.
"""

import socket
import struct
import subprocess
import threading

from support import products
from support.puppet import Puppet
from support.segment_file import TYPES, UNKNOWN
from support.waiting import DEADLINE_S, wait_for

RECORD, MAGIC = 1024, 0x4B454550
HEAD = struct.Struct("=II")
PROCESS = struct.Struct("=IIQ5I128s")
LIBRARY = struct.Struct("=IHHQI64s96s64s96s128s65s16s400s")
SOCKET = struct.Struct("=QIIIIII25Q256s")
KINDS = {1: "looking", 2: "process", 3: "socket", 4: "gone", 5: "pass", 6: "libraries", 7: "library",
         11: "connections", 12: "owner"}
EXCLUDE, FAILED, BEGIN, ASK = 8, 9, 10, 13
REASONS = ("", "permission", "excluded", "word_size", "type_information", "context", "layout",
           "time", "limit", "failed")
FIELDS = ("serial", "type", "is_closed", "PIPES", "INPROC", "SEND_FULL", "is_valid", "SEND_QUEUE",
          "RECEIVE_QUEUE", "SEND_FULLEST", "RECEIVE_FULLEST", "SENT_MESSAGES", "RECEIVED_MESSAGES",
          "sent_more", "received_more",
          "SEND_HWM", "RECEIVE_HWM", "OPTION_LINGER", "OPTION_MAXMSGSIZE", "OPTION_RCVTIMEO",
          "OPTION_SNDTIMEO", "OPTION_IMMEDIATE", "OPTION_TCP_KEEPALIVE", "OPTION_MECHANISM", "is_server",
          "OPTION_CONFLATE", "OPTION_HANDSHAKE_IVL", "OPTION_HEARTBEAT_IVL", "SEND_AGE_NS", "RECEIVE_AGE_NS", "handle", "context",
          "endpoint")


class Seen:
    """One process in one pass."""

    def __init__(self, reason, n_contexts, sockets):
        self.reason, self.n_contexts, self.sockets = reason, n_contexts, sockets

    def find(self, kind=None, endpoint=None, is_closed=False):
        return [s for s in self.sockets
                if bool(s["is_closed"]) == is_closed and kind in (None, s["kind"])
                and endpoint in (None, s["endpoint"])]

    def _known(self, word, kind, endpoint):
        found = [s for s in self.find(kind, endpoint) if s["is_valid"]]
        if word == "PEERS":  # a pipe is a peer only where both ends are of this process
            return [s["INPROC"] for s in found if s["INPROC"] == s["PIPES"] > 0]
        return [s[word] for s in found if s[word] != UNKNOWN]

    def gauge(self, word, kind=None, endpoint=None):
        known = self._known(word, kind, endpoint)
        return sum(known) if known else None

    def fullest(self, word, kind=None, endpoint=None):
        known = self._known(word, kind, endpoint)
        return max(known) / 1e9 if known else None

    def counter(self, word, kind=None, endpoint=None):
        return sum(s[word] for s in self.sockets if kind in (None, s["kind"])
                   and endpoint in (None, s["endpoint"]))

    def open_sockets(self, kind=None, endpoint=None):
        return len(self.find(kind, endpoint))


class Reader:
    """The reader, and what it has told last of each process."""

    def __init__(self, interval_ms=20, prefix=(), excluded=(), failed=(), **options):
        ours, theirs = socket.socketpair()
        with theirs:
            self.popen = subprocess.Popen(
                [*prefix, str(products.exporter()), "peek-reader", "--interval", str(interval_ms),
                 "--fd", str(theirs.fileno())],
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, env={}, **options)
        self._socket = ours
        said = [struct.pack("=128s", name.encode()) for name in excluded]
        said = [(EXCLUDE, body) for body in said]
        said += [(FAILED, PROCESS.pack(pid, 0, start, *[0] * 5, b"")) for pid, start in failed]
        for kind, body in [*said, (BEGIN, b"")]:
            ours.sendall((HEAD.pack(MAGIC, kind) + body).ljust(RECORD, b"\0"))
        self._lock = threading.Lock()
        self._processes, self._pending, self.gone = {}, None, set()
        self._incoming, self._libraries = [], []
        self.n_passes, self.n_records, self.n_answered = 0, 0, 0
        self.pass_ms = self.cpu_s = 0
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        data = b""
        while True:
            try:
                more = self._socket.recv(1 << 16)
            except OSError:
                return
            if not more:
                return
            data += more
            with self._lock:
                while len(data) >= RECORD:
                    self._take(data[:RECORD])
                    data = data[RECORD:]

    def _take(self, record):
        magic, kind = HEAD.unpack_from(record)
        assert magic == MAGIC, hex(magic)
        self.n_records += 1
        kind = KINDS[kind]
        if kind == "process":
            pid, reason, _, n_sockets, n_contexts, _, self.n_invalid, _, _ = PROCESS.unpack_from(record, 8)
            self._pending = (pid, Seen(REASONS[reason], n_contexts, []), n_sockets)
        elif kind == "socket":
            values = dict(zip(FIELDS, SOCKET.unpack_from(record, 8)))
            values["kind"] = TYPES[values["type"]]
            values["endpoint"] = values["endpoint"].split(b"\0")[0].decode()
            self._pending[1].sockets.append(values)
        elif kind == "gone":
            pid = PROCESS.unpack_from(record, 8)[0]
            self._processes.pop(pid, None)
            self.gone.add(pid)
        elif kind == "libraries":
            self._incoming = []
        elif kind == "library":
            pid, is_replaced, is_inside, *_, build_id, version, path = LIBRARY.unpack_from(record, 8)
            build_id, version, path = (text.split(b"\0")[0].decode() for text in (build_id, version, path))
            self._incoming.append({"pid": pid, "is_replaced": is_replaced, "is_inside": is_inside,
                                   "build_id": build_id, "version": version, "path": path})
        elif kind == "pass":
            self._libraries = self._incoming
            self.n_passes += 1
            elapsed_ns, cpu_ns, is_answer = struct.unpack_from("=QQI", record, 16)
            self.n_answered += is_answer
            self.pass_ms, self.cpu_s = elapsed_ns / 1e6, cpu_ns / 1e9
        if self._pending and len(self._pending[1].sockets) == self._pending[2]:
            self._processes[self._pending[0]] = self._pending[1]
            self._pending = None

    def ask(self):
        """For connections, with the next pass."""
        self._socket.sendall(HEAD.pack(MAGIC, ASK).ljust(RECORD, b"\0"))

    def seen(self, pid):
        """As told last; None: not at all."""
        with self._lock:
            return self._processes.get(pid)

    def libraries(self, pid):
        """The copies of libzmq of a process."""
        with self._lock:
            return [one for one in self._libraries if one["pid"] == pid]

    def wait_passes(self, n=2):
        """Until `n` passes have begun and ended."""
        wanted = self.n_passes + n + 1
        wait_for(lambda: self.n_passes >= wanted or self.popen.poll() is not None, "passes")
        assert self.popen.poll() is None, self.popen.returncode

    def wait_later_pass(self):
        """Until a pass has ended that began after this call, however late its records come."""
        n = self.n_answered
        self.ask()
        wait_for(lambda: self.n_answered > n or self.popen.poll() is not None, "an answer")
        assert self.popen.poll() is None, self.popen.returncode

    def end(self):
        self.popen.kill()
        self.popen.wait(DEADLINE_S)
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


class ReaderSocket:
    """As systemd with Accept=yes: a reader for each connection."""

    def __init__(self, path, **options):
        self.path, self.readers = path, []
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        path.chmod(0o666)
        self._listening.listen()
        self._thread = threading.Thread(target=self._accept, args=(options,), daemon=True)
        self._thread.start()

    def _accept(self, options):
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection:
                self.readers.append(subprocess.Popen(
                    [products.exporter(), "peek-reader", "--fd", str(connection.fileno())],
                    pass_fds=[connection.fileno()], stdin=subprocess.DEVNULL, **options))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()
        for reader in self.readers:
            reader.kill()
            reader.wait()


class PeekedPuppet(Puppet):
    """Without a tap, asked as one that has it."""

    is_tapped = False

    def __init__(self, reader, language="c", **options):
        super().__init__(language, None, **options)
        self.reader = reader

    def segment(self):
        def seen():
            found = self.reader.seen(self.pid)
            return found if found and not found.reason else None

        return wait_for(seen, lambda: f"pid {self.pid} is not seen: {self.reader.seen(self.pid)}")

    def wait_next_rounds(self, n=2):
        self.reader.wait_passes(n)
