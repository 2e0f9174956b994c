# SPDX-License-Identifier: MPL-2.0
"""`zmq_exporter demo`: every part misbehaves as told, and nothing stays behind."""

import re
import signal
import subprocess

import pytest

from support import products
from support.agent import ADDRESS, Page
from support.process import Process, run
from support.waiting import wait_for

import urllib.request


class Demo(Process):
    """The demo with its exporter on a port of its own, in a temporary folder of its own."""

    def __init__(self, folder):
        super().__init__(
            [products.exporter(), "demo", "--with-exporter", "--web.listen-address=127.0.0.1:0"],
            variables={"TMPDIR": str(folder)}, stderr=subprocess.PIPE)
        self.log, self.address = [], None
        for line in self.popen.stderr:
            self.log.append(line)
            found = ADDRESS.search(line)
            if found:
                self.address = found.group(1)
                break
        assert self.address, "".join(self.log)

    def scrape(self):
        with urllib.request.urlopen(f"http://{self.address}/metrics", timeout=30) as answer:
            return Page(answer.read().decode())


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_demo__signal__ends_every_process_and_leaves_no_file(folder, number):
    with Demo(folder) as demo:
        started = wait_for(lambda: len(children(demo.pid)) >= 17 and children(demo.pid),
                           "the exporter and 16 roles")
        assert len(list(folder.iterdir())) == 1
        assert demo.end(number) == 0
        assert not [pid for pid in started if is_running(pid)]
        assert not list(folder.iterdir())


def test_demo__answers_to_clients_that_have_gone__are_unroutable(folder):
    def unroutable():
        return demo.scrape().value("zmq_socket_dropped_messages_total", type="ROUTER", reason="unroutable")

    with Demo(folder) as demo:
        wait_for(lambda: (unroutable() or 0) > 2, lambda: f"{unroutable()} unroutable messages")


def test_demo__audit__finds_the_careless_program_and_not_the_careful_one(folder):
    def audit():
        return run([products.exporter(), "audit", f"--url=http://{demo.address}"]).stdout

    with Demo(folder) as demo:
        report = wait_for(lambda: (text := audit()) and all(
            check in text for check in ("curve_without_zap", "ipc_open_to_others", "unlimited_hwm",
                                      "api_misuse", "no_socket", "concurrent_use")) and text,
            "the careless program's violations")
    assert "careless  PUB ipc://notices" in report
    assert "careful " not in report


def test_demo__killed__takes_its_processes_with_it(folder):
    with Demo(folder) as demo:
        started = wait_for(lambda: len(children(demo.pid)) >= 17 and children(demo.pid),
                           "the exporter and 16 roles")
        demo.end(signal.SIGKILL)
        wait_for(lambda: not [pid for pid in started if is_running(pid)], "the end of them all")


def test_demo__seconds__ends_by_itself(folder):
    done = run([products.exporter(), "demo", "--seconds=1"],
               variables={"TMPDIR": str(folder), "ZMQ_EXPORTER_DIR": str(folder)})
    assert done.returncode == 0
    assert "Ctrl-C ends all" in done.stdout and done.stderr == ""
    assert not [entry for entry in folder.iterdir() if entry.name.startswith("zmq_exporter-demo")]


def test_demo__exporter_that_cannot_start__ends_the_demo_and_says_so(folder):
    done = run([products.exporter(), "demo", "--with-exporter", "--web.listen-address=nonsense"],
               variables={"TMPDIR": str(folder)})
    assert done.returncode == 1
    assert re.search(r"zmq_exporter demo: exporter ended with status \d+", done.stderr)
    assert not list(folder.iterdir())


def test_demo__wrong_flag__is_refused():
    assert run([products.exporter(), "demo", "--with-exproter"]).returncode == 2
    assert run([products.exporter(), "demo", "--role=nobody"]).returncode == 2
    assert run([products.exporter(), "demo", "surplus"]).returncode == 2
