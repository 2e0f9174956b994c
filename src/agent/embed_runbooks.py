# SPDX-License-Identifier: MPL-2.0
"""Writes the runbooks of alerts/ as pages in a C table.

Of Markdown it knows headings, paragraphs, lists, tables, code and links. {{label}} and {{label|form}}
become places that are filled in when the page is asked for: see agent_runbooks.h.

usage: embed_runbooks.py OUTPUT.c FILE.md ...
"""

import html
import pathlib
import re
import sys

LABELS = ["instance", "program", "type", "address", "reason", "cause", "detail", "probe", "check",
          "version", "path", "collector", "capability", "scheme"]
FORMS = ["text", "url", "host", "word", "string", "query"]
PLACE = re.compile(r"\{\{(\w+)(?:\|(\w+))?\}\}")


def place(found):
    """A byte 1, the label's letter, the form's."""
    label, form = LABELS.index(found.group(1)), FORMS.index(found.group(2) or "text")
    return "\x01" + chr(ord("a") + label) + chr(ord("a") + form)


def inline(text):
    parts = re.split(r"(`[^`]+`)", text)
    for i, part in enumerate(parts):
        if i % 2:
            parts[i] = f"<code>{html.escape(part[1:-1], quote=False)}</code>"
        else:
            part = html.escape(part, quote=False)
            part = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", part)
            parts[i] = re.sub(r"\[([^\]]+)\]\(([\w/.-]+)\)", r'<a href="\2">\1</a>', part)
    return "".join(parts)


def table(lines):
    rows = [[inline(cell.strip()) for cell in line.strip("|").split("|")] for line in lines]
    yield "<table>"
    yield "<tr>" + "".join(f"<th>{cell}</th>" for cell in rows[0]) + "</tr>"
    for row in rows[2:]:
        yield "<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>"
    yield "</table>"


def items(lines, tag):
    """Each begins with a mark; what is indented goes on."""
    yield f"<{tag}>"
    for item in re.split(r"\n(?=- |\d+\. )", "\n".join(lines)):
        yield f"<li>{inline(re.sub(r'^(- |[0-9]+[.] )', '', item))}</li>"
    yield f"</{tag}>"


def block(lines):
    first = lines[0]
    if first.startswith("#"):
        level = len(first) - len(first.lstrip("#"))
        yield f"<h{level}>{inline(first.lstrip('# '))}</h{level}>"
        if lines[1:]:
            yield from block(lines[1:])
    elif first.startswith("|"):
        yield from table(lines)
    elif re.match(r"- |\d+\. ", first):
        yield from items(lines, "ul" if first[0] == "-" else "ol")
    else:
        yield f"<p>{inline(' '.join(lines))}</p>"


def page(text):
    parts = re.split(r"^```\w*\n(.*?)^```\n", text, flags=re.M | re.S)
    for i, part in enumerate(parts):
        if i % 2:
            yield f"<pre>{html.escape(part, quote=False)}</pre>"
            continue
        for lines in re.split(r"\n\s*\n", part.strip("\n")):
            if lines.strip():
                yield from block(lines.split("\n"))


def array(name, text):
    data = PLACE.sub(place, text).encode()
    rows = (", ".join(str(b) for b in data[i:i + 24]) for i in range(0, len(data), 24))
    return f"static const unsigned char {name}[] = {{\n" + ",\n".join(rows) + ",\n0};\n"


def main():
    out, files = pathlib.Path(sys.argv[1]), [pathlib.Path(f) for f in sys.argv[2:]]
    text, rows = ['#include "agent/agent_runbooks.h"\n'], []
    for i, file in enumerate(files):
        text.append(array(f"page_{i}", "\n".join(page(file.read_text(encoding="utf-8")))))
        rows.append(f'    {{"/runbooks/{file.stem}", "{file.stem}", (const char *)page_{i}}},')
    text.append("const struct agent_runbook agent_runbooks[] = {\n" + "\n".join(rows) + "\n};\n")
    text.append(f"const size_t agent_n_runbooks = {len(files)};\n")
    names = ", ".join(f'"{label}"' for label in LABELS)
    text.append(f"const char *const agent_runbook_labels[] = {{{names}}};\n")
    text.append(f"const size_t agent_runbook_n_labels = {len(LABELS)};\n")
    out.write_text("\n".join(text), encoding="utf-8")


if __name__ == "__main__":
    main()
