# SPDX-License-Identifier: MPL-2.0
"""Every type that sends, and every way to lose a message: what is counted is what was lost.

The table is support/loss_table.py. Each test is one way, and tries all types at once: a message
that was accepted and did not come must be counted as the table says. What publishers drop has more
tests in test_drops.py (prefixes, many subscribers), single types have theirs in test_losses.py and
test_endings.py.
"""

import socket

import pytest
import zmq

from support import libzmq, loss_table, segment_file
from support.loss_links import DRAFT_LINKS, LINKS, SHAPES, make_link
from support.losses import NAMES, TRANSPORTS, drops, wait_pipes
from support.puppet import Puppet
from support.waiting import wait_equal, wait_for

NETWORKS = ["tcp", "ipc"]
VARIABLES = libzmq.draft_variables()  # with these, the types of drafts are in the table, too
TYPES = [*LINKS, *(DRAFT_LINKS if VARIABLES else [])]
if libzmq.has(4, 3, 0) and not libzmq.has(4, 3, 3):
    TYPES.remove("XSUB")  # these crash by an XSUB's own messages, with the tap and without
ASKERS = ["REQ", "REP"]
# Over inproc nothing but the number of peers tells that these have gone, and old ones do not know it.
UNSEEN = {"inproc": [] if libzmq.has(4, 3, 0) else ASKERS}
N_QUEUED = 12  # of unlike shapes


def endpoints_of(transport, folder):
    def endpoint_of(name):
        return {"tcp": "tcp://127.0.0.1:*", "ipc": f"ipc://{folder}/{name}",
                "inproc": f"inproc://{name}"}[transport]
    return endpoint_of


@pytest.fixture
def table(start, folder):
    """Makes a link of each type that the transport has: `table("tcp")`; without some of them."""
    def make(transport, without=(), receiver=None, **options):
        sender = start("c", variables=VARIABLES)
        receiver = sender if transport == "inproc" else receiver or start("c", variables=VARIABLES)
        endpoint_of = endpoints_of(transport, folder)
        names = [name for name in TYPES if name not in without
                 and (transport == "tcp" or name != "STREAM")]
        links = [make_link(name, sender, receiver, endpoint_of(name), **options) for name in names]
        for link in links:
            link.before = link.counter("SEND_WOULD_BLOCK"), link.counter("SEND_WOULD_BLOCK_NO_PEER")
        return links
    return make


def puppet_of(links):
    return links[0].sender.puppet


def counted(links, reason):
    return {link.name: link.dropped().get(reason.upper(), 0) for link in links}


def expected(links, reason, lost):
    """What ought to be counted of `lost`, by type: all, or nothing where nothing can be known."""
    result = {}
    for link in links:
        how = loss_table.cell(link.name, reason).how
        assert how != "never" or lost[link.name] == 0, f"{link.name} never loses by {reason}"
        result[link.name] = lost[link.name] if how in ("exact", "at_least") else 0
    return result


def wait_counted(links, reason, lost):
    """Waits until it is as the table says, and sees that it stays and nothing else is counted."""
    wanted = expected(links, reason, lost)
    wait_equal(lambda: counted(links, reason), wanted, reason)
    puppet_of(links).wait_next_rounds()
    seen = {link.name: link.dropped() for link in links}
    assert seen == {name: {reason.upper(): n} if n else {} for name, n in wanted.items()}


def receive_all(links):
    """Until nothing more comes to any for a moment."""
    while True:
        if sum(link.receive_some() for link in links) == 0:
            links[0].receiver.poll(timeout_ms=200)
            if sum(link.receive_some() for link in links) == 0:
                return


def wait_missing(links, reason):
    """Receives until no more is missing than was counted. Nothing is sent any more."""
    known = [link for link in links if loss_table.cell(link.name, reason).how != "absent"]

    def is_known():
        for link in links:
            link.receive_some()
        seen = counted(known, reason)
        return all(link.missing() == seen[link.name] for link in known)

    wait_for(is_known, lambda: f"{reason} is {counted(links, reason)}, and missing are "
                               f"{ {link.name: link.missing() for link in links} }")


