# SPDX-License-Identifier: MPL-2.0
"""`zmq_exporter run`: the program in the tap, and nothing else different about it."""

import os
import pty
import signal
import subprocess

import pytest
import zmq

from support import products
from support.process import Process, environment, run
from support.puppet import Puppet
from support.waiting import DEADLINE_S

SHOW = 'printf "%s|%s|%s" "$LD_PRELOAD" "$ZMQ_EXPORTER_PROGRAM" "$ZMQ_EXPORTER_DIR"'


def exporter_run(*words, **options):
    return run([products.exporter(), "run", *words], **options)


def test_run__program__has_the_tap_and_the_labels(directory):
    done = exporter_run("--program=feed", f"--tap.directory={directory}", "--", "sh", "-c", SHOW)
    assert done.stdout == f"{products.tap_library()}|feed|{directory}"
    assert done.stderr == ""


def test_run__preload_that_is_there__is_kept_and_the_tap_not_put_twice(directory):
    tap = str(products.tap_library())
    for before, after in [("libc.so.6", f"{tap}:libc.so.6"), (f"libc.so.6:{tap}", f"libc.so.6:{tap}"),
                          (f"libc.so.6 {tap}", f"libc.so.6 {tap}"), ("", tap)]:
        done = exporter_run(f"--tap.directory={directory}", "sh", "-c", SHOW,
                            variables={"LD_PRELOAD": before})
        assert done.stdout.split("|")[0] == after


@pytest.mark.parametrize("words, status", [(["sh", "-c", "exit 7"], 7), (["true"], 0),
                                           (["sh", "-c", "kill -TERM $$"], -signal.SIGTERM)])
def test_run__exit_status__is_the_programs(directory, words, status):
    assert exporter_run(f"--tap.directory={directory}", "--", *words).returncode == status


@pytest.mark.parametrize("words, status, message", [
    ([], 2, "name the program to start"),
    (["--progarm=x", "true"], 2, "did you mean '--program'"),
    (["--tap.library=/nowhere/libzmqtap.so", "true"], 125, "/nowhere/libzmqtap.so: No such file"),
    (["--tap.library=/etc/passwd", "true"], 125, "/etc/passwd: not a shared library"),
    (["/nowhere/program"], 127, "/nowhere/program: No such file"),
    (["/etc/passwd"], 126, "/etc/passwd: Permission denied"),
])
def test_run__what_cannot_be_done__is_said_once(directory, words, status, message):
    done = exporter_run(f"--tap.directory={directory}", *words)
    assert done.returncode == status
    assert message in done.stderr
    assert done.stderr.count("\n") == 1 and done.stdout == ""


def test_run__library_path_that_the_loader_cannot_take__is_refused(directory, folder):
    link = folder / "a b"
    link.mkdir()
    copy = link / "libzmqtap.so"
    copy.write_bytes(products.tap_library().read_bytes())
    done = exporter_run(f"--tap.directory={directory}", f"--tap.library={copy}", "true")
    assert done.returncode == 125
    assert "space or a colon" in done.stderr


def test_run__no_directory__warns_and_runs(folder):
    done = exporter_run(f"--tap.directory={folder / 'none'}", "sh", "-c", "echo ran")
    assert done.stdout == "ran\n"
    assert "nothing is counted until the exporter" in done.stderr


def test_run__directory_that_cannot_be_written__warns_and_runs(folder):
    (folder / "file").touch()
    done = exporter_run(f"--tap.directory={folder / 'file' / 'none'}", "sh", "-c", "echo ran")
    assert done.stdout == "ran\n"
    assert "Not a directory; nothing is counted unless every user may write there" in done.stderr


@pytest.mark.parametrize("words", [["run", "--help"], ["help", "run"]], ids=" ".join)
def test_run__help__names_the_flags_without_colours(words):
    done = run([products.exporter(), *words])
    assert done.returncode == 0
    assert "--program" in done.stdout and "--tap.directory" in done.stdout
    assert "\033" not in done.stdout


def on_a_terminal(words, **variables):
    """What the exporter shows to a person."""
    ours, its = pty.openpty()
    process = subprocess.Popen([products.exporter(), *words], stdin=its, stdout=its, stderr=its,
                               env=environment(None, **{"TERM": "xterm", "NO_COLOR": "", **variables}))
    os.close(its)
    text = b""
    try:
        while chunk := os.read(ours, 4096):
            text += chunk
    except OSError:  # its end is closed
        pass
    os.close(ours)
    process.wait(DEADLINE_S)
    return text


def test_messages__terminal__are_coloured_unless_refused():
    assert b"\033[1m--program\033[0m" in on_a_terminal(["run", "--help"])
    assert b"\033[1;31mzmq_exporter run:\033[0m " in on_a_terminal(["run"])
    for refusal in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert b"\033" not in on_a_terminal(["run"], **refusal)


@pytest.mark.parametrize("language", ["c", "pyzmq"])
def test_run__zeromq_program__is_counted(directory, language):
    command = products.program({"c": "puppet", "pyzmq": "puppet.py"}[language])
    words = [products.exporter(), "run", "--program=feed", f"--tap.directory={directory}", "--"]
    with Started(words + command, directory, language) as puppet:
        push, pull = puppet.socket(zmq.PUSH), puppet.socket(zmq.PULL)
        endpoint = pull.bind("tcp://127.0.0.1:*")
        push.connect(endpoint)
        assert push.send(5) == 5
        assert pull.recv(5)[0] == 5
        puppet.wait_counter(5, "SENT_MESSAGES", "PUSH")
        assert puppet.segment().header["program"] == "feed"


class Started(Puppet):
    """A puppet that somebody else puts under the tap."""

    def __init__(self, command, directory, language):
        Process.__init__(self, command)
        self.directory, self.language = directory, language
        self._names = (f"s{i}" for i in range(100))
