# SPDX-License-Identifier: MPL-2.0
"""Probes against real peers of every socket type, in C, CZMQ and pyzmq, with every mechanism."""

import contextlib
import signal
import socket

import zmq

from support.probe_peers import LIBRARIES, MECHANISMS, PeerProgram, security, start_peers
from support.probing import BY_GREETING, SOCKET_TYPES, ProbingAgent, probe, write_config
from support.waiting import DEADLINE_S, wait_for


def test_probe__every_type_library_and_mechanism__succeeds_and_nothing_else_moves(directory, folder):
    with contextlib.ExitStack() as stack:
        probes = {}
        for mechanism in MECHANISMS:
            for library in LIBRARIES:
                peers = stack.enter_context(start_peers(library, mechanism))
                for kind, endpoint in peers.endpoints.items():
                    name = f"{library} {mechanism} {kind}"
                    probes[name] = (probe(name, endpoint, kind, security=security(mechanism, folder)),
                                    mechanism, kind)
        assert len(probes) == 9 * len(SOCKET_TYPES)
        agent = stack.enter_context(
            ProbingAgent(directory, folder, [entry for entry, _, _ in probes.values()]))
        page = agent.wait_success(*probes)
        for name, (_, mechanism, kind) in probes.items():
            # READY is encrypted with CURVE, and not sent to a visitor with PLAIN.
            shown = kind if mechanism == "NULL" else ""
            assert agent.values("zmq_probe_peer_info", name, page) == {f"{mechanism},{shown},3.1": 1}
            connected = None if kind in BY_GREETING else 1
            assert agent.value("zmq_probe_connected", name, page) == connected
            assert agent.values("zmq_probe_failures_total", name, page) == {
                "resolve": 0, "connect": 0, "handshake": 0}
            assert agent.value("zmq_probe_disconnects_total", name, page) in (None, 0)
            assert agent.value("zmq_probe_handshake_duration_seconds", name, page) > 0
        assert page.find("zmq_probe_failure_info") == []


def test_probe__transports_and_names__are_all_reached(directory, folder, context):
    kinds = {"ipc": f"ipc://{folder}/s", "abstract": f"ipc://@{folder}/s", "ipv6": "tcp://[::1]:*",
             "name": "tcp://127.0.0.1:*"}
    sockets, probes = [], []
    for name, endpoint in kinds.items():
        for kind in ("PUB", "PUSH"):
            one = context.socket(getattr(zmq, kind))
            one.linger, one.ipv6 = 0, name == "ipv6"
            one.bind(endpoint + (kind if "ipc" in endpoint else ""))
            found = one.last_endpoint.decode().rstrip("\0")
            if name == "name":
                found = found.replace("127.0.0.1", "localhost")
            elif name == "abstract":
                found = endpoint + kind
            sockets.append(one)
            probes.append(probe(f"{name} {kind}", found, kind))
    with ProbingAgent(directory, folder, probes) as agent:
        page = agent.wait_success(*[p["name"] for p in probes])
        assert page.value("zmq_exporter_probes") == 8


def test_probe__that_binds__counts_the_peers_that_connect(directory, folder, context):
    endpoints = {kind: f"ipc://{folder}/{kind}" for kind in SOCKET_TYPES if kind not in BY_GREETING}
    probes = [probe(kind, endpoint, kind, bind=True) for kind, endpoint in endpoints.items()]
    with ProbingAgent(directory, folder, probes) as agent:
        page = agent.wait_success(*endpoints, value=0)
        assert all(agent.value("zmq_probe_peers", kind, page) == 0 for kind in endpoints)
        sockets = {kind: [context.socket(getattr(zmq, kind)) for _ in range(2)] for kind in endpoints}
        for kind, pair in sockets.items():
            for one in pair:
                one.linger = 0
                one.connect(endpoints[kind])
        agent.wait_success(*endpoints)
        for kind, pair in sockets.items():
            agent.wait_value(2, "zmq_probe_peers", probe=kind)
            pair[0].close()
            agent.wait_value(1, "zmq_probe_peers", probe=kind)
            agent.wait_value(1, "zmq_probe_disconnects_total", probe=kind)
        # A peer of another type is refused by libzmq, on whichever side sees it first.
        stranger = context.socket(zmq.DEALER)
        stranger.linger = 0
        stranger.connect(endpoints["ROUTER"])
        wait_for(lambda: agent.values("zmq_probe_failures_total", "ROUTER")["handshake"] >= 1,
                 lambda: agent.get())
        assert agent.value("zmq_probe_peers", "ROUTER") == 1


