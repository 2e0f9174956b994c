# SPDX-License-Identifier: MPL-2.0
"""Every check of the policy collector: real sockets that break it and others that do not.

Each case makes both in tapped programs; the check must fire on the one alone.
"""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import types

import pytest
import zmq

from support import products
from support.process import Process, run
from support.puppet import PuppetError
from support.waiting import wait_for

# Thresholds that a test can reach.
SETTINGS = """policy:
  long_lived: 0
  blocked_for: 200ms
  full_for: 200ms
  memory_limit: 64KiB
  retries: 2
  near_limit_percent: 10
  starved_for: 500ms
"""
SECRET = zmq.curve_keypair()[1].decode()


class Scene:
    """What a case may use: puppets, a folder, and the audit of the programs so far."""

    def __init__(self, start, folder, directory, context):
        self.start, self.folder, self.directory, self.context = start, folder, directory, context
        self.config = folder / "config.yml"
        self.config.write_text(SETTINGS)
        self.puppet = self.program("subject")
        self.keeps_busy = lambda: None
        self.stack = contextlib.ExitStack()

    def program(self, name, language="c", **options):
        return self.start(language, variables={"ZMQ_EXPORTER_PROGRAM": name}, **options)

    def bound(self, kind, endpoint, context="", texts=(), puppet=None, **options):
        socket = (puppet or self.puppet).socket(kind, context, **options)
        for option, text in texts:
            socket.set(option, text)
        socket.address = socket.bind(endpoint)
        return socket

    def connected(self, kind, endpoint, puppet=None, **options):
        socket = (puppet or self.puppet).socket(kind, **options)
        socket.connect(endpoint)
        return socket

    def ipc(self, name):
        return f"ipc://{self.folder}/{name}"

    def two_threads(self, bad, good):
        """A program that breaks it, and another one, with sockets at the same address."""
        for name, case in (("subject", bad), ("other", good)):
            self.stack.enter_context(Process([*products.program("two_threads"), case], self.directory,
                                             {"ZMQ_EXPORTER_PROGRAM": name})).line()
        return types.SimpleNamespace(endpoint="inproc://used")

    def violations(self):
        self.keeps_busy()
        done = run([products.exporter(), "audit", "--no-collector.peek", "--format=json",
                    f"--tap.directory={self.directory}", f"--config.file={self.config}"])
        assert done.returncode in (0, 1), done.stderr
        return json.loads(done.stdout)


def plaintext_tcp(scene):
    """NULL and CURVE on every interface."""
    bad = scene.bound(zmq.REP, "tcp://*:*")
    scene.bound(zmq.REP, "tcp://0.0.0.0:*", curve_server=1, texts=[(zmq.CURVE_SECRETKEY, SECRET)])
    scene.bound(zmq.REP, "tcp://127.0.0.1:*")
    return bad


def plain_over_tcp(scene):
    bad = scene.bound(zmq.REP, "tcp://*:*", plain_server=1)
    scene.bound(zmq.REP, "tcp://0.0.0.0:*")
    scene.bound(zmq.REP, "tcp://127.0.0.1:*", plain_server=1)
    return bad


def curve_without_zap(scene):
    keys = [(zmq.CURVE_SECRETKEY, SECRET)]
    bad = scene.bound(zmq.REP, "tcp://127.0.0.1:*", curve_server=1, texts=keys)
    scene.bound(zmq.REP, "inproc://zeromq.zap.01", context="guarded")
    scene.bound(zmq.REP, "tcp://127.0.0.2:*", context="guarded", curve_server=1, texts=keys)
    return bad


def wildcard_bind(scene):
    bad = scene.bound(zmq.PUB, "tcp://*:*")
    scene.bound(zmq.PUB, "tcp://127.0.0.1:*")
    return bad


def unlimited_hwm(scene):
    bad = scene.bound(zmq.PUSH, "tcp://127.0.0.1:*", sndhwm=0)
    scene.bound(zmq.PUSH, "tcp://127.0.0.2:*", rcvhwm=0)
    return bad


