# SPDX-License-Identifier: MPL-2.0
"""Errors of use: what libzmq refuses, one socket used by two threads, and the largest frames."""

import errno
import signal

import pytest
import zmq

from support import products
from support.agent import Agent
from support.process import Process
from support.puppet import PuppetError
from support.segment_file import API_ERRORS
from support.waiting import wait_for

WRONG = ["receive_and_send", "receive_both", "send_both", "receive_and_publish", "receive_and_set",
         "receive_and_close"]
RIGHT = ["locked", "handed_over", "shut_down", "cancelled", "left_by_jump", "in_handler"]
SENDS = ["send", "msg_send", "sendmsg", "send_const", "sendiov"]


def refused(number, call, *arguments, **options):
    with pytest.raises(PuppetError) as caught:
        call(*arguments, **options)
    assert caught.value.errno == number


def receive_error(socket, flags=0):
    return int(socket.puppet.ask("recv", socket.name, 1, flags, "recv")[2])


def errors(segment, kind=None, endpoint=None):
    """Of sockets, by name; those that did not occur are left out."""
    counts = {name: segment.counter(("API_ERRORS", name), kind, endpoint) for name in API_ERRORS}
    return {name: n for name, n in counts.items() if n}


@pytest.fixture
def puppet(start):
    return start("c")


def test_errors__calls_that_libzmq_refuses__are_counted_by_name(puppet):
    req = puppet.socket(zmq.REQ)
    assert receive_error(req) == zmq.EFSM
    pub = puppet.socket(zmq.PUB)
    refused(errno.EINVAL, pub.set, zmq.SUBSCRIBE, "x")
    refused(errno.EPROTONOSUPPORT, pub.connect, "pigeon://x")
    refused(errno.ENOENT, pub.disconnect, "tcp://127.0.0.1:1")
    pull = puppet.socket(zmq.PULL)
    assert pull.send(1) == 0
    router = puppet.socket(zmq.ROUTER, router_mandatory=1)
    assert router.send(1, first=b"nobody") == 0
    puppet.wait_next_rounds()
    segment = puppet.segment()
    assert errors(segment, "REQ") == {"EFSM": 1}
    assert errors(segment, "PUB") == {"EINVAL": 1, "EPROTONOSUPPORT": 1, "ENOENT": 1}
    assert errors(segment, "PULL") == {"ENOTSUP": 1}
    assert errors(segment, "ROUTER") == {"EHOSTUNREACH": 1}
    assert not any(segment.api_errors.values())


def test_errors__those_that_are_counted_elsewhere_or_none__are_not_counted(puppet):
    pull = puppet.socket(zmq.PULL)
    endpoint = pull.bind("tcp://127.0.0.1:*")
    refused(errno.EADDRINUSE, puppet.socket(zmq.PULL).bind, endpoint)
    assert receive_error(pull, zmq.DONTWAIT) == errno.EAGAIN
    assert puppet.socket(zmq.PUSH).fill() == 0
    puppet.wait_next_rounds()
    assert errors(puppet.segment()) == {}


def test_errors__before_and_after_bind__stay_with_the_socket(puppet):
    pub = puppet.socket(zmq.PUB)
    refused(errno.EINVAL, pub.set, zmq.SUBSCRIBE, "x")
    pub.bind("inproc://a")
    assert receive_error(pub) == errno.ENOTSUP
    puppet.wait_next_rounds()
    segment = puppet.segment()
    assert errors(segment, "PUB", "") == {"EINVAL": 1}
    assert errors(segment, "PUB", "inproc://a") == {"ENOTSUP": 1}
    assert segment.gauge("API_ERROR_KINDS", "PUB") == 1 << API_ERRORS["EINVAL"] | 1 << API_ERRORS["ENOTSUP"]


def test_errors__no_socket__are_the_process_s(puppet):
    puppet.socket(zmq.PUB)
    refused(errno.ENOTSOCK, puppet.ask, "send_to_none")
    refused(errno.EINVAL, puppet.socket, 99)
    puppet.wait_next_rounds()
    assert {n: v for n, v in puppet.segment().api_errors.items() if v} == {"ENOTSOCK": 1, "EINVAL": 1}
    assert errors(puppet.segment()) == {}


