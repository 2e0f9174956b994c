# SPDX-License-Identifier: MPL-2.0
"""The exporter inside what its unit leaves to it: everything works, and no more is possible."""

import os
import re
import shutil
import signal

import pytest
import zmq

from support import products, sandbox, web
from support.agent import Agent
from support.peeked import ReaderSocket
from support.process import Process, run
from support.puppet import Puppet
from support.waiting import wait_for

UNIT = products.TESTS.parent / "packaging/systemd/zmq_exporter.service.in"
READER_UNIT = products.TESTS.parent / "packaging/systemd/zmq_exporter-peek@.service.in"
DAEMON = 1  # another user than the exporter's


@pytest.fixture
def place(folder):
    """Folders and copies of the programs that any user can reach."""
    reason = sandbox.why_not()
    if reason:
        pytest.skip(reason)
    folder.chmod(0o755)
    (folder / "bin").mkdir()
    for source in (products.exporter(), products.tap_library(), products.program("puppet")[0]):
        shutil.copy(source, folder / "bin")
    segments = folder / "segments"
    segments.mkdir()
    os.chown(segments, sandbox.NOBODY, sandbox.NOBODY)
    segments.chmod(0o3773)
    return folder


def become_daemon():
    os.setgroups([])
    os.setresgid(DAEMON, DAEMON, DAEMON)
    os.setresuid(DAEMON, DAEMON, DAEMON)


@pytest.fixture
def inside(place, monkeypatch):
    """Starts the exporter in the sandbox: inside("--flag")."""
    agents = []

    def start(*flags, **options):
        monkeypatch.setenv("TEST_EXPORTER", str(place / "bin/zmq_exporter"))
        box = sandbox.Sandbox(UNIT)
        agents.append(Agent(place / "segments", *flags, preexec_fn=box, **options))
        agents[-1].keep_log()
        return agents[-1]

    yield start
    for agent in agents:
        agent.end()


@pytest.fixture
def others(place, monkeypatch):
    """A tapped program of another user, with a socket."""
    monkeypatch.setenv("TEST_TAP_LIBRARY", str(place / "bin/libzmqtap.so"))
    monkeypatch.setattr(products, "program", lambda name: [str(place / "bin" / name)])
    with Puppet("c", place / "segments", preexec_fn=become_daemon) as puppet:
        push = puppet.socket(zmq.PUSH)
        push.bind("tcp://127.0.0.1:*")
        yield puppet


@pytest.fixture
def readers(place, monkeypatch):
    """The socket of readers, each in the sandbox of its own unit."""
    monkeypatch.setenv("TEST_EXPORTER", str(place / "bin/zmq_exporter"))
    with ReaderSocket(place / "peek.sock", preexec_fn=sandbox.Sandbox(READER_UNIT)) as listening:
        yield listening


@pytest.fixture
def plain(place):
    """A program of another user that has libzmq and no tap."""
    shutil.copy(products.program("puppet")[0], place / "bin/plain")
    with Process([place / "bin/plain"], preexec_fn=become_daemon) as process:
        yield process


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return dict(line.split(":", 1) for line in status.read().splitlines())


