# SPDX-License-Identifier: MPL-2.0
"""Each refusal by peers of every socket type, in C, CZMQ and pyzmq, with each mechanism.

All of them are on one exporter, beside probes that succeed, in which nothing may move.
"""

import contextlib
import re

import zmq

from support.agent import Page
from support.probe_peers import LIBRARIES, MECHANISMS, security, start_peers
from support.probing import BY_GREETING, SOCKET_TYPES, ProbingAgent, probe
from support.waiting import wait_for

STATUSES = ("300", "400", "500")
MISMATCH = {("protocol", "zmtp_mechanism_mismatch")}
# libzmq tells the other side nothing: it closes, or leaves the connection as it is.
CLOSED = {("transport", "EPIPE"), ("transport", "ECONNRESET")}
SILENT = CLOSED | {("transport", "ETIMEDOUT")}

# A page of this size takes its parser a second.
SUCCESS = re.compile(r'^zmq_probe_success\{probe="([^"]*)".*\} (\d)$', re.M)
FAILURE = re.compile(r'^zmq_probe_failure_info\{probe="([^"]*)".*,phase="handshake",'
                     r'cause="(\w+)",detail="(\w+)"\} 1$', re.M)

CALM = {"interval": "2s", "reconnect_interval": "2s"}  # hundreds of them fail again and again


class Cases:
    """`probes` for the configuration; `expected[name]` is the set of failures that are right, None
    for a success."""

    def __init__(self, folder):
        self.folder, self.probes, self.expected = folder, [], {}
        self.keys = {mechanism: security(mechanism, folder) for mechanism in MECHANISMS}

    def add(self, name, endpoint, peer, settings, expected):
        patience = {"timeout": "2s"} if expected == SILENT else {}
        self.probes.append(probe(name, endpoint, peer, security=settings, **CALM, **patience))
        self.expected[name] = expected

    def add_open(self, title, mechanism, kind, endpoint):
        """A peer that lets in who is as it wants."""
        self.add(f"{title} good", endpoint, kind, self.keys[mechanism], None)
        for other in MECHANISMS:
            if other != mechanism:
                self.add(f"{title} as {other}", endpoint, kind, self.keys[other], MISMATCH)
        if mechanism == "CURVE" and kind not in BY_GREETING:
            wrong = {"mechanism": "CURVE", "server_key": zmq.curve_keypair()[0].decode()}
            self.add(f"{title} wrong key", endpoint, kind, wrong, CLOSED)
        if mechanism == "PLAIN" and kind not in BY_GREETING:
            wrong = {**self.keys["PLAIN"], "username": "nobody"}
            self.add(f"{title} wrong user", endpoint, kind, wrong, {("auth", "400")})
        # By greeting the type is seen in READY, which only NULL sends to a visitor.
        told = {("protocol", "zmtp_invalid_metadata")}
        stranger = "PUB" if kind == "PULL" else "PULL"
        self.add(f"{title} as {stranger}", endpoint, stranger, self.keys[mechanism],
                 told if mechanism == "NULL" else CLOSED | told)

    def add_refusing(self, title, mechanism, status, kind, endpoint):
        """A peer whose ZAP handler answers that."""
        expected = {("auth", status)} if status != "300" else SILENT
        if kind in BY_GREETING and mechanism != "NULL":
            expected = None  # a greeting ends before the credentials
        self.add(f"{title} refused {status}", endpoint, kind, self.keys[mechanism], expected)

    def wrong(self, text):
        """{name: failure or state} of those that are not as expected, or are not known yet."""
        states = {name: value == "1" for name, value in SUCCESS.findall(text)}
        failures = {name: (cause, detail) for name, cause, detail in FAILURE.findall(text)}
        return {name: failures.get(name, states.get(name)) for name, expected in self.expected.items()
                if states.get(name) != (expected is None)
                or (expected is not None and failures.get(name) not in expected)}


def statuses_of(library):
    """CZMQ's own handler refuses with 400 alone. pyzmq's is the test's."""
    return ("400",) if library == "czmq" else STATUSES


def start_all(stack, folder):
    cases = Cases(folder)
    for mechanism in MECHANISMS:
        for library in LIBRARIES:
            peers = stack.enter_context(start_peers(library, mechanism, "200" if library == "pyzmq" else None))
            for kind, endpoint in peers.endpoints.items():
                cases.add_open(f"{library} {mechanism} {kind}", mechanism, kind, endpoint)
            for status in statuses_of(library):
                peers = stack.enter_context(start_peers(library, mechanism, status))
                for kind, endpoint in peers.endpoints.items():
                    cases.add_refusing(f"{library} {mechanism} {kind}", mechanism, status, kind, endpoint)
    return cases


def are_right(cases, agent):
    text = agent.get()
    return not cases.wrong(text) and Page(text)


def by_probe(page, name):
    """{probe: sum} of a counter."""
    result = {}
    for sample in page.samples:
        if sample.name == name:
            result[sample.labels["probe"]] = result.get(sample.labels["probe"], 0) + sample.value
    return result


def test_probe__every_refusal__is_named_and_nothing_else_moves(directory, folder):
    with contextlib.ExitStack() as stack:
        cases = start_all(stack, folder)
        assert len(cases.probes) == 9 * 4 * len(SOCKET_TYPES) + 6 * 7 + 21 * len(SOCKET_TYPES)
        agent = stack.enter_context(ProbingAgent(directory, folder, cases.probes))
        page = wait_for(lambda: are_right(cases, agent), lambda: cases.wrong(agent.get()), 120)

        attempts, failed = by_probe(page, "zmq_probe_attempts_total"), by_probe(page, "zmq_probe_failures_total")
        handshakes = by_probe(page, "zmq_probe_handshake_failures_total")
        connects = by_probe(page, "zmq_probe_connect_failures_total")
        assert sum(by_probe(page, "zmq_probe_disconnects_total").values()) == 0
        for name, expected in cases.expected.items():
            if expected is None:
                assert failed[name] == 0, name
            else:
                assert handshakes[name] == failed[name] >= 1, name
                assert failed[name] in (attempts[name], attempts[name] - 1), name  # one may be under way
            assert connects.get(name, 0) == 0, name
            if expected is None and name.endswith(" good") and name.split()[2] not in BY_GREETING:
                assert attempts[name] == 1, name  # its connection stands
