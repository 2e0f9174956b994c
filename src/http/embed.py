# SPDX-License-Identifier: MPL-2.0
"""Writes files of pages/ as a C table, so that the exporter is one file.

usage: embed.py OUTPUT.c FILE ...
"""

import pathlib
import sys

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
}


def array(name, data):
    rows = (", ".join(str(b) for b in data[i : i + 24]) for i in range(0, len(data), 24))
    return f"static const unsigned char {name}[] = {{\n" + ",\n".join(rows) + ",\n0};\n"


def main():
    out, files = pathlib.Path(sys.argv[1]), [pathlib.Path(f) for f in sys.argv[2:]]
    text = ['#include "http/http_pages.h"\n']
    rows = []
    for i, file in enumerate(files):
        data = file.read_bytes()
        # A page is asked for by its name alone.
        path = "/" if file.name == "index.html" else "/" + file.name.removesuffix(".html")
        text.append(array(f"file_{i}", data))
        rows.append(f'{{"{path}", "{TYPES[file.suffix]}", (const char *)file_{i}, {len(data)}}},')
    text.append("const struct http_page http_pages[] = {\n" + "\n".join(rows) + "\n};\n")
    text.append(f"const size_t http_n_pages = {len(files)};\n")
    out.write_text("\n".join(text), encoding="utf-8")


if __name__ == "__main__":
    main()
