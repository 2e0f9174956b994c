# SPDX-License-Identifier: MPL-2.0
"""ZMQ_EXPORTER_TAP_LOG: why something is not measured, once when it begins and once when it ends."""

import os
import resource
import shutil
import subprocess

import pytest
import zmq

from support.puppet import Puppet
from support.waiting import wait_for

NOBODY = 65534
REFUSED = "cannot write to segment directory {}: {}; what is counted is not shown"


class Log:
    def __init__(self, folder):
        self.path = folder / "tap.log"

    def lines(self):
        return self.path.read_text().splitlines() if self.path.exists() else []

    def wait(self, text, n=1):
        return wait_for(lambda: len([line for line in self.lines() if text in line]) == n,
                        lambda: f"{text!r} in {self.lines()}")


@pytest.fixture
def log(folder):
    return Log(folder)


@pytest.fixture
def logged(log):
    """Starts a tapped program with a socket, that logs."""
    puppets = []

    def start_one(directory, **options):
        variables = {"ZMQ_EXPORTER_TAP_LOG": str(log.path)}
        puppets.append(Puppet("c", directory, variables=variables, **options))
        puppets[-1].socket(zmq.PUSH).bind("inproc://push")
        return puppets[-1]

    yield start_one
    for puppet in puppets:
        puppet.end()


def test_log__directory_missing__is_said_once_and_that_it_is_back(folder, log, logged):
    directory = folder / "missing"
    puppet = logged(directory)
    log.wait(REFUSED.format(directory, "No such file or directory"))
    directory.mkdir()
    log.wait(f"writes to segment directory {directory} again")
    puppet.wait_next_rounds()
    about = [line for line in log.lines() if "segment directory" in line]
    assert len(about) == 2, about
    shutil.rmtree(directory)
    log.wait("No such file", 2)


def test_log__directory_is_a_file__is_said(folder, log, logged):
    (folder / "file").touch()
    logged(folder / "file")
    log.wait(REFUSED.format(folder / "file", "Not a directory"))


def test_log__directory_of_another_user__is_said(folder, log, logged):
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    folder.chmod(0o777)
    directory = folder / "roots"
    directory.mkdir(mode=0o755)

    def become_nobody():
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)

    logged(directory, preexec_fn=become_nobody)
    log.wait(REFUSED.format(directory, "Permission denied"))


def test_log__file_system_full__is_said(folder, log, logged):
    tiny = folder / "tiny"
    tiny.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k,mode=0777", "zt", tiny],
                      capture_output=True, check=False).returncode:
        pytest.skip("cannot mount a small tmpfs here")
    try:
        (tiny / "filler").write_bytes(bytes(4096))
        puppet = logged(tiny)
        log.wait(REFUSED.format(tiny, "No space left on device"))
        puppet.end()
    finally:
        subprocess.run(["umount", tiny], check=True)


@pytest.mark.parametrize("is_on_tmpfs", [False, True], ids=["disk", "tmpfs"])
def test_log__capability_off_or_bound__is_said_with_the_reason(folder, log, logged, directory,
                                                              is_on_tmpfs):
    """A line for each that is not on, the reason being that of the segment, and nothing besides."""
    (folder / "disk").mkdir()
    place = directory if is_on_tmpfs else folder / "disk"
    puppet = logged(place)
    limited = {name: c for name, c in puppet.segment().capabilities.items()
               if c[0] in ("off", "bound")}
    for name, (state, reason) in limited.items():
        words = "cannot be measured" if state == "off" else "is a bound"
        log.wait(f"zmqtap: {name}: {words} ({reason})")
    assert len(log.lines()) == len(limited), log.lines()


def test_log__tap_stays_out__says_why(log, directory):
    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (150 << 20, 150 << 20))

    with Puppet("c", directory, variables={"ZMQ_EXPORTER_TAP_LOG": str(log.path)},
                preexec_fn=limit) as puppet:
        puppet.socket(zmq.PUSH)
        log.wait("zmqtap: off: Cannot allocate memory")


def test_log__stderr__is_written_to(folder):
    with Puppet("c", folder / "missing", variables={"ZMQ_EXPORTER_TAP_LOG": "stderr"},
                stderr=subprocess.PIPE) as puppet:
        puppet.socket(zmq.PUSH)
        lines = []
        while not any("No such file or directory" in line for line in lines):
            lines.append(puppet.popen.stderr.readline())
            assert lines[-1], lines
