# SPDX-License-Identifier: MPL-2.0
"""Programs at full speed, read from outside: each count lies within what they say of themselves.

The programs count in memory that the test shares (full_speed.c): what they had counted before a pass
began is the least that is right, what they have counted after it ended is the most. Or their sockets
say themselves what is right of them (come_and_go.c).
"""

import contextlib
import os
import signal
import struct

import pytest

from support import products
from support.peeked import Reader
from support.process import Process
from support.waiting import wait_equal, wait_for

COUNTS = struct.Struct("=4Q")
N_STEADY, MARK = 11, 1000  # come_and_go.c
N_SOCKETS = int(os.environ.get("TEST_PEEK_SOCKETS", "40000"))
N_PASSES = int(os.environ.get("TEST_PEEK_PASSES", "100"))


@pytest.fixture
def reader():
    with Reader(interval_ms=20) as running:
        yield running
        assert running.popen.poll() is None, "the reader ended"


class Counting(Process):
    """A program that counts in a file."""

    def __init__(self, name, file, *words):
        file.touch()
        self._file = file
        super().__init__([*products.program(name), file, *words])
        assert self.line() == "ready"

    def counts(self):
        return COUNTS.unpack(self._file.read_bytes())


class Tally:
    """What a run has seen of short-lived sockets."""

    def __init__(self):
        self.n_passes = self.n_told = self.n_sockets = self.n_valid = 0

    def check(self, seen):
        self.n_passes += 1
        assert seen.reason in ("", "time")  # on a busy machine a pass may be given up
        if seen.reason:
            return
        self.n_told += 1
        for one in seen.sockets:
            self.n_sockets += 1
            if one["is_valid"]:
                self.n_valid += 1
                self.check_socket(one)

    @staticmethod
    def check_socket(one):
        if one["endpoint"] == "inproc://steady":
            assert (one["SEND_QUEUE"], one["RECEIVE_QUEUE"]) in ((N_STEADY, 0), (0, N_STEADY)), one
        elif one["SEND_HWM"] != MARK:  # else it is new, or the steady one
            n = one["SEND_HWM"] - MARK
            assert 0 < n < 50, one
            assert one["SEND_QUEUE"] <= n and one["RECEIVE_QUEUE"] <= n, one
            # The total is also that of another one, of the same type and number in the same place.
            assert one["sent_more"] <= n and one["received_more"] <= n, one
            if one["endpoint"].startswith("inproc://"):
                assert int(one["endpoint"][9:]) % 50 == n, one
            assert one["RECEIVE_HWM"] in (MARK, one["SEND_HWM"]), one


def sockets__come_and_go__no_wrong_number(reader, folder):
    """TEST_PEEK_SOCKETS says how many of them, in two programs."""
    tally, latest = Tally(), {}
    with contextlib.ExitStack() as stack:
        programs = [stack.enter_context(Counting("come_and_go", folder / f"counts-{i}", N_SOCKETS // 2))
                    for i in range(2)]
        for one in programs:
            wait_for(lambda: reader.seen(one.pid), "the program")
        for one in programs:
            one.popen.stdin.write("\n")
            one.popen.stdin.flush()
        while any(one.counts()[3] < N_SOCKETS // 4 * 2 for one in programs):
            n = reader.n_passes
            wait_for(lambda: reader.n_passes > n, "a pass")
            for one in programs:
                seen = reader.seen(one.pid)
                if seen is not latest.get(one):
                    latest[one] = seen
                    tally.check(seen)
        for one in programs:
            assert one.line() == "done"
            wait_equal(lambda: reader.seen(one.pid).gauge("SEND_QUEUE", "PUSH"), N_STEADY, "depth")
    assert 0 < tally.n_told >= tally.n_passes / 2
    print(f"{N_SOCKETS} sockets, {tally.n_passes} passes, {tally.n_told} told, {tally.n_sockets} "
          f"sockets seen, {tally.n_valid} of them valid")


@pytest.mark.parametrize("transport", ["tcp", "ipc", "inproc"])
def stream__at_full_speed__is_within_its_own_counts(reader, folder, transport):
    """TEST_PEEK_PASSES says how often it is looked at; each tenth time it stands still."""
    endpoint = {"tcp": "tcp://127.0.0.1:*", "ipc": f"ipc://{folder}/q", "inproc": "inproc://q"}[transport]
    mark, n_known, last = 500, 0, (0, 0)
    with Counting("full_speed", folder / "counts", endpoint, mark) as program:
        wait_for(lambda: reader.seen(program.pid), "the program")
        for i in range(N_PASSES):
            before = program.counts()
            if i % 10 == 9:
                os.kill(program.pid, signal.SIGSTOP)
            reader.wait_later_pass()
            seen, after = reader.seen(program.pid), program.counts()
            os.kill(program.pid, signal.SIGCONT)
            assert seen.reason in ("", "time"), seen.reason
            if seen.reason:
                continue
            told = seen.counter("SENT_MESSAGES", "PUSH"), seen.counter("RECEIVED_MESSAGES", "PULL")
            assert last[0] <= told[0] <= after[0] and last[1] <= told[1] <= after[2], (last, told, after)
            last = told
            n_known += check_known(seen, transport, mark, before, after)
    assert n_known > N_PASSES // 10
    print(f"{transport}: {N_PASSES} passes, {n_known} depths known, {told[0]} messages sent")


def check_known(seen, transport, mark, before, after):
    """Whether one was known; then its counts are of this pass, too."""
    sending, _, receiving, _ = after
    _, sent, _, received = before
    most = min(sending - received, 2 * mark if transport == "inproc" else mark)
    least = max(sent - receiving, 0) if transport == "inproc" else 0
    push, pull = seen.gauge("SEND_QUEUE", "PUSH"), seen.gauge("RECEIVE_QUEUE", "PULL")
    for depth in (push, pull):
        assert depth is None or least <= depth <= most, (push, pull, before, after)
    assert push is None or seen.counter("SENT_MESSAGES", "PUSH") >= sent
    assert pull is None or seen.counter("RECEIVED_MESSAGES", "PULL") >= received
    return (push, pull) != (None, None)
