# SPDX-License-Identifier: MPL-2.0
"""Queue depths are true to the message: what was sent less what was received, and nothing else."""

import pathlib

import pytest
import zmq

from support import libzmq, products
from support.process import Process
from support.puppet import Puppet
from support.waiting import DEADLINE_S, wait_equal, wait_for

LANGUAGE_PAIRS = [("c", "c"), ("pyzmq", "pyzmq"), ("c", "pyzmq")]
TRANSPORTS = ["tcp", "ipc", "inproc"]


def endpoint_of(transport, folder):
    return {"tcp": "tcp://127.0.0.1:*", "ipc": f"ipc://{folder}/q", "inproc": "inproc://q"}[transport]


def attach(socket, n_peers, kind):
    """Lets the socket's thread take in peers that have connected, as any call of it does."""
    def is_attached():
        socket.poll()
        return socket.puppet.segment().gauge("PIPES", kind) == n_peers

    wait_for(is_attached, f"{n_peers} pipes")


def pair(start, transport, folder, languages=("c", "c"), **options):
    """A bound PULL and a connected PUSH, in two processes unless the transport is inproc."""
    receiver = start(languages[1])
    sender = receiver if transport == "inproc" else start(languages[0])
    pull = receiver.socket(zmq.PULL, **options)
    push = sender.socket(zmq.PUSH, **options)
    push.connect(pull.bind(endpoint_of(transport, folder)))
    attach(pull, 1, "PULL")
    return push, pull


def depths(push, pull):
    """(send depth, receive depth) as the segments have them now."""
    return (push.puppet.segment().gauge("SEND_QUEUE", "PUSH"),
            pull.puppet.segment().gauge("RECEIVE_QUEUE", "PULL"))


def rest(push, pull, sent, received):
    """Waits until the segments know of all traffic, and of what was queued after it."""
    push.puppet.wait_counter(sent, "SENT_MESSAGES", "PUSH")
    pull.puppet.wait_counter(received, "RECEIVED_MESSAGES", "PULL")
    for puppet in {push.puppet, pull.puppet}:
        puppet.wait_next_rounds()


@pytest.mark.parametrize("languages", LANGUAGE_PAIRS, ids="-".join)
@pytest.mark.parametrize("transport", TRANSPORTS)
def depth__sent_and_partly_received__is_the_difference(start, folder, transport, languages):
    push, pull = pair(start, transport, folder, languages, sndhwm=5000, rcvhwm=5000)
    for sent, received in ((1000, 0), (1000, 300), (1100, 1099), (1100, 1100), (4000, 1101)):
        push.send(sent - getattr(push, "sent", 0))
        if received > getattr(pull, "received", 0):
            assert pull.recv(received - getattr(pull, "received", 0))[0]
        push.sent, pull.received = sent, received
        queued = sent - received
        # Over a network all of it comes to rest at the receiver, which has room.
        expected = (queued, queued) if transport == "inproc" else (0, queued)
        wait_equal(lambda: depths(push, pull), expected, "depth")
        rest(push, pull, sent, received)
        assert depths(push, pull) == expected


@pytest.mark.parametrize("transport", TRANSPORTS)
def receive_depth__stuck_since_before_peers_came__is_seen(start, folder, transport):
    """libzmq tells a socket of its new peers in the socket's next call, and there is none."""
    receiver = start()
    pull = receiver.socket(zmq.PULL, rcvhwm=1000)
    endpoint = pull.bind(endpoint_of(transport, folder))
    for turn in (1, 2):
        sender = receiver if transport == "inproc" else start()
        push = sender.socket(zmq.PUSH, sndhwm=1000)
        push.connect(endpoint)
        assert push.send(500) == 500
        receiver.wait_gauge(500 * turn, "RECEIVE_QUEUE", "PULL")
    receiver.wait_next_rounds()
    segment = receiver.segment()
    assert segment.gauge("RECEIVE_QUEUE", "PULL") == 1000
    if receiver.is_tapped:
        assert segment.gauge("PEERS", "PULL") == (2 if libzmq.has(4, 3, 0) else None)
    assert segment.fullest("RECEIVE_FULLEST", "PULL") == (0.25 if transport == "inproc" else 0.5)
    assert pull.recv(300)[0] == 300
    receiver.wait_gauge(700, "RECEIVE_QUEUE", "PULL")


