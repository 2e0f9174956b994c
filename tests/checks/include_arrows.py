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
    "metrics": {"base"},
    "config": {"base"},
    "collectors": {"base", "segment", "metrics", "config"},
    "http": {"base", "metrics", "config"},
    "agent": {"base", "segment", "metrics", "collectors", "config", "http"},
    "cli": {"base", "segment", "metrics", "collectors", "config", "http", "agent"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
ZMQ_CALL = re.compile(r"\bzmq_[a-z_]+\s*\(")


def wrong_includes(folder, path):
    for include in INCLUDE.findall(path.read_text(encoding="utf-8")):
        target = include.split("/")[0]
        if "/" not in include:
            yield f'{path}: "{include}" is not path-qualified; write "{folder}/{include}"'
        elif target != folder and target not in ALLOWED[folder]:
            yield f'{path}: {folder}/ may not include "{include}"'


def main():
    source = pathlib.Path(sys.argv[1]) / "src"
    folders = sorted(p.name for p in source.iterdir() if p.is_dir())
    found = [f"src/{name}: not in the table of allowed arrows" for name in folders if name not in ALLOWED]
    n = 0
    for folder in ALLOWED:
        for path in sorted((source / folder).rglob("*.[ch]")):
            n += 1
            found += wrong_includes(folder, path)
            if folder == "http" and ZMQ_CALL.search(path.read_text(encoding="utf-8")):
                found.append(f"{path}: a zmq_* call under http/")
    print("\n".join(found) or f"{n} files, no wrong arrow")
    return 1 if found or n == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
