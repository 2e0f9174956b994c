# SPDX-License-Identifier: MPL-2.0
"""Programs without a tap on the exporter's page, beside those that have one."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import uuid

import pytest

from support import products
from support.agent import Agent
from support.peeked import ReaderSocket
from support.process import Process, end_all
from support.waiting import wait_for
from test_page import browser, complaints, open_page, rows, tiles  # noqa: F401

PROGRAM = """
import os, sys, zmq
c = zmq.Context()
a = c.socket(zmq.PUSH); b = c.socket(zmq.PULL)
a.sndhwm = b.rcvhwm = 10
b.bind('inproc://q'); a.connect('inproc://q')
x = c.socket(zmq.PUB); x.bind('tcp://127.0.0.1:*')
print('ok', flush=True)
for line in sys.stdin:
    word, *rest = line.split()
    if word == 'exec':
        os.environ.update(one.split('=', 1) for one in rest)
        os.execv(sys.executable, [sys.executable, *sys.argv])
    n = rest[0]
    for _ in range(int(n)): a.send(b'12345') if word == 'send' else b.recv()
    print('done', flush=True)
"""


@pytest.fixture
def program(folder):
    """A program with a name of its own, as all programs of the host are on the page."""
    path = folder / f"peek_{uuid.uuid4().hex[:12]}.py"
    path.write_text(PROGRAM)
    return path


@pytest.fixture
def launch(program):
    running = []

    def launch_one(directory=None):
        process = Process([products.PYTHON, program], directory)
        running.append(process)
        assert process.line() == "ok"
        return process

    yield launch_one
    end_all(running)


@pytest.fixture
def watching(directory):
    with Agent(directory, peeks=True) as running:
        running.keep_log()
        yield running


def tell(process, *words):
    process.popen.stdin.write(" ".join(map(str, words)) + "\n")
    process.popen.stdin.flush()
    assert process.line() == "done"


def child_of(pid):
    children = pathlib.Path(f"/proc/{pid}/task").glob("*/children")
    found = [int(word) for path in children for word in path.read_text().split()]
    return found[0] if found else None


def launcher_of(agent):
    return child_of(agent.pid)


def reader_of(agent):
    launcher = launcher_of(agent)
    return child_of(launcher) if launcher else None


def page__program_without_a_tap__has_the_same_families(watching, launch, program):
    labels = {"program": program.name}
    process = launch()
    tell(process, "send", 20)
    tell(process, "recv", 5)
    watching.wait_value(15, "zmq_socket_send_queue_messages", type="PUSH", **labels)
    watching.wait_value(20, "zmq_socket_sent_messages_total", type="PUSH", **labels)
    watching.wait_value(5, "zmq_socket_received_messages_total", type="PULL", **labels)
    page = watching.scrape()
    assert page.value("zmq_sockets", **labels) == 3
    assert page.value("zmq_processes", **labels) == 1
    assert page.value("zmq_socket_send_hwm_messages", type="PUSH", **labels) == 10
    assert page.value("zmq_socket_receive_hwm_messages", type="PULL", **labels) == 10
    assert page.value("zmq_socket_send_hwm_proximity_ratio", type="PUSH", **labels) == 15 / 20
    assert page.value("zmq_socket_peers", type="PUSH", **labels) == 1
    assert page.value("zmq_lingering_sockets", **labels) == 0
    assert page.value("zmq_socket_send_queue_fill_ratio_count", type="PUSH", **labels) > 0
    # What is not known is absent.
    assert page.value("zmq_socket_peers", type="PUB", **labels) is None
    for name in ("zmq_socket_sent_bytes_total", "zmq_socket_dropped_messages_total",
                 "zmq_socket_handshakes_total", "zmq_socket_send_blocked_seconds_total",
                 "zmq_socket_events_total", "zmq_tap_capability", "zmq_tap_sampling_rounds_total"):
        assert page.value(name, **labels) is None, name
    assert page.value("zmq_socket_sent_messages_total", type="PUB", **labels) is None
    assert page.value("zmq_exporter_processes", seen_by="peek") >= 1
    assert page.value("zmq_exporter_collector_success", collector="peek") == 1


def at_hwm__full_queue__time_runs(watching, launch, program):
    process = launch()
    process.popen.stdin.write("send 5000\n")  # it waits at 20
    process.popen.stdin.flush()
    wait_for(lambda: (watching.scrape().value("zmq_socket_send_at_hwm_seconds_total", type="PUSH",
                                              program=program.name) or 0) > 1, "time at the mark")
    assert watching.scrape().value("zmq_socket_send_hwm_proximity_ratio", type="PUSH",
                                   program=program.name) == 1


def api__program_without_a_tap__says_how_it_is_seen(watching, launch, program):
    process = launch()
    tell(process, "send", 4)
    path = f"/api/v1/sockets/open?program={program.name}"
    opened = wait_for(lambda: [one for one in json.loads(watching.get(path))["open"]
                               if one["fields"].get("send_queue_messages") == 4], "the socket")
    assert [(one["pid"], one["seen_by"], one["type"]) for one in opened] == [(process.pid, "peek", "PUSH")]
    assert "sent_bytes" not in opened[0]["fields"]


def counters__exporter_restarts__never_go_back(directory, launch, program):
    labels = {"program": program.name, "type": "PUSH"}
    name = "zmq_socket_sent_messages_total"
    process = launch()
    tell(process, "send", 7)
    with Agent(directory, peeks=True) as agent:
        agent.wait_value(7, name, **labels)
        fill = agent.scrape().value("zmq_socket_send_queue_fill_ratio_count", **labels)
        state = pathlib.Path(directory) / "state"
        wait_for(lambda: state.exists() and program.name in state.read_text(), "its state")
    tell(process, "send", 3)
    with Agent(directory, peeks=True) as agent:
        agent.wait_value(10, name, **labels)
        assert agent.scrape().value("zmq_socket_send_queue_fill_ratio_count", **labels) >= fill - 5
        process.end()
        agent.wait_value(0, "zmq_sockets", **labels)
        agent.wait_value(10, name, **labels)
        agent.wait_value(0, "zmq_processes", program=program.name)


def counters__program_is_tapped_later__go_on(watching, directory, launch, program):
    labels = {"program": program.name, "type": "PUSH"}
    name = "zmq_socket_sent_messages_total"
    process = launch()
    tell(process, "send", 7)
    watching.wait_value(7, name, **labels)
    process.end()
    tapped = launch(directory)
    tell(tapped, "send", 5)
    watching.wait_value(12, name, **labels)
    watching.wait_value(1, "zmq_processes", program=program.name)
    page = watching.scrape()
    assert page.value("zmq_sockets", **labels) == 1
    assert page.value("zmq_socket_sent_bytes_total", **labels) == 25  # what the tap knows, is back
    wait_for(lambda: watching.scrape().value("zmq_exporter_processes", seen_by="tap") >= 1, "seen by a tap")


def tapped__running__is_counted_once(watching, directory, launch, program):
    tapped = launch(directory)
    tell(tapped, "send", 5)
    for _ in range(3):
        watching.wait_value(5, "zmq_socket_sent_messages_total", type="PUSH", program=program.name)
        before = watching.scrape().value("zmq_exporter_peek_passes_total")
        wait_for(lambda: watching.scrape().value("zmq_exporter_peek_passes_total") > before, "a pass")
    page = watching.scrape()
    assert page.value("zmq_sockets", program=program.name) == 3
    assert page.value("zmq_processes", program=program.name) == 1


def wait_passes(agent, n):
    before = agent.scrape().value("zmq_exporter_peek_passes_total")
    wait_for(lambda: agent.scrape().value("zmq_exporter_peek_passes_total") >= before + n, "passes")


def tapped__many_that_end__are_counted_once(watching, directory, launch, program):
    """At all moments between two passes of the reader, and two looks at the segments."""
    labels = {"program": program.name, "type": "PUSH"}
    processes = [launch(directory) for _ in range(12)]
    for process in processes:
        tell(process, "send", 5)
    watching.wait_value(60, "zmq_socket_sent_messages_total", **labels)
    wait_passes(watching, 2)
    for process in processes:
        process.end()
        watching.scrape()
    watching.wait_value(0, "zmq_processes", program=program.name)
    wait_passes(watching, 3)
    assert watching.scrape().value("zmq_socket_sent_messages_total", **labels) == 60


def exec_again(process, **variables):
    """The same program in the same process, with these in its environment."""
    words = " ".join(f"{name}={value}" for name, value in variables.items())
    process.popen.stdin.write(f"exec {words}\n")
    process.popen.stdin.flush()
    assert process.line() == "ok"


def exec__with_the_tap__counters_go_on(watching, directory, launch, program):
    labels = {"program": program.name, "type": "PUSH"}
    name = "zmq_socket_sent_messages_total"
    process = launch()
    tell(process, "send", 7)
    watching.wait_value(7, name, **labels)
    exec_again(process, LD_PRELOAD=products.tap_library(), ZMQ_EXPORTER_DIR=directory)
    tell(process, "send", 5)
    watching.wait_value(12, name, **labels)
    watching.wait_value(25, "zmq_socket_sent_bytes_total", **labels)
    wait_passes(watching, 3)
    page = watching.scrape()
    assert page.value(name, **labels) == 12 and page.value("zmq_sockets", **labels) == 1
    process.end()
    watching.wait_value(0, "zmq_processes", program=program.name)
    wait_passes(watching, 3)
    assert watching.scrape().value(name, **labels) == 12


def exec__without_the_tap__is_seen_by_the_reader(watching, directory, launch, program):
    labels = {"program": program.name, "type": "PUSH"}
    name = "zmq_socket_sent_messages_total"
    process = launch(directory)
    tell(process, "send", 7)
    watching.wait_value(7, name, **labels)
    wait_passes(watching, 2)
    exec_again(process, LD_PRELOAD="", ZMQ_EXPORTER_DIR=directory)
    tell(process, "send", 5)
    watching.wait_value(12, name, **labels)
    watching.wait_value(5, "zmq_socket_send_queue_messages", **labels)
    process.end()
    watching.wait_value(0, "zmq_processes", program=program.name)
    wait_passes(watching, 3)
    assert watching.scrape().value(name, **labels) == 12


def reader__dies__is_said_and_another_one_begins(watching, launch, program):
    labels = {"program": program.name, "type": "PUSH"}
    process = launch()
    tell(process, "send", 7)
    watching.wait_value(7, "zmq_socket_sent_messages_total", **labels)
    os.kill(reader_of(watching), signal.SIGKILL)
    watching.wait_value(0, "zmq_exporter_collector_success", collector="peek")
    # Its counters stay, what stood still is no number.
    assert watching.scrape().value("zmq_socket_sent_messages_total", **labels) == 7
    tell(process, "send", 2)
    watching.wait_value(9, "zmq_socket_sent_messages_total", **labels)
    watching.wait_value(1, "zmq_exporter_collector_success", collector="peek")
    watching.wait_value(2, "zmq_exporter_peek_starts_total")


def reader__hangs_and_the_configuration_is_another__is_killed(directory, folder, launch, program):
    config = folder / "exporter.yml"
    config.write_text("peek: {}\n")
    process = launch()
    labels = {"program": program.name, "type": "PUSH"}
    with Agent(directory, f"--config.file={config}", peeks=True) as agent:
        tell(process, "send", 4)
        agent.wait_value(4, "zmq_socket_send_queue_messages", **labels)
        reader = reader_of(agent)
        os.kill(reader, signal.SIGSTOP)
        config.write_text("peek: {exclude: [nobody]}\n")
        agent.popen.send_signal(signal.SIGHUP)
        agent.wait_value(2, "zmq_exporter_peek_starts_total")
        wait_for(lambda: not pathlib.Path(f"/proc/{reader}").exists(), "its end")
        tell(process, "send", 3)
        agent.wait_value(7, "zmq_socket_send_queue_messages", **labels)


def launcher__is_killed__takes_the_reader_along_and_is_said(watching, launch, program):
    labels = {"program": program.name, "type": "PUSH"}
    tell(launch(), "send", 7)
    watching.wait_value(7, "zmq_socket_sent_messages_total", **labels)
    reader = reader_of(watching)
    os.kill(launcher_of(watching), signal.SIGKILL)
    wait_for(lambda: not pathlib.Path(f"/proc/{reader}").exists(), "its end")
    watching.wait_value(0, "zmq_exporter_collector_success", collector="peek")
    wait_for(lambda: any("start the exporter again" in line for line in watching.log), lambda: watching.log)
    assert watching.scrape().value("zmq_socket_sent_messages_total", **labels) == 7


@pytest.fixture
def launcher():
    """As the exporter starts it, and the end that asks it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(["bash", "-c", f'exec "$0" peek-launcher 3<&{theirs.fileno()}',
                                    products.exporter()], env={}, pass_fds=[theirs.fileno()],
                                   stdin=subprocess.DEVNULL)
    with ours:
        yield process, ours
    process.wait(30)


