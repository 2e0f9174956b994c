# SPDX-License-Identifier: MPL-2.0
"""What publishers drop is counted to the message: the subscribers know what they lost."""

import json

import pytest
import zmq

from support import libzmq, products
from support.process import Process
from support.waiting import wait_equal

SPELLINGS = ("send", "send_const", "msg_send", "sendmsg", "sendiov")
TRANSPORTS = ("inproc", "tcp", "ipc")
PREFIXES = ["", "A", "AB", "ABC", "ABD", "B", "BA", "C" * 40, "C" * 41, "\x01", "~"]
TOPICS = ["A", "AB", "ABC", "ABCD", "ABD", "B", "BAB", "C" * 41, "C" * 60, "\x01\x02", "Z", "~~"]

# A small mark at the receiver and large messages: over a network the kernel's buffers fill, too.
CASES = {
    "stalled": {"speeds": [0]},
    "one": {"n_subscribers": 1, "speeds": [0.3], "frames": [1, 3]},
    "slow": {"speeds": [0.2, 0.5, 0.9], "n_subscribers": 8},
    "prefixes": {"subscriptions": PREFIXES, "n_subscriptions": 3, "topics": TOPICS,
                 "n_subscribers": 12, "speeds": [0, 0.2, 0.6], "n_messages": 1500},
    "multipart": {"frames": [1, 2, 5], "subscriptions": PREFIXES, "n_subscriptions": 2,
                  "topics": TOPICS, "n_subscribers": 6, "speeds": [0, 0.3], "n_messages": 1200},
    "marks_of_one": {"sndhwm": 1, "rcvhwm": 1, "n_subscribers": 5, "speeds": [0, 0.5, 1]},
    "many": {"n_subscribers": 200, "subscriptions": PREFIXES, "n_subscriptions": 2,
             "topics": TOPICS, "speeds": [0, 0.01, 0.1], "n_messages": 400},
    "inverted": {"invert": True, "subscriptions": ["A", "AB", "B"], "n_subscriptions": 1,
                 "topics": TOPICS, "n_subscribers": 5, "speeds": [0, 0.3]},
    "room_again": {"sndhwm": 60, "rcvhwm": 60, "speeds": [0.97, 1], "n_messages": 6000},
    "unlimited": {"sndhwm": 0, "speeds": [0]},
}


def publish(directory, *publishers):
    """Starts the publishers in one process: it, and what each of them tells."""
    for number, options in enumerate(publishers):
        options["ipc_path"] = str(directory.parent / f"s{number}")
    process = Process(products.program("slow_subscribers.py") + list(map(json.dumps, publishers)), directory)
    return process, json.loads(process.line())


def expect_all(directory, *publishers):
    """Runs the publishers and waits until the tap has counted what the subscribers lost, of each
    type and transport by itself."""
    process, told = publish(directory, *publishers)

    def counted():
        segment = process.segment()
        endpoints = {endpoint for _, endpoint, _ in segment.groups}
        return [sum(segment.counter("DROPPED_HWM", one.get("kind", "PUB"), endpoint)
                    for endpoint in endpoints if endpoint.startswith(one["transport"]))
                for one in publishers]

    with process:
        lost = [one["lost"] for one in told]
        wait_equal(counted, lost, "messages that were lost")
        process.wait_next_rounds()
        assert counted() == lost
        assert process.segment().capabilities["publish_drops"] == ("on", "")
    return told


def expect(directory, **options):
    return expect_all(directory, options)[0]


@pytest.mark.parametrize("case", CASES)
def publish__subscribers_too_slow__is_what_they_lost(directory, case):
    publishers = [{"transport": transport, "kind": kind,
                   "sizes": [20] if transport == "inproc" else [20, 100, 60000]} | CASES[case]
                  for transport in TRANSPORTS for kind in ("PUB", "XPUB")]
    for options, told in zip(publishers, expect_all(directory, *publishers)):
        assert told["received"] > 0
        if options["transport"] == "inproc" and case != "unlimited":
            assert told["lost"] > 0


@libzmq.needs(4, 3, 3, reason="gives a subscriber that conflates empty messages")
@pytest.mark.parametrize("transport", TRANSPORTS)
def publish__conflating__replaces_and_drops_nothing(directory, transport):
    conflate = {str(int(zmq.CONFLATE)): 1}
    process, [told] = publish(directory, {"transport": transport, "pub_options": conflate,
                                          "sub_options": conflate, "speeds": [0]})
    with process:
        assert told["lost"] > 0  # replaced by newer ones, as the program wished
        process.wait_counter(told["sent"], "SENT_MESSAGES", "PUB")
        assert process.segment().counter("DROPPED_HWM", "PUB") == 0


@pytest.mark.parametrize("transport", TRANSPORTS)
def publish__nodrop__refuses_instead(directory, transport):
    told = expect(directory, kind="XPUB", pub_options={str(int(zmq.XPUB_NODROP)): 1},
                  subscriptions=PREFIXES, n_subscriptions=2, topics=TOPICS, speeds=[0.05, 0.3],
                  transport=transport, sizes=[20] if transport == "inproc" else [60000])
    assert told["lost"] == 0
    assert told["refused"] > 0 or transport != "inproc"


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("mark", (1, 2, 3, 40))
def publish__welcome_message__takes_room_and_is_not_counted(directory, mark, transport):
    told = expect(directory, kind="XPUB", welcome="welcome", sndhwm=mark, rcvhwm=mark,
                  speeds=[0, 0.8], transport=transport,
                  sizes=[20] if transport == "inproc" else [60000])
    assert told["lost"] > 0 or transport != "inproc"


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("last_value", (0, pytest.param(0.2, marks=libzmq.needs(
    4, 3, 3, reason="has no XPUB_MANUAL_LAST_VALUE"))), ids=("manual", "last_value"))
def publish__subscribed_by_hand__is_what_they_lost(directory, transport, last_value):
    told = expect(directory, kind="XPUB", manual=True, last_value=last_value, transport=transport,
                  subscriptions=PREFIXES, n_subscriptions=2, topics=TOPICS, n_subscribers=5,
                  speeds=[0, 0.2])
    assert told["lost"] > 0 or transport != "inproc"


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("kind", (zmq.PUB, zmq.XPUB), ids=("PUB", "XPUB"))
def publish__every_spelling__counts_each_message_once(start, kind, spelling):
    puppet = start("c")
    pub = puppet.socket(kind, sndhwm=3)
    endpoint = pub.bind("inproc://spellings")
    for _ in range(2):
        sub = puppet.socket(zmq.SUB, rcvhwm=4)
        sub.set(zmq.SUBSCRIBE, "")
        sub.connect(endpoint)
    pub.poll()
    name = {zmq.PUB: "PUB", zmq.XPUB: "XPUB"}[kind]
    assert pub.send(50, 10, 1, spelling=spelling) == 50
    puppet.wait_counter(2 * (50 - 7), "DROPPED_HWM", name)
    assert pub.send(20, 200, 3, spelling=spelling) == 20
    puppet.wait_counter(2 * (70 - 7), "DROPPED_HWM", name)
    assert sub.recv(7)[0] == 7
    pub.poll()
    assert pub.send(10, 1, 1, spelling=spelling) == 10
    # The subscriber told when it had read half its mark of 7, so 4 find room.
    puppet.wait_counter(2 * (80 - 7) - 4, "DROPPED_HWM", name)
