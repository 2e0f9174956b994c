# SPDX-License-Identifier: MPL-2.0
"""Counts the cases of one `meson test` run; prints what failed and why some were skipped in a few
lines each, and one closing line.

usage: summary.py testlog.json TMPDIR

A TAP or pytest program counts by its cases, any other test by itself. Exit status 1 if a case
failed or none passed. What the tests left in TMPDIR counts as a failed case.
"""

import collections
import json
import os
import re
import sys

GOOD = {"OK", "EXPECTEDFAIL"}
PYTEST = re.compile(r"(\d+) (passed|failed|error|errors|skipped|xfailed)\b")
FAULT = re.compile(r"^not ok|^E   |\b(?:FAIL|FAILED|TIMEOUT)\b|\berror:|^SUMMARY: ")
MAX_FAULTS = 8
SKIP_REASON = re.compile(r"^SKIPPED \[(\d+)\] [^:]+(?::\d+)?: (.*)$", re.M)
PYTEST_LINE = re.compile(r"^=* ?(\d+ (?:passed|failed|errors?|skipped|xfailed).*) in [\d.]+s", re.M)


def count_pytest(text):
    lines = PYTEST_LINE.findall(text)
    if not lines:
        return None
    n = {"passed": 0, "failed": 0, "skipped": 0}
    for number, word in PYTEST.findall(lines[-1]):
        key = "failed" if word.startswith("error") else "passed" if word == "xfailed" else word
        n[key] += int(number)
    return n


def count_tap(text):
    lines = re.findall(r"^\s*(not ok|ok)\b(.*)$", text, re.M)
    if not lines:
        return None
    n = {"passed": 0, "failed": 0, "skipped": 0}
    for word, rest in lines:
        skipped = re.search(r"#\s*skip", rest, re.I)
        n["skipped" if skipped else "passed" if word == "ok" else "failed"] += 1
    return n


def count(test):
    n = count_pytest(test.get("stdout", "")) or count_tap(test.get("stdout", ""))
    good = test["result"] in GOOD
    if n is None:
        skipped = test["result"] == "SKIP"
        return {"passed": int(good), "failed": int(not good and not skipped), "skipped": int(skipped)}
    if not good and test["result"] != "SKIP" and n["failed"] == 0:
        n["failed"] = 1  # it died, or a sanitizer or its exit code spoke
    return n


def skip_reasons(text):
    reasons = collections.Counter()
    for n, reason in SKIP_REASON.findall(text):
        reasons[reason] += int(n)
    return [f"{n} skipped: {reason}" for reason, n in reasons.items()]


def faults(test):
    """The lines that tell most of a test that failed; what a variant ran is told in its own."""
    lines = [line.strip() for line in test.get("stdout", "").splitlines()]
    told = list(dict.fromkeys(line for line in lines if FAULT.search(line)))
    return told[-MAX_FAULTS:] or lines[-MAX_FAULTS:]


def main():
    total = {"passed": 0, "failed": 0, "skipped": 0}
    with open(sys.argv[1], encoding="utf-8", errors="replace") as log:
        for line in log:
            test = json.loads(line)
            for key, n in count(test).items():
                total[key] += n
            if test["result"] not in GOOD | {"SKIP"}:
                print("\n".join(f"{test['name'].split()[-1]}: {line}" for line in faults(test)))
            for reason in skip_reasons(test.get("stdout", "")):
                print(f"{test['name'].split()[-1]}: {reason}")
    left = [name for name in os.listdir(sys.argv[2]) if not name.startswith("pytest-of-")]
    if left:
        print(f"the tests left behind in TMPDIR: {', '.join(sorted(left)[:10])}")
        total["failed"] += 1
    skipped = f", {total['skipped']} skipped" if total["skipped"] else ""
    print(f"{total['passed']} passed, {total['failed']} failed{skipped}")
    return 1 if total["failed"] or not total["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