def wait_refusals(links, cause="SEND_WOULD_BLOCK"):
    """And of those that do not refuse, none."""
    index = cause.endswith("NO_PEER")
    wait_equal(lambda: {link.name: link.counter(cause) - link.before[index] for link in links},
               {link.name: link.refused for link in links}, cause)


@pytest.mark.parametrize("transport", TRANSPORTS)
def hwm__receivers_do_not_keep_up__is_what_did_not_come(table, transport):
    links = table(transport, hwm=5)
    for _ in range(3):
        for link in links:
            link.send_mixed(120)
        receive_all(links)
    wait_missing(links, "hwm")
    for link in links:
        is_dropping = loss_table.cell(link.name, "hwm").how != "never"
        assert (link.missing() > 0) == is_dropping, link.name
        assert (link.refused > 0) == (link.may_refuse and link.name != "REQ"), link.name
    wait_counted(links, "hwm", {link.name: link.missing() for link in links})
    wait_refusals(links)


@pytest.mark.parametrize("transport", TRANSPORTS)
def refused__drops_are_forbidden__is_what_the_program_was_told(table, transport):
    links = table(transport, without=set(TYPES) - {"PUB", "XPUB", "ROUTER", "RADIO"}, hwm=5)
    for link in links:
        link.forbid_drops()
    for _ in range(3):
        for link in links:
            link.send_mixed(60)
        receive_all(links)
    wait_missing(links, "hwm")
    assert all(link.refused > 0 and link.missing() == 0 for link in links)
    wait_counted(links, "hwm", {link.name: 0 for link in links})
    wait_refusals(links)


def wait_gone(link, n_gone=1):
    """Until libzmq, too, knows that the peer has gone. REQ and REP keep its pipe until they turn to
    it again, so its end is seen in the events, which inproc does not have."""
    if not link.sender.endpoint.startswith("inproc"):
        link.sender.puppet.wait_counter(n_gone, ("EVENTS", "disconnected"), link.name)
    elif link.name in ASKERS:
        wait_equal(lambda: link.gauge("PEERS"), 0, f"peers of {link.name}")
    if link.name == "STREAM":
        link.sender.recv_frames()  # an empty one says so
    link.sender.poll(zmq.POLLIN | zmq.POLLOUT)
    if link.name not in ASKERS:
        wait_pipes(link.sender, 0)


def reply_to_nobody(link, turn, size, frames):
    link.ask()
    if link.sender.endpoint.startswith("inproc"):
        wait_equal(lambda: link.gauge("PEERS"), 1, "requesters")
    link.receiver.close()
    wait_gone(link, turn)
    link.sent += link.sender.send(1, size, frames)


@pytest.mark.parametrize("transport", TRANSPORTS)
def unroutable__peers_are_gone__is_what_was_sent_to_nobody(table, transport):
    links = table(transport, without=UNSEEN.get(transport, []))
    receiver = links[0].receiver.puppet
    for link in links:
        if link.name == "REP":
            for turn, shape in enumerate(SHAPES, 1):
                reply_to_nobody(link, turn, *shape)
                link.connect(receiver)
        link.receiver.close()
    for link in links:
        if link.name != "REP":
            wait_gone(link)
            link.send_mixed(N_QUEUED)
        if link.name in ("STREAM", "SERVER", "PEER"):
            link.refused = 0  # with another error than EAGAIN
    lost = {link.name: link.missing() for link in links}
    for name in {"PUB", "XPUB", "XSUB", "RADIO"} & lost.keys():
        lost[name] = 0  # sent to nobody, which is no loss
    wait_counted(links, "unroutable", lost)
    wait_refusals(links, "SEND_WOULD_BLOCK_NO_PEER")


