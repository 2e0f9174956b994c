# SPDX-License-Identifier: MPL-2.0
"""Programs whose clocks are not the exporter's: each counts once, and is heard."""

import shutil
import signal
import subprocess

import pytest
import zmq

from support.agent import Agent
from support.puppet import Puppet
from support.waiting import wait_for

N_SCRAPES = 20


def namespace(seconds, *more):
    """The words that start a program with clocks that are ahead, or behind."""
    return ["unshare", "--time", f"--boottime={seconds}", f"--monotonic={seconds}",
            "--kill-child", "--fork", *more]


def uptime():
    with open("/proc/uptime", encoding="ascii") as file:
        return float(file.read().split()[0])


@pytest.fixture(params=["ahead", "behind"])
def offset(request):
    if not shutil.which("unshare"):
        pytest.skip("unshare is not installed")
    seconds = 100000 if request.param == "ahead" else -int(uptime() / 2)
    tried = subprocess.run([*namespace(seconds), "true"], text=True, check=False,
                           stderr=subprocess.PIPE)
    if tried.returncode != 0:
        pytest.skip(f"no time namespace can be made here: {tried.stderr}")
    return seconds


def start_in(directory, prefix):
    puppet = Puppet("c", directory, prefix=prefix)
    push = puppet.socket(zmq.PUSH)
    push.bind("inproc://queue")
    puppet.socket(zmq.PULL).connect("inproc://queue")
    assert push.send(3) == 3
    return puppet, push


def child_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return int(file.read().split()[0])


def check_once(agent, sent, queued):
    for _ in range(N_SCRAPES):
        page = agent.scrape()
        assert page.value("zmq_socket_sent_messages_total", type="PUSH") == sent, page.text
        assert page.value("zmq_socket_send_queue_messages", type="PUSH") == queued, page.text
    return page


@pytest.mark.parametrize("more", [(), ("--pid", "--mount-proc")], ids=["same_pids", "own_pids"])
def test_time__another_namespace__is_counted_once(directory, agent, offset, more):
    puppet, push = start_in(directory, namespace(offset, *more))
    with puppet:
        agent.wait_value(3, "zmq_socket_send_queue_messages", type="PUSH")
        page = check_once(agent, 3, 3)
        assert page.value("zmq_exporter_segments", state="live") == 1
        assert page.value("zmq_processes", program="puppet") == 1
        assert page.value("zmq_tap_silent_processes", program="puppet") == 0
        assert '"is_silent":false' in agent.get("/api/v1/sockets/open")

        with Agent(directory) as second:  # looks on, and judges by itself
            second.wait_value(3, "zmq_socket_send_queue_messages", type="PUSH")
        child = child_of(puppet.pid)
        subprocess.run(["kill", "-STOP", str(child)], check=True)
        agent.wait_value(1, "zmq_exporter_segments", state="silent")
        assert agent.scrape().value("zmq_socket_send_queue_messages", type="PUSH") is None
        subprocess.run(["kill", "-CONT", str(child)], check=True)
        agent.wait_value(3, "zmq_socket_send_queue_messages", type="PUSH")
        assert push.send(2) == 2
        agent.wait_value(5, "zmq_socket_sent_messages_total", type="PUSH")
        puppet.end(signal.SIGKILL)
    wait_for(lambda: not list(directory.glob("*.seg")), lambda: list(directory.iterdir()))
    for _ in range(N_SCRAPES):
        assert agent.scrape().value("zmq_socket_sent_messages_total", type="PUSH") == 5
    assert agent.scrape().value("zmq_processes", program="puppet") == 0


def test_time__exporter_in_a_namespace__counts_the_host_once(directory, offset):
    """The other way round: the exporter's own clocks are others."""
    with Puppet("c", directory) as puppet:
        push = puppet.socket(zmq.PUSH)
        push.bind("inproc://queue")
        puppet.socket(zmq.PULL).connect("inproc://queue")
        assert push.send(3) == 3
        with Agent(directory, prefix=namespace(offset)) as agent:
            agent.wait_value(3, "zmq_socket_send_queue_messages", type="PUSH")
            check_once(agent, 3, 3)
            puppet.end()
            wait_for(lambda: not list(directory.glob("*.seg")), lambda: list(directory.iterdir()))
            assert agent.scrape().value("zmq_socket_sent_messages_total", type="PUSH") == 3
