# SPDX-License-Identifier: MPL-2.0
"""Programs without a tap, of every kind, as the reader sees them from outside; and what it may do."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

import pytest
import zmq

from support import products, sandbox
from support.peeked import PeekedPuppet, Reader
from support.process import Process, end_all
from support.waiting import wait_equal, wait_for

NOBODY, DAEMON = 65534, 1


@pytest.fixture
def reader():
    with Reader() as running:
        yield running
        assert running.popen.poll() is None, "the reader ended"


@pytest.fixture
def start(reader):
    puppets = []

    def start_one(language="c", **options):
        puppets.append(PeekedPuppet(reader, language, **options))
        return puppets[-1]

    yield start_one
    end_all(puppets)


@pytest.fixture
def script():
    """Starts Python programs: script(text); each prints a line when it is ready."""
    running = []

    def start_one(text, **options):
        running.append(Process([products.PYTHON, "-c", text], None, **options))
        running[-1].may_end_with(0, -signal.SIGKILL)
        return running[-1]

    yield start_one
    end_all(running)


def fill(puppet, sent=70, received=20):
    pull, push = puppet.socket(zmq.PULL), puppet.socket(zmq.PUSH)
    push.connect(pull.bind("tcp://127.0.0.1:*"))
    assert push.send(sent) == sent
    assert pull.recv(received)[0] == received
    puppet.wait_gauge(sent - received, "RECEIVE_QUEUE", "PULL")
    return push, pull


@pytest.mark.parametrize("program", ["puppet_static", "puppet_static_fixed"])
def static__stripped__is_seen(start, program, monkeypatch):
    if not products.has_program(program):
        pytest.skip("libzmq.a cannot be linked here")
    monkeypatch.setattr("support.puppet.COMMANDS", {"c": program})
    fill(start())


def library__of_another_name_and_deleted__is_seen(reader, script, folder):
    library = pathlib.Path("/usr/lib") / f"{os.uname().machine}-linux-gnu" / "libzmq.so.5"
    copy = folder / "libnothing.so"
    shutil.copy(library, copy)
    process = script(
        "import ctypes, os, sys\n"
        f"z = ctypes.CDLL({str(copy)!r}); os.unlink({str(copy)!r})\n"
        "p = ctypes.c_void_p\n"
        "z.zmq_ctx_new.restype = z.zmq_socket.restype = p\n"
        "c = p(z.zmq_ctx_new()); a = p(z.zmq_socket(c, 8)); b = p(z.zmq_socket(c, 7))\n"
        "assert z.zmq_bind(b, b'inproc://x') == 0 and z.zmq_connect(a, b'inproc://x') == 0\n"
        "assert all(z.zmq_send(a, b'x', 1, 0) == 1 for _ in range(9))\n"
        "print('ok', flush=True); sys.stdin.read()\n")
    process.line()
    wait_for(lambda: reader.seen(process.pid), "the process")
    wait_equal(lambda: reader.seen(process.pid).gauge("SEND_QUEUE", "PUSH"), 9, "depth")
    assert [s["endpoint"] for s in reader.seen(process.pid).find("PULL")] == ["inproc://x"]


@pytest.mark.skipif(os.geteuid() != 0, reason="starts programs of other users")
def another_users_process__with_and_without_privilege__is_seen_or_said(start, reader):
    puppet = start(user=DAEMON, group=DAEMON, extra_groups=[])
    fill(puppet)
    with Reader(user=NOBODY, group=NOBODY, extra_groups=[]) as other:
        wait_equal(lambda: other.seen(puppet.pid) and other.seen(puppet.pid).reason, "permission",
                   "reason")


class Enclosed(PeekedPuppet):
    """In a PID namespace and under a root of its own, where only it and its libraries are."""

    def __init__(self, reader, root):
        program = products.program("puppet")[0]
        listed = subprocess.run(["ldd", program], check=True, text=True, stdout=subprocess.PIPE).stdout
        for path in (program, *re.findall(r"(/\S+) \(0x", listed)):
            place = root / str(path).lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)
        (root / "dev").mkdir()
        # Where libzmq has its own NaCl it waits for this file.
        (root / "dev/urandom").write_bytes(os.urandom(1 << 16))
        super().__init__(reader, prefix=["unshare", "--pid", "--fork", "chroot", str(root)])

    def segment(self):
        children = pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        seen = lambda: self.reader.seen(int(children[0]))  # noqa: E731
        return wait_for(lambda: seen() and not seen().reason and seen(), seen)


@pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces")
def enclosed__pid_namespace_and_root_of_its_own__is_seen(reader, folder):
    with Enclosed(reader, folder) as puppet:
        fill(puppet)


def czmq__program__is_seen(reader, script):
    process = script(
        "import ctypes, sys\n"
        "z = ctypes.CDLL('libczmq.so.4'); p = ctypes.c_void_p\n"
        "z.zsock_new_pull.restype = z.zsock_new_push.restype = p\n"
        "b = p(z.zsock_new_pull(b'@inproc://czmq')); a = p(z.zsock_new_push(b'>inproc://czmq'))\n"
        "assert all(z.zstr_send(a, b'x') == 0 for _ in range(6))\n"
        "print('ok', flush=True); sys.stdin.read()\n")
    assert process.line() == "ok"
    wait_for(lambda: reader.seen(process.pid), "the process")
    wait_equal(lambda: reader.seen(process.pid).gauge("SEND_QUEUE", "PUSH"), 6, "depth")
    assert reader.seen(process.pid).counter("SENT_MESSAGES", "PUSH") == 6


def fork__child_that_makes_no_call__is_no_ghost(reader, script):
    process = script(
        "import os, sys, zmq\n"
        "c = zmq.Context(); a = c.socket(zmq.PUSH); b = c.socket(zmq.PULL)\n"
        "b.bind('inproc://x'); a.connect('inproc://x'); a.send(b'x')\n"
        "pid = os.fork()\n"
        "if pid == 0: sys.stdin.read(); os._exit(0)\n"
        "print(pid, flush=True); sys.stdin.read()\n")
    child = int(process.line())
    wait_for(lambda: reader.seen(process.pid), "the parent")
    wait_equal(lambda: reader.seen(process.pid).gauge("SEND_QUEUE", "PUSH"), 1, "depth")
    reader.wait_passes(3)
    assert reader.seen(child) is None


def exec__another_program__is_gone(reader, script):
    process = script(
        "import os, sys, zmq\n"
        "c = zmq.Context(); a = c.socket(zmq.PUSH); a.bind('inproc://x')\n"
        "print('ok', flush=True); sys.stdin.readline()\n"
        "os.execvp('sleep', ['sleep', '1000'])\n")
    process.line()
    wait_for(lambda: reader.seen(process.pid), "the process")
    process.popen.stdin.write("\n")
    process.popen.stdin.flush()
    wait_for(lambda: process.pid in reader.gone and not reader.seen(process.pid), "its end")


def exec__another_program_with_all_at_the_same_addresses__is_gone_first():
    if subprocess.run(["setarch", "-R", "true"], check=False).returncode != 0:
        pytest.skip("addresses cannot be kept from being random here")
    with Reader(interval_ms=1000) as reader, \
            Process(["setarch", "-R", *products.program("exec_itself"), 70]) as process:
        place = process.line()
        wait_for(lambda: reader.seen(process.pid), "the process")
        wait_equal(lambda: reader.seen(process.pid).gauge("SEND_QUEUE", "PUSH"), 70, "depth")
        for n in (50, 90):  # fewer and more
            reader.gone.clear()
            process.popen.stdin.write(f"{n}\n")
            process.popen.stdin.flush()
            assert process.line() == place
            wait_for(lambda: process.pid in reader.gone, "its end")
            wait_for(lambda: reader.seen(process.pid), "the other one")
            wait_equal(lambda: reader.seen(process.pid).gauge("SEND_QUEUE", "PUSH"), n, "depth")
            assert reader.seen(process.pid).counter("SENT_MESSAGES", "PUSH") == n
        process.popen.stdin.close()
        process.popen.wait(30)


def context__ended_and_made_again__is_seen_again(start, reader):
    puppet = start()
    one = puppet.socket(zmq.PUSH)
    one.bind("inproc://one")
    wait_for(lambda: reader.seen(puppet.pid), "the process")
    one.close()
    puppet.term()
    wait_for(lambda: reader.seen(puppet.pid) is None, "its end")
    fill(puppet)


def contexts__two_of_them__are_both_seen(start):
    puppet = start()
    for name in ("one", "two"):
        pull, push = puppet.socket(zmq.PULL, name), puppet.socket(zmq.PUSH, name)
        push.connect(pull.bind("inproc://x"))
        push.send(5)
    puppet.wait_gauge(10, "SEND_QUEUE", "PUSH")
    assert puppet.segment().n_contexts == 2


def stopped__process__is_seen_as_it_stands(start):
    puppet = start()
    fill(puppet)
    os.kill(puppet.pid, signal.SIGSTOP)
    try:
        puppet.wait_next_rounds(3)
        assert puppet.segment().gauge("RECEIVE_QUEUE", "PULL") == 50
    finally:
        os.kill(puppet.pid, signal.SIGCONT)


def stopped__before_the_first_look__is_seen(start):
    puppet = start()
    pull, push = puppet.socket(zmq.PULL), puppet.socket(zmq.PUSH)
    push.connect(pull.bind("inproc://x"))
    push.send(3)
    os.kill(puppet.pid, signal.SIGSTOP)
    try:
        with Reader() as late:
            wait_for(lambda: late.seen(puppet.pid), "the process")
            wait_equal(lambda: late.seen(puppet.pid).gauge("SEND_QUEUE", "PUSH"), 3, "depth")
    finally:
        os.kill(puppet.pid, signal.SIGCONT)


def deaths__at_any_moment__end_no_reader(start, reader):
    steady = start()
    fill(steady)
    for _ in range(20):
        puppet = start()
        puppet.socket(zmq.PUSH).bind("inproc://x")
        puppet.end()
    reader.wait_passes(2)
    assert steady.segment().gauge("RECEIVE_QUEUE", "PULL") == 50


@pytest.mark.parametrize("kind", ["endless", "loops", "nothing", "moving"])
def hostile__context_that_lies__costs_only_itself(start, reader, kind):
    steady = start()
    fill(steady)
    with Process([*products.program("hostile_context"), kind]) as liar:
        liar.line()
        wait_for(lambda: reader.seen(liar.pid), "the liar")
        reader.wait_passes(10)
        seen = reader.seen(liar.pid)
        assert len(seen.sockets) <= 4096
        assert steady.segment().gauge("RECEIVE_QUEUE", "PULL") == 50
        # What it says of itself stays within what can be.
        for one in seen.sockets:
            assert not one["is_valid"] or one["SEND_QUEUE"] < 1 << 40
        assert reader.popen.poll() is None


def reader__what_it_may__is_to_read(reader):
    reader.wait_passes(1)
    status = pathlib.Path(f"/proc/{reader.popen.pid}/status").read_text()
    value = lambda name: re.search(rf"^{name}:\s*(\S+)", status, re.M).group(1)  # noqa: E731
    allowed = 1 << 19 | 1 << 2 | 1 << 40  # CAP_SYS_PTRACE, _DAC_READ_SEARCH, _CHECKPOINT_RESTORE
    assert int(value("CapPrm"), 16) & ~allowed == 0
    assert int(value("CapBnd"), 16) & ~allowed == 0
    assert (value("NoNewPrivs"), value("Seccomp")) == ("1", "2")
    limits = pathlib.Path(f"/proc/{reader.popen.pid}/limits").read_text()
    assert re.search(r"Max file size +0 +0 ", limits) and re.search(r"Max core file size +0 +0 ", limits)


UNIT = products.TESTS.parent / "packaging/systemd/zmq_exporter-peek@.service.in"


@pytest.mark.parametrize("user", [0, DAEMON])
def unit__reader_in_it__sees_every_users_programs(start, folder, user, monkeypatch):
    reason = sandbox.why_not()
    if reason:
        pytest.skip(reason)
    puppet = start(user=user, group=user, extra_groups=[])
    fill(puppet)
    folder.chmod(0o755)
    shutil.copy(products.exporter(), folder)
    monkeypatch.setenv("TEST_EXPORTER", str(folder / "zmq_exporter"))
    with Reader(preexec_fn=sandbox.Sandbox(UNIT)) as inside:
        wait_equal(lambda: inside.seen(puppet.pid) and inside.seen(puppet.pid).reason, "", "reason")
        wait_equal(lambda: inside.seen(puppet.pid).gauge("RECEIVE_QUEUE", "PULL"), 50, "depth")
        inside.wait_passes(3)


def excluded__by_its_name__is_left_alone(start):
    puppet = start()
    fill(puppet)
    with Reader(excluded=["other", "puppet"]) as other:
        found = wait_for(lambda: other.seen(puppet.pid), "the process")
        assert (found.reason, found.sockets) == ("excluded", [])


def failed__process_at_which_a_reader_ended__is_left_alone(start, reader):
    puppet = start()
    fill(puppet)
    start_ticks = pathlib.Path(f"/proc/{puppet.pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
    with Reader(failed=[(puppet.pid, int(start_ticks))]) as other:
        wait_equal(lambda: other.seen(puppet.pid) and other.seen(puppet.pid).reason, "failed",
                   "reason")


def target__memory_it_never_touched__stays_so(reader, script):
    """A lazy mapping of 1 GiB beside the sockets: its page tables do not grow."""
    process = script(
        "import mmap, sys, zmq\n"
        "m = mmap.mmap(-1, 1 << 30)\n"
        "c = zmq.Context(); a = c.socket(zmq.PUSH); b = c.socket(zmq.PULL)\n"
        "b.bind('inproc://x'); a.connect('inproc://x'); a.send(b'x')\n"
        "print('ok', flush=True); sys.stdin.read()\n")
    process.line()
    status = pathlib.Path(f"/proc/{process.pid}/status")
    tables = lambda: int(re.search(r"VmPTE:\s*(\d+)", status.read_text()).group(1))  # noqa: E731
    wait_for(lambda: reader.seen(process.pid), "the process")
    before = tables()
    with Reader() as other:
        wait_for(lambda: other.seen(process.pid), "the process")
        other.wait_passes(5)
    assert tables() <= before + 8


assert sys.version_info >= (3, 9) and subprocess.PIPE  # user= and group= of a process
