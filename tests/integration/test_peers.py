# SPDX-License-Identifier: MPL-2.0
"""Who is at the other end of each connection: process, queues on both sides, the kernel's buffers."""

import contextlib
import json
import os
import socket
import subprocess

import pytest
import zmq

from support import products
from support.agent import Agent
from support.process import Process, end_all
from support.puppet import Puppet
from support.waiting import wait_equal, wait_for

MESSAGE = 20000
TRANSPORTS = ("tcp", "ipc")
STRANGER = """
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
print("ok", flush=True)
sys.stdin.readline()
"""

# Connects, forks, and says who is who. Then the parent ends at a line, and the child goes on with the
# connection.
FORKS = """
import os, socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
child = os.fork()
if child == 0:
    os.read(int(sys.argv[2]), 1)
    os._exit(0)
print(child, flush=True)
sys.stdin.readline()
"""
# A ZeroMQ program, of which a child has the descriptors, too, and none of the threads.
FORKS_PUSH = """
import os, sys, zmq
socket = zmq.Context().socket(zmq.PUSH)
socket.connect(sys.argv[1])
socket.send(b"x")
child = os.fork()
if child == 0:
    sys.stdin.readline()
    os._exit(0)
print(child, flush=True)
os.waitpid(child, 0)
os._exit(0)
"""
# How an endpoint may be written: to bind to and to connect to, `{}` is the port.
SPELLINGS = {
    "any": ("tcp://*:*", "tcp://127.0.0.1:{}", 0),
    "localhost": ("tcp://127.0.0.1:*", "tcp://localhost:{}", 0),
    "interface": ("tcp://lo:*", "tcp://127.0.0.1:{}", 0),
    "ipv6": ("tcp://[::1]:*", "tcp://[::1]:{}", 1),
    "ipv6-any": ("tcp://[::]:*", "tcp://[::1]:{}", 1),
    "ipv4-to-ipv6": ("tcp://*:*", "tcp://127.0.0.1:{}", 1),
    "localhost-ipv6": ("tcp://*:*", "tcp://localhost:{}", 1),
    "abstract": ("ipc://@peers-{pid}", "ipc://@peers-{pid}", 0),
}


@pytest.fixture
def agent(directory):
    with Agent(directory, peeks=True) as running:
        running.keep_log()
        yield running


@pytest.fixture
def start(directory):
    """start(language, is_tapped): a puppet."""
    puppets = []

    def start_one(language="c", is_tapped=True):
        puppets.append(Puppet(language, directory if is_tapped else None))
        return puppets[-1]

    yield start_one
    end_all(puppets)


@pytest.fixture
def place(folder):
    return {"tcp": "tcp://127.0.0.1:*", "ipc": f"ipc://{folder}/s"}


def peers_of(agent, puppet, kind):
    """Of the process's only socket of this kind; None: not known."""
    answer = json.loads(agent.get("/api/v1/sockets/open?type=" + kind))
    found = [s for s in answer["open"] if s["pid"] == puppet.pid]
    return found[0].get("peers") if len(found) == 1 else None


def wait_peers(agent, puppet, kind, condition):
    found = []

    def are_there():
        found[:] = [peers_of(agent, puppet, kind)]
        return found[0] is not None and condition(found[0])

    wait_for(are_there, lambda: f"{kind} of {puppet.pid}: {found}")
    return found[0]


def pids(peers):
    return sorted(peer.get("pid", 0) for peer in peers)


def program_of(language):
    return "puppet" if language == "c" else "puppet.py"


def link(start, place, languages=("c", "c"), are_tapped=(True, True)):
    """A PULL, bound, that does not read, and a PUSH to it that is full: puppets and sockets."""
    puller, pusher = (start(*each) for each in zip(languages, are_tapped))
    pull, push = puller.socket(zmq.PULL, rcvhwm=10), pusher.socket(zmq.PUSH, sndhwm=10)
    push.connect(pull.bind(place))
    push.send(1, MESSAGE)
    wait_for(lambda: push.fill(size=MESSAGE) == 0, "a full queue")
    return puller, pusher, pull, push