def fill(links):
    """Sends until nothing moves any more; what is queued then, by type."""
    queued = []

    def is_still():
        for link in links:
            link.send_mixed(40)
        puppet_of(links).wait_next_rounds()
        queued.append({link.name: link.gauge("SEND_QUEUE") for link in links})
        return queued[-3:] == queued[-1:] * 3

    wait_for(is_still, lambda: f"full queues: {queued[-3:]}")
    for link in links:
        link.dropped_before = link.dropped().get("HWM", 0)
    return queued[-1]


def assert_queued(queued):
    """An XPUB, and nobody else, takes all at once."""
    assert min(n for name, n in queued.items() if name != "XSUB") > 5, queued


def wait_ended(links, reason, queued):
    """All that was queued is counted, where the type's is; what was dropped before stays so."""
    wanted = expected(links, reason, queued)
    wait_equal(lambda: counted(links, reason), wanted, reason)
    puppet_of(links).wait_next_rounds()
    seen = {link.name: link.dropped() for link in links}
    assert seen == {link.name: {reason: n for reason, n in
                                [("HWM", link.dropped_before), (reason.upper(), wanted[link.name])] if n}
                    for link in links}


@pytest.mark.parametrize("transport", NETWORKS)
def linger__none_and_peers_do_not_read__is_what_was_queued(table, transport):
    """What libzmq and the kernel had taken for the peer is lost or not, and not known."""
    links = table(transport, without=["REQ"], linger=0)
    queued = fill(links)
    assert_queued(queued)
    for link in links:
        link.sender.close()
    wait_ended(links, "linger", queued)
    receive_all(links)
    for link in links:
        assert sum(link.dropped().values()) <= link.missing(), link.name


@pytest.mark.parametrize("transport", NETWORKS)
def linger__runs_out__is_at_most_what_did_not_come(table, transport):
    links = table(transport, without=["REQ"], linger=200)
    fill(links)
    for link in links:
        link.sender.close()
    puppet_of(links).term()  # waits until linger has run out
    receive_all(links)
    for link in links:
        seen = link.dropped()
        assert seen.keys() <= {"HWM", "LINGER"}, link.name
        assert sum(seen.values()) <= link.missing(), link.name
    assert puppet_of(links).segment().capabilities["endings"][0] == "bound"


@libzmq.needs_handshakes
@pytest.mark.parametrize("transport", NETWORKS)
@pytest.mark.parametrize("linger", [0, 100])
def linger__nobody_listens__is_all_that_was_sent(start, folder, transport, linger):
    """Of those that have a queue before they have a peer."""
    puppet, sent = start("c"), {}
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # a port that refuses
        endpoint = {"tcp": "tcp://127.0.0.1:%d" % deaf.getsockname()[1], "ipc": f"ipc://{folder}/none"}
        for name in ("PAIR", "PUSH", "DEALER", "REQ", "ROUTER"):
            one = puppet.socket(getattr(zmq, name), linger=linger)
            if name == "ROUTER":
                one.set(zmq.CONNECT_RID, "peer")
            one.connect(endpoint[transport])
            for shape in SHAPES[:1 if name == "REQ" else None]:
                assert one.send(1, *shape, first=b"peer" if name == "ROUTER" else b"") == 1
            sent[name] = 1 if name == "REQ" else len(SHAPES)
            one.close()

        def seen():
            return {name: drops(puppet, name).get("LINGER") for name in sent}

        if linger:
            wait_equal(seen, sent, "linger")
        puppet.term()  # which comes before the tap's next look, if at once
    assert seen() == sent


def linger__inproc__the_peer_still_reads(table):
    links = table("inproc", linger=0)
    for link in links:
        link.send_mixed(N_QUEUED)
    puppet_of(links).wait_next_rounds()
    for link in links:
        link.sender.close()
    puppet_of(links).wait_next_rounds()
    for link in links:
        if link.name != "REQ":
            receive_all([link])
        else:
            link.receive(1)
        assert link.missing() == 0, link.name
    wait_counted(links, "linger", {link.name: 0 for link in links})