@pytest.mark.parametrize("transport", TRANSPORTS)
def depth__moved_499_of_1000_and_empty__is_zero(start, folder, transport):
    """libzmq's own estimate is off by up to half the high water mark here."""
    push, pull = pair(start, transport, folder, sndhwm=1000, rcvhwm=1000)
    push.send(499)
    assert pull.recv(499) == (499, 499)
    rest(push, pull, 499, 499)
    assert depths(push, pull) == (0, 0)
    assert push.puppet.segment().fullest("SEND_FULLEST", "PUSH") == 0


@pytest.mark.parametrize("transport", TRANSPORTS)
def depth__no_high_water_mark__is_true_and_has_no_ratio(start, folder, transport):
    push, pull = pair(start, transport, folder, sndhwm=0, rcvhwm=0)
    push.send(12345)
    pull.recv(345)
    expected = (12000, 12000) if transport == "inproc" else (0, 12000)
    wait_equal(lambda: depths(push, pull), expected, "depth")
    rest(push, pull, 12345, 345)
    assert depths(push, pull) == expected
    assert push.puppet.segment().fullest("SEND_FULLEST", "PUSH") is None
    assert pull.puppet.segment().fullest("RECEIVE_FULLEST", "PULL") is None
    assert pull.puppet.segment().gauge("RECEIVE_HWM", "PULL") == 0


@pytest.mark.parametrize("transport", ["tcp", "inproc"])
def depth__conflate__is_the_last_message_or_none(start, folder, transport):
    push, pull = pair(start, transport, folder, conflate=1)
    puppets = {puppet.pid: puppet for puppet in (push.puppet, pull.puppet)}.values()
    n_received = 0
    for turn in range(1, 4):
        push.send(50)
        push.puppet.wait_counter(50 * turn, "SENT_MESSAGES", "PUSH")
        wait_equal(lambda: depths(push, pull)[1], 1, "receive depth")
        pull.puppet.wait_next_rounds()
        assert depths(push, pull)[1] == 1
        # Over tcp the 50 may arrive as several overwrites: read until nothing comes any more.
        while pull.poll(timeout_ms=200):
            assert pull.recv() == (1, 1)
            n_received += 1
        wait_equal(lambda: depths(push, pull), (0, 0), "depth")
        # What did not come was replaced, at one end or the other, and is counted there once.
        wait_equal(lambda: sum(puppet.segment().counter("CONFLATED") for puppet in puppets),
                   50 * turn - n_received, "replaced messages")
    assert pull.puppet.segment().fullest("RECEIVE_FULLEST", "PULL") is None


@pytest.mark.parametrize("transport", TRANSPORTS)
def receive_depth__several_peers__is_the_sum_and_the_fullest(start, folder, transport):
    receiver = start()
    pull = receiver.socket(zmq.PULL, rcvhwm=200)
    endpoint = pull.bind(endpoint_of(transport, folder))
    for count in (100, 50, 10):
        puppet = receiver if transport == "inproc" else start()
        push = puppet.socket(zmq.PUSH, sndhwm=200)
        push.connect(endpoint)
        push.send(count)
    attach(pull, 3, "PULL")
    receiver.wait_gauge(160, "RECEIVE_QUEUE", "PULL")
    hwm = 400 if transport == "inproc" else 200
    wait_equal(lambda: receiver.segment().fullest("RECEIVE_FULLEST", "PULL"), 100 / hwm, "fullest")


