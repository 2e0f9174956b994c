# SPDX-License-Identifier: MPL-2.0
"""Checks that every file or folder of the project that a document names is there.

usage: readme_paths.py SOURCE_ROOT

A path is what stands between backticks and has a slash or a source file's ending. It is there if it
is the end of some path of the tree: documents name things as seen from where they stand.
"""

import os
import pathlib
import re
import sys

NAME = re.compile(r"`((?!\.{0,2}/)[\w.-]+(?:/[\w.-]+)*/?)`")
FOLDERS = ("alerts", "dashboards", "doc", "packaging", "src", "tests")
ENDINGS = (".c", ".h", ".py", ".sh")
OF_OTHERS = {"site-packages/pyzmq.libs"}


def paths_of(root):
    for top in sorted(root.iterdir()):
        if top.is_file() or top.name in FOLDERS:
            yield top.name
    for top in FOLDERS:
        for folder, folders, files in os.walk(root / top):
            for name in folders + files:
                yield pathlib.PurePath(folder, name).relative_to(root).as_posix()


def main():
    root = pathlib.Path(sys.argv[1])
    paths = sorted(paths_of(root))
    ends = {"/".join(path.split("/")[i:]) for path in paths for i in range(path.count("/") + 1)}
    n, missing = 0, []
    for path in paths:
        if not path.endswith(".md"):
            continue
        for number, line in enumerate((root / path).read_text().splitlines(), 1):
            for name in NAME.findall(line):
                if name in OF_OTHERS or not ("/" in name or name.endswith(ENDINGS)):
                    continue
                n += 1
                if name.rstrip("/") not in ends:
                    missing.append(f"{path}:{number}: there is no {name}")
    print("\n".join(missing) if missing else f"{n} paths, all there")
    return bool(missing) or n == 0


sys.exit(main())