def hwm_memory(scene):
    bad = scene.bound(zmq.PUSH, scene.ipc("bad"))
    scene.connected(zmq.PULL, bad.endpoint, rcvhwm=1)
    bad.send(10, size=1000)
    good = scene.bound(zmq.PUSH, scene.ipc("good"), sndhwm=10)
    scene.connected(zmq.PULL, good.endpoint, rcvhwm=1)
    good.send(10, size=1000)
    return bad


def unequal_hwm(scene):
    """Of several receivers the one with the lowest mark counts."""
    bad = scene.bound(zmq.PUSH, scene.ipc("bad"), sndhwm=1000)
    for hwm in (1000, 10, 1000):
        scene.connected(zmq.PULL, bad.endpoint, rcvhwm=hwm)
    good = scene.bound(zmq.PUSH, scene.ipc("good"), sndhwm=1000)
    scene.connected(zmq.PULL, good.endpoint, rcvhwm=1000)
    return bad


def no_max_message_size(scene):
    bad = scene.bound(zmq.PULL, "tcp://*:*")
    scene.bound(zmq.PULL, "tcp://0.0.0.0:*", maxmsgsize=4096)
    scene.bound(zmq.PULL, "tcp://127.0.0.1:*")
    scene.bound(zmq.PUSH, "tcp://*:*")
    return bad


def no_heartbeat(scene):
    bad = scene.bound(zmq.PULL, "tcp://*:*")
    scene.bound(zmq.PULL, "tcp://0.0.0.0:*", heartbeat_ivl=1000)
    scene.bound(zmq.PUSH, "tcp://0.0.0.0:*", tcp_keepalive=1)
    return bad


def no_handshake_timeout(scene):
    bad = scene.bound(zmq.PULL, "tcp://*:*", handshake_ivl=0)
    scene.bound(zmq.PULL, "tcp://0.0.0.0:*")
    return bad


def infinite_linger(scene):
    bad = scene.bound(zmq.PUSH, "tcp://127.0.0.1:*", linger=-1)
    scene.bound(zmq.PUSH, "tcp://127.0.0.2:*", linger=100)
    scene.bound(zmq.PUSH, "inproc://x", linger=-1)
    scene.bound(zmq.PULL, "tcp://127.0.0.1:*", linger=-1)
    return bad


def zero_linger(scene):
    bad = scene.bound(zmq.PUSH, scene.ipc("bad"), linger=0)
    scene.connected(zmq.PULL, bad.endpoint)
    bad.send(1)
    scene.bound(zmq.PUSH, scene.ipc("unused"), linger=0)
    good = scene.bound(zmq.PUSH, scene.ipc("good"), linger=100)
    scene.connected(zmq.PULL, good.endpoint)
    good.send(1)
    return bad


def infinite_receive_timeout(scene):
    bad = scene.bound(zmq.REP, scene.ipc("bad"))
    other = scene.program("other")
    good = scene.bound(zmq.REP, scene.ipc("good"), puppet=other, rcvtimeo=1000)
    scene.bound(zmq.PULL, scene.ipc("pull"), puppet=other)
    other.tell("recv", good.name, 1, 0, "recv")
    scene.puppet.tell("recv", bad.name, 1, 0, "recv")
    return bad


def infinite_send_timeout(scene):
    bad = scene.bound(zmq.PUSH, scene.ipc("bad"))
    other = scene.program("other")
    good = scene.bound(zmq.PUSH, scene.ipc("good"), puppet=other, sndtimeo=2000)
    other.tell("send", good.name, 1, 1, 1, 0, "send")
    scene.puppet.tell("send", bad.name, 1, 1, 1, 0, "send")
    return bad


def ipc_open_to_others(scene):
    bad = scene.bound(zmq.PUB, scene.ipc("bad"))
    scene.bound(zmq.PUB, scene.ipc("good"))
    (scene.folder / "bad").chmod(0o777)
    return bad


def ipc_abstract(scene):
    bad = scene.bound(zmq.PUB, f"ipc://@zt-{os.getpid()}")
    scene.bound(zmq.PUB, scene.ipc("good"))
    return bad


