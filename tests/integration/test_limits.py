# SPDX-License-Identifier: MPL-2.0
"""However many endpoints there are, the page stays small and its sums stay right."""

import zmq

from support.agent import Agent

SENT, FOLDED = "zmq_socket_sent_messages_total", "zmq_tap_folded_groups_total"
OTHER = "(other)"


def use_endpoints(puppet, n, first=0):
    """A pair of sockets for each endpoint; `i + 1` messages over the i-th. Returns how many in all."""
    for i in range(first, first + n):
        pull, push = puppet.socket(zmq.PULL), puppet.socket(zmq.PUSH)
        push.connect(pull.bind(f"inproc://endpoint-{i}"))
        assert push.send(i + 1) == i + 1
        assert pull.recv(i + 1)[0] == i + 1
    return sum(range(first + 1, first + n + 1))


def sent(page):
    """Messages sent by endpoint."""
    return {(s.labels["program"], s.labels["address"]): s.value for s in page.samples
            if s.name == SENT and s.labels["type"] == "PUSH"}


def groups(page):
    return {(s.labels["program"], s.labels["type"], s.labels["address"]) for s in page.samples
            if s.name.startswith("zmq_socket")}


def test_process__beyond_its_groups__is_shown_together(agent, start):
    puppet = start("c", variables={"ZMQ_EXPORTER_MAX_GROUPS": "6", "ZMQ_EXPORTER_PROGRAM": "feed"})
    total = use_endpoints(puppet, 12)
    puppet.wait_counter(total, "SENT_MESSAGES", "PUSH")
    page = agent.scrape()
    assert sum(sent(page).values()) == total
    # Six, of which a type's sockets without an endpoint yet are one each; and (other) of each type.
    assert len(groups(page)) <= 8
    assert ("feed", "PUSH", OTHER) in groups(page) and ("feed", "PULL", OTHER) in groups(page)
    assert page.value(FOLDED, program="feed") == 2 * 12 - 4
    assert page.value("zmq_sockets", program="feed", type="PULL", address=OTHER) == 10

    # A great many more cost no series.
    total += use_endpoints(puppet, 40, first=12)
    puppet.wait_counter(total, "SENT_MESSAGES", "PUSH")
    later = agent.scrape()
    assert groups(later) == groups(page)
    assert sum(sent(later).values()) == total


def test_host__beyond_its_groups__is_shown_together_and_stays_so(directory, start):
    with Agent(directory, "--tap.max-groups=9") as agent:
        puppets = [start("c", variables={"ZMQ_EXPORTER_PROGRAM": f"feed-{i}"}) for i in range(3)]
        for i, puppet in enumerate(puppets):
            total = use_endpoints(puppet, 4)
            puppet.wait_counter(total, "SENT_MESSAGES", "PUSH")
            assert sum(v for (program, _), v in sent(agent.scrape()).items() if program == f"feed-{i}") == total
        page = agent.scrape()
        ordinary = {group for group in groups(page) if group[2] != OTHER}
        assert len(ordinary) <= 9 and len(groups(page)) <= 9 + 2 * 3
        assert page.value(FOLDED, program="feed-2") == 2 * 4 + 2  # and those without an endpoint
        puppets[0].end()
        agent.wait_value(0, "zmq_processes", program="feed-0")
        agent.wait_value(0, "zmq_exporter_segments", state="dead")
        before = sent(agent.scrape())
        assert sum(before.values()) == 3 * total
    with Agent(directory, "--tap.max-groups=9") as agent:
        assert sent(agent.scrape()) == before
