# SPDX-License-Identifier: MPL-2.0
"""The remedy that a check names is code that can be put into a program: in C it compiles, in Python
it runs with pyzmq."""

import json
import subprocess

import pytest
import zmq
import zmq.auth.thread

from support import products
from support.process import run

SHELL = {"vulnerable_library", "replaced_library"}

# What a program has where the lines are put.
C_BEFORE = """
#include <string.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <zmq.h>
void log_error(const char *text);
void receive_at_most(void *socket, int n);
void function(void *context, void *socket, void *server, void *receiver, void *request, void *router,
              zmq_pollitem_t *items, int n_items, const char *secret_key, int option, int value);
void function(void *context, void *socket, void *server, void *receiver, void *request, void *router,
              zmq_pollitem_t *items, int n_items, const char *secret_key, int option, int value)
{
    int hwm = 1;
    (void)hwm, (void)context, (void)socket, (void)server, (void)receiver, (void)request, (void)router;
    (void)items, (void)n_items, (void)secret_key, (void)option, (void)value;
    {
"""
NAMES = sorted(check["check"] for check in json.loads(
    run([products.exporter(), "audit", "--no-collector.peek", "--tap.directory=/", "--format=json"]).stdout)["checks"])


def fixes(name):
    text = run([products.exporter(), "audit", f"--explain={name}"]).stdout
    c = text.split("How to fix it, in C\n")[1].split("\nHow to fix it, in Python\n")
    return c[0].rstrip(), c[1].split("\nWhat it leaves alone\n")[0].rstrip()


@pytest.mark.parametrize("name", [name for name in NAMES if name not in SHELL])
def test_fix_c__put_into_a_program__compiles(name, folder):
    (folder / "fix.c").write_text(f"{C_BEFORE}{fixes(name)[0]}\n}}\n}}\n")
    done = run(["cc", "-Wall", "-Wextra", "-Werror", "-Wno-unused-variable", "-Wno-shadow", "-c", folder / "fix.c",
                "-o", folder / "fix.o"])
    assert done.returncode == 0, done.stderr


def receive_at_most(socket, n):
    for _ in range(n):
        try:
            socket.recv(zmq.DONTWAIT)
        except zmq.Again:
            return


class Elsewhere:
    """A socket whose addresses are of this host, not those of the example."""

    def __init__(self, socket, folder):
        object.__setattr__(self, "of", (socket, folder))

    def __getattr__(self, name):
        socket, folder = self.of
        if name in ("bind", "connect"):
            return lambda address: getattr(socket, name)(f"ipc://{folder}/there")
        return getattr(socket, name)

    def __setattr__(self, name, value):
        setattr(self.of[0], name, value)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in SHELL])
def test_fix_python__put_into_a_program__runs(name, folder, context, monkeypatch):
    import os
    import resource

    monkeypatch.setattr(os, "umask", lambda mode: 0o022)
    monkeypatch.setattr(resource, "setrlimit", lambda which, limits: None)
    poller = zmq.Poller()
    waiting = context.socket(zmq.PULL)
    waiting.bind("inproc://waiting")
    poller.register(waiting, zmq.POLLIN)
    sender = context.socket(zmq.PUSH)
    sender.connect("inproc://waiting")
    sender.send(b"x")
    assert waiting.poll(1000)
    names = {
        "zmq": zmq, "os": os, "resource": resource, "context": context, "poller": poller, "hwm": 10,
        "secret_key": zmq.curve_keypair()[1], "receive_at_most": receive_at_most,
        "socket": Elsewhere(context.socket(zmq.SUB), folder), "receiver": context.socket(zmq.PULL),
        "request": context.socket(zmq.REQ), "router": context.socket(zmq.ROUTER),
    }
    code = fixes(name)[1].replace("/etc/feed/keys", str(folder))
    try:
        exec(compile(code, name, "exec"), names)  # pylint: disable=exec-used
    finally:
        if "auth" in names:
            names["auth"].stop()
        for one in names.values():
            if isinstance(one, zmq.Socket):
                one.close(0)
            elif isinstance(one, Elsewhere):
                one.close(0)
        waiting.close(0)
        sender.close(0)


@pytest.mark.parametrize("name", sorted(SHELL))
def test_fix_shell__is_a_command_line(name):
    for text in fixes(name):
        assert subprocess.run(["bash", "-n"], input=text, text=True, check=False).returncode == 0
