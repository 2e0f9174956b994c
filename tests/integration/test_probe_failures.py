# SPDX-License-Identifier: MPL-2.0
"""Endpoints that are not as configured: each has its own cause and detail, and only that moves."""

import contextlib
import signal
import socket

import pytest
import zmq

from support import products, zmtp_peers
from support.probing import ProbingAgent, probe
from support.waiting import DEADLINE_S, wait_for
from support.zap import ZapHandler

PUBLIC, SECRET = (key.decode() for key in zmq.curve_keypair())
OTHER_PUBLIC = zmq.curve_keypair()[0].decode()

CURVE = {"mechanism": "CURVE", "server_key": PUBLIC}
PLAIN = {"mechanism": "PLAIN", "username": "probe", "password_env": "PROBE_TEST_PASSWORD"}


# With status 300 libzmq tells the peer nothing: it closes, or leaves the connection as it is.
SILENCE = ("transport", "ETIMEDOUT or EPIPE")


@pytest.fixture(autouse=True)
def password(monkeypatch):
    monkeypatch.setenv("PROBE_TEST_PASSWORD", "geheim")


class Peers:
    """Sockets of one context, with a ZAP handler that answers as their domain says."""

    def __init__(self):
        self.context = zmq.Context()
        self.zap = ZapHandler(self.context)
        self.sockets = []

    def bind(self, kind, **options):
        one = self.context.socket(getattr(zmq, kind))
        one.linger = 0
        for name, value in options.items():
            setattr(one, name, value)
        one.bind("tcp://127.0.0.1:*")
        self.sockets.append(one)
        return one.last_endpoint.decode().rstrip("\0")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in self.sockets:
            one.close()
        self.zap.__exit__()
        self.context.term()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def timeout(case):
    """Short only where it is waited for, so that a slow machine meets the others."""
    return {"timeout": "1s"} if "ETIMEDOUT" in str(case) else {}


def check(agent, name, cause, detail, phase):
    """That failure is shown, and nothing else has moved."""
    page = agent.wait_failure(name, (cause, detail, phase))
    failures = agent.values("zmq_probe_failures_total", name, page)
    assert failures.pop(phase) >= 1
    assert set(failures.values()) == {0}
    family = f"zmq_probe_{'handshake' if phase == 'handshake' else 'connect'}_failures_total"
    assert set(agent.values(family, name, page)) == {f"{cause},{detail}"}
    assert agent.value("zmq_probe_success", name, page) == 0
    assert agent.value("zmq_probe_connected", name, page) in (None, 0)
    assert agent.value("zmq_probe_disconnects_total", name, page) in (None, 0)
    return page


def test_probe__security_that_does_not_fit__says_which(directory, folder):
    with Peers() as peers:
        curve = {"curve_server": True, "curve_secretkey": SECRET.encode()}
        plain = {"plain_server": True}
        other_key = {"mechanism": "CURVE", "server_key": OTHER_PUBLIC}
        cases = {
            "wrong server key": (peers.bind("PUB", **curve), other_key, ("transport", "EPIPE")),
            "plain at null": (peers.bind("PUB"), PLAIN, ("protocol", "zmtp_mechanism_mismatch")),
            "null at curve": (peers.bind("PUB", **curve), {"mechanism": "NULL"},
                              ("protocol", "zmtp_mechanism_mismatch")),
            "curve at plain": (peers.bind("PUB", **plain, zap_domain=b"200"), CURVE,
                               ("protocol", "zmtp_mechanism_mismatch")),
        }
        for status in (300, 400, 500):
            domain = {"zap_domain": str(status).encode()}
            told = ("auth", str(status)) if status > 300 else SILENCE
            cases[f"null {status}"] = (peers.bind("PUB", **domain), {"mechanism": "NULL"}, told)
            cases[f"plain {status}"] = (peers.bind("PUB", **plain, **domain), PLAIN, told)
            cases[f"curve {status}"] = (peers.bind("PUB", **curve, **domain), CURVE, told)
        probes = [probe(name, endpoint, "PUB", security=security, **timeout(failure))
                  for name, (endpoint, security, failure) in cases.items()]
        with ProbingAgent(directory, folder, probes) as agent:
            for name, (_, _, failure) in cases.items():
                if failure != SILENCE:
                    check(agent, name, *failure, "handshake")
                    continue
                page = wait_for(lambda: agent.failure(name) and agent.scrape(), "a failure")
                seen = agent.values("zmq_probe_handshake_failures_total", name, page)
                assert set(seen) <= {"transport,EPIPE", "transport,ETIMEDOUT"}


