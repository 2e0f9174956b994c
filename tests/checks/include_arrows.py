# SPDX-License-Identifier: MPL-2.0
"""Checks that the arrows in src/ go one way.

usage: include_arrows.py SOURCE_ROOT [BUILD_ROOT]

Of folders and of the rooms inside src/tap the tables say which may include which, and what is called
must be allowed as well. Of files there must be no circle: a *module* is a header and the files that
define what it declares (X_internal.h belongs to X.h), and no two modules may need each other, however
far around.

Calls are those that the linker sees: names that an object of BUILD_ROOT needs and another one defines,
functions and variables. A call through a pointer is none, which is how a room is given what it is to
call. Without BUILD_ROOT, or where nm finds no names in the objects, as with link-time optimization,
includes alone are checked.
"""

import collections
import json
import pathlib
import re
import subprocess
import sys

# folder: folders it may include besides itself (src/README.md shows the same as a map)
ALLOWED = {
    "base": set(),
    "segment": {"base"},
    "queues": {"base"},
    "tap": {"base", "segment", "queues"},
    "libraries": {"base"},
    "peek": {"base", "queues", "libraries"},
    "metrics": {"base"},
    "config": {"base"},
    "collectors": {"base", "segment", "metrics", "config", "libraries", "peek"},
    "problems": {"base", "segment", "metrics", "collectors"},
    "live": {"base", "metrics", "collectors"},
    "http": {"base", "metrics", "config"},
    "agent": {"base", "segment", "metrics", "collectors", "problems", "live", "config", "http"},
    "cli": {"base", "segment", "metrics", "collectors", "config", "http", "agent", "peek", "problems"},
}
# The same of the rooms in src/tap (src/tap/README.md); "" is what lies in the folder itself.
TAP_ROOMS = {
    "ground": set(),
    "learned": {"ground"},
    "registry": {"ground"},
    "counting": {"ground", "learned", "registry"},
    "events": {"ground", "learned", "registry"},
    "losses": {"ground", "learned", "registry", "events"},
    "sampling": {"ground", "learned", "registry", "counting", "events", "losses"},
    "": {"ground", "learned", "registry", "counting", "events", "losses", "sampling"},
    "hooks": {"ground", "learned", "registry", "counting", "events", "losses", "sampling", ""},
}
PUBLIC = {"tap/zmqtap.h"}  # for programs: includes nothing of ours, and any room may include it
MAX_HEADERS = 2  # of a module: what it is for others, and what its files share

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include(?:_next)?\b[ \t]*(.*)$', re.M)
NAME = re.compile(r'"([^"]+)"|<([^>]+)>')
WORD = re.compile(r"\b[A-Za-z_]\w*\b")
TYPE = re.compile(r"\b(?:struct|enum|union)\s+\w+")
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
    ring = {"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}
    if [sorted(circle) for circle in circles_of(ring)] != [["a", "b", "c"]]:
        yield "include_arrows.py: a circle is not found"


def room_of(name):
    """Of a file in src/tap, else None."""
    parts = name.split("/")
    return None if parts[0] != "tap" else parts[1] if len(parts) > 2 else ""


def is_allowed(name, other):
    """Whether the one file may include the other, or call what is in it."""
    folder, target = name.split("/")[0], other.split("/")[0]
    if folder != target:
        return target in ALLOWED[folder]
    room, target = room_of(name), room_of(other)
    return room == target or other in PUBLIC or target in TAP_ROOMS[room]


def includes_of(texts):
    """(file, file that it includes)"""
    for name, text in texts.items():
        for include in re.findall(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', text, re.M):
            if include in texts and include not in PUBLIC:
                yield name, include


def objects_of(source, build):
    """(file of src/, its object)"""
    for entry in json.loads((build / "compile_commands.json").read_text(encoding="utf-8")):
        path = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        output = build / entry["output"]
        if entry["output"].startswith("src/") and path.is_relative_to(source) and output.exists():
            yield path.relative_to(source).as_posix(), output


def names_of(source, build):
    """Names defined by each file, and needed."""
    defined, needed = collections.defaultdict(set), collections.defaultdict(set)
    names = {str(output): name for name, output in objects_of(source, build)}
    listed = subprocess.run(["nm", "-A", "-P", *names], capture_output=True, text=True, check=True).stdout
    for line in listed.splitlines():
        output, word, kind = line.split()[:3]
        name = names[output.rstrip(":")]
        if kind in "Uw":
            needed[name].add(word)
        elif kind.isupper():
            defined[name].add(word)
    return defined, needed


def calls_of(defined, needed):
    """(file, file that defines what it needs, the name)"""
    files = collections.defaultdict(set)
    for name, words in defined.items():
        for word in words:
            files[word].add(name)
    for name, words in needed.items():
        for word in words:
            if len(files[word]) != 1:
                continue  # twins, of which one is linked
            other, = files[word]
            if room_of(other) is None or room_of(name) is not None:  # what a tap stands before is libc's
                yield name, other, word


def names_in(header):
    return set(WORD.findall(TYPE.sub(" ", re.sub(r"^[ \t]*#[ \t]*include.*$", "", header, flags=re.M))))


def modules_of(texts, defined):
    """The module of each file: a header and the files beside it that define what it declares."""
    parent = {name: name for name in texts}

    def root(name):
        while parent[name] != name:
            name = parent[name]
        return name

    for name, include in includes_of(texts):
        is_beside = name.rpartition("/")[0] == include.rpartition("/")[0] and include.endswith(".h")
        is_own = include in (name[:-2] + ".h", name[:-2] + "_internal.h")
        if is_own or (is_beside and defined.get(name, set()) & names_in(texts[include])):
            parent[root(name)] = root(include)
    return {name: root(name) for name in texts}


def circles_of(arrows):
    """Sets of nodes that reach each other."""
    def reached(start):
        found, todo = set(), [start]
        while todo:
            for other in arrows.get(todo.pop(), ()):
                if other not in found:
                    found.add(other)
                    todo.append(other)
        return found

    reach = {node: reached(node) for node in arrows}
    done = set()
    for node in sorted(reach):
        if node in reach[node] and node not in done:
            circle = {other for other in reach[node] if node in reach.get(other, ())}
            done |= circle
            yield circle


def wrong_arrows(texts, source, build):
    defined, needed = names_of(source, build) if build else ({}, {})
    calls = [(a, b, word) for a, b, word in calls_of(defined, needed) if a in texts and b in texts]
    for name, include in includes_of(texts):
        if name.startswith("tap/") and include.startswith("tap/") and not is_allowed(name, include):
            yield f'src/{name}: tap/{room_of(name)} may not include "{include}"'
    for name, other, word in calls:
        if not is_allowed(name, other):
            yield f"src/{name}: may not use {word} of src/{other}"
    modules = modules_of(texts, defined)
    arrows, reasons = collections.defaultdict(set), {}
    for name, other, word in [(a, b, "#include") for a, b in includes_of(texts)] + calls:
        a, b = modules[name], modules[other]
        if a != b:
            arrows[a].add(b)
            reasons.setdefault((a, b), f"  {name} -> {other} ({word})")
    for circle in circles_of(arrows):
        yield f"a circle of {len(circle)} modules:"
        yield from (reason for (a, b), reason in reasons.items() if {a, b} <= circle)
    headers = collections.Counter(module for name, module in modules.items() if name.endswith(".h"))
    for module, n in headers.items():
        if n > MAX_HEADERS:
            yield f"src/{module}: a module of {n} headers, at most {MAX_HEADERS}"


def main():
    source = pathlib.Path(sys.argv[1]).resolve() / "src"
    build = pathlib.Path(sys.argv[2]).resolve() if len(sys.argv) > 2 else None
    folders = sorted(p.name for p in source.iterdir() if p.is_dir())
    found = [f"src/{name}: not in the table of allowed arrows" for name in folders if name not in ALLOWED]
    rooms = sorted(p.name for p in (source / "tap").iterdir() if p.is_dir())
    found += [f"src/tap/{name}: not in the table of rooms" for name in rooms if name not in TAP_ROOMS]
    found += check_itself(source)
    texts = {}
    for folder in ALLOWED:
        for path in sorted((source / folder).rglob("*.[ch]")):
            text = path.read_text(encoding="utf-8")
            found += wrong_includes(folder, path, text, source)
            if folder == "http" and ZMQ_CALL.search(text):
                found.append(f"{path}: a zmq_* call under http/")
            texts[path.relative_to(source).as_posix()] = without_comments(text)
    found += wrong_arrows(texts, source, build)
    print("\n".join(found) or f"{len(texts)} files, no wrong arrow and no circle")
    return 1 if found or not texts else 0


if __name__ == "__main__":
    sys.exit(main())
