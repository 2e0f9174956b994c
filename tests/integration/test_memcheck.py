# SPDX-License-Identifier: MPL-2.0
"""Under valgrind's memcheck the tap neither reads what it may not nor leaks.

The programs are those of test_harmless; leaks that the same program has without the tap, as a
forked child that drops its parent's context, are not the tap's.
"""

import re
import shutil
from collections import Counter

import pytest

from support import products, segment_file
from support.process import run

CASES = [
    ("harmless_calls", "legacy_spellings"),
    ("harmless_calls", "bad_arguments"),
    ("harmless_end", "contexts_come_and_go"),
    ("harmless_end", "term_with_a_blocked_thread"),
    ("harmless_end", "exit_with_open_sockets"),
    ("harmless_fork", "child_has_its_own_context"),
    ("harmless_monitor", "all_events"),
    ("harmless_monitor", "second_monitor_replaces"),
]
VALGRIND = ["valgrind", "-q", "--leak-check=full", "--show-leak-kinds=definite",
            "--errors-for-leak-kinds=definite"]


def findings(text):
    """Kinds of what valgrind said, and how often, without addresses and process numbers."""
    lines = (re.sub(r"==\d+== ", "", line) for line in text.splitlines())
    return Counter(re.sub(r"\d[\d,]*", "N", line) for line in lines
                   if re.match(r"(Invalid|Conditional|Use of|Syscall|Source and|.*definitely lost)", line))


@pytest.mark.skipif(not shutil.which("valgrind"), reason="valgrind is not installed")
@pytest.mark.parametrize("name,case", CASES, ids=lambda word: word.removeprefix("harmless_"))
def case__under_memcheck__has_no_finding_of_the_taps(directory, name, case):
    command = [*VALGRIND, *products.program(name), case]
    plain, tapped = run(command), run(command, directory)
    assert findings(tapped.stderr) - findings(plain.stderr) == Counter()
    assert "libzmqtap" not in tapped.stderr, tapped.stderr
    assert (tapped.returncode, tapped.stdout) == (plain.returncode, plain.stdout)
    assert segment_file.read_all(directory), "the tap was not there"