def is_stuck(peer, push):
    """Full on both sides of the kernel's buffers, which take more and more at first."""
    push.fill(size=MESSAGE)
    return peer["send_queue"] > 0 and peer.get("unsent_bytes", 0) > 0 and "full_since" in peer


@pytest.mark.parametrize("transport,languages,are_tapped", [
    ("tcp", ("c", "c"), (True, True)), ("ipc", ("pyzmq", "c"), (True, True)),
    ("tcp", ("c", "pyzmq"), (True, False)), ("ipc", ("c", "pyzmq"), (False, True)),
    ("tcp", ("pyzmq", "c"), (False, False)),
])
def peers__one_each__have_process_and_queues(agent, start, place, transport, languages, are_tapped):
    puller, pusher, _, push = link(start, place[transport], languages, are_tapped)
    to, = wait_peers(agent, pusher, "PUSH", lambda p: pids(p) == [puller.pid] and is_stuck(p[0], push))
    assert (to["program"], to["type"]) == (program_of(languages[0]), "PULL")
    assert to["receive_queue"] == 0 and to["unread_bytes"] == 0 and to["peer_unread_bytes"] > 0
    assert to["full_since"] > 1e9
    assert to["address"].startswith(transport + "://")
    assert ("retransmits" in to) == (transport == "tcp")
    source, = wait_peers(agent, puller, "PULL", lambda p: pids(p) == [pusher.pid])
    assert (source["program"], source["type"]) == (program_of(languages[1]), "PUSH")
    assert source["receive_queue"] == 10 and source["send_queue"] == 0
    assert source["unread_bytes"] > 0 and "full_since" not in source


@pytest.mark.parametrize("transport", TRANSPORTS)
def peers__two__have_queues_of_their_own(agent, start, place, transport):
    """The one takes nothing, the other a little: which is which is not a matter of order."""
    publisher, stuck, other = start(), start("pyzmq"), start(is_tapped=False)
    pub = publisher.socket(zmq.ROUTER, sndhwm=20)
    endpoint = pub.bind(place[transport])
    for puppet, name in ((stuck, "stuck"), (other, "other")):
        dealer = puppet.socket(zmq.DEALER, rcvhwm=10)
        dealer.set(zmq.ROUTING_ID, name)
        dealer.connect(endpoint)
        dealer.send()
        assert pub.recv()[0] == 1
    pub.send(5, first=b"other")

    def are_filled(peers):
        pub.send(50, MESSAGE, first=b"stuck")
        return pids(peers) == sorted([stuck.pid, other.pid]) and any(
            peer["send_queue"] and peer["unsent_bytes"] for peer in peers)

    found = wait_peers(agent, publisher, "ROUTER", are_filled)
    by_pid = {peer["pid"]: peer for peer in found}
    assert by_pid[stuck.pid]["send_queue"] > 0 and by_pid[stuck.pid]["unsent_bytes"] > 0
    assert by_pid[other.pid]["send_queue"] == 0 and by_pid[other.pid]["unsent_bytes"] == 0
    assert by_pid[stuck.pid]["program"] == "puppet.py"


def peers__one_is_no_zeromq_program__has_its_process(agent, start):
    puppet = start()
    stream = puppet.socket(zmq.STREAM)
    port = stream.bind("tcp://127.0.0.1:*").rsplit(":", 1)[1]
    with Process([products.PYTHON, "-c", STRANGER, port], None) as stranger:
        assert stranger.line() == "ok"
        peer, = wait_peers(agent, puppet, "STREAM", lambda p: pids(p) == [stranger.pid])
        assert "type" not in peer and peer["program"].startswith("python3")


