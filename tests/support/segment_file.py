# SPDX-License-Identifier: MPL-2.0
"""Reads a segment file, written from the description in src/segment alone, not from its code.

    header 16 KiB | groups of 1024 bytes | lanes of 256 words of 64 bits
"""

import pathlib
import re
import struct

UNKNOWN = 1 << 63  # a gauge that was not measured
MAGIC = 0x0150544D51415A
SOURCE = pathlib.Path(__file__).resolve().parents[2] / "src/segment/segment_counters.h"

HEADER = struct.Struct("=Q6I2Q2I4Q4I8Q40s24s128s128s")
API_ERRORS_OFFSET, N_API_ERRORS = 496, 8
HEADER_FIELDS = (
    "magic version byte_order header_size group_size lane_size n_lane_words groups_offset "
    "lanes_offset group_capacity lane_capacity generation_begin generation_end state updated_ns "
    "n_groups n_lanes n_libraries n_contexts pid start_ticks pid_namespace untracked_sockets "
    "folded_groups rounds_failed samples tap_cpu_ns boot_id tap_version program command"
).split()
GROUP = struct.Struct("=2I760s256s")
CAPABILITY = struct.Struct("=2I56s")
LIBRARY = struct.Struct("=4I240s")
CONTEXT = struct.Struct("=4Q")
CAPABILITIES_OFFSET, LIBRARIES_OFFSET, CONTEXTS_OFFSET = 4096, 6144, 8192
STATES = {0: "unset", 1: "on", 2: "off", 3: "bound"}

TYPES = ("PAIR PUB SUB REQ REP DEALER ROUTER PULL PUSH XPUB XSUB STREAM SERVER CLIENT RADIO DISH "
         "GATHER SCATTER DGRAM PEER CHANNEL").split()


COUNTERS = SOURCE.read_text(encoding="utf-8")


def numbers(table, name=r'"([\w.+]+)"'):
    """A table of segment_counters.h as name: number."""
    body = re.search(rf"#define {table}\(X\)(.*?[^\\])\n", COUNTERS, re.S).group(1)
    return {found: int(number) for number, found in re.findall(rf"X\((\d+),(?:[^()]*,)? *{name}", body)}


WORDS = numbers("SEGMENT_LANE_WORDS", r"(\w+), (?:GAUGE|COUNTER)\)")
EVENTS = numbers("SEGMENT_EVENT_NAMES")
AUTH = numbers("SEGMENT_AUTH_DETAILS")
PROTOCOL = numbers("SEGMENT_PROTOCOL_DETAILS")
TRANSPORT = numbers("SEGMENT_TRANSPORT_DETAILS")
API_ERRORS = numbers("SEGMENT_API_ERRORS")
PROCESS_ERRORS = numbers("SEGMENT_PROCESS_ERRORS")
CAPABILITIES = numbers("SEGMENT_CAPABILITIES")
BLOCKS = {"EVENTS": 32, "AUTH": 48, "TRANSPORT": 52, "PROTOCOL": 68, "SEND_FILL": 112, "RECEIVE_FILL": 128,
          "API_ERRORS": 144}


def text(field):
    return field.split(b"\0", 1)[0].decode("utf-8", "replace")


class Segment:
    """One reading of a file. Raises ValueError if it is not (yet) a whole segment."""

    def __init__(self, path):
        data = pathlib.Path(path).read_bytes()
        if len(data) < HEADER.size:
            raise ValueError("shorter than its header")
        self.path = pathlib.Path(path)
        self.header = dict(zip(HEADER_FIELDS, HEADER.unpack_from(data)))
        if self.header["magic"] != MAGIC or self.header["version"] != 1:
            raise ValueError("not a segment of version 1")
        for name in ("boot_id", "tap_version", "program", "command"):
            self.header[name] = text(self.header[name])
        self.api_errors = dict(zip(PROCESS_ERRORS, struct.unpack_from(f"={N_API_ERRORS}Q", data, API_ERRORS_OFFSET)))
        self.groups = [self._group(data, i) for i in range(self.header["n_groups"])]
        self.lanes = [self._lane(data, i) for i in range(self.header["n_lanes"])]
        self.capabilities = {
            name: self._capability(data, i) for name, i in CAPABILITIES.items()
        }
        self.libraries = [
            LIBRARY.unpack_from(data, LIBRARIES_OFFSET + i * LIBRARY.size)
            for i in range(self.header["n_libraries"])
        ]
        self.contexts = [
            dict(zip(("is_open", "n_sockets", "max_sockets", "io_threads"),
                     CONTEXT.unpack_from(data, CONTEXTS_OFFSET + i * CONTEXT.size)))
            for i in range(self.header["n_contexts"])
        ]

    def _group(self, data, i):
        kind, is_other, endpoint, _ = GROUP.unpack_from(
            data, self.header["groups_offset"] + i * self.header["group_size"]
        )
        return TYPES[kind] if kind < len(TYPES) else str(kind), text(endpoint), bool(is_other)

    def _lane(self, data, i):
        offset = self.header["lanes_offset"] + i * self.header["lane_size"]
        return struct.unpack_from("=256Q", data, offset)

    @staticmethod
    def _capability(data, i):
        state, _, reason = CAPABILITY.unpack_from(data, CAPABILITIES_OFFSET + i * CAPABILITY.size)
        return STATES.get(state, str(state)), text(reason)

    def _lanes_of(self, kind, endpoint):
        for lane in self.lanes:
            group = lane[WORDS["GROUP"]]
            if group in (0, UNKNOWN):
                continue
            its_kind, its_endpoint, _ = self.groups[group - 1]
            if kind in (None, its_kind) and endpoint in (None, its_endpoint):
                yield lane

    def counter(self, word, kind=None, endpoint=None):
        """Sum of a word over the lanes of a socket type and endpoint, those of closed sockets
        included. `word` is a name, or (block, detail) as ("EVENTS", "connected")."""
        return sum(lane[self.number(word)] for lane in self._lanes_of(kind, endpoint))

    def gauge(self, word, kind=None, endpoint=None):
        """Sum of a gauge over open sockets; None if it is known for none of them."""
        known = [
            lane[WORDS[word]]
            for lane in self._lanes_of(kind, endpoint)
            if lane[WORDS["STATE"]] == 1 and lane[WORDS[word]] != UNKNOWN
        ]
        return sum(known) if known else None

    def fullest(self, word, kind=None, endpoint=None):
        """The greatest of a gauge over open sockets, as a ratio; None if it is known for none."""
        known = [
            lane[WORDS[word]]
            for lane in self._lanes_of(kind, endpoint)
            if lane[WORDS["STATE"]] == 1 and lane[WORDS[word]] != UNKNOWN
        ]
        return max(known) / 1e9 if known else None

    def open_sockets(self, kind=None, endpoint=None):
        return sum(1 for lane in self._lanes_of(kind, endpoint) if lane[WORDS["STATE"]] == 1)

    @staticmethod
    def number(word):
        if isinstance(word, str):
            return WORDS[word]
        block, detail = word
        details = {"EVENTS": EVENTS, "AUTH": AUTH, "PROTOCOL": PROTOCOL, "TRANSPORT": TRANSPORT,
                   "API_ERRORS": API_ERRORS}
        return BLOCKS[block] + (details[block][detail] if block in details else int(detail))


def read_all(directory, pid=None):
    """The segments of a directory that can be read whole now, of one process or of all."""
    found = []
    for path in sorted(pathlib.Path(directory).glob(f"{pid or '*'}-*.seg")):
        try:
            found.append(Segment(path))
        except (OSError, ValueError, struct.error):
            continue
    return found
