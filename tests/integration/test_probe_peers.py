# SPDX-License-Identifier: MPL-2.0
"""Probes against real peers of every socket type, in C, CZMQ and pyzmq, with every mechanism."""

import contextlib
import signal

import zmq

from support import products
from support.process import Process
from support.probing import BY_GREETING, SOCKET_TYPES, ProbingAgent, probe
from support.waiting import wait_for
from support.zap import ZapHandler

MECHANISMS = ("NULL", "PLAIN", "CURVE")
SERVER_PUBLIC, SERVER_SECRET = (key.decode() for key in zmq.curve_keypair())


class PeerProgram(Process):
    """Sockets of every type in a program: `endpoints` by type."""

    def __init__(self, library, mechanism):
        super().__init__([*products.program("probe_peer"), library, mechanism, SERVER_SECRET])
        self.endpoints = {}
        for line in iter(self.line, "ready"):
            kind, endpoint = line.split()
            self.endpoints[kind] = endpoint


class PyzmqPeers:
    def __init__(self, mechanism):
        self.context = zmq.Context()
        self.zap = ZapHandler(self.context)
        self.sockets = {kind: self.context.socket(getattr(zmq, kind)) for kind in SOCKET_TYPES}
        self.endpoints = {}
        for kind, one in self.sockets.items():
            one.linger = 0
            if mechanism == "PLAIN":
                one.plain_server, one.zap_domain = True, b"200"
            elif mechanism == "CURVE":
                one.curve_server, one.curve_secretkey = True, SERVER_SECRET.encode()
            one.bind("tcp://127.0.0.1:*")
            self.endpoints[kind] = one.last_endpoint.decode().rstrip("\0")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in self.sockets.values():
            one.close()
        self.zap.__exit__()
        self.context.term()


def security(mechanism, folder):
    (folder / "password").write_text("geheim\n")
    (folder / "password").chmod(0o600)
    return {
        "NULL": {"mechanism": "NULL"},
        "PLAIN": {"mechanism": "PLAIN", "username": "probe", "password_file": "password"},
        "CURVE": {"mechanism": "CURVE", "server_key": SERVER_PUBLIC},
    }[mechanism]


def test_probe__every_type_library_and_mechanism__succeeds_and_nothing_else_moves(directory, folder):
    with contextlib.ExitStack() as stack:
        probes = {}
        for mechanism in MECHANISMS:
            for library in ("zmq", "czmq", "pyzmq"):
                peers = stack.enter_context(
                    PyzmqPeers(mechanism) if library == "pyzmq" else PeerProgram(library, mechanism))
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


def test_probe__transports_and_names__are_all_reached(directory, folder):
    context = zmq.Context()
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
    context.destroy(linger=0)


def test_probe__that_binds__counts_the_peers_that_connect(directory, folder):
    context = zmq.Context()
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
    context.destroy(linger=0)


def test_probe__peer_that_comes_and_goes__is_followed(directory, folder):
    context = zmq.Context()
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
    context.destroy(linger=0)


def test_probe__peer_that_hangs__is_given_up_after_the_heartbeats(directory, folder):
    """The kernel still accepts, the program does nothing: only pings tell."""
    with PeerProgram("zmq", "NULL") as peers:
        probes = [probe("hangs", peers.endpoints["PUB"], "PUB", timeout="1s",
                        heartbeat_interval="200ms", heartbeat_timeout="2s"),
                  probe("greeting", peers.endpoints["PUSH"], "PUSH", timeout="1s")]
        with ProbingAgent(directory, folder, probes) as agent:
            agent.wait_success("hangs", "greeting")
            peers.popen.send_signal(signal.SIGSTOP)
            wait_for(lambda: agent.value("zmq_probe_disconnects_total", "hangs") >= 1, "the pings to fail")
            for name in ("hangs", "greeting"):
                agent.wait_failure(name, ("transport", "ETIMEDOUT", "handshake"))
            peers.popen.send_signal(signal.SIGCONT)
            agent.wait_success("hangs", "greeting")
