# SPDX-License-Identifier: MPL-2.0
"""Programs that preloading cannot reach attach their sockets through zmqtap.h."""

import pathlib

import pytest

from support import products
from support.process import Process
from support.waiting import wait_equal, wait_for


def start_attaching(name, directory, *arguments, **variables):
    """Runs it without preloading; the tap that it loads writes into `directory`."""
    process = Process([*products.program(name), products.tap_library(), *arguments], None,
                      {"ZMQ_EXPORTER_DIR": str(directory), **variables})
    process.directory = directory
    return process


def go_on(process, expected):
    process.popen.stdin.write("\n")
    process.popen.stdin.flush()
    assert process.line() == expected


def threads_named_zmqtap(pid):
    names = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        names.append((task / "comm").read_text().strip())
    return names.count("zmqtap")


@pytest.fixture
def static_program():
    if not products.has_program("attached"):
        pytest.skip("no static libzmq to link with")


@pytest.mark.usefixtures("static_program")
@pytest.mark.parametrize("transport", ["ipc", "inproc"])
def static_libzmq__attached__is_measured_until_it_is_detached(folder, directory, agent, transport):
    endpoint = f"ipc://{folder}/orders" if transport == "ipc" else "inproc://orders"
    with start_attaching("attached", directory, endpoint, ZMQ_EXPORTER_PROGRAM="static") as process:
        assert process.line() == "attached"
        process.wait_gauge(0, "RECEIVE_QUEUE", "PULL", endpoint)
        assert process.segment().gauge("RECEIVE_HWM", "PULL", endpoint) == 1000
        go_on(process, "sent")
        # The three messages from before are not among them.
        process.wait_counter(10, "SENT_MESSAGES", "PUSH", endpoint)
        process.wait_counter(4, "RECEIVED_MESSAGES", "PULL", endpoint)
        process.wait_gauge(6, "RECEIVE_QUEUE", "PULL", endpoint)
        assert process.segment().open_sockets() == 2
        labels = {"program": "static", "type": "PULL", "address": endpoint, "socket": "orders"}
        agent.wait_value(6, "zmq_socket_receive_queue_messages", **labels)
        agent.wait_value(4, "zmq_socket_received_messages_total", **labels)
        names = {s.name for s in agent.scrape().samples if s.labels.get("program") == "static"}
        assert "zmq_socket_sent_messages_total" in names
        for absent in ("sent_bytes_total", "events_total", "handshakes_total", "peers",
                       "send_would_block_total", "receive_would_block_total"):
            assert f"zmq_socket_{absent}" not in names
        go_on(process, "detached")
        wait_equal(lambda: process.segment().open_sockets(), 0, "open sockets")
        wait_equal(lambda: threads_named_zmqtap(process.pid), 0, "threads of the tap")
        go_on(process, "again")
        process.wait_counter(9, "RECEIVED_MESSAGES", "PULL", endpoint)
        assert process.segment().counter("SENT_MESSAGES", "PUSH") == 10
        go_on(process, "closed")
        process.popen.stdin.write("\n")
        process.popen.stdin.close()
        assert process.popen.wait(30) == 0


def pyzmq__attached_through_ctypes__is_measured_and_named(directory, agent):
    with start_attaching("attached.py", directory, ZMQ_EXPORTER_PROGRAM="desk") as process:
        assert process.line() == "moved"

        def value(name, socket):
            return agent.scrape().value(f"zmq_socket_{name}", program="desk", socket=socket)

        wait_equal(lambda: value("sent_messages_total", "asks"), 20, "sent")
        wait_equal(lambda: value("received_messages_total", "answers"), 15, "received")
        wait_equal(lambda: value("sent_messages_total", "answers"), 15, "answers")
        wait_equal(lambda: value("received_messages_total", "asks"), 5, "answers received")
        wait_equal(lambda: value("receive_queue_messages", "asks"), 10, "queue")
        wait_equal(lambda: value("receive_queue_messages", "answers"), 5, "queue")
        go_on(process, "detached")
        wait_for(lambda: process.segment().open_sockets() == 0, "open sockets")
        assert value("sent_messages_total", "asks") == 20
        go_on(process, "closed")


def preloaded__attached_as_well__is_counted_once_and_named(directory, agent):
    command = [*products.program("attached.py"), products.tap_library()]
    with Process(command, directory, {"ZMQ_EXPORTER_PROGRAM": "both"}) as process:
        assert process.line() == "moved"

        def value(name, socket):
            return agent.scrape().value(f"zmq_socket_{name}", program="both", socket=socket)

        wait_equal(lambda: value("sent_messages_total", "asks"), 20, "sent")
        wait_equal(lambda: value("received_messages_total", "answers"), 15, "received")
        wait_equal(lambda: value("sent_bytes_total", "asks"), 20 * 9, "bytes")
        go_on(process, "detached")
        assert process.segment().open_sockets() == 2
        go_on(process, "closed")


def tap_off__attach__fails_and_the_program_goes_on(directory):
    with start_attaching("attached.py", directory, ZMQ_EXPORTER_TAP="off") as process:
        process.may_end_with(1)
        process.popen.stdout.readline()
        assert process.popen.wait(30) == 1
    assert not list(directory.glob("*.seg"))
