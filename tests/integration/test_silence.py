# SPDX-License-Identifier: MPL-2.0
"""Programs whose tap cannot write: counters stay on the page, gauges leave it, and it is said."""

import json
import resource
import signal
import urllib.parse

import zmq

from support.waiting import wait_for

GAUGES = ("zmq_sockets", "zmq_socket_peers", "zmq_socket_send_queue_messages",
          "zmq_socket_send_queue_oldest_message_age_seconds",
          "zmq_socket_send_hwm_messages", "zmq_socket_send_hwm_proximity_ratio",
          "zmq_socket_last_sent_timestamp_seconds", "zmq_socket_option", "zmq_context_sockets",
          "zmq_context_max_sockets", "zmq_tap_capability")
SEGMENTS = "zmq_exporter_segments"


def queue_three(puppet, name="inproc://queue"):
    push, pull = puppet.socket(zmq.PUSH), puppet.socket(zmq.PULL)
    push.bind(name)
    pull.connect(name)
    assert push.send(3) == 3
    return push


def shown(agent, name, **labels):
    return agent.scrape().value(name, program="puppet", **labels)


def open_sockets(agent, **wanted):
    query = urllib.parse.urlencode(wanted)
    return json.loads(agent.get(f"/api/v1/sockets/open?{query}"))["open"]


def test_stopped__program__keeps_its_counters_and_loses_its_gauges(start, agent):
    puppet = start("c")
    queue_three(puppet)
    agent.wait_value(3, "zmq_socket_send_queue_messages", type="PUSH")
    page = agent.scrape()
    assert all(page.find(name) for name in GAUGES), page.text
    assert page.value("zmq_tap_silent_processes", program="puppet") == 0
    assert [s["is_silent"] for s in open_sockets(agent)] == [False, False]

    puppet.popen.send_signal(signal.SIGSTOP)
    agent.wait_value(1, SEGMENTS, state="silent")
    page = agent.scrape()
    assert not [name for name in GAUGES if page.find(name)], page.text
    assert page.value("zmq_socket_sent_messages_total", type="PUSH") == 3
    assert page.value("zmq_tap_silent_processes", program="puppet") == 1
    assert page.value("zmq_processes", program="puppet") == 1
    assert page.value("zmq_process_open_fds", program="puppet") > 0  # the kernel's own word
    assert page.value(SEGMENTS, state="live") == 0
    for socket in open_sockets(agent):
        assert socket["is_silent"]
        assert "peers" not in socket["fields"] and "linger" not in socket["fields"]
        assert "sent_messages" in socket["fields"] or "received_messages" in socket["fields"]
    answer = json.loads(agent.get("/api/v1/sockets"))
    assert [s["values"]["zmq_tap_silent_processes"] for s in answer["programs"]
            if "zmq_tap_silent_processes" in s["values"]] == [1]

    puppet.popen.send_signal(signal.SIGCONT)
    agent.wait_value(1, SEGMENTS, state="live")
    page = agent.scrape()
    assert all(page.find(name) for name in GAUGES), page.text
    assert page.value("zmq_tap_silent_processes", program="puppet") == 0


def test_stopped__one_of_two__the_others_gauges_stay(start, agent):
    one, other = start("c"), start("c")
    queue_three(one)
    queue_three(other)
    agent.wait_value(6, "zmq_socket_send_queue_messages", type="PUSH")
    other.popen.send_signal(signal.SIGSTOP)
    agent.wait_value(1, SEGMENTS, state="silent")
    page = agent.scrape()
    assert page.value("zmq_socket_send_queue_messages", type="PUSH") == 3
    assert page.value("zmq_socket_sent_messages_total", type="PUSH") == 6
    assert page.value("zmq_sockets", type="PUSH") == 1
    assert page.value("zmq_tap_silent_processes", program="puppet") == 1
    assert page.value("zmq_processes", program="puppet") == 2


def test_killed__while_it_was_stopped__is_silent_no_more(start, agent):
    puppet = start("c")
    queue_three(puppet)
    agent.wait_value(3, "zmq_socket_send_queue_messages", type="PUSH")
    puppet.popen.send_signal(signal.SIGSTOP)
    agent.wait_value(1, SEGMENTS, state="silent")
    puppet.end()
    agent.wait_value(0, SEGMENTS, state="silent")
    page = agent.scrape()
    assert page.value("zmq_processes", program="puppet") == 0
    assert page.value("zmq_tap_silent_processes", program="puppet") == 0
    assert page.value("zmq_sockets", type="PUSH") == 0
    assert page.value("zmq_socket_sent_messages_total", type="PUSH") == 3


def test_descriptors__all_taken__no_number_on_the_page_stands_still(start, agent):
    """What moves while no file can be opened is either right or absent."""
    puppet = start("c")
    push = queue_three(puppet)
    agent.wait_value(3, "zmq_socket_send_queue_messages", type="PUSH")
    soft, hard = resource.prlimit(puppet.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(puppet.pid, resource.RLIMIT_NOFILE, (3, hard))
    assert push.send(4) == 4

    def is_honest():
        page = agent.scrape()
        queue = page.value("zmq_socket_send_queue_messages", type="PUSH")
        silent = page.value("zmq_tap_silent_processes", program="puppet")
        return queue == 7 or (queue is None and silent == 1)

    wait_for(is_honest, lambda: agent.get())
    resource.prlimit(puppet.pid, resource.RLIMIT_NOFILE, (soft, hard))
    agent.wait_value(7, "zmq_socket_send_queue_messages", type="PUSH")
    agent.wait_value(0, "zmq_tap_silent_processes", program="puppet")
