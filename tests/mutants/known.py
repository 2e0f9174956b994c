# SPDX-License-Identifier: MPL-2.0
"""Lists of faults as text: those that are given, and survivors that were reviewed.

    src/http/auth.c
    - old line of the source
    + new line
    # why nothing notices it, or what it is

A fault is known by its lines and not by their numbers. Several `-` or `+` lines stand for lines
that follow each other; without `+` the lines go.
"""

from faults import Fault


class Entry:
    def __init__(self, path, where):
        self.path, self.where = path, where
        self.old, self.new, self.reason = [], [], []

    def key(self):
        return self.path, tuple(self.old), tuple(self.new)


def read(file):
    entries = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        word, _, rest = line.partition(" ")
        if not line.strip() or (word == "#" and not entries):
            continue
        if word in ("-", "+", "#"):
            {"-": entries[-1].old, "+": entries[-1].new, "#": entries[-1].reason}[word].append(rest.strip())
        else:
            entries.append(Entry(line.strip(), f"{file.name}:{number}"))
    return entries


def key_of(fault, text):
    old, new = fault.change(text)
    return fault.path, tuple(old), tuple(new)


def faults_of(entry, text):
    """The places of the source that have the entry's old lines, as faults."""
    lines = text.decode().split("\n")
    stripped = [line.strip() for line in lines]
    n = len(entry.old)
    for i in range(len(lines) - n + 1):
        if stripped[i:i + n] == entry.old:
            start = len("\n".join(lines[:i]).encode()) + (1 if i else 0)
            end = start + len("\n".join(lines[i:i + n]).encode())
            yield Fault(entry.path, start, end, "\n".join(entry.new).encode(), "given")
