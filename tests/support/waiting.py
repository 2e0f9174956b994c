# SPDX-License-Identifier: MPL-2.0
"""Waiting for something to become true, with a deadline that a slow machine can meet."""

import time

DEADLINE_S = 30.0


def wait_for(predicate, what, deadline_s=DEADLINE_S):
    """Calls `predicate` until it returns something true, and returns that.

    `what` is a text, or a function that tells what was seen instead; it is in the failure.
    """
    end = time.monotonic() + deadline_s
    while True:
        result = predicate()
        if result:
            return result
        if time.monotonic() > end:
            seen = what() if callable(what) else what
            raise AssertionError(f"not within {deadline_s:.0f} s: {seen}")
        time.sleep(0.01)


def wait_equal(get, expected, what, deadline_s=DEADLINE_S):
    """Waits until `get()` equals `expected`; the failure shows the last value seen."""
    seen = []

    def is_equal():
        seen[:] = [get()]
        return seen[0] == expected

    wait_for(is_equal, lambda: f"{what} is {seen[0]!r}, not {expected!r}", deadline_s)
    return expected
