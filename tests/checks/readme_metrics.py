# SPDX-License-Identifier: MPL-2.0
"""Checks that the README's table of metrics is the family table; --write brings it up to date.

usage: readme_metrics.py SOURCE_ROOT FAMILY_LIST [--write]
"""

import pathlib
import sys

import families

BEGIN, END = "<!-- metrics: begin (./dev metrics writes this table) -->\n", "<!-- metrics: end -->\n"


def table(rows):
    yield "| metric | type | meaning |\n|---|---|---|\n"
    for name, (kind, _, text) in rows.items():
        yield f"| `{name}` | {kind} | {text.replace('|', chr(92) + '|')} |\n"


def main():
    readme = pathlib.Path(sys.argv[1]) / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    present, after = rest.split(END)
    wanted = "".join(table(families.read(sys.argv[2])))
    if "--write" in sys.argv[3:]:
        readme.write_text(before + BEGIN + wanted + END + after, encoding="utf-8")
    elif present != wanted:
        print("README.md: the table of metrics is not the family table; run ./dev metrics")
        return 1
    print(f"{wanted.count(chr(10)) - 2} metrics")
    return 0


if __name__ == "__main__":
    sys.exit(main())