@pytest.mark.parametrize("spelling", SPELLINGS)
def peers__endpoint_is_written_in_any_way__have_process(agent, start, spelling):
    to_bind, to_connect, ipv6 = SPELLINGS[spelling]
    puller, pusher = start(), start("pyzmq")
    pull, push = puller.socket(zmq.PULL, ipv6=ipv6), pusher.socket(zmq.PUSH, ipv6=ipv6)
    bound = pull.bind(to_bind.format(pid=puller.pid))
    push.connect(to_connect.format(bound.rsplit(":", 1)[1], pid=puller.pid))
    assert push.send(1) == 1
    to, = wait_peers(agent, pusher, "PUSH", lambda p: pids(p) == [puller.pid])
    source, = wait_peers(agent, puller, "PULL", lambda p: pids(p) == [pusher.pid])
    assert (to["program"], source["program"]) == ("puppet", "puppet.py")
    if spelling == "abstract":
        assert to["address"] == source["address"] == f"ipc://@peers-{puller.pid}"
    else:
        host = "[::1]" if spelling.startswith("ipv6") else "127.0.0.1"
        hosts = {host, "[::1]"} if spelling == "localhost-ipv6" else {host}  # as it is resolved
        assert to["address"] in {f"tcp://{one}:{bound.rsplit(':', 1)[1]}" for one in hosts}
        assert source["address"].rsplit(":", 1)[0] in {f"tcp://{one}" for one in hosts}


def peers__one_has_forked__is_the_parent(agent, start, directory):
    puller = start()
    endpoint = puller.socket(zmq.PULL).bind("tcp://127.0.0.1:*")
    with Process([products.PYTHON, "-c", FORKS_PUSH, endpoint], directory) as program:
        child = int(program.line())
        assert child != program.pid
        wait_peers(agent, puller, "PULL",
                   lambda p: [(peer.get("pid"), peer.get("type")) for peer in p] == [(program.pid, "PUSH")])


def peers__connection_goes_on_in_a_child__is_the_child(agent, start):
    puppet = start()
    port = puppet.socket(zmq.STREAM).bind("tcp://127.0.0.1:*").rsplit(":", 1)[1]
    end, ours = os.pipe()
    os.set_inheritable(end, True)
    try:
        with Process([products.PYTHON, "-c", FORKS, port, end], None, pass_fds=[end]) as program:
            child = int(program.line())
            wait_peers(agent, puppet, "STREAM", lambda p: pids(p) == [program.pid])
        wait_peers(agent, puppet, "STREAM", lambda p: pids(p) == [child])
    finally:
        os.close(end)
        os.close(ours)


def program_seen_by(agent, program, kind):
    """Who the only peer of that program's only socket of this kind is said to be; None: not known."""
    answer = json.loads(agent.get(f"/api/v1/sockets/open?program={program}&type={kind}"))
    found = [socket.get("peers", []) for socket in answer["open"]]
    return found[0][0].get("program") if len(found) == 1 and len(found[0]) == 1 else None


def wait_program(agent, program, kind, expected):
    wait_equal(lambda: program_seen_by(agent, program, kind), expected, f"the peer of {program}")


# The process's own pid namespace, in which it is number 1; it ends with who started it.
CONTAINED = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")


@pytest.mark.parametrize("prefix,is_tapped", [((), True), ((), False), (CONTAINED, True), (CONTAINED, False)],
                         ids=["tapped", "not tapped", "contained", "contained, not tapped"])
def peers__program_has_a_name_of_its_own__is_called_as_on_the_page(agent, directory, place, prefix, is_tapped):
    """The environment names a program for its tap; where there is none, the reader's name is on the page."""
    if prefix and subprocess.run([*prefix, "true"], check=False).returncode:
        pytest.skip("it takes the right to make pid namespaces")
    named = Puppet("c", directory if is_tapped else None, prefix=prefix,
                   variables={"ZMQ_EXPORTER_PROGRAM": "ledger"})
    other = Puppet("c", directory, variables={"ZMQ_EXPORTER_PROGRAM": "orders"})
    try:
        pull, push = named.socket(zmq.PULL), other.socket(zmq.PUSH)
        push.connect(pull.bind(place["tcp"]))
        assert push.send(1) == 1
        on_page = "ledger" if is_tapped else "puppet"
        wait_for(lambda: agent.scrape().value("zmq_sockets", program=on_page, type="PULL") == 1, "the socket")
        wait_program(agent, "orders", "PUSH", on_page)
        wait_program(agent, on_page, "PULL", "orders")
    finally:
        end_all([named, other])