def send_depth__several_peers__is_the_sum_and_the_fullest(start):
    puppet = start()
    router = puppet.socket(zmq.ROUTER, sndhwm=100)
    endpoint = router.bind("inproc://peers")
    sent = {b"a": 40, b"b": 20, b"c": 0}
    for name in sent:
        dealer = puppet.socket(zmq.DEALER, rcvhwm=100)
        dealer.set(zmq.ROUTING_ID, name.decode())
        dealer.connect(endpoint)
    attach(router, 3, "ROUTER")
    for name, count in sent.items():
        for _ in range(count):
            router.send_frames(name, b"x")
    puppet.wait_gauge(60, "SEND_QUEUE", "ROUTER")
    wait_equal(lambda: puppet.segment().fullest("SEND_FULLEST", "ROUTER"), 40 / 200, "fullest")
    puppet.wait_gauge(60, "RECEIVE_QUEUE", "DEALER")


@pytest.mark.parametrize("binder", ["push", "pull"])
def effective_hwm__inproc__is_the_sum_of_both_ends(start, binder):
    puppet = start()
    push, pull = puppet.socket(zmq.PUSH, sndhwm=7), puppet.socket(zmq.PULL, rcvhwm=9)
    first, second = (push, pull) if binder == "push" else (pull, push)
    second.connect(first.bind("inproc://sum"))
    attach(first, 1, "PUSH" if binder == "push" else "PULL")
    assert push.send(8) == 8
    puppet.wait_gauge(8, "SEND_QUEUE", "PUSH")
    wait_equal(lambda: puppet.segment().fullest("SEND_FULLEST", "PUSH"), 0.5, "ratio")
    assert push.fill() == 8
    wait_equal(lambda: puppet.segment().fullest("SEND_FULLEST", "PUSH"), 1.0, "ratio")
    wait_equal(lambda: puppet.segment().fullest("RECEIVE_FULLEST", "PULL"), 1.0, "ratio")
    assert (puppet.segment().gauge("SEND_HWM", "PUSH"),
            puppet.segment().gauge("RECEIVE_HWM", "PULL")) == (7, 9)


def depth__tcp_to_a_stalled_peer__accounts_for_all_but_the_kernel(start, folder):
    push, pull = pair(start, "tcp", folder, sndhwm=10, rcvhwm=10, sndbuf=4096, rcvbuf=4096)
    sent = n_stuck = 0

    def is_stuck():
        """Refused three times with rounds between: it was not only the I/O thread that was late."""
        nonlocal sent, n_stuck
        more = push.fill(size=1000)
        sent += more
        push.puppet.wait_next_rounds()
        is_full = (push.puppet.segment().gauge("SEND_QUEUE", "PUSH") >= 6
                   and pull.puppet.segment().gauge("RECEIVE_QUEUE", "PULL") == 10)
        n_stuck = n_stuck + 1 if more == 0 and is_full else 0
        return n_stuck == 3

    wait_for(is_stuck, "a full queue")
    push.puppet.wait_counter(sent, "SENT_MESSAGES", "PUSH")
    send_depth, receive_depth = depths(push, pull)
    assert 6 <= send_depth <= 10 and send_depth + receive_depth <= sent
    assert pull.recv(sent)[0] == sent
    rest(push, pull, sent, sent)
    assert depths(push, pull) == (0, 0)


def switches(pid):
    """How often the program's own thread gave up the processor, and its CPU time."""
    task = pathlib.Path(f"/proc/{pid}/task/{pid}")
    counts = [line.split()[1] for line in (task / "status").read_text().splitlines()
              if "ctxt_switches" in line]
    return counts + (task / "stat").read_text().rsplit(")", 1)[1].split()[11:13]


