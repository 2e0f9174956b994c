# SPDX-License-Identifier: MPL-2.0
"""`zmq_exporter top`: the same lines on a terminal, in a pipe, and as JSON."""

import json
import os
import subprocess

import pytest
import zmq

from support import products
from support.waiting import wait_for

HOSTILE = "a\x1b[31m\u202eb"


def top(directory, *arguments):
    return subprocess.run([str(products.exporter()), "top", f"--tap.directory={directory}", *arguments],
                          capture_output=True, text=True, env={**os.environ, "LC_ALL": "C.UTF-8"})


@pytest.fixture
def ledger(start):
    """A receiver that takes nothing, and who sends to it."""
    puppet = start("c", variables={"ZMQ_EXPORTER_PROGRAM": "ledger"})
    push, pull = puppet.socket(zmq.PUSH, sndhwm=5), puppet.socket(zmq.PULL, rcvhwm=5)
    pull.bind("inproc://orders")
    push.connect("inproc://orders")
    assert push.send(9) == 9
    assert pull.poll() == zmq.POLLIN
    puppet.wait_gauge(9, "RECEIVE_QUEUE", "PULL")
    return puppet


def test_once__stuck_receiver__is_the_first_line_below_the_head(directory, ledger):
    wait_for(lambda: "has never received" in top(directory, "--once").stdout, "the problem")
    done = top(directory, "--once")
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert lines[0] == "2 sockets, 1 problem; order: fullest queue"
    assert lines[1].startswith(f"ledger {ledger.pid} PULL inproc://orders has never received; 9 messages wait; ")
    assert lines[2].split()[:4] == ["PROGRAM", "TYPE", "ADDRESS", "PID"]
    rows = {line.split()[1]: line.split() for line in lines[3:]}
    assert rows["PUSH"][2:] == ["inproc://orders", str(ledger.pid), "1", "9", "90%", "0", "0%", "0.0", "0.0"]
    assert rows["PULL"][6:8] == ["0%", "9"]
    assert "\x1b" not in done.stdout


def test_json__the_same__has_the_numbers(directory, ledger):
    found = json.loads(top(directory, "--json").stdout)
    assert found["is_complete"] is True
    sockets = {s["type"]: s for s in found["sockets"]}
    assert sockets["PUSH"]["send_queue_messages"] == 9 and sockets["PUSH"]["pid"] == ledger.pid
    assert sockets["PUSH"]["sent_messages"] == 9
    assert sockets["PUSH"]["send_hwm_proximity_ratio"] == 0.9


def test_filter__words__leave_what_has_each(directory, ledger):
    assert [s["type"] for s in json.loads(top(directory, "--json", "--filter=LEDGER pull").stdout)["sockets"]] == ["PULL"]
    assert json.loads(top(directory, "--json", "--filter=ledger nothing").stdout)["sockets"] == []


def test_once__names_that_would_write_on_the_terminal__are_shown_as_such(directory, start):
    puppet = start("c", variables={"ZMQ_EXPORTER_PROGRAM": HOSTILE})
    puppet.socket(zmq.PUB).bind("tcp://127.0.0.1:*")
    wait_for(lambda: "PUB" in top(directory, "--once").stdout, "the socket")
    assert top(directory, "--once").stdout.splitlines()[-1].startswith("a?[31m?b ")


def test_once__nothing_there__is_no_error(folder):
    done = top(folder / "missing", "--once")
    assert done.returncode == 0 and done.stdout.startswith("0 sockets, 0 problems")


class Terminal:
    """tmux with a server of its own."""

    def __init__(self, folder, directory, *arguments):
        self.socket = str(folder / "tmux")
        command = f"{products.exporter()} top --tap.directory={directory} {' '.join(arguments)}; echo status $?; read line"
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", "140", "-y", "20", command)

    def tmux(self, *words):
        return subprocess.run(["tmux", "-S", self.socket, *words], capture_output=True, text=True, check=True,
                              env={**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color"}).stdout

    def keys(self, *keys):
        self.tmux("send-keys", *keys)

    def lines(self):
        return self.tmux("capture-pane", "-p").splitlines()

    def wait(self, text):
        wait_for(lambda: any(text in line for line in self.lines()), lambda: f"{text!r}; the screen has {self.lines()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tmux("kill-server")


def test_screen__keys__order_filter_and_end(folder, directory, ledger):
    with Terminal(folder, directory) as terminal:
        terminal.wait("has never received; 9 messages wait")
        terminal.wait("PROGRAM")
        terminal.keys("s")
        terminal.wait("order: send queue")
        terminal.keys("/", "pull", "Enter")
        terminal.wait("filter: pull")
        wait_for(lambda: not any(" PUSH " in line for line in terminal.lines()), "the filter")
        terminal.tmux("resize-window", "-x", "90", "-y", "10")
        terminal.wait("PULL")
        terminal.keys("q")
        terminal.wait("status 0")


def test_screen__interrupted__leaves_the_terminal_as_it_was(folder, directory, ledger):
    with Terminal(folder, directory) as terminal:
        terminal.wait("PROGRAM")
        terminal.keys("C-c")
        wait_for(lambda: not any("PROGRAM" in line for line in terminal.lines()), "the end of the screen")
