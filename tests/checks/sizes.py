# SPDX-License-Identifier: MPL-2.0
"""Checks that no file or function has outgrown a reader: 500 lines a file, 70 a function.

usage: sizes.py SOURCE_ROOT

Tables (files named *_table.h, *_counters.h) may be longer.
"""

import pathlib
import re
import sys

MAX_FILE = 500
MAX_FUNCTION = 70
TABLE = re.compile(r"_(table|counters)\.[ch]$")


def long_functions(path, lines):
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start:
            if number - start - 1 > MAX_FUNCTION:
                yield f"{path}:{start}: function of {number - start - 1} lines, at most {MAX_FUNCTION}"
            start = None


def main():
    root = pathlib.Path(sys.argv[1])
    found, n = [], 0
    for path in sorted([*(root / "src").rglob("*.[ch]"), *(root / "tests").rglob("*.[ch]"),
                        *(root / "tests").rglob("*.py")]):
        n += 1
        lines = path.read_text(encoding="utf-8").splitlines()
        if len(lines) > MAX_FILE and not TABLE.search(path.name):
            found.append(f"{path}: {len(lines)} lines, at most {MAX_FILE}")
        if path.suffix == ".c":
            found += long_functions(path, lines)
    print("\n".join(found) or f"{n} files, none too long")
    return 1 if found or n == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
