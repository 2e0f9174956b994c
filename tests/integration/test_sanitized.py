# SPDX-License-Identifier: MPL-2.0
"""The tap, built with ThreadSanitizer or with those for addresses and undefined behaviour, in whole
programs: no finding is in its code. Run by checks/variant.sh in its builds.

libzmq and libc are not instrumented. What they do by themselves is no finding, and the atomics that
they hand things over with are not seen, but their locks and threads are, under which libzmq calls
the tap (ignore_noninstrumented_modules; a suppression called_from_lib would hide the locks too).
"""

import os
import re
import subprocess

import pytest

from support import products, segment_file
from support.process import run

SANITIZER = os.environ.get("TEST_SANITIZER")
LIBRARIES = {"thread": ["libtsan.so"], "address": ["libasan.so", "libubsan.so"]}
OPTIONS = {"TSAN_OPTIONS": "ignore_noninstrumented_modules=1:die_after_fork=0:exitcode=0:atexit_sleep_ms=0",
           "ASAN_OPTIONS": "detect_leaks=0:exitcode=99",
           "UBSAN_OPTIONS": "print_stacktrace=1"}
PROGRAMS = ["harmless_interrupted", "harmless_end", "harmless_fork", "harmless_monitor",
            "harmless_monitor_calls", "harmless_drops", "harmless_threads", "harmless_calls", "forks"]
# AddressSanitizer may hold a lock of its own in another thread when the process forks, and the child
# then waits for ever; children are ThreadSanitizer's.
if SANITIZER == "address":
    PROGRAMS = [name for name in PROGRAMS if "fork" not in name]
OURS = re.compile(r"\bsrc/(tap|segment|queues|base)/|libzmqtap\.so")

# Where a sanitizer cannot be, and why.
LEFT_OUT = {
    "thread": {
        "harmless_threads-cancelled_while_blocked": "its wait for a thread that is cancelled does not end",
        "harmless_monitor_calls-cloned_child": "a raw clone is not seen as a process of its own",
        "forks-cloned": "a raw clone is not seen as a process of its own",
        "forks-cloned_that_exit": "a raw clone is not seen as a process of its own",
        "forks-for_generations": "a raw clone is not seen as a process of its own",
        "forks-in_the_middle_of_a_call": "its children have locks that nobody is seen to have taken",
        "harmless_fork-forks_while_sockets_are_made": "its own lock may be taken when the process forks",
    },
    "address": {
        "harmless_threads-cancelled_while_blocked": "it takes the end of a cancelled thread for a fault",
        "harmless_threads-coroutine_with_little_stack": "its frames are larger than the stack",
        "harmless_calls-closed_socket": "the program uses what it has freed: that is what it is about",
        "harmless_monitor_calls-forked_child": "its own lock may be taken when the process forks",
        "harmless_monitor_calls-cloned_child": "its own lock may be taken when the process forks",
    },
}
# Ended by what leaves no segment, or has no socket.
NO_SEGMENT = {"null_arguments", "quick_exit_with_open_sockets", "abort_with_open_sockets",
              "killed_by_sigterm"}
STATUSES = {"exit_with_open_sockets": 7, "quick_exit_with_open_sockets": 8, "abort_with_open_sockets": -6,
            "killed_by_sigterm": -15, "exit_while_another_thread_receives": 9}


def cases():
    for name in PROGRAMS:
        listed = subprocess.run(products.program(name), capture_output=True, text=True, check=True)
        yield from ((name, case) for case in listed.stdout.split())
    yield from (("threads", f"{transport} 500") for transport in ("inproc", "tcp"))


def sanitizer_libraries():
    compiler = os.environ.get("CC", "gcc")
    names = [subprocess.run([compiler, f"-print-file-name={name}"], capture_output=True, text=True,
                            check=True).stdout.strip() for name in LIBRARIES[SANITIZER]]
    assert all(os.path.isabs(name) for name in names), names
    return [os.path.realpath(name) for name in names]


def findings(folder):
    """The reports of which a frame is in the tap."""
    text = "\n".join(path.read_text(errors="replace") for path in sorted(folder.glob("report.*")))
    reports = re.split(r"(?m)^(?=WARNING: ThreadSanitizer|==\d+==ERROR|\S+: runtime error)", text)
    return [report for report in reports[1:] if OURS.search(report)]


def run_sanitized(command, directory, folder):
    options = {name: f"{value}:log_path={folder}/report" for name, value in OPTIONS.items()}
    preload = " ".join([*sanitizer_libraries(), str(products.tap_library())])
    return run(command, directory, {"LD_PRELOAD": preload, **options})


@pytest.mark.skipif(not SANITIZER, reason="this build is without a sanitizer")
@pytest.mark.parametrize("name,case", cases(), ids=lambda word: word.removeprefix("harmless_"))
def program__under_a_sanitizer__has_no_finding_in_the_tap(directory, folder, name, case):
    reason = LEFT_OUT[SANITIZER].get(f"{name}-{case}")
    if reason:
        pytest.skip(f"the sanitizer cannot do it: {reason}")
    result = run_sanitized([*products.program(name), *case.split()], directory, folder)
    found = findings(folder)
    assert not found, "\n".join(found)
    assert result.returncode == STATUSES.get(case, 0), result.stdout + result.stderr
    assert result.stdout
    if case not in NO_SEGMENT:
        assert segment_file.read_all(directory), "the tap was not there"
