# SPDX-License-Identifier: MPL-2.0
"""`zmq_exporter top`: the same lines on a terminal, in a pipe, and as JSON."""

import contextlib
import http.server
import json
import os
import re
import signal
import subprocess
import threading

import pytest
import zmq

from support import products
from support.agent import Agent
from support.puppet import Puppet
from support.waiting import wait_for

HOSTILE = "a\x1b[31m\u202eb"


def top(directory, *arguments, peeks=False):
    """`peeks`: also at the programs without a tap, of all tests that run."""
    choice = [] if peeks else ["--no-collector.peek"]
    return subprocess.run([str(products.exporter()), "top", f"--tap.directory={directory}", *choice, *arguments],
                          capture_output=True, text=True, env={**os.environ, "LC_ALL": "C.UTF-8"})


def top_of(agent, *arguments):
    return subprocess.run([str(products.exporter()), "top", f"--url=http://{agent.address}", *arguments],
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
    assert rows["PUSH"][2:] == ["inproc://orders", str(ledger.pid), "1", "9", "90%", "-", "-", "0.0", "-"]
    assert rows["PULL"][5:8] == ["-", "-", "9"]
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


def test_url__an_exporter__is_the_same_as_on_its_host(directory, ledger):
    with Agent(directory) as agent:
        wait_for(lambda: "has never received" in top_of(agent, "--once").stdout, "the problem")
        for flags in (["--once"], ["--once", "--filter=pull"]):
            there, here = top_of(agent, *flags), top(directory, *flags)
            assert (there.returncode, there.stderr) == (0, "")
            words = [[re.sub("[0-9]+ s", "", line) for line in done.stdout.splitlines()] for done in (there, here)]
            assert words[0] == words[1] and len(words[0]) >= 4
        there, here = (json.loads(done.stdout) for done in (top_of(agent, "--json"), top(directory, "--json")))
        for found in (there, here):
            for problem in found["problems"]:
                del problem["seconds"]
        assert there == here and len(there["sockets"]) == 2


def test_url__names_that_would_write_on_the_terminal__are_shown_as_such(directory, start):
    puppet = start("c", variables={"ZMQ_EXPORTER_PROGRAM": HOSTILE})
    puppet.socket(zmq.PUB).bind("tcp://127.0.0.1:*")
    with Agent(directory) as agent:
        wait_for(lambda: "PUB" in top_of(agent, "--once").stdout, "the socket")
        assert top_of(agent, "--once").stdout.splitlines()[-1].startswith("a?[31m?b ")


class Impostor(http.server.BaseHTTPRequestHandler):
    """Not an exporter: the same answer to all."""
    answer = b""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, *_):
        pass


@pytest.mark.parametrize("answer", [b"<html>hello</html>", b"", b"[]", b'{"open": 5}', b'{"open": [' * 1000, b"\xff\x00{"])
def test_url__no_exporter__is_said(answer):
    class Same(Impostor):
        pass

    Same.answer = answer
    with http.server.HTTPServer(("127.0.0.1", 0), Same) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        done = subprocess.run([str(products.exporter()), "top", "--once", f"--url=127.0.0.1:{server.server_port}"],
                              capture_output=True, text=True)
        server.shutdown()
    assert done.returncode == 1 and "--url: is it an exporter" in done.stderr and done.stdout == ""


def test_url__odd_members__are_unknown_and_no_crash():
    class Odd(Impostor):
        answer = (b'{"open": [{"fields": {}}, {"pid": "x", "type": "NEW", "fields": {"peers": -1, "send_queue_messages": 1e3,'
                  b' "serial": [], "send_hwm_proximity_ratio": 99999999999}}, 7, {"fields": 1}], "is_complete": false,'
                  b' "problems": [3, {"program": {}}]}')

    with http.server.HTTPServer(("127.0.0.1", 0), Odd) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        done = subprocess.run([str(products.exporter()), "top", "--once", f"--url=127.0.0.1:{server.server_port}"],
                              capture_output=True, text=True)
        server.shutdown()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("3 sockets of more, 2 problems")
    assert [line.split()[1:] for line in done.stdout.splitlines()[-3:]] == [["-"] + ["-"] * 8] * 3


def test_once__a_program_without_a_tap__has_its_queues(directory, folder):
    with Puppet("c", None) as puppet:
        push, pull = puppet.socket(zmq.PUSH, sndhwm=7), puppet.socket(zmq.PULL, rcvhwm=3)
        pull.bind(f"inproc://{folder.name}")
        push.connect(f"inproc://{folder.name}")
        assert push.send(5) == 5

        def row():
            found = json.loads(top(directory, "--json", f"--filter=PUSH {folder.name}", peeks=True).stdout)["sockets"]
            return found and found[0]

        seen = wait_for(row, "the socket")
        assert (seen["pid"], seen["seen_by"], seen["send_queue_messages"]) == (puppet.pid, "peek", 5)
        assert seen["send_hwm_proximity_ratio"] == 0.5


