# SPDX-License-Identifier: MPL-2.0
"""Writes the inputs of the fuzzers of segments and state files: corpus/{segment,tap_collector,
segment_state}. usage: segment_corpus.py
"""

import pathlib
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
import segment_file as layout  # noqa: E402

HEADER_SIZE = 16384
CREATED_OFFSET = 488
DEFAULTS = {
    "magic": layout.MAGIC, "version": 1, "byte_order": 0x01020304, "header_size": HEADER_SIZE,
    "group_size": 1024, "lane_size": 2048, "n_lane_words": 256, "groups_offset": HEADER_SIZE,
    "lanes_offset": HEADER_SIZE + 1024, "group_capacity": 1024, "lane_capacity": 8192,
    "generation_begin": 7, "generation_end": 7, "state": 1, "n_groups": 1, "n_lanes": 1,
    "pid": 2147483647, "start_ticks": 9, "boot_id": b"", "tap_version": b"0.1.0",
    "program": b"feed", "program": b"feed.py",
}


def head(**changes):
    values = {**dict.fromkeys(layout.HEADER_FIELDS, 0), **DEFAULTS, **changes}
    packed = layout.HEADER.pack(*(values[name] for name in layout.HEADER_FIELDS))
    return packed.ljust(CREATED_OFFSET, b"\0") + struct.pack("=Q", 5) + bytes(16)


def group(kind=8, endpoint=b"tcp://a", name=b""):
    return layout.GROUP.pack(kind, 0, endpoint, name)


def lane(words):
    values = [0] * 256
    values[0] = values[1] = 1
    for number, value in words.items():
        values[number] = value
    return struct.pack("=256Q", *values)


ALL = {n: n * 1000 for n in range(8, 256)}
SEGMENTS = {
    "whole": (0, head(), group(), lane(ALL)),
    "wild-words": (0, head(), group(6, b"\xff\n\"%"), lane({n: 2**64 - n for n in range(2, 256)})),
    "texts-unended": (0, head(program=b"x" * 128, program=b"y" * 128), group(3, b"e" * 760, b"n" * 256), lane(ALL)),
    "named": (0, head(), group(1, b"ipc:///x", b"prices"), lane(ALL)),
    "cut": (200, head(), group(), lane(ALL)),
    "long": (100, head(n_lanes=40, n_groups=20), group(), lane(ALL)),
    "torn": (0, head(generation_end=6), group(), lane(ALL)),
    "in-place": (0, head(generation_begin=0, generation_end=0), group(), lane(ALL)),
    "fewer-words": (0, head(n_lane_words=40), group(), lane(ALL)),
    "longer-lanes": (10, head(lane_size=4096, n_lanes=2), group(), lane(ALL)),
    "counts": (0, head(n_groups=2**32 - 1, n_lanes=2**32 - 1), group(), lane(ALL)),
    "offsets": (0, head(groups_offset=2**64 - 1024, lanes_offset=2**63), group(), lane(ALL)),
    "sizes": (0, head(group_size=2**32 - 8, lane_size=2**32 - 8), group(), lane(ALL)),
    "version": (0, head(version=2), group(), lane(ALL)),
    "byte-order": (0, head(byte_order=0x04030201), group(), lane(ALL)),
    "header-alone": (0, head(n_groups=0, n_lanes=0)),
    "preparing": (0, bytes(512)),
}

TITLE = b"zmq_exporter state 1\nboot boot\n"
GROUP_LINE = b"group feed 8 255 tcp://*:5556 - 8=10 9=100 159=18446744073709551615\n"
STATES = {
    "sums": TITLE + b"program feed 0=1 4=2\n" + GROUP_LINE,
    "folded": TITLE + b"folded 1 2 3 4\nfolded 5 6 7 8\n" + GROUP_LINE,
    "parked": TITLE + GROUP_LINE + b"process 1 2 3 4\nprogram feed\n" + GROUP_LINE,
    "escaped": TITLE + b"group %FF%0A - 0 %2D %25 8=1\n".replace(b" - ", b" 1 "),
    "empty": TITLE,
    "other-boot": b"zmq_exporter state 1\nboot other\n" + GROUP_LINE,
    "no-boot": b"zmq_exporter state 1\n",
    "overflow": TITLE + b"group f 99999999999 0 e - 8=1\n",
    "no-newline": TITLE + GROUP_LINE[:-1],
    "bad-number": TITLE + b"program feed 0=99999999999999999999\n",
    "bad-word": TITLE + b"group feed 8 255 e - 160=1 7=1\n",
    "bad-escape": TITLE + b"program %0 0=1\nprogram %zz\n",
    "double-space": TITLE + b"program  0=1\n",
    "long": TITLE + b"program " + b"x" * 600 + b"\n",
}


def write(fuzzer, inputs):
    folder = HERE / "corpus" / fuzzer
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in inputs.items():
        (folder / name).write_bytes(data)


def main():
    segments = {name: bytes([parts[0]]) + b"".join(parts[1:]) for name, parts in SEGMENTS.items()}
    write("segment", segments)
    write("tap_collector", segments)
    write("segment_state", STATES)


if __name__ == "__main__":
    main()