def peers__one_in_the_same_process__is_this_process(agent, start):
    puppet = start()
    pull, push = puppet.socket(zmq.PULL), puppet.socket(zmq.PUSH)
    pull.bind("inproc://within")
    push.connect("inproc://within")
    # A look that comes within the call of connect finds no address yet.
    peer, = wait_peers(agent, puppet, "PUSH", lambda p: pids(p) == [puppet.pid] and "address" in p[0])
    assert peer["address"] == "inproc://within" and "unsent_bytes" not in peer


@pytest.mark.parametrize("transport", TRANSPORTS)
def peers__one_closes__disappears(agent, start, place, transport):
    puller, pusher, pull, push = link(start, place[transport])
    wait_peers(agent, puller, "PULL", lambda p: pids(p) == [pusher.pid])
    push.set(zmq.LINGER, 0)
    push.close()
    wait_peers(agent, puller, "PULL", lambda p: pull.recv(1000, zmq.DONTWAIT) and p == [])


def peers__nobody_listens__there_are_none(agent, start):
    puppet = start()
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        puppet.socket(zmq.PUSH).connect(f"tcp://127.0.0.1:{reserved.getsockname()[1]}")
        wait_peers(agent, puppet, "PUSH", lambda p: p == [])


def peers__queue_is_emptied__is_full_no_longer(agent, start, place):
    puller, pusher, pull, push = link(start, place["tcp"])
    wait_peers(agent, pusher, "PUSH", lambda p: p and is_stuck(p[0], push))
    pull.recv(30)
    wait_for(lambda: pull.recv(1000, zmq.DONTWAIT)[0] == 0, "an empty queue")
    wait_peers(agent, pusher, "PUSH", lambda p: p and "full_since" not in p[0] and p[0]["send_queue"] == 0)


@pytest.mark.parametrize("are_tapped", [(True, False), (False, True)])
def page__group_has_a_stuck_connection__its_worst_is_there(agent, start, place, are_tapped):
    puller, pusher, pull, push = link(start, place["ipc"], are_tapped=are_tapped)
    wait_peers(agent, pusher, "PUSH", lambda p: pids(p) == [puller.pid] and is_stuck(p[0], push))
    labels = {"program": "puppet", "address": place["ipc"]}
    name = "zmq_socket_worst_connection_{}_bytes"
    seen = []

    def has_unsent():
        push.fill(size=MESSAGE)  # what the kernel has taken meanwhile
        seen[:] = [agent.scrape()]
        return (seen[0].value(name.format("unsent"), type="PUSH", **labels) or 0) > 0

    wait_for(has_unsent, lambda: f"bytes that are not sent; {seen[0].find(name.format('unsent'))}")
    page, = seen
    unread = page.value(name.format("unread"), type="PULL", **labels)
    assert unread > 0 and page.value(name.format("unsent"), type="PULL", **labels) == 0
    assert page.value("zmq_socket_worst_connection_retransmits", type="PUSH", **labels) is None


def page__no_reader__has_no_kernel_numbers(directory, start, place):
    with Agent(directory) as running:
        running.keep_log()
        link(start, place["ipc"])
        assert not running.scrape().find("zmq_socket_worst_connection_unsent_bytes")


