# SPDX-License-Identifier: MPL-2.0
"""The checks of how a socket is set up, of programs without the tap: the reader tells of options."""

import contextlib
import json
import uuid

import pytest

from support import products
from support.agent import Agent
from support.process import Process, run
from support.waiting import wait_for

CHECKS = {"plaintext_tcp", "plain_over_tcp", "curve_without_zap", "wildcard_bind", "unlimited_hwm",
          "no_max_message_size", "no_handshake_timeout"}
HEAD = """
import sys, zmq
def server(socket, address="tcp://0.0.0.0:*"):
    socket.linger, socket.maxmsgsize = 100, 4096
    socket.bind(address)
    return socket
def curve(context, kind):
    socket = context.socket(kind)
    socket.curve_secretkey, socket.curve_server = zmq.curve_keypair()[1], 1
    return socket
context, other = zmq.Context(), zmq.Context()
"""
TAIL = """
print("ready", flush=True)
sys.stdin.read()
"""
# Each is the only one of its type.
BREAKS = """
a = server(context.socket(zmq.PULL))
b = context.socket(zmq.ROUTER); b.plain_server = 1; server(b)
c = server(curve(other, zmq.PUB), "tcp://127.0.0.1:*")
d = curve(context, zmq.SUB); d.handshake_ivl = 0; server(d)
e = context.socket(zmq.REP); e.rcvhwm = 0; e.conflate = 1; server(e, "inproc://here")
"""
BROKEN = {("plaintext_tcp", "PULL"), ("wildcard_bind", "PULL"), ("plain_over_tcp", "ROUTER"),
          ("wildcard_bind", "ROUTER"), ("curve_without_zap", "PUB"), ("no_handshake_timeout", "SUB"),
          ("wildcard_bind", "SUB"), ("unlimited_hwm", "REP")}
KEEPS = """
handler = context.socket(zmq.REP); handler.bind("inproc://zeromq.zap.01")
a = server(curve(context, zmq.PUB), "tcp://127.0.0.1:*")
b = server(context.socket(zmq.PULL), "tcp://127.0.0.1:*")
c = context.socket(zmq.ROUTER); c.plain_server = 1; server(c, "tcp://127.0.0.1:*")
d = context.socket(zmq.PUSH); d.sndhwm = 0; d.conflate = 1; server(d, "inproc://here")
e = context.socket(zmq.DEALER); e.rcvhwm = e.sndhwm = 0; e.conflate = 1; server(e, "tcp://127.0.0.1:*")
"""


@pytest.fixture
def programs(folder):
    """Names of their own, as there are others on the host: of one that breaks checks, and one that
    keeps them."""
    with contextlib.ExitStack() as stack:
        names = []
        for sockets in (BREAKS, KEEPS):
            name = f"untapped_{uuid.uuid4().hex[:12]}.py"
            (folder / name).write_text(HEAD + sockets + TAIL)
            process = stack.enter_context(Process([products.PYTHON, folder / name], None))
            assert process.line() == "ready"
            names.append(name)
        yield names


def audit_of(directory, program):
    done = run([products.exporter(), "audit", f"--tap.directory={directory}", "--format=json",
                f"--program={program}"])
    assert done.returncode in (0, 1), done.stderr
    return {(v["check"], v["type"]) for v in json.loads(done.stdout)["violations"] if v["check"] in CHECKS}


def audit__programs_without_the_tap__are_told_of_their_options(programs, directory):
    breaks, keeps = programs
    wait_for(lambda: audit_of(directory, breaks) == BROKEN,
             lambda: f"{BROKEN}, not {audit_of(directory, breaks)}")
    assert audit_of(directory, keeps) == set()


def page__programs_without_the_tap__have_violations_of_their_options(programs, directory):
    breaks, keeps = programs

    def found(page, program):
        return {(s.labels["check"], s.labels["type"]) for s in page.samples
                if s.name == "zmq_policy_violations" and s.labels["program"] == program
                and s.labels["check"] in CHECKS}

    with Agent(directory, peeks=True) as agent:
        page = wait_for(lambda: found(page := agent.scrape(), breaks) == BROKEN and page,
                        lambda: f"{BROKEN}, not {found(agent.scrape(), breaks)}")
        assert found(page, keeps) == set()
        assert page.value("zmq_policy_checks", check="curve_without_zap") >= 2
        assert page.value("zmq_policy_checks", check="plain_over_tcp") >= 3