def test_probe__that_binds__takes_no_place_that_is_taken(directory, folder, context):
    """libzmq would remove whatever is at an ipc path, and the program's clients would be ours."""
    owner, client = context.socket(zmq.PULL), context.socket(zmq.PUSH)
    owner.bind(f"ipc://{folder}/taken")
    tcp = context.socket(zmq.PULL)
    tcp.bind("tcp://127.0.0.1:*")
    (folder / "file").write_text("precious")
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(folder / "stale"))
    stale.close()
    endpoints = {"taken": f"ipc://{folder}/taken", "file": f"ipc://{folder}/file",
                 "tcp": tcp.last_endpoint.decode().rstrip("\0"), "stale": f"ipc://{folder}/stale"}
    probes = [probe(name, endpoint, "PULL", bind=True) for name, endpoint in endpoints.items()]
    with ProbingAgent(directory, folder, probes) as agent:
        agent.wait_failure("taken", ("transport", "EADDRINUSE", "connect"))
        agent.wait_failure("tcp", ("transport", "EADDRINUSE", "connect"))
        agent.wait_failure("file", ("transport", "EEXIST", "connect"))
        agent.wait_success("stale", value=0)
        wait_for(lambda: agent.value("zmq_probe_attempts_total", "taken") >= 3, "more attempts")
        assert (folder / "file").read_text() == "precious"
        client.connect(endpoints["taken"])
        client.send(b"work")
        assert owner.poll(DEADLINE_S * 1000) and owner.recv() == b"work"
        owner.close(linger=0)  # now the place is free
        agent.wait_success("taken", value=0)
        wait_for(lambda: agent.failure("taken") is None, "the probe to bind")
        worker = context.socket(zmq.PULL)
        worker.connect(endpoints["taken"])
        agent.wait_success("taken")


def test_probe__that_binds__is_still_reached_after_a_change(directory, folder, context):
    endpoint = f"ipc://{folder}/bound"
    with ProbingAgent(directory, folder, [probe("bound", endpoint, "PUB", bind=True)]) as agent:
        agent.wait_success("bound", value=0)
        for size in range(1000, 1005):
            write_config(agent.config, [probe("bound", endpoint, "PUB", bind=True, max_message_size=size)])
            assert agent.reload()[0] == 200
            with context.socket(zmq.PUB) as one:
                one.linger, one.reconnect_ivl = 0, 20
                one.connect(endpoint)
                agent.wait_success("bound")


def test_probe__that_binds_with_curve__lets_in_who_knows_its_key(directory, folder, context):
    public, secret = (key.decode() for key in zmq.curve_keypair())
    (folder / "key").write_text(secret)
    (folder / "key").chmod(0o600)
    endpoint = f"ipc://{folder}/bound"
    curve = {"mechanism": "CURVE", "secret_key_file": "key"}
    with ProbingAgent(directory, folder, [probe("bound", endpoint, "PUB", bind=True, security=curve)]) as agent:
        agent.wait_success("bound", value=0)
        for server_key in (zmq.curve_keypair()[0], public.encode()):
            one = context.socket(zmq.PUB)
            one.linger = 0
            one.curve_publickey, one.curve_secretkey = zmq.curve_keypair()
            one.curve_serverkey = server_key
            one.connect(endpoint)
            if server_key != public.encode():
                wait_for(lambda: agent.values("zmq_probe_failures_total", "bound")["handshake"] >= 1, agent.get)
                assert agent.value("zmq_probe_peers", "bound") == 0
        agent.wait_success("bound")
        agent.wait_value(1, "zmq_probe_peers", probe="bound")


def test_probe__peer_that_comes_and_goes__is_followed(directory, folder, context):
    endpoint = f"ipc://{folder}/flapping"
    with ProbingAgent(directory, folder, [probe("flapping", endpoint, "PUB")]) as agent:
        for i in range(5):
            one = context.socket(zmq.PUB)
            one.bind(endpoint)
            agent.wait_success("flapping")
            assert agent.value("zmq_probe_disconnects_total", "flapping") == i
            one.close(linger=0)
            agent.wait_success("flapping", value=0)
        agent.wait_value(5, "zmq_probe_disconnects_total", probe="flapping")


def test_probe__peer_that_hangs__is_given_up_after_the_heartbeats(directory, folder):
    """The kernel still accepts, the program does nothing: only pings tell."""
    with PeerProgram("zmq", "NULL") as peers:
        probes = [probe("hangs", peers.endpoints["PUB"], "PUB", timeout="1s",
                        heartbeat_interval="200ms", heartbeat_timeout="2s"),
                  probe("greeting", peers.endpoints["PUSH"], "PUSH", timeout="1s")]
        with ProbingAgent(directory, folder, probes) as agent:
            agent.wait_success("hangs", "greeting")
            peers.send_signal(signal.SIGSTOP)
            wait_for(lambda: agent.value("zmq_probe_disconnects_total", "hangs") >= 1, "the pings to fail")
            for name in ("hangs", "greeting"):
                agent.wait_failure(name, ("transport", "ETIMEDOUT", "handshake"))
            peers.send_signal(signal.SIGCONT)
            agent.wait_success("hangs", "greeting")
