#!/usr/bin/python3
# SPDX-License-Identifier: MPL-2.0
"""Writes the dashboards of this folder from source/. `./dev dashboards` runs it.

usage: generate.py [FOLDER]
"""

import importlib
import json
import pathlib
import sys

WIDTH = 120
HERE = pathlib.Path(__file__).parent
BOARDS = ("fleet", "program", "link", "probes", "security", "exporter")


def folded(value, indent=0):
    """JSON in which what fits on a line is on a line, so that a change shows where it is."""
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, (dict, list)) or len(flat) + indent <= WIDTH:
        return flat
    inner = " " * (indent + 1)
    if isinstance(value, list):
        return "[\n" + ",\n".join(inner + folded(one, indent + 1) for one in value) + "\n" + inner[1:] + "]"
    lines = (f"{inner}{json.dumps(key)}: {folded(one, indent + 1)}" for key, one in value.items())
    return "{\n" + ",\n".join(lines) + "\n" + inner[1:] + "}"


def made():
    """name of the file: its text"""
    sys.path.insert(0, str(HERE / "source"))
    sys.dont_write_bytecode = True
    return {f"zeromq-{name}.json": folded(importlib.import_module(name).board()) + "\n"
            for name in BOARDS}


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    for name, text in made().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
