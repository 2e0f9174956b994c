# SPDX-License-Identifier: MPL-2.0
"""Checks that the README's tables are what is in the code; --write brings them up to date.

metrics is the family table; losses is what the tests of lost messages try.

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
    readme = pathlib.Path(sys.argv[1]) / "README.md"
    text, is_stale = readme.read_text(encoding="utf-8"), False
    for name, lines in (("metrics", metrics(families.read(sys.argv[2]))), ("losses", losses())):
        begin, end = markers(name)
        before, rest = text.split(begin)
        present, after = rest.split(end)
        wanted = "".join(lines)
        if present != wanted and "--write" not in sys.argv[3:]:
            print(f"README.md: the table of {name} is not what is in the code; run ./dev metrics")
            is_stale = True
        text = before + begin + wanted + end + after
        print(f"{wanted.count(chr(10)) - 2} {name}")
    if "--write" in sys.argv[3:]:
        readme.write_text(text, encoding="utf-8")
    return int(is_stale)


if __name__ == "__main__":
    sys.exit(main())