def test_launcher__asked_for_readers__has_one_at_a_time(launcher):
    process, asked = launcher
    pairs = [socket.socketpair() for _ in range(2)]
    readers = []
    for _, theirs in pairs:
        socket.send_fds(asked, [b"s"], [theirs.fileno()])
        theirs.close()
        readers.append(wait_for(lambda: (now := child_of(process.pid)) not in (None, *readers) and now,
                                "a reader"))
    assert pairs[0][0].recv(1) == b""  # killed
    wait_for(lambda: not pathlib.Path(f"/proc/{readers[0]}").exists(), "its end")
    asked.send(b"e")
    assert pairs[1][0].recv(1) == b""
    wait_for(lambda: child_of(process.pid) is None, "its end")


def test_launcher__given_what_is_no_stream__starts_nobody(launcher, folder):
    process, asked = launcher
    read_end, write_end = os.pipe()
    packets = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    network = socket.socket()
    with open(folder / "file", "w+b") as file, network:
        for fd in (file.fileno(), write_end, packets[0].fileno(), network.fileno()):
            socket.send_fds(asked, [b"s"], [fd])
        ours, theirs = socket.socketpair()
        for word, fds in ((b"e", [theirs.fileno()]), (b"x", [theirs.fileno()]), (b"s", [])):
            socket.send_fds(asked, [word], fds)
        theirs.close()
        os.close(write_end)
        assert ours.recv(1) == b"" and os.read(read_end, 1) == b""
        assert child_of(process.pid) is None and file.read() == b""
    os.close(read_end)