@pytest.mark.parametrize("transport", NETWORKS)
def disconnect__receivers_are_killed__is_what_was_queued(table, transport):
    """What the peers had read or not, and what was on its way, nobody here knows."""
    with Puppet("c", variables=VARIABLES) as receiver:
        links = table(transport, without=["REQ"], receiver=receiver, linger=0)
        queued = fill(links)
    assert_queued(queued)
    for link in links:  # the tap has seen each end before libzmq takes it in
        link.sender.puppet.wait_counter(1, ("EVENTS", "disconnected"), link.name)
    puppet_of(links).wait_next_rounds()
    for link in links:
        link.sender.poll(zmq.POLLIN | zmq.POLLOUT)
    wait_ended(links, "disconnect", queued)


def disconnect__inproc__is_what_the_peer_had_not_read(table):
    links = table("inproc", without=UNSEEN["inproc"])
    for link in links:
        link.send_mixed(N_QUEUED)
        if link.name != "REQ":
            link.receive(5)
    puppet_of(links).wait_next_rounds()
    for link in links:
        link.receiver.close()
    for link in links:
        wait_gone(link)
    wait_counted(links, "disconnect", {link.name: link.missing() for link in links})


@pytest.mark.parametrize("transport", TRANSPORTS)
def disconnect__while_the_program_is_busy__is_a_bound(table, transport):
    """Here nobody waits for the tap to look."""
    links = table(transport)
    for link in links:
        link.send_mixed(40)
        link.receive_some()
        link.receiver.close()
        if link.name not in ASKERS:  # which nobody asks any more
            link.send_mixed(5)
    puppet_of(links).wait_next_rounds()
    for link in links:
        assert sum(link.dropped().values()) <= link.missing(), link.name
    assert puppet_of(links).segment().capabilities["endings"][0] == "bound"


@pytest.mark.parametrize("transport", NETWORKS)
def oversized__message_comes__is_told_by_its_receiver(table, transport):
    """For each one, whose connection ends with it. The sender is told of an end alone."""
    links = table(transport, receiver_options={"maxmsgsize": 1000})
    receiver = links[0].receiver.puppet
    if receiver.segment().capabilities["oversized"][0] != "on":
        pytest.skip("this libzmq does not tell")
    for link in links:
        link.send(1, 900)
        link.receive(1)
        if link.name == "REQ":
            link.answer()
        link.send(1, 1001)

    def seen():
        return {link.name: receiver.segment().counter("OVERSIZED", NAMES[link.kinds[1]], link.receiver.endpoint)
                for link in links}

    wanted = {link.name: int(loss_table.cell(link.name, "oversized").how == "exact") for link in links}
    wait_equal(seen, wanted, "oversized messages")
    receiver.wait_next_rounds(5)
    assert seen() == wanted
    for link in links:
        assert link.counter("OVERSIZED") == 0 and link.dropped() == {}, link.name
        # None connects again to be sent the same.
        assert receiver.segment().counter(("EVENTS", "connected"), None, link.receiver.endpoint) == 1


def page__socket_of_each_type__shows_what_is_known(start, folder, agent):
    puppet = start("c", variables=VARIABLES)
    for name in [*TYPES, "SUB", "PULL"]:
        endpoint = "tcp://127.0.0.1:*" if name == "STREAM" else f"ipc://{folder}/{name}"
        puppet.socket(segment_file.TYPES.index(name)).bind(endpoint)
    puppet.wait_next_rounds()
    page = agent.scrape()
    reasons = {name: set() for name in [*TYPES, "SUB", "PULL"]}
    for sample in page.samples:
        if sample.name == "zmq_socket_dropped_messages_total":
            reasons[sample.labels["type"]].add(sample.labels["reason"])
    assert reasons == {name: loss_table.series_of(name) for name in TYPES} | {"SUB": set(), "PULL": set()}
    for capability, state in (("publish_drops", "on"), ("router_drops", "on"), ("endings", "bound")):
        assert page.value("zmq_tap_capability", capability=capability, state=state) == 1