@pytest.mark.parametrize("transport", ["tcp", "ipc"])
def depth__consumer_asleep__grows_without_a_call_of_its_thread(start, folder, transport):
    push, pull = pair(start, transport, folder, sndhwm=5000, rcvhwm=5000)
    push.send(1)
    pull.recv(1)
    pull.puppet.wait_counter(1, "RECEIVED_MESSAGES", "PULL")  # it is back in read(2) by now
    pull.puppet.wait_next_rounds()
    before = switches(pull.puppet.pid)
    for total in (700, 1400, 2100):
        push.send(700)
        pull.puppet.wait_gauge(total, "RECEIVE_QUEUE", "PULL")
    assert switches(pull.puppet.pid) == before


@pytest.mark.parametrize("mode", ["kill", "refuse"])
def depth__program_without_process_vm_readv__is_true(directory, mode):
    """The filter of a hardened systemd service kills, or refuses, for that call."""
    command = [*products.program("filtered"), mode]
    with Puppet("c", directory, prefix=command) as puppet:
        push, pull = puppet.socket(zmq.PUSH), puppet.socket(zmq.PULL)
        push.connect(pull.bind("tcp://127.0.0.1:*"))
        attach(pull, 1, "PULL")
        push.send(700)
        pull.recv(200)
        puppet.wait_gauge(500, "RECEIVE_QUEUE", "PULL")
        assert puppet.segment().capabilities["queue_depth"][0] == "on"


def depth__program_shuts_itself_in__is_not_known(directory):
    """From then on the tap makes no call of its own, and what it cannot see is not shown."""
    with Process(products.program("shut_in"), directory) as process:
        assert process.line() == "open"
        process.wait_gauge(3, "RECEIVE_QUEUE", "PULL")
        process.popen.stdin.write("go\n")
        process.popen.stdin.flush()
        assert process.line() == "shut"
        process.wait_gauge(None, "RECEIVE_QUEUE", "PULL")
        segment = process.segment()
        assert segment.capabilities["queue_depth"] == ("off", "it set seccomp or no_new_privs; run it without the tap")
        assert segment.counter("SENT_MESSAGES", "PUSH") == 5
        wait_for(lambda: process.segment().header["updated_ns"] > segment.header["updated_ns"],
                 "a heartbeat")
        process.popen.stdin.write("go\n")
        process.popen.stdin.flush()
        assert process.popen.wait(DEADLINE_S) == 0


def times_counted(puppet):
    """How often a sample of some rounds stands in the histogram of fill."""
    def seen():
        segment = puppet.segment()
        n = sum(segment.counter(("RECEIVE_FILL", i), "PULL") for i in range(15))
        return segment.header["samples"], n

    before = seen()
    puppet.wait_next_rounds(4)
    after = seen()
    return (after[1] - before[1]) / (after[0] - before[0])


def histogram_of_fill__nothing_moves_for_long__weighs_this_time_as_much(start, folder):
    push, pull = pair(start, "inproc", folder)
    wait_for(lambda: times_counted(pull.puppet) == 2, "rounds at twice the time, counted twice")

    def is_counted_once():
        for _ in range(20):
            push.send(1)
            pull.recv(1)
        return times_counted(pull.puppet) == 1

    wait_for(is_counted_once, "the usual rounds once messages move")


def depth__no_sample_for_long__is_unknown_until_there_is_one(start, folder):
    """Twice: what was read in between begins the count of lost samples anew."""
    lost, shim = folder / "lost", products.program("liblost_reads.so")[0]
    puppet = start("c", prefix=("env", f"LD_PRELOAD={products.tap_library()}:{shim}"),
                   variables={"LOST_READS": str(lost)})
    pull, push = puppet.socket(zmq.PULL), puppet.socket(zmq.PUSH)
    push.connect(pull.bind("inproc://samples"))
    for n in (5, 10):
        assert push.send(5) == 5
        puppet.wait_gauge(n, "RECEIVE_QUEUE", "PULL")
        lost.touch()
        wait_equal(lambda: puppet.segment().gauge("RECEIVE_QUEUE", "PULL"), None, "an unknown depth")
        lost.unlink()
    puppet.wait_gauge(10, "RECEIVE_QUEUE", "PULL")