def test_probe__socket_type_that_does_not_fit__is_seen_and_never_paired(directory, folder):
    with Peers() as peers:
        curve = {"curve_server": True, "curve_secretkey": SECRET.encode()}
        probes = [
            probe("null", peers.bind("PUSH"), "PUB"),
            probe("by greeting", peers.bind("ROUTER"), "PUSH"),
            probe("curve", peers.bind("DEALER", **curve), "ROUTER", security=CURVE),
        ]
        with ProbingAgent(directory, folder, probes) as agent:
            for name in ("null", "by greeting"):
                check(agent, name, "protocol", "zmtp_invalid_metadata", "handshake")
            # The type is encrypted: the peer finds it out and closes without a word.
            check(agent, "curve", "transport", "EPIPE", "handshake")
            labels = agent.values("zmq_probe_peer_info", "null")
            assert labels == {"NULL,PUSH,3.1": 1}


def test_probe__nobody_there__says_why(directory, folder):
    with zmtp_peers.FullBacklog() as full, zmtp_peers.closes() as closing:
        cases = {
            "not listening": (f"tcp://127.0.0.1:{free_port()}", "transport", "ECONNREFUSED", "connect"),
            "no file": (f"ipc://{folder}/none", "transport", "ENOENT", "connect"),
            "no abstract name": (f"ipc://@{folder}/none", "transport", "ECONNREFUSED", "connect"),
            "no name": ("tcp://does-not-exist.invalid:5555", "resolve", "EAI_NONAME", "resolve"),
            "black hole": (full.endpoint, "transport", "ETIMEDOUT", "connect"),
        }
        probes = [probe(name, case[0], "PUB", **timeout(case)) for name, case in cases.items()]
        probes.append(probe("closes", closing.endpoint, "PUB"))
        with ProbingAgent(directory, folder, probes) as agent:
            for name, case in cases.items():
                if name == "no name":  # without a name server the resolver has another answer
                    wait_for(lambda: agent.failure("no name"), "a failure")
                    assert agent.failure("no name")[0] == "resolve"
                    continue
                page = check(agent, name, *case[1:])
                assert agent.value("zmq_probe_handshake_duration_seconds", name, page) is None
            # Whether the last bytes or the end come first is up to the kernel.
            wait_for(lambda: agent.failure("closes") in (("transport", "EPIPE", "handshake"),
                                                         ("transport", "ECONNRESET", "handshake")),
                     lambda: agent.failure("closes"))


def test_probe__names_that_nobody_answers_for__hold_up_no_other(directory, folder, context):
    one = context.socket(zmq.PUB)
    one.bind("tcp://127.0.0.1:*")
    port = one.last_endpoint.decode().rstrip("\0").rsplit(":", 1)[1]
    slow = [probe(f"slow {i}", f"tcp://h{i}.slow.test:5555", "PUB", timeout="1s") for i in range(100)]
    fast = [probe(f"live {i}", f"tcp://live.test:{port}", "PUB") for i in range(10)]
    variables = {"LD_PRELOAD": str(products.BUILD / "tests/integration/programs/libslow_names.so")}
    with ProbingAgent(directory, folder, slow + fast, variables, probe_targets=["tcp://*.slow.test:*"]) as agent:
        agent.wait_success(*[entry["name"] for entry in fast])
        for entry in (slow[0], slow[99]):
            check(agent, entry["name"], "transport", "ETIMEDOUT", "resolve")
        page = agent.scrape()  # it does not wait for them either
        assert agent.value("zmq_probe_resolve_duration_seconds", "live 0", page) > 0
        assert agent.value("zmq_probe_resolve_duration_seconds", "slow 0", page) is None
        text = agent.request("/probe?target=tcp://x.slow.test:1&debug=true")[1]
        assert "failed in phase resolve, cause transport, detail ETIMEDOUT" in text, text
        agent.send_signal(signal.SIGTERM)
        assert agent.popen.wait(DEADLINE_S) == 0


def test_probe__local_socket_with_a_full_backlog__times_out(directory, folder):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / "full"))
    listener.listen(0)
    with contextlib.ExitStack() as stack:
        stack.enter_context(listener)
        while True:
            filler = stack.enter_context(socket.socket(socket.AF_UNIX))
            filler.setblocking(False)
            try:
                filler.connect(str(folder / "full"))
            except BlockingIOError:
                break
        probes = [probe("full", f"ipc://{folder}/full", "PUB", timeout="500ms")]
        with ProbingAgent(directory, folder, probes) as agent:
            check(agent, "full", "transport", "ETIMEDOUT", "connect")


