# SPDX-License-Identifier: MPL-2.0
"""Checks that the tables in doc/ are what is in the code; --write brings them up to date.

doc/metrics.md has the family table; doc/losses.md what the tests of lost messages try.

usage: readme_tables.py SOURCE_ROOT FAMILY_LIST [--write]
"""

import pathlib
import sys

import families

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import loss_table  # noqa: E402


def markers(name):
    return f"<!-- {name}: begin (./dev metrics writes this table) -->\n", f"<!-- {name}: end -->\n"


def metrics(rows):
    yield "| metric | type | meaning |\n|---|---|---|\n"
    for name, (kind, _, text) in rows.items():
        yield f"| `{name}` | {kind} | {text.replace('|', chr(92) + '|')} |\n"


def losses():
    yield f"| type | {' | '.join(loss_table.REASONS)} |\n|---|{'---|' * len(loss_table.REASONS)}\n"
    for name, cells in (loss_table.TABLE | loss_table.DRAFTS).items():
        yield f"| {name} | {' | '.join(map(loss_table.text_of, cells))} |\n"


def main():
    folder, is_stale = pathlib.Path(sys.argv[1]) / "doc", False
    for name, lines in (("metrics", metrics(families.read(sys.argv[2]))), ("losses", losses())):
        path = folder / f"{name}.md"
        begin, end = markers(name)
        before, rest = path.read_text(encoding="utf-8").split(begin)
        present, after = rest.split(end)
        wanted = "".join(lines)
        if "--write" in sys.argv[3:]:
            path.write_text(before + begin + wanted + end + after, encoding="utf-8")
        elif present != wanted:
            print(f"doc/{path.name}: the table is not what is in the code; run ./dev metrics")
            is_stale = True
        print(f"{wanted.count(chr(10)) - 2} {name}")
    return int(is_stale)


if __name__ == "__main__":
    sys.exit(main())
