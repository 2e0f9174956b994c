# SPDX-License-Identifier: MPL-2.0
"""Programs under the tap: started with a directory of their own, ended by pid."""

import os
import signal
import subprocess

from support import products, segment_file
from support.waiting import DEADLINE_S, wait_equal, wait_for

NOT_INHERITED = ("LD_PRELOAD", "ZMQ_EXPORTER_DIR", "ZMQ_EXPORTER_TAP", "ZMQ_EXPORTER_TAP_LOG",
                 "ZMQ_EXPORTER_PROGRAM", "ZMQ_EXPORTER_MAX_GROUPS")


def environment(directory=None, **more):
    """The environment of a program: tapped into `directory`, or without the tap if it is None."""
    result = {k: v for k, v in os.environ.items() if k not in NOT_INHERITED}
    if directory is not None:
        result["LD_PRELOAD"] = str(products.tap_library())
        result["ZMQ_EXPORTER_DIR"] = str(directory)
    result.update(more)
    return result


class Process:
    """A running program; `with` ends it."""

    is_tapped = True  # if it is given a directory

    def __init__(self, command, directory=None, variables=None, **options):
        options.setdefault("stdin", subprocess.PIPE)
        options.setdefault("stdout", subprocess.PIPE)
        self.directory = directory
        self.endings = {0}  # the statuses with which it may end before end() ends it
        self.popen = subprocess.Popen(
            [str(word) for word in command],
            env=environment(directory, **(variables or {})), text=True, **options,
        )

    @property
    def pid(self):
        return self.popen.pid

    def line(self):
        """The next line of its output; fails if it ended instead."""
        text = self.popen.stdout.readline()
        assert text, f"pid {self.pid} ended with {self.popen.wait(DEADLINE_S)} instead of a line"
        return text.rstrip("\n")

    def segment(self):
        """Its newest segment; waits for the first one."""
        return wait_for(lambda: segment_file.read_all(self.directory, self.pid),
                        f"a segment of pid {self.pid} in {self.directory}")[-1]

    def wait_counter(self, expected, word, kind=None, endpoint=None, deadline_s=DEADLINE_S):
        return wait_equal(lambda: self.segment().counter(word, kind, endpoint), expected,
                          f"{word} of {kind} {endpoint or ''}", deadline_s)

    def wait_gauge(self, expected, word, kind=None, endpoint=None):
        return wait_equal(lambda: self.segment().gauge(word, kind, endpoint), expected,
                          f"{word} of {kind} {endpoint or ''}")

    def wait_next_rounds(self, n=2):
        """Waits until the tap has published `n` more times; it samples before each."""
        for _ in range(n):
            last = self.segment().header["updated_ns"]
            wait_for(lambda: self.segment().header["updated_ns"] != last, "a round")

    def send_signal(self, number):
        """Of which it may die from then on."""
        self.endings.add(-number)
        self.popen.send_signal(number)

    def may_end_with(self, *statuses):
        """It is made to crash, or to fail, on purpose."""
        self.endings.update(statuses)

    def end(self, number=signal.SIGKILL):
        """Ends it if it has not ended; fails if it had crashed, also after its last answer."""
        if self.popen.poll() is None:
            self.send_signal(number)
        status = self.popen.wait(DEADLINE_S)
        for stream in (self.popen.stdin, self.popen.stdout, self.popen.stderr):
            if stream:
                try:
                    stream.close()
                except BrokenPipeError:  # what it did not read any more
                    pass
        assert status in self.endings, f"pid {self.pid} ended by itself with {status}"
        return status

    def __enter__(self):
        return self

    def __exit__(self, error, *_):
        try:
            self.end()
        except AssertionError:
            if not error:  # else that is what is told
                raise


def end_all(processes):
    """Ends each of them, also if one had crashed, and then fails."""
    crashed = []
    for process in processes:
        try:
            process.end()
        except AssertionError as error:
            crashed.append(str(error))
    assert not crashed, "; ".join(crashed)


def run(command, directory=None, variables=None, **options):
    """Runs a program to its end: CompletedProcess with text output."""
    options.setdefault("timeout", 120)
    options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run(
        [str(word) for word in command], env=environment(directory, **(variables or {})),
        text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, **options,
    )