def test_errors__page__has_them_once_they_occur(directory, puppet):
    pull = puppet.socket(zmq.PULL)
    pull.bind("inproc://a")
    with Agent(directory, has_details=False) as agent:
        wait_for(lambda: agent.scrape().value("zmq_sockets", type="PULL"), "the socket")
        assert agent.scrape().find("zmq_api_errors_total") == []
        assert agent.scrape().find("zmq_socket_concurrent_calls_total") == []
        assert pull.send(3) == 0
        agent.wait_value(1, "zmq_api_errors_total", error="ENOTSUP", type="PULL", address="inproc://a")
        refused(errno.ENOTSOCK, puppet.ask, "send_to_none")
        agent.wait_value(1, "zmq_api_errors_total", error="ENOTSOCK")
        labels = next(s.labels for s in agent.scrape().samples if s.labels.get("error") == "ENOTSOCK")
        assert set(labels) == {"program", "error"}
        program = labels["program"]
        puppet.end()
        wait_for(lambda: agent.scrape().value("zmq_process_ends_total", program=program, end="abrupt") == 1,
                 "its end")
        assert agent.scrape().value("zmq_api_errors_total", error="ENOTSOCK") == 1


@pytest.mark.parametrize("case", WRONG)
def test_concurrent_calls__two_threads_at_once__are_seen(directory, case):
    with Process([*products.program("two_threads"), case], directory) as process:
        process.may_end_with(-signal.SIGABRT, -signal.SIGSEGV)  # as such programs do
        assert process.line() == "begun"
        wait_for(lambda: process.segment().counter("CONCURRENT_CALLS") > 0, "two threads at once")


@pytest.mark.parametrize("case", RIGHT)
def test_concurrent_calls__one_thread_after_the_other__are_none(directory, case):
    with Process([*products.program("two_threads"), case], directory) as process:
        assert process.line() == "done"
        process.wait_next_rounds()
        assert process.segment().counter("CONCURRENT_CALLS") == 0


@pytest.mark.parametrize("spelling", SENDS)
def test_largest_frame__sizes_up_and_down__is_the_largest(puppet, spelling):
    push, pull = puppet.socket(zmq.PUSH), puppet.socket(zmq.PULL)
    push.bind("inproc://a")
    pull.connect("inproc://a")
    for size in (3, 0, 1000, 17, 999):
        assert push.send(2, size=size, spelling=spelling) == 2
        assert pull.recv(2)[0] == 2
    puppet.wait_next_rounds()
    assert puppet.segment().gauge("LARGEST_SENT", "PUSH") == 1000
    assert puppet.segment().gauge("LARGEST_RECEIVED", "PULL") == 1000


def test_largest_frame__nothing_sent__is_not_known(puppet):
    puppet.socket(zmq.DEALER).bind("inproc://a")
    puppet.wait_next_rounds()
    assert puppet.segment().gauge("LARGEST_SENT") is None
    assert puppet.segment().gauge("LARGEST_RECEIVED") is None


def test_largest_frame__router_and_rep__are_of_the_content(puppet):
    rep, req = puppet.socket(zmq.REP), puppet.socket(zmq.REQ)
    rep.bind("inproc://a")
    req.connect("inproc://a")
    assert req.send(1, size=50) == 1 and rep.recv(1)[0] == 1
    assert rep.send(1, size=70, frames=2) == 1 and req.recv(1)[0] == 1
    router = puppet.socket(zmq.ROUTER)
    router.bind("inproc://b")
    dealer = puppet.socket(zmq.DEALER)
    dealer.set(zmq.ROUTING_ID, "dealer")
    dealer.connect("inproc://b")
    assert router.send(1, size=30, first=b"dealer") == 1 and dealer.recv(1)[0] == 1
    puppet.wait_next_rounds()
    segment = puppet.segment()
    largest = {kind: (segment.gauge("LARGEST_SENT", kind), segment.gauge("LARGEST_RECEIVED", kind))
               for kind in ("REP", "REQ", "ROUTER", "DEALER")}
    assert largest["REP"] == (70, 50) and largest["REQ"] == (50, 70)
    assert largest["ROUTER"] == (30, None) and largest["DEALER"] == (None, 30)


def test_largest_frame__next_socket_of_the_group__has_its_own(puppet):
    puppet.socket(zmq.PULL).bind("inproc://a")
    push = puppet.socket(zmq.PUSH)
    push.connect("inproc://a")
    assert push.send(1, size=500) == 1
    push.close()
    puppet.socket(zmq.PUSH).connect("inproc://a")
    puppet.wait_next_rounds()
    assert puppet.segment().gauge("LARGEST_SENT", "PUSH", "inproc://a") is None