def live_page__program_without_a_tap__has_a_row_and_is_told_apart(browser, watching, launch, program):
    tell(launch(), "send", 18)
    watching.wait_value(18, "zmq_socket_send_queue_messages", type="PUSH", program=program.name)
    open_page(browser, watching)
    row = wait_for(lambda: next((row for row in rows(browser) if program.name in row[0] and row[1] == "PUSH"),
                                None), "its row")
    assert row[4].split() == ["18", "90", "%"]
    assert int(tiles(browser)["Processes seen"]) >= 1
    assert not complaints(browser)


@pytest.fixture
def manager(folder):
    with ReaderSocket(folder / "peek.sock") as listening:
        yield listening.path, listening.readers


def socket__reader_of_another_unit__is_heard_and_asked_again(manager, directory, launch, program):
    path, readers = manager
    process = launch()
    tell(process, "send", 6)
    with Agent(directory, f"--collector.peek.socket={path}", peeks=True) as agent:
        labels = {"program": program.name, "type": "PUSH"}
        agent.wait_value(6, "zmq_socket_send_queue_messages", **labels)
        assert launcher_of(agent) is None
        readers[0].kill()
        agent.wait_value(2, "zmq_exporter_peek_starts_total")
        agent.wait_value(6, "zmq_socket_send_queue_messages", **labels)
        agent.end()
    readers[1].wait(30)  # whom nobody hears, ends


