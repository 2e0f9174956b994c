# SPDX-License-Identifier: MPL-2.0
"""The family table as the compiled program has it, and metric names in texts."""

import re
import subprocess

# Names that Prometheus itself makes of a scrape.
SYNTHETIC = {"up"}
SUFFIXES = {"histogram": ("", "_bucket", "_sum", "_count")}
NAME = re.compile(r"(?<![\w:/$.-])(?:zmq|process)_[a-z0-9_]+")


def read(program):
    """name: (type, unit, help), in table order."""
    lines = subprocess.run([program], check=True, stdout=subprocess.PIPE, text=True).stdout
    return {row[0]: tuple(row[1:]) for row in (line.split("\t") for line in lines.splitlines())}


def series_names(families):
    """Every name that can stand in a query."""
    names = set(SYNTHETIC)
    for name, (kind, *_) in families.items():
        names.update(name + suffix for suffix in SUFFIXES.get(kind, ("",)))
    return names


def named_in(expression):
    """Metric names in a PromQL expression, label values left out."""
    return set(NAME.findall(re.sub(r'"[^"]*"', '""', expression)))
