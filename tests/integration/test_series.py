# SPDX-License-Identifier: MPL-2.0
"""How many series a socket has, and where the others are."""

from collections import Counter

import pytest
import zmq

from support import http
from support.agent import Agent, Page
from support.waiting import wait_for

OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"
DETAILS = {"zmq_socket_events_total", "zmq_socket_option", "zmq_socket_security_info",
           "zmq_socket_largest_sent_frame_bytes", "zmq_socket_largest_received_frame_bytes",
           "zmq_socket_receive_would_block_total", "zmq_socket_receive_blocked_seconds_total"}


@pytest.fixture
def busy(directory, start):
    """A DEALER each way over tcp: the most that a socket has."""
    puppet = start("c")
    one, other = puppet.socket(zmq.DEALER), puppet.socket(zmq.DEALER)
    other.connect(one.bind("tcp://127.0.0.1:*"))
    # The one that connects begins: it has a queue at once, so that nobody waits for a peer.
    assert other.send(2) == 2 and one.recv(1)[0] == 1
    assert one.send(3) == 3 and other.recv(2)[0] == 2
    return one


def scrape(agent, path="/metrics"):
    return Page(http.request(agent.address, path).text)


def of_sockets(page, address):
    return Counter(s.name for s in page.samples
                   if s.name.startswith("zmq_socket") and s.labels.get("address") == address)


def names(page):
    return {s.name for s in page.samples}


def keys(page):
    return {(s.name, tuple(sorted(s.labels.items()))) for s in page.samples}


def test_page__busy_dealer__has_at_most_40_series(directory, busy):
    with Agent(directory, has_details=False) as agent:
        agent.wait_value(3, "zmq_socket_sent_messages_total", address=busy.endpoint)
        agent.wait_value(1, "zmq_socket_handshakes_total", address=busy.endpoint)
        wait_for(lambda: agent.scrape().value("zmq_socket_receive_queue_fill_ratio_count",
                                              address=busy.endpoint), "sampled queues")
        found = of_sockets(agent.scrape(), busy.endpoint)
        assert 30 < sum(found.values()) <= 40, found
        assert found["zmq_socket_handshake_failures_total"] == 3  # one of each cause
        assert not DETAILS & names(agent.scrape())
        assert agent.scrape().find("zmq_tap_capability", state="on") == []


def test_details__by_name__are_what_the_page_does_not_have(directory, busy):
    with Agent(directory, has_details=False) as agent:
        agent.wait_value(3, "zmq_socket_sent_messages_total", address=busy.endpoint)
        usual, details = scrape(agent), scrape(agent, "/metrics?collect[]=details")
        assert DETAILS <= names(details)
        assert not keys(usual) & keys(details) - {
            k for k in keys(usual) if k[0].startswith(("process_", "zmq_exporter_"))}
        assert details.value("zmq_socket_option", address=busy.endpoint, option="linger") == -1
        assert details.value("zmq_tap_capability", capability="messages", state="on") == 1
        both = scrape(agent, "/metrics?collect[]=tap&collect[]=details")
        assert DETAILS | {"zmq_sockets"} <= names(both)


def test_details__before_anything_else_was_asked__are_of_this_moment(directory, busy):
    with Agent(directory, has_details=False) as agent:
        wait_for(lambda: scrape(agent, "/metrics?collect[]=details").value(
            "zmq_socket_events_total", address=busy.endpoint, event="accepted") == 1, "what has happened")


def test_details__flag__are_on_the_page(directory, busy):
    with Agent(directory) as agent:
        agent.wait_value(3, "zmq_socket_sent_messages_total", address=busy.endpoint)
        assert DETAILS | {"zmq_sockets"} <= names(agent.scrape())
        assert not DETAILS & names(scrape(agent, "/metrics?exclude[]=details"))


def test_created__flag__tells_since_when(directory, busy):
    def created(agent):
        agent.wait_value(3, "zmq_socket_sent_messages_total", address=busy.endpoint)
        text = http.request(agent.address, Accept=OPEN).text
        return [line for line in text.splitlines() if line.startswith("zmq_socket_sent_messages_created")]
    with Agent(directory) as agent:
        assert created(agent) == []
    with Agent(directory, "--web.created-timestamps") as agent:
        assert len(created(agent)) == 2
