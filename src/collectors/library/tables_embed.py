# SPDX-License-Identifier: MPL-2.0
"""Puts the texts of the tables into a C header, as library_tables.c reads them.

usage: tables_embed.py OUTPUT TABLE.txt ...
"""

import pathlib
import sys


def main():
    with open(sys.argv[1], "w", encoding="utf-8") as output:
        for name in sys.argv[2:]:
            path = pathlib.Path(name)
            numbers = ",".join(str(byte) for byte in path.read_bytes())
            output.write(f"static const char library_text_{path.stem}[] = {{{numbers},0}};\n")


if __name__ == "__main__":
    main()