def test_unit__exporter_in_it__sees_and_serves_everything(inside, readers, plain, others, place):
    authority = web.Authority(place, "authority")
    authority.issue("server")
    for path in (place / "server.key", place / "server.crt"):
        os.chown(path, sandbox.NOBODY, sandbox.NOBODY)
    (place / "web.yml").write_text(
        "tls_server_config: {cert_file: server.crt, key_file: server.key}\n"
        f"basic_auth_users: {{prometheus: {web.bcrypt('x')}}}\n")
    agent = inside(f"--web.config.file={place}/web.yml", f"--collector.peek.socket={readers.path}",
                   peeks=True)
    status = status_of(agent.pid)
    assert status["Uid"].split() == [str(sandbox.NOBODY)] * 4
    assert {status[name].strip() for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {f"{0:016x}"}
    assert status["NoNewPrivs"].strip() == "1" and status["Seccomp"].strip() == "2"
    with open(f"/proc/{agent.pid}/limits", encoding="ascii") as limits:
        assert re.search(r"^Max core file size +0 +0 ", limits.read(), re.M)

    def page():
        return web.fetch(agent.address, "/metrics", authority.context(),
                         web.basic("prometheus", "x"))

    wait_for(lambda: 'zmq_sockets{program="puppet",type="PUSH",address="tcp' in page().text,
             lambda: page().text)
    wait_for(lambda: 'zmq_library_info{program="plain"' in page().text, lambda: page().text)
    text = page().text
    assert plain.popen.poll() is None
    assert "process_max_fds " in text and "process_open_fds " in text
    assert 'collector_success{collector="library"} 1' in text
    for path in ("/", "/-/ready", "/api/v1/sockets"):
        answer = web.fetch(agent.address, path, authority.context(), web.basic("prometheus", "x"))
        assert answer.status in (200, 404), path
    authority.issue("server")  # a change is read as well
    os.chown(place / "server.key", sandbox.NOBODY, sandbox.NOBODY)
    assert page().status == 200
    others.end()
    wait_for(lambda: 'type="PUSH"' in page().text and
             not any(place.joinpath("segments").glob("*.seg")),
             lambda: list(place.joinpath("segments").iterdir()))
    assert "stopped" in agent.end_and_read_log()  # and no call ended it


def test_unit__without_a_reader__only_libraries_of_untapped_others_are_missing(inside, plain, others):
    agent = inside()
    agent.wait_value(1, "zmq_sockets", program="puppet", type="PUSH")
    page = agent.scrape()
    assert page.value("zmq_library_info", program="plain") is None
    assert plain.popen.poll() is None
    assert page.value("zmq_library_unreadable_processes") >= 1
    assert "stopped" in agent.end_and_read_log()


def bits(*numbers):
    return sum(1 << number for number in numbers)


KEPT = bits(1, 2, 3, 10)  # see agent_privileges.c
READS = bits(2, 19, 40)  # see peek_sandbox.c


def child_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
        found = children.read().split()
    return int(found[0]) if found else None


def assert_has_at_most(pid, kept):
    for task in os.listdir(f"/proc/{pid}/task"):
        status = status_of(f"{pid}/task/{task}")
        for name in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
            assert int(status[name], 16) & ~kept == 0, (task, name)
        assert status["NoNewPrivs"].strip() == "1" and status["Seccomp"].strip() == "2"


@pytest.mark.skipif(os.geteuid() != 0, reason="there is nothing to give up without root")
def test_root__exporter_without_a_unit__leaves_reading_to_others(directory, plain, folder):
    config = folder / "exporter.yml"
    config.write_text("peek: {}\n")
    with Agent(directory, f"--config.file={config}", peeks=True) as agent:
        def is_seen():
            return agent.scrape().value("zmq_library_info", program="plain") == 1

        for number in (1, 2, 3):  # readers: the first, after it was killed, after a reload
            agent.wait_value(number, "zmq_exporter_peek_starts_total")
            wait_for(lambda: agent.scrape().value("zmq_exporter_collector_success", collector="peek") == 1
                     and is_seen(), "what only the reader may read")
            launcher = child_of(agent.pid)
            reader = wait_for(lambda: child_of(launcher), "a reader")
            assert_has_at_most(agent.pid, KEPT)
            assert_has_at_most(launcher, READS)
            assert_has_at_most(reader, READS)
            assert int(status_of(reader)["CapEff"], 16) & bits(19)
            if number == 1:
                os.kill(reader, signal.SIGKILL)
            elif number == 2:
                config.write_text("peek: {exclude: [nobody]}\n")
                agent.popen.send_signal(signal.SIGHUP)
    assert plain.popen.poll() is None


@pytest.mark.skipif(os.geteuid() != 0, reason="there is nothing to give up without root")
def test_root__exporter_without_a_reader__keeps_what_reads_and_nothing_else(directory):
    with Agent(directory) as agent:
        assert_has_at_most(agent.pid, KEPT | READS)
        assert int(status_of(agent.pid)["CapEff"], 16) & bits(19)


PRY = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
pid = int(sys.argv[1])
def attempt(name, result):
    print(name, "ok" if result >= 0 else os.strerror(ctypes.get_errno()))
def opened(path, flags=os.O_RDONLY):
    return libc.open(f"/proc/{pid}/{path}".encode(), flags)
class Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]
local = ctypes.create_string_buffer(8)
here = Vector(ctypes.addressof(local), 8)
there = Vector(int(sys.argv[2], 16), 8)
attempt("maps", opened("maps"))
attempt("mem", opened("mem"))
attempt("mem_write", opened("mem", os.O_RDWR))
attempt("environ", opened("environ"))
attempt("ptrace", libc.ptrace(16, pid, 0, 0))
attempt("readv", libc.process_vm_readv(pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0))
attempt("writev", libc.process_vm_writev(pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0))
attempt("setuid", libc.setuid(0))
attempt("packet", libc.socket(17, 3, 0))
attempt("mount", libc.mount(b"none", b"/mnt", b"tmpfs", 0, None))
attempt("kill", libc.kill(pid, 0))
"""


def test_unit__a_program_that_pries__gets_at_nothing(place, others):
    box = sandbox.Sandbox(UNIT, is_strict=False)
    with open(f"/proc/{others.pid}/maps", encoding="utf-8") as maps:
        address = maps.read().split("-")[0]
    done = run([products.PYTHON, "-c", PRY, others.pid, address], preexec_fn=box)
    seen = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    assert len(seen) == 11 and "ok" not in seen.values(), seen
    assert others.popen.poll() is None
    # The same by root, to know that it can; what it mounts is seen by nobody else.
    free = run(["unshare", "--mount", products.PYTHON, "-c", PRY, others.pid, address])
    assert [line for line in free.stdout.splitlines() if line.endswith(" ok")][1:], free
