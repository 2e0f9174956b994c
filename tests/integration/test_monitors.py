# SPDX-License-Identifier: MPL-2.0
"""Events are counted, and the program's own monitor has them, whichever way libzmq calls itself."""

import os
import re
import subprocess

import pytest
import zmq

from support import libzmq, products, segment_file
from support.process import run
from support.puppet import Puppet
from support.symbolic import symbolic
from support.waiting import wait_for

PROGRAMS = ["harmless_monitor", "harmless_monitor_calls", "harmless_limits"]
# Where the tap has sockets of its own in the program's contexts, they take what the program counts.
NOT_WITH_SOCKETS = {"place_of_a_monitor", "descriptors", "place_of_a_lingering_socket",
                    "place_of_an_unread_socket", "place_of_a_pending_connect"}


def system_libzmq():
    program, = products.program("harmless_monitor")
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    return os.path.realpath(re.search(r"libzmq\.so\.5 => (\S+)", listed).group(1))


KINDS = ["direct", "symbolic", "drafts", "symbolic drafts"]


@pytest.fixture(params=KINDS)
def variables(request, folder):
    """Of a program with the system's libzmq, or one with drafts, or a copy that calls itself."""
    result = {}
    if "drafts" in request.param:
        result = libzmq.draft_variables()
        if not result:
            pytest.skip(f"no libzmq with drafts: {libzmq.DRAFT} names none")
    if "symbolic" in request.param:
        path = os.environ[libzmq.DRAFT] if "drafts" in request.param else system_libzmq()
        symbolic(path, folder / "libzmq.so.5")
        result = {"LD_LIBRARY_PATH": str(folder)}
    result["KIND"] = request.param
    return result


def is_direct(variables):
    return "symbolic" not in variables["KIND"]


def cases():
    for name in PROGRAMS:
        listed = subprocess.run(products.program(name), capture_output=True, text=True, check=True)
        yield from ((name, case) for case in listed.stdout.split())


# Of the first kind they are in test_harmless.py.
@pytest.mark.parametrize("variables", KINDS[1:], indirect=True)
@pytest.mark.parametrize("name,case", cases(), ids=lambda word: word.removeprefix("harmless_"))
def case__run_both_ways__is_the_same(directory, variables, name, case):
    if not is_direct(variables) and case in NOT_WITH_SOCKETS:
        pytest.skip("the tap has sockets of its own in the program's contexts")
    command = [*products.program(name), case]
    plain = run(command, variables=variables)
    tapped = run(command, directory, variables=variables)
    # Where libzmq calls itself, one socket of the tap hears the monitors of a whole context. Whoever
    # first sends to a socket that sleeps wakes it, but after the lock is released (libzmq's
    # mailbox_t::send, 4.3.4): a thread that is interrupted there keeps the event of another, which
    # was sent behind its own and wakes nobody, from being read, until it goes on.
    for _ in range(0 if is_direct(variables) else 3):
        if tapped.stdout != plain.stdout:
            tapped = run(command, directory, variables=variables)
    assert (tapped.returncode, tapped.stdout, tapped.stderr) == (0, plain.stdout, plain.stderr)
    assert segment_file.read_all(directory), "the tap was not there"


@libzmq.needs_handshakes
def events__peers_come_and_go__are_counted_each(start, variables):
    server = start("c", variables=variables)
    pull = server.socket(zmq.PULL)
    endpoint = pull.bind("tcp://127.0.0.1:*")
    with zmq.Context() as context:
        for i in range(1, 11):
            push = context.socket(zmq.PUSH)
            push.connect(endpoint)
            push.send(b"x")
            server.wait_counter(i, ("EVENTS", "handshake_succeeded"), "PULL")
            server.wait_gauge(1, "PEERS", "PULL")
            push.close(0)
            server.wait_counter(i, ("EVENTS", "disconnected"), "PULL")
            server.wait_gauge(0, "PEERS", "PULL")
    pull.close()
    server.wait_counter(1, ("EVENTS", "monitor_stopped"), "PULL")
    segment = server.segment()
    counted = {event: segment.counter(("EVENTS", event), "PULL") for event in segment_file.EVENTS}
    expected = {"listening": 1, "accepted": 10, "handshake_succeeded": 10, "disconnected": 10,
                "closed": 1, "monitor_stopped": 1}
    assert {event: n for event, n in counted.items() if n} == expected
    assert segment.capabilities["events"] == ("on", "")
    assert segment.capabilities["oversized"][0] == ("on" if is_direct(variables) else "off")


@libzmq.needs_handshakes
@pytest.mark.parametrize("end", ["disconnect", "unbind"])
def peers__program_ends_the_connection_itself__is_gone(start, end):
    """libzmq raises no event of it."""
    server, client = start("c"), start("c")
    pull, push = server.socket(zmq.PULL), client.socket(zmq.PUSH)
    endpoint = pull.bind("tcp://127.0.0.1:*")
    push.connect(endpoint)
    server.wait_gauge(1, "PEERS", "PULL")
    client.wait_gauge(1, "PEERS", "PUSH")
    if end == "disconnect":
        push.disconnect(endpoint)
        client.wait_gauge(0, "PEERS", "PUSH")
        push.get(zmq.EVENTS)  # libzmq goes on with it in the program's next call
        server.wait_counter(1, ("EVENTS", "disconnected"), "PULL")
    else:
        pull.unbind(endpoint)
    server.wait_gauge(0, "PEERS", "PULL")
    # The same address given again has peers again.
    if end == "disconnect":
        push.connect(endpoint)
        client.wait_gauge(1, "PEERS", "PUSH")
    else:
        pull.bind(endpoint)
        client.socket(zmq.PUSH).connect(endpoint)
    server.wait_gauge(1, "PEERS", "PULL")


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def descriptors__sockets_and_their_monitors__take_what_libzmq_takes(start):
    """Of the tap there is none, but for moments."""
    tapped = start("c")
    with Puppet("c") as plain:
        for puppet in (plain, tapped):
            for kind in (zmq.PUB, zmq.PULL, zmq.ROUTER):
                puppet.socket(kind).bind("tcp://127.0.0.1:*")
        tapped.wait_counter(1, ("EVENTS", "listening"), "PUB")
        wait_for(lambda: descriptors(tapped.pid) == descriptors(plain.pid), "as many descriptors")


def descriptors__where_monitors_take_them__are_the_programs_first(start, folder):
    """A monitor that takes a descriptor is made while fewer than half of them are in use."""
    symbolic(system_libzmq(), folder / "libzmq.so.5")
    options = {"prefix": ("prlimit", "--nofile=200"), "variables": {"LD_LIBRARY_PATH": str(folder)}}
    tapped = start("c", **options)
    with Puppet("c", **options) as plain:
        for puppet in (plain, tapped):
            for _ in range(64):
                puppet.socket(zmq.PUSH)
        wait_for(lambda: tapped.segment().capabilities["events"][0] == "bound", "a socket without a monitor")
        assert 10 < descriptors(tapped.pid) - descriptors(plain.pid) <= 52