def test_probe__hostile_peer__ends_within_the_deadline(directory, folder):
    good = zmtp_peers.greeting() + zmtp_peers.ready(b"PUB")
    cases = {
        "rubbish": (zmtp_peers.says(b"SSH-2.0-OpenSSH_9.2p1\r\n"), "protocol", "zmtp_unspecified"),
        "silent": (zmtp_peers.says(b""), "transport", "ETIMEDOUT"),
        "one byte a second": (zmtp_peers.drips(good), "transport", "ETIMEDOUT"),
        "no ready": (zmtp_peers.says(zmtp_peers.greeting()), "transport", "ETIMEDOUT"),
        "huge command": (zmtp_peers.says(zmtp_peers.greeting() + b"\x06" + b"\xff" * 8), "protocol",
                         "zmtp_malformed_command_unspecified"),
        "message too soon": (zmtp_peers.says(zmtp_peers.greeting() + b"\0\5hello"), "protocol",
                             "zmtp_unexpected_command"),
        "endless": (zmtp_peers.floods(), "protocol", "zmtp_unspecified"),
        "error": (zmtp_peers.says(zmtp_peers.greeting() + zmtp_peers.command(b"ERROR", b"\x03400")),
                  "auth", "400"),
        "no metadata": (zmtp_peers.says(zmtp_peers.greeting() + zmtp_peers.command(b"READY")),
                        "protocol", "zmtp_malformed_command_ready"),
    }
    with contextlib.ExitStack() as stack:
        for peer, *_ in cases.values():
            stack.enter_context(peer)
        probes = [probe(name, case[0].endpoint, "PUB", **timeout(case))
                  for name, case in cases.items()]
        agent = stack.enter_context(ProbingAgent(directory, folder, probes))
        for name, (_, cause, detail) in cases.items():
            check(agent, name, cause, detail, "handshake")


def test_probe__older_protocols__are_told_apart(directory, folder):
    v3_0 = zmtp_peers.greeting(minor=0) + zmtp_peers.ready(b"PUB", b"me")
    with zmtp_peers.says(zmtp_peers.SIGNATURE + b"\x01\x01") as v2, \
            zmtp_peers.says(b"\x01\x00") as v1, zmtp_peers.says(v3_0) as v3:
        probes = [probe("v1", v1.endpoint, "PUB"), probe("v2", v2.endpoint, "PUB"),
                  probe("v3", v3.endpoint, "PUB", method="greeting"),
                  probe("v2 wrong", v2.endpoint, "SUB")]
        with ProbingAgent(directory, folder, probes, probe_targets=["tcp://127.0.0.1:*"]) as agent:
            page = agent.wait_success("v1", "v2", "v3")
            assert agent.values("zmq_probe_peer_info", "v1", page) == {",,1.0": 1}
            assert agent.values("zmq_probe_peer_info", "v2", page) == {",PUB,2.0": 1}
            assert agent.values("zmq_probe_peer_info", "v3", page) == {"NULL,PUB,3.0": 1}
            # libzmq tells of no handshake with these, so there is no socket and no "connected".
            assert agent.value("zmq_probe_connected", "v2", page) is None
            check(agent, "v2 wrong", "protocol", "zmtp_invalid_metadata", "handshake")
            status, text = agent.request(f"/probe?target={v3.endpoint}&debug=true")
            assert status == 200
            assert "peer's identity: 6d65\n" in text


def test_probe__old_peer_that_could_queue_for_us__is_left_alone(directory, folder):
    push = zmtp_peers.greeting(minor=0) + zmtp_peers.ready(b"PUSH")
    with zmtp_peers.says(push) as parked, zmtp_peers.says(push) as visited, \
            zmtp_peers.says(zmtp_peers.SIGNATURE + b"\x01\x05") as dealer:
        probes = [probe("parked", parked.endpoint, "PUSH"), probe("dealer", dealer.endpoint, "any"),
                  probe("visited", visited.endpoint, "PUSH", greet_old_peers=True)]
        with ProbingAgent(directory, folder, probes) as agent:
            check(agent, "parked", "policy", "old_peer", "handshake")
            check(agent, "dealer", "policy", "old_peer", "handshake")
            wait_for(lambda: visited.visits >= 10, "ten visits of the third")
            assert agent.value("zmq_probe_success", "visited") == 1
            assert parked.visits == 1 and dealer.visits == 1


def test_probe__failures__leave_no_secret_anywhere(directory, folder, monkeypatch):
    monkeypatch.setenv("PROBE_TEST_KEY", SECRET)
    with Peers() as peers:
        security = [PLAIN, {"mechanism": "CURVE", "server_key": PUBLIC, "secret_key_env": "PROBE_TEST_KEY"}]
        options = [{"plain_server": True}, {"curve_server": True, "curve_secretkey": SECRET.encode()}]
        probes = [probe(str(i), peers.bind("PUB", zap_domain=b"400", **options[i]), "PUB",
                        security=security[i]) for i in range(2)]
        modules = {"plain": {"peer": "PUB", "security": PLAIN}}
        with ProbingAgent(directory, folder, probes, modules=modules,
                          probe_targets=["tcp://127.0.0.1:*"]) as agent:
            check(agent, "0", "auth", "400", "handshake")
            check(agent, "1", "auth", "400", "handshake")
            target = probes[0]["address"]
            texts = [agent.get(), agent.get("/api/v1/sockets"),
                     agent.request(f"/probe?target={target}&module=plain&debug=true")[1]]
            assert "detail 400" in texts[2]
            agent.send_signal(signal.SIGTERM)
            texts.append("".join(agent.log) + agent.popen.stderr.read())
        for text in texts:
            assert "geheim" not in text and SECRET not in text
