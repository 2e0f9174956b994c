# SPDX-License-Identifier: MPL-2.0
"""A copy of a shared library that calls itself directly, as one linked with -Bsymbolic does."""

import pathlib
import struct

PT_LOAD, PT_DYNAMIC = 1, 2
DT_NULL, DT_FLAGS, DT_SYMBOLIC = 0, 30, 16
DF_SYMBOLIC = 2
# Entries that nothing needs, of which one may make place.
SPARE_TAGS = [0x6FFFFFF9, 0x6FFFFDF5, 0x18]  # DT_RELACOUNT, DT_GNU_PRELINKED, DT_BIND_NOW


def _dynamic(data):
    """(file offset, tag, value) of each entry up to DT_NULL; of a 64-bit little-endian file."""
    assert data[:6] == b"\x7fELF\x02\x01", "not a 64-bit little-endian object"
    (program_headers,) = struct.unpack_from("<Q", data, 32)
    size, n = struct.unpack_from("<HH", data, 54)
    for i in range(n):
        at = program_headers + i * size
        (kind,) = struct.unpack_from("<I", data, at)
        if kind != PT_DYNAMIC:
            continue
        (offset,) = struct.unpack_from("<Q", data, at + 8)
        while True:
            tag, value = struct.unpack_from("<QQ", data, offset)
            yield offset, tag, value
            if tag == DT_NULL:
                return
            offset += 16


def symbolic(path, target):
    """Writes the copy to `target`, and returns it."""
    data = bytearray(pathlib.Path(path).read_bytes())
    entries = list(_dynamic(data))
    flags = [entry for entry in entries if entry[1] == DT_FLAGS]
    spare = [entry for tag in SPARE_TAGS for entry in entries if entry[1] == tag]
    if flags:
        offset, _, value = flags[0]
        struct.pack_into("<QQ", data, offset, DT_FLAGS, value | DF_SYMBOLIC)
    elif spare:
        struct.pack_into("<QQ", data, spare[0][0], DT_SYMBOLIC, 0)
    else:
        raise AssertionError(f"no place in the dynamic section of {path}")
    target = pathlib.Path(target)
    target.write_bytes(data)
    target.chmod(0o755)
    return target