def near_socket_limit(scene):
    scene.program("other").socket(zmq.PUB)
    for _ in range(110):
        scene.puppet.socket(zmq.PUB)
    scene.puppet.socket(zmq.PUB, "roomy")  # another context, which is not near it
    return None


def near_descriptor_limit(scene):
    scene.bound(zmq.PUB, scene.ipc("roomy"))
    tight = scene.program("tight", prefix=["prlimit", "--nofile=64:64"])
    scene.bound(zmq.PUB, scene.ipc("tight"), puppet=tight)
    return "tight"


def incompatible_peers(scene):
    bad = scene.bound(zmq.PUB, scene.ipc("bad"))
    good = scene.bound(zmq.PUB, scene.ipc("good"))
    scene.connected(zmq.PULL, bad.endpoint, puppet=scene.program("other"))
    scene.connected(zmq.SUB, good.endpoint)
    return bad


def hwm_reached(scene):
    bad = scene.bound(zmq.PUSH, scene.ipc("bad"), sndhwm=1)
    scene.connected(zmq.PULL, bad.endpoint, rcvhwm=1)
    scene.puppet.wait_gauge(1, "PEERS", "PUSH", bad.endpoint)
    wait_for(lambda: (scene.puppet.wait_next_rounds(), bad.fill(size=100000))[1] == 0, "full buffers")
    good = scene.bound(zmq.PUSH, scene.ipc("good"))
    scene.connected(zmq.PULL, good.endpoint)
    good.send(3)
    return bad


def unroutable_unnoticed(scene):
    bad = scene.bound(zmq.ROUTER, scene.ipc("bad"))
    bad.send(2, first=b"nobody")
    good = scene.bound(zmq.ROUTER, scene.ipc("good"), router_mandatory=1)
    good.send(2, first=b"nobody")
    return bad


def no_reconnect_backoff(scene):
    bad = scene.connected(zmq.SUB, "tcp://127.0.0.1:1", reconnect_ivl=10)
    scene.connected(zmq.SUB, "tcp://127.0.0.1:2", reconnect_ivl=10, reconnect_ivl_max=100)
    return bad


def call_out_of_turn(scene):
    bad = scene.bound(zmq.REP, scene.ipc("bad"))
    assert bad.send(1) == 0
    good = scene.bound(zmq.REP, scene.ipc("good"))
    assert good.recv(1, zmq.DONTWAIT)[0] == 0
    with pytest.raises(PuppetError):
        good.set(zmq.SUBSCRIBE, "x")
    return bad


def api_misuse(scene):
    bad = scene.bound(zmq.PUB, scene.ipc("bad"))
    with pytest.raises(PuppetError):
        bad.set(zmq.SUBSCRIBE, "x")
    good = scene.bound(zmq.ROUTER, scene.ipc("good"), router_mandatory=1)
    assert good.send(1, first=b"nobody") == 0  # EHOSTUNREACH: what it asked to be told
    assert scene.bound(zmq.REP, scene.ipc("turn")).send(1) == 0  # EFSM, which is a check of its own
    ended = scene.bound(zmq.PULL, scene.ipc("ended"), context="ended")
    scene.puppet.ask("shutdown", "ended")
    assert ended.recv()[0] == 0  # ETERM
    return bad


def no_socket(scene):
    other = scene.program("other")
    scene.bound(zmq.PULL, scene.ipc("good"), puppet=other)
    scene.bound(zmq.PULL, scene.ipc("bad"))
    with pytest.raises(PuppetError):
        scene.puppet.ask("send_to_none")
    return "subject"


def concurrent_use(scene):
    return scene.two_threads("receive_and_send", "locked")


def starved_socket(scene):
    """One thread: a socket that it leaves alone, one that it reads, and one where nothing waits; in
    a process whose sockets are read by nobody none is starved."""
    bad, busy, idle = (scene.bound(zmq.PULL, scene.ipc(name)) for name in ("bad", "busy", "idle"))
    other = scene.program("other")
    left = scene.bound(zmq.PULL, scene.ipc("left"), puppet=other)
    senders = [scene.connected(zmq.PUSH, socket.endpoint, puppet=scene.program(f"sender{i}"))
               for i, socket in enumerate((bad, busy, left))]
    senders[0].send(3)
    senders[2].send(3)
    assert bad.recv(1)[0] == 1 and left.recv(1)[0] == 1
    scene.keeps_busy = lambda: (senders[1].send(1), busy.recv(1))
    return bad