def socket__nobody_there__is_said(folder, directory):
    with Agent(directory, f"--collector.peek.socket={folder}/none", peeks=True) as agent:
        agent.wait_value(0, "zmq_exporter_collector_success", collector="peek")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["ends", "is killed"])
def exporter__ends__its_launcher_and_reader_too(directory, how):
    with Agent(directory, peeks=True) as agent:
        pids = [wait_for(lambda: reader_of(agent), "a reader"), launcher_of(agent)]
        agent.send_signal(how)
        agent.popen.wait(30)
    for pid in pids:
        wait_for(lambda: not pathlib.Path(f"/proc/{pid}").exists(), "its end")


def flags__turned_off_and_left_out__is_not_there(directory, launch, program):
    process = launch()
    with Agent(directory, f"--collector.peek.exclude={program.name}", peeks=True) as agent:
        wait_for(lambda: agent.scrape().value("zmq_exporter_processes", reason="excluded"), "excluded")
        assert agent.scrape().value("zmq_sockets", program=program.name) is None
    with Agent(directory) as agent:
        page = agent.scrape()
        assert page.value("zmq_exporter_processes") is None
        assert page.value("zmq_exporter_collector_success", collector="peek") is None
        assert launcher_of(agent) is None
    assert process.popen.poll() is None


def exclude__in_the_configuration__holds_through_a_socket_and_after_a_reload(manager, directory, folder,
                                                                             launch, program):
    path, _ = manager
    tell(launch(), "send", 3)
    labels = {"program": program.name, "type": "PUSH"}
    config = folder / "exporter.yml"
    config.write_text(f"peek: {{exclude: [nobody, {program.name}]}}\n")
    with Agent(directory, f"--collector.peek.socket={path}", f"--config.file={config}",
               peeks=True) as agent:
        wait_for(lambda: agent.scrape().value("zmq_exporter_processes", reason="excluded"), "excluded")
        assert agent.scrape().value("zmq_sockets", **labels) is None
        config.write_text("peek: {exclude: []}\n")
        agent.popen.send_signal(signal.SIGHUP)
        agent.wait_value(3, "zmq_socket_send_queue_messages", **labels)
        starts = agent.scrape().value("zmq_exporter_peek_starts_total")
        config.write_text("peek: {}\n")  # the same once more: the reader goes on
        agent.popen.send_signal(signal.SIGHUP)
        passes = agent.scrape().value("zmq_exporter_peek_passes_total")
        wait_for(lambda: agent.scrape().value("zmq_exporter_peek_passes_total") > passes + 2, "passes")
        assert agent.scrape().value("zmq_exporter_peek_starts_total") == starts


@pytest.mark.parametrize("kind,name", [("PUSH", "send"), ("PULL", "receive")])
def ages__messages_that_wait__are_dated(watching, launch, program, kind, name):
    labels = {"program": program.name, "type": kind}
    family = f"zmq_socket_{name}_queue_oldest_message_age_seconds"
    process = launch()
    tell(process, "send", 3)
    wait_for(lambda: (watching.scrape().value(family, **labels) or 0) > 1, family)
    tell(process, "recv", 3)
    watching.wait_value(0, family, **labels)
