# SPDX-License-Identifier: MPL-2.0
"""Checks the table of tests/mutants/guards.py: each folder of src has a row of its own, each row files
and each pattern a test, and each test is in the row of what it guards.

usage: mutant_guards.py SOURCE_ROOT BUILD_ROOT
"""

import fnmatch
import json
import pathlib
import sys

# What guards all of it at once, and would only make each fault take longer.
OF_EVERYTHING = {
    "foreign_libc", "fuzz_programs", "memcheck", "packaged", "real_programs", "rsyslog", "sanitized",
    "support",
}


def tests_of(build):
    for entry in json.loads((build / "meson-info" / "intro-tests.json").read_text(encoding="utf-8")):
        yield entry["name"], entry["suite"][0].rpartition(":")[2]


def complaints(root, tests):
    sys.path.insert(0, str(root / "tests" / "mutants"))
    from guards import GUARDS, row_of

    files = [str(file.relative_to(root)) for file in sorted((root / "src").rglob("*.[ch]"))]
    rows = {row_of(path) for path in files}
    for path in files:
        folder = path.rpartition("/")[0]
        if not (row_of(path) or "").startswith(folder):
            yield f"{path}: no row for {folder}"
    for row, patterns in GUARDS.items():
        if row.startswith("src/") and row not in rows and not list((root / row).glob("*")):
            yield f"{row}: no file of src is in this row"
        for pattern in patterns:
            if not fnmatch.filter(tests, pattern):
                yield f"{row}: no test is called {pattern}"
    named = {name for patterns in GUARDS.values() for pattern in patterns for name in fnmatch.filter(tests, pattern)}
    for name, suite in tests.items():
        if suite in ("unit", "integration", "fuzz") and name not in named and name not in OF_EVERYTHING:
            yield f"{name}: in no row, so it guards nothing"


def main():
    root, build = map(pathlib.Path, sys.argv[1:3])
    found = list(complaints(root, dict(tests_of(build))))
    print("\n".join(found) or "each source has its tests")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
