# SPDX-License-Identifier: MPL-2.0
"""The same depths as under the tap, of programs that have none: read from outside."""

import pytest
import zmq

from support.peeked import PeekedPuppet, Reader
from support.process import end_all
from support.waiting import wait_equal
from test_depth import (  # noqa: F401  pylint: disable=unused-import
    depth__consumer_asleep__grows_without_a_call_of_its_thread,
    depth__moved_499_of_1000_and_empty__is_zero,
    depth__no_high_water_mark__is_true_and_has_no_ratio,
    depth__sent_and_partly_received__is_the_difference,
    depth__tcp_to_a_stalled_peer__accounts_for_all_but_the_kernel,
    effective_hwm__inproc__is_the_sum_of_both_ends,
    receive_depth__several_peers__is_the_sum_and_the_fullest,
    receive_depth__stuck_since_before_peers_came__is_seen,
    send_depth__several_peers__is_the_sum_and_the_fullest,
    depths,
    pair,
)


@pytest.fixture
def reader():
    with Reader() as running:
        yield running


@pytest.fixture
def start(reader):
    """Starts puppets without a tap."""
    puppets = []

    def start_one(language="c", **options):
        puppets.append(PeekedPuppet(reader, language, **options))
        return puppets[-1]

    yield start_one
    end_all(puppets)


@pytest.mark.parametrize("hwm", [1000, 0])
@pytest.mark.parametrize("transport", ["tcp", "inproc"])
def depth__conflate__is_the_last_message_or_none(start, folder, transport, hwm):
    push, pull = pair(start, transport, folder, conflate=1, sndhwm=hwm, rcvhwm=hwm)
    for turn in range(1, 4):
        push.send(50)
        push.puppet.wait_counter(50 * turn, "SENT_MESSAGES", "PUSH")
        wait_equal(lambda: depths(push, pull)[1], 1, "receive depth")
        while pull.poll(timeout_ms=200):
            assert pull.recv() == (1, 1)
        wait_equal(lambda: depths(push, pull), (0, 0), "depth")
    assert pull.puppet.segment().fullest("RECEIVE_FULLEST", "PULL") is None


def lingering__closed_with_messages__is_told_apart(start):
    puppet = start()
    dealer = puppet.socket(zmq.DEALER, linger=-1)
    dealer.connect("tcp://127.0.0.1:1")
    assert dealer.send(7) == 7
    puppet.wait_gauge(7, "SEND_QUEUE", "DEALER")
    other = puppet.socket(zmq.PAIR)
    other.bind("inproc://other")
    dealer.close()
    wait_equal(lambda: [s["SEND_QUEUE"] for s in puppet.segment().find("DEALER", is_closed=True)],
               [7], "a lingering socket")
    assert puppet.segment().open_sockets("DEALER") == 0
    assert puppet.segment().counter("SENT_MESSAGES", "DEALER") == 7
