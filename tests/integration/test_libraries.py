# SPDX-License-Identifier: MPL-2.0
"""Every libzmq of a process is followed: opened RTLD_LOCAL, several copies, builds with drafts."""

import json
import os
import pathlib
import re
import subprocess

import pytest
import zmq

from support import libzmq, products, segment_file
from support.process import Process, run
from support.waiting import wait_equal


def addon():
    return pathlib.Path(products.program("libaddon.so")[0])


def system_libzmq():
    listed = subprocess.run(["ldd", addon()], capture_output=True, text=True, check=True).stdout
    return pathlib.Path(re.search(r"libzmq\.so\.5 => (\S+)", listed).group(1))


def renamed(path, target):
    """A copy that calls itself, or needs, libzmr.so.5 instead of libzmq.so.5."""
    data = path.read_bytes()
    assert b"\0libzmq.so.5\0" in data
    target.write_bytes(data.replace(b"\0libzmq.so.5\0", b"\0libzmr.so.5\0"))
    target.chmod(0o755)
    return target


def libraries(process):
    """Names of the files that the tap found."""
    return [re.sub(r".*/", "", bytes(library[4]).split(b"\0")[0].decode())
            for library in process.segment().libraries]


def library__opened_locally__is_counted(directory):
    with Process([*products.program("host"), addon(), "123"], directory) as host:
        assert host.line() == "123"
        host.wait_counter(123, "SENT_MESSAGES", "PUSH")
        host.wait_counter(123 * 5, "RECEIVED_BYTES", "PULL")
        assert len(libraries(host)) == 1 and libraries(host)[0].startswith("libzmq.so.5")


def library__closed_and_opened_again__is_counted_on(directory):
    """The program has no libzmq at all between two uses, were it not for the tap."""
    command = [*products.program("host"), *[addon(), "-100"] * 5]
    plain, tapped = run(command), run(command, directory)
    assert plain.stdout == "100\n" * 5
    assert (tapped.returncode, tapped.stdout, tapped.stderr) == (0, plain.stdout, plain.stderr)
    segment, = segment_file.read_all(directory)
    assert segment.counter("SENT_MESSAGES", "PUSH") == segment.counter("RECEIVED_MESSAGES", "PULL") == 500


def libraries__two_copies__are_both_counted(directory, folder):
    """One plug-in needs libzmq.so.5, the other a copy of it under another name."""
    renamed(pathlib.Path(os.path.realpath(system_libzmq())), folder / "libzmr.so.5")
    second = renamed(addon(), folder / "libother.so")
    with Process([*products.program("host"), addon(), "100", second, "23"], directory,
                 {"LD_LIBRARY_PATH": str(folder)}) as host:
        assert (host.line(), host.line()) == ("100", "23")
        host.wait_counter(123, "SENT_MESSAGES", "PUSH")
        host.wait_counter(123, "RECEIVED_MESSAGES", "PULL")
        found = libraries(host)
        assert len(found) == 2 and found[1] == "libzmr.so.5", found
        words = [lane for lane in host.segment().lanes if lane[1] == 1]
        assert {lane[4] for lane in words} == {0, 1}


@pytest.fixture
def draft_variables():
    variables = libzmq.draft_variables()
    if not variables:
        pytest.skip(f"no libzmq with drafts: {libzmq.DRAFT} names none")
    return variables


@pytest.mark.parametrize("transport", ["tcp://127.0.0.1:*", "inproc://draft"])
def draft_build__traffic__has_true_counters_and_depth(start, draft_variables, transport):
    puppet = start("c", variables=draft_variables)
    push, pull = puppet.socket(zmq.PUSH), puppet.socket(zmq.PULL)
    push.connect(pull.bind(transport))
    push.send(500)
    pull.recv(123)
    puppet.wait_counter(500, "SENT_MESSAGES", "PUSH")
    puppet.wait_counter(123, "RECEIVED_MESSAGES", "PULL")
    puppet.wait_gauge(377, "RECEIVE_QUEUE", "PULL")
    assert puppet.segment().libraries[0][3] == 1
    assert puppet.segment().capabilities["queue_depth"][0] == "on"


def draft_build__peers_come_and_go__are_counted(start, draft_variables):
    server, client = start("c", variables=draft_variables), start("c", variables=draft_variables)
    pull = server.socket(zmq.PULL)
    endpoint = pull.bind("tcp://127.0.0.1:*")
    for i in range(1, 6):
        push = client.socket(zmq.PUSH)
        push.connect(endpoint)
        server.wait_counter(i, ("EVENTS", "handshake_succeeded"), "PULL")
        server.wait_gauge(1, "PEERS", "PULL")
        push.close()
        server.wait_counter(i, ("EVENTS", "disconnected"), "PULL")
        server.wait_gauge(0, "PEERS", "PULL")


# New types of the draft interface: number, and a pair of them.
CLIENT, SERVER, RADIO, DISH, GATHER, SCATTER = 13, 12, 14, 15, 16, 17


@pytest.mark.parametrize("kinds", [(CLIENT, SERVER), (SCATTER, GATHER)], ids=["client", "scatter"])
def draft_sockets__thread_safe_types__are_counted(start, draft_variables, kinds):
    puppet = start("c", variables=draft_variables)
    sender, receiver = puppet.socket(kinds[0]), puppet.socket(kinds[1])
    sender.connect(receiver.bind("tcp://127.0.0.1:*"))
    assert sender.send(50, size=3) == 50
    assert receiver.recv(50, spelling="msg_recv") == (50, 150)
    puppet.wait_counter(50, "SENT_MESSAGES", None, sender.endpoint)
    puppet.wait_counter(50, "RECEIVED_MESSAGES", None, receiver.endpoint)
    wait_equal(lambda: puppet.segment().counter("RECEIVED_BYTES"), 150, "bytes")


@pytest.mark.parametrize("kinds", [(CLIENT, SERVER), (SCATTER, GATHER)], ids=["client", "scatter"])
def draft_sockets__several_threads_at_once__lose_no_count(directory, draft_variables, kinds):
    program = [*products.program("shared"), *map(str, kinds), "1000000"]
    with Process(program, directory, draft_variables) as process:
        told = json.loads(process.line())
        process.wait_next_rounds()
        segment = process.segment()
        assert {word: segment.counter(word.upper()) for word in told} == told
