# SPDX-License-Identifier: MPL-2.0
"""Options that only checks and single sockets show: as libzmq tells them, or from the calls seen."""

import json

import pytest
import zmq

from support.puppet import LANGUAGES

SECRET = zmq.curve_keypair()[1].decode()



@pytest.mark.parametrize("language", LANGUAGES)
def test_options__set_before_and_after_the_bind__are_those_in_force(start, language):
    puppet = start(language)
    socket = puppet.socket(zmq.ROUTER, handshake_ivl=1234, ipv6=1, heartbeat_ivl=100)
    socket.bind("tcp://127.0.0.1:*")
    for word, value in [("OPTION_HANDSHAKE_IVL", 1234), ("OPTION_IPV6", 1), ("OPTION_ZAP_DOMAIN", 0),
                        ("OPTION_CURVE_SERVER", 0), ("OPTION_ROUTER_MANDATORY", 0), ("BINDS", 1),
                        ("CONNECTS", 0)]:
        puppet.wait_gauge(value, word, "ROUTER", "tcp://127.0.0.1:*")
    socket.set(zmq.HEARTBEAT_TTL, 3000)
    socket.set(zmq.HEARTBEAT_TIMEOUT, 500)
    socket.set(zmq.ROUTER_MANDATORY, 1)
    socket.set(zmq.ZAP_DOMAIN, "global")
    socket.set(zmq.CURVE_SECRETKEY, SECRET)
    socket.set(zmq.CURVE_SERVER, 1)
    for word, value in [("OPTION_HEARTBEAT_TTL", 3000), ("OPTION_HEARTBEAT_TIMEOUT", 500),
                        ("OPTION_ROUTER_MANDATORY", 1), ("OPTION_ZAP_DOMAIN", 1),
                        ("OPTION_CURVE_SERVER", 1), ("OPTION_PLAIN_SERVER", 0), ("OPTION_MECHANISM", 2)]:
        puppet.wait_gauge(value, word, "ROUTER", "tcp://127.0.0.1:*")


def test_endpoints__bound_connected_and_given_up__are_counted(start, folder):
    puppet = start("c")
    socket = puppet.socket(zmq.DEALER)
    first = f"ipc://{folder}/a"
    socket.bind(first)
    socket.bind(f"ipc://{folder}/b")
    socket.connect(f"ipc://{folder}/c")
    puppet.wait_gauge(2, "BINDS", "DEALER", first)
    puppet.wait_gauge(1, "CONNECTS", "DEALER", first)
    socket.unbind(f"ipc://{folder}/b")
    socket.disconnect(f"ipc://{folder}/c")
    puppet.wait_gauge(1, "BINDS", "DEALER", first)
    puppet.wait_gauge(0, "CONNECTS", "DEALER", first)


def test_calls_seen__types_they_mean_nothing_for__are_unknown(start, folder):
    puppet = start("c")
    endpoint = f"ipc://{folder}/a"
    puppet.socket(zmq.PUSH).bind(endpoint)
    puppet.wait_gauge(1, "BINDS", "PUSH", endpoint)
    assert not puppet.segment().gauge("OPTION_ROUTER_MANDATORY", "PUSH", endpoint)
    for kind in ("PUB", "XPUB"):
        endpoint = f"ipc://{folder}/{kind}"
        puppet.socket(getattr(zmq, kind), xpub_nodrop=1).bind(endpoint)
        puppet.wait_gauge(1, "OPTION_XPUB_NODROP", kind, endpoint)


def test_open_sockets__page__has_the_options_and_no_secret(start, agent):
    puppet = start("c")
    socket = puppet.socket(zmq.REP, curve_server=1)
    socket.set(zmq.CURVE_SECRETKEY, SECRET)
    socket.set(zmq.ZAP_DOMAIN, "geheim")
    socket.bind("tcp://127.0.0.1:*")
    puppet.wait_gauge(1, "OPTION_ZAP_DOMAIN", "REP", "tcp://127.0.0.1:*")
    text = agent.get("/api/v1/sockets/open")
    [one] = json.loads(text)["open"]
    assert one["fields"]["curve_server"] == 1 and one["fields"]["zap_domain"] == 1
    assert one["fields"]["binds"] == 1
    assert "geheim" not in text and SECRET not in text