def peers__network_namespace_of_its_own__is_not_mixed_up(agent, start, directory):
    """The same addresses are another connection there."""
    if subprocess.run(["unshare", "-n", "true"], check=False).returncode:
        pytest.skip("it takes the right to make network namespaces")
    inside = Puppet("c", directory, prefix=["unshare", "-n", "sh", "-c",
                                            'ip link set lo up; exec "$@"', "sh"])
    try:
        outside = start()
        pull, push = inside.socket(zmq.PULL), inside.socket(zmq.PUSH)
        port = pull.bind("tcp://127.0.0.1:*").rsplit(":", 1)[1]
        push.connect(f"tcp://127.0.0.1:{port}")
        outside.socket(zmq.PULL).bind(f"tcp://127.0.0.1:{port}")
        peer, = wait_peers(agent, inside, "PUSH", lambda p: len(p) == 1)
        assert "pid" not in peer and "unsent_bytes" not in peer and peer["send_queue"] == 0
    finally:
        end_all([inside])


class Link:
    """A PULL that stands still, and a PUSH to it that is full, each a process of that program's name."""

    def __init__(self, directory, name, folders=(None, None), prefix=()):
        self.puppets = [
            Puppet("c", directory, prefix=prefix, cwd=where, variables={"ZMQ_EXPORTER_PROGRAM": f"{end}-{name}"})
            for end, where in zip(("ledger", "orders"), folders)]
        self.pull = self.puppets[0].socket(zmq.PULL, rcvhwm=10)
        self.push = self.puppets[1].socket(zmq.PUSH, sndhwm=10)
        self.expected = (f"ledger-{name}", [f"orders-{name}"])

    def join(self, to_bind, to_connect):
        bound = self.pull.bind(to_bind)
        self.push.connect(to_connect or bound)
        return bound

    def fill(self):
        self.push.fill(size=MESSAGE)


def wait_each_names_its_own(agent, links):
    """No receiver is said to block the other link's sender, which has the same address."""
    found, ours = [], {name for one in links for name in (one.expected[0], *one.expected[1])}

    def are_named():
        for one in links:
            one.fill()
        told = json.loads(agent.get("/api/v1/problems"))["problems"]
        found[:] = sorted((p["program"], [b["program"] for b in p["blocked"]])
                          for p in told if p["program"] in ours)  # of the host there may be others
        return found == sorted(one.expected for one in links)

    wait_for(are_named, lambda: f"each names its own, there are {found}")


def problems__same_path_in_two_folders__each_names_its_own(agent, directory, folder):
    links = []
    try:
        for name in ("one", "two"):
            where = folder / name
            where.mkdir()
            links.append(Link(directory, name, folders=(where, where)))
            links[-1].join("ipc://feed", "ipc://feed")
        wait_each_names_its_own(agent, links)
    finally:
        end_all([puppet for one in links for puppet in one.puppets])


def problems__path_is_written_in_two_ways__is_one_link(agent, directory, folder):
    link = Link(directory, "one", folders=(None, folder))
    try:
        link.join(f"ipc://{folder}/feed", "ipc://feed")
        wait_each_names_its_own(agent, [link])
    finally:
        end_all(link.puppets)


@contextlib.contextmanager
def network_namespace():
    """The words that start a program in a network namespace of its own, which has a loopback interface."""
    with subprocess.Popen(["unshare", "-n", "sh", "-c", "ip link set lo up && echo up && read end"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "up\n"
        yield "nsenter", f"--net=/proc/{holder.pid}/ns/net"
        holder.stdin.close()


@pytest.mark.parametrize("is_one_ours", [True, False], ids=["one is the exporter's", "both are others"])
def problems__same_port_in_two_network_namespaces__each_names_its_own(agent, directory, is_one_ours):
    if subprocess.run(["unshare", "-n", "true"], check=False).returncode:
        pytest.skip("it takes the right to make network namespaces")
    links, bound = [], "tcp://127.0.0.1:*" if is_one_ours else "tcp://127.0.0.1:5556"  # where all are free
    try:
        with contextlib.ExitStack() as spaces:
            for name in ("one", "two"):
                is_ours = is_one_ours and not links
                enter = () if is_ours else spaces.enter_context(network_namespace())
                links.append(Link(directory, name, prefix=enter))
                bound = links[-1].join(bound, None)
            wait_each_names_its_own(agent, links)
    finally:
        end_all([puppet for one in links for puppet in one.puppets])