CASES = [plaintext_tcp, plain_over_tcp, curve_without_zap, wildcard_bind, unlimited_hwm, hwm_memory,
         unequal_hwm, no_max_message_size, no_heartbeat, no_handshake_timeout, infinite_linger,
         zero_linger, infinite_receive_timeout, infinite_send_timeout, ipc_open_to_others, ipc_abstract,
         near_socket_limit, near_descriptor_limit, incompatible_peers, hwm_reached,
         unroutable_unnoticed, no_reconnect_backoff, call_out_of_turn, api_misuse, no_socket, concurrent_use,
         starved_socket]
OF_LIBRARIES = {"vulnerable_library", "replaced_library"}


@pytest.fixture
def scene(start, folder, directory, context):
    made = Scene(start, folder, directory, context)
    with made.stack:
        yield made


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_check__one_that_breaks_it_and_others__fires_on_the_one_alone(case, scene):
    bad = case(scene)
    endpoint = getattr(bad, "endpoint", "")
    # Of two ends that do not fit, the one that notices first tells.
    programs = {"other", "subject"} if case is incompatible_peers else {bad if isinstance(bad, str) else "subject"}

    def found():
        return [v for v in scene.violations()["violations"] if v["check"] == case.__name__]

    wait_for(found, lambda: f"{case.__name__} in {scene.violations()}")
    assert {v["address"] for v in found()} == {endpoint}
    assert {v["program"] for v in found()} <= programs
    looked_at = {c["check"]: c["looked_at"] for c in scene.violations()["checks"]}
    assert looked_at[case.__name__] >= 1


def test_cases__all_checks__are_tried(directory):
    done = run([products.exporter(), "audit", "--no-collector.peek", "--format=json",
                f"--tap.directory={directory}"])
    names = {check["check"] for check in json.loads(done.stdout)["checks"]}
    assert names == {case.__name__ for case in CASES} | OF_LIBRARIES


def test_vulnerable_library__table_of_the_configuration__decides(scene):
    scene.bound(zmq.PUB, scene.ipc("a"))

    def found():
        return [v for v in scene.violations()["violations"]
                if v["check"] == "vulnerable_library" and v["program"] == "subject"]

    affected = f"0.0.0..{zmq.zmq_version()}"
    for before, expected in [(affected, 0), ("0.0.0..99.0.0", 1)]:
        (scene.folder / "a.txt").write_text(f"checked 2026-01-01\nX-1 critical {before} - https://x a flaw\n")
        scene.config.write_text("library: {advisories_file: a.txt}\n")
        wait_for(lambda: len(found()) == expected, lambda: f"{expected} findings, not {found()}")
    assert "X-1 (critical)" in found()[0]["detail"]
    scene.config.write_text("library: {advisories_file: a.txt, "
                            "patched: [{path: '*', advisories: [X-1]}]}\n")
    assert not found()


def test_replaced_library__copy_removed_while_loaded__is_found(scene):
    source = next(line.split()[-1] for line in pathlib.Path("/proc/self/maps").read_text().splitlines()
                  if "/libzmq.so" in line)
    copies = [scene.folder / f"libzmq-{name}.so.5.2.4" for name in ("gone", "kept")]
    programs = []
    try:
        for copy in copies:
            shutil.copy(source, copy)
            programs.append(subprocess.Popen(
                [products.PYTHON, "-c",
                 f"import ctypes, sys; ctypes.CDLL('{copy}'); print(flush=True); sys.stdin.read()"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE))
            programs[-1].stdout.readline()
        copies[0].unlink()

        def found():
            return [v["detail"] for v in scene.violations()["violations"]
                    if v["check"] == "replaced_library" and str(scene.folder) in v["detail"]]

        wait_for(found, "a replaced library")
        assert len(found()) == 1 and str(copies[0]) in found()[0]
    finally:
        for program in programs:
            program.communicate(b"")
