# SPDX-License-Identifier: MPL-2.0
"""Turns releases.txt into rows for release_table.c.

usage: release_table_generate.py releases.txt OUTPUT

Refuses a table that is not in order, so that the C code need not check.
"""

import datetime
import re
import sys


def seconds(text):
    day = datetime.date.fromisoformat(text)
    return int(datetime.datetime(day.year, day.month, day.day, tzinfo=datetime.timezone.utc).timestamp())


def parse(lines):
    checked, rows = None, []
    for number, line in enumerate(lines, 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        if words[0] == "checked" and len(words) == 2:
            checked = seconds(words[1])
            continue
        version = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)", words[0])
        file = re.fullmatch(r"libzmq\.so\.(\d+)\.(\d+)\.(\d+)", words[2]) if len(words) > 2 else None
        flag = words[3:]
        if not version or not file or flag not in ([], ["candidate"]):
            sys.exit(f"line {number}: expected: VERSION DATE libzmq.so.A.B.C [candidate]")
        rows.append((tuple(map(int, version.groups())), seconds(words[1]),
                     tuple(map(int, file.groups())), bool(flag)))
    if checked is None:
        sys.exit("no line `checked DATE`")
    if [row[0] for row in rows] != sorted({row[0] for row in rows}):
        sys.exit("versions are not in rising order, or one is there twice")
    return checked, rows


def main():
    with open(sys.argv[1], encoding="utf-8") as table:
        checked, rows = parse(table)
    with open(sys.argv[2], "w", encoding="utf-8") as output:
        output.write(f"#define RELEASE_TABLE_CHECKED INT64_C({checked})\n#define RELEASE_TABLE_ROWS \\\n")
        for version, released, file, is_candidate in rows:
            triple = "{{{}, {}, {}}}".format
            output.write(f"    {{{triple(*version)}, {triple(*file)}, INT64_C({released}), "
                         f"{str(is_candidate).lower()}}}, \\\n")
        output.write("\n")


if __name__ == "__main__":
    main()
