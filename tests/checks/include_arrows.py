# SPDX-License-Identifier: MPL-2.0
"""Checks that each folder of src/ includes only what the map allows.

usage: include_arrows.py SOURCE_ROOT
"""

import pathlib
import re
import sys

# folder: folders it may include besides itself (src/README.md shows the same as a map)
ALLOWED = {
    "base": set(),
    "segment": {"base"},
    "queues": {"base"},
    "tap": {"base", "segment", "queues"},
    "peek": {"base", "queues"},
    "metrics": {"base"},
    "config": {"base"},
    "collectors": {"base", "segment", "metrics", "config", "peek"},
    "http": {"base", "metrics", "config"},
    "agent": {"base", "segment", "metrics", "collectors", "config", "http"},
    "cli": {"base", "segment", "metrics", "collectors", "config", "http", "agent", "peek"},
}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include(?:_next)?\b[ \t]*(.*)$', re.M)
NAME = re.compile(r'"([^"]+)"|<([^>]+)>')
ZMQ_CALL = re.compile(r"\bzmq_[a-z_]+\s*\(")


def without_comments(text):
    """Neither hides an #include nor is one; a line that goes on in the next is one line."""
    text = re.sub(r"\\\n", "", text)
    return re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.S)


def wrong_includes(folder, path, text, source):
    for words in INCLUDE.findall(without_comments(text)):
        name = NAME.match(words)
        if not name:
            yield f"{path}: #include {words}: the name must stand there"
            continue
        quoted, angled = name.groups()
        include = quoted or angled
        parts = include.split("/")
        is_ours = quoted or parts[0] in ALLOWED or (source / include).exists()
        if not is_ours:
            continue  # a library's
        if angled:
            yield f'{path}: <{include}> is ours; write "{include}"'
        if {"", ".", ".."} & set(parts):
            yield f'{path}: "{include}" goes around the map; write the path from src/'
        elif len(parts) < 2:
            yield f'{path}: "{include}" is not path-qualified; write "{folder}/{include}"'
        elif parts[0] != folder and parts[0] not in ALLOWED[folder]:
            yield f'{path}: {folder}/ may not include "{include}"'


WRONG = [  # what would go around the map, in http/, and what would not
    ('#include "../tap/tap.h"', True), ('#include "base/../tap/tap.h"', True),
    ("#include <tap/tap.h>", True), ('#  include"tap/tap.h"', True), ('#include "./http.h"', True),
    ('#include "http.h"', True), ('#include /**/ "tap/tap.h"', True), ('/*\n*/ #include "tap/tap.h"', True),
    ('#include \\\n"tap/tap.h"', True), ("#include TAP_H", True), ('#include "/tap/tap.h"', True),
    ("#include <base/log.h>", True), ('#include "collectors/runner.h"', True),
    ('#include "base/log.h"', False), ('#include "http/auth.h"', False), ("#include <sys/stat.h>", False),
    ("#include <gnutls/x509.h>", False), ('/* #include "tap/tap.h" */', False),
    ('// #include "tap/tap.h"', False), ("#include <errno.h>", False),
]


def check_itself(source):
    for text, is_wrong in WRONG:
        if bool(list(wrong_includes("http", "x.c", text, source))) != is_wrong:
            yield f"include_arrows.py: {text!r} is {'not ' if is_wrong else ''}found"


def main():
    source = pathlib.Path(sys.argv[1]) / "src"
    folders = sorted(p.name for p in source.iterdir() if p.is_dir())
    found = [f"src/{name}: not in the table of allowed arrows" for name in folders if name not in ALLOWED]
    found += check_itself(source)
    n = 0
    for folder in ALLOWED:
        for path in sorted((source / folder).rglob("*.[ch]")):
            n += 1
            text = path.read_text(encoding="utf-8")
            found += wrong_includes(folder, path, text, source)
            if folder == "http" and ZMQ_CALL.search(text):
                found.append(f"{path}: a zmq_* call under http/")
    print("\n".join(found) or f"{n} files, no wrong arrow")
    return 1 if found or n == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