def test_once__a_program_with_the_tap__is_there_once(directory, ledger):
    def rows():
        found = json.loads(top(directory, "--json", "--filter=orders", peeks=True).stdout)["sockets"]
        return [(row["type"], row["seen_by"]) for row in found if row["pid"] == ledger.pid]

    assert sorted(wait_for(rows, "the sockets")) == [("PULL", "tap"), ("PUSH", "tap")]


class Terminal:
    """tmux with a server of its own."""

    def __init__(self, folder, directory, *arguments, peeks=False):
        self.socket = str(folder / "tmux")
        choice = "" if peeks else "--no-collector.peek"
        command = (f"{products.exporter()} top {choice} --tap.directory={directory} {' '.join(arguments)}; "
                   "echo status $?; read line")
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


def test_screen__its_exporter_is_gone__says_so_and_goes_on(folder, directory, ledger):
    with Agent(directory) as agent:
        with Terminal(folder, directory, f"--url=http://{agent.address}") as terminal:
            terminal.wait("9 messages wait")
            agent.end(signal.SIGTERM)
            terminal.wait("Connection refused")
            terminal.wait("PULL")  # what was seen last stays
            terminal.keys("q")
            terminal.wait("status 0")


@pytest.mark.parametrize("is_remote", [False, True], ids=["host", "exporter"])
def test_screen__enter__shows_who_is_at_the_other_end(folder, directory, start, is_remote):
    name = folder.name[-10:]  # of no other program of this machine, which is looked at as well
    puller, pusher = start("pyzmq"), start("c", variables={"ZMQ_EXPORTER_PROGRAM": name})
    pull, push = puller.socket(zmq.PULL, rcvhwm=2), pusher.socket(zmq.PUSH, sndhwm=2)
    address = pull.bind("tcp://127.0.0.1:*")
    push.connect(address)
    assert push.send(1) == 1
    with contextlib.ExitStack() as ends:
        where = []
        if is_remote:
            where = [f"--url=http://{ends.enter_context(Agent(directory, peeks=True)).address}"]
        terminal = ends.enter_context(Terminal(folder, directory, f"--filter={name}", *where, peeks=True))
        wait_for(lambda: any(line.startswith(f"{name} ") for line in terminal.lines()), "the row")
        terminal.keys("Enter")
        terminal.wait("PEER ")

        def peer():
            return [line.split() for line in terminal.lines() if line.startswith(address)]

        wait_for(lambda: [words[1:4] for words in peer()] == [["puppet.py", "PULL", str(puller.pid)]],
                 lambda: f"the peer; the screen has {terminal.lines()}")
        assert peer()[0][4:6] == ["0", "0"] and peer()[0][-1] == "-"  # its queues; it is not full
        pull.close()
        terminal.wait("Nobody is at the other end.")
        terminal.keys("q", "q")
        terminal.wait("status 0")


@pytest.mark.parametrize("is_remote", [False, True], ids=["host", "exporter"])
def test_screen__enter__shows_one_socketshows_one_socket_and_q_goes_back(folder, directory, ledger, is_remote):
    with contextlib.ExitStack() as ends:
        where = []
        if is_remote:
            where = [f"--url=http://{ends.enter_context(Agent(directory)).address}"]
        terminal = ends.enter_context(Terminal(folder, directory, "--filter=ledger", *where))
        terminal.wait("9 messages wait")
        wait_for(lambda: sum(" ledger " in f" {line}" for line in terminal.lines()) >= 3, "both rows")
        rows = [line.split()[1] for line in terminal.lines() if line.startswith("ledger") and "wait" not in line]
        terminal.keys(*["Down"] * rows.index("PULL"), "Enter")
        terminal.wait(f"ledger {ledger.pid} PULL inproc://orders (libzmq ")
        terminal.wait("receive queue, fill  |")
        wait_for(lambda: any("receive_queue_messages" in line and "9" in line.split() for line in terminal.lines()),
                 lambda: f"its queue; the screen has {terminal.lines()}")
        assert not any("PROGRAM" in line and "SENT/S" in line for line in terminal.lines())
        ledger.end()
        terminal.wait("This socket is closed.")
        terminal.keys("q")
        terminal.wait("order: fullest queue")
        terminal.keys("q")
        terminal.wait("status 0")
