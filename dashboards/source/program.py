# SPDX-License-Identifier: MPL-2.0
"""One program, or a few: its sockets, queues, losses, connections, processes."""

from blocks import GREEN, LIMIT, LINK_OF, ORANGE, PLAIN, PROGRAM, RED, SOCKET, Board, by, host_variables, \
    program_variable, steps
from parts import DETAILS, OURS, alerts_table, handshake_failures, refused_sends

NEAR = LIMIT("near_mark_ratio")
FULL = steps(PLAIN, NEAR, ORANGE, 0.95, RED)
FULL_LINE = steps(GREEN, NEAR, ORANGE, 0.95, RED)
OLD = steps(PLAIN, LIMIT("old_message_seconds_warning"), ORANGE, LIMIT("old_message_seconds_critical"), RED)
OLD_LINE = steps(GREEN, LIMIT("old_message_seconds_warning"), ORANGE, LIMIT("old_message_seconds_critical"),
                 RED)

# Of every group of sockets, also of those of which it is not known.
LONGEST_WAIT = (f'(max {by(SOCKET)} '
                f'({{@,__name__=~"zmq_socket_(send|receive)_queue_oldest_message_age_seconds"}}) '
                f"or 0 * sum {by(SOCKET)} (zmq_sockets{{@}}))")


def top(how, family, labels=SOCKET, more=""):
    return f"topk($top, {how} {by(labels)} ({family}{{@{more}}}))"


def top_rate(family, labels=SOCKET, rate="rate"):
    """What happened at all."""
    return f"topk($top, sum {by(labels)} ({rate}({family}{{@}}[$__rate_interval])) > 0)"



def at_a_glance(b):
    b.row("At a glance")
    b.stat("Processes", "Running processes whose sockets are seen, by a tap or from outside.",
           "sum(zmq_processes{@})")
    b.stat("Open sockets", "Open sockets.", "sum(zmq_sockets{@})")
    b.stat("Alerts", "Alerts of these programs that fire now.",
           f'count(ALERTS{{@,alertstate="firing",{OURS}}}) or vector(0)', steps(GREEN, 1, RED))
    b.stat("Queues near their mark",
           "Groups of sockets with a peer's queue above the limit of the alert, sending or receiving.",
           f"(count(zmq_socket_send_hwm_proximity_ratio{{@}} > {NEAR}) or vector(0)) + "
           f"(count(zmq_socket_receive_hwm_proximity_ratio{{@}} > {NEAR}) or vector(0))", steps(GREEN, 1, RED))
    b.stat("Dropped messages", "What libzmq dropped in the time that is shown.",
           "sum(increase(zmq_socket_dropped_messages_total{@}[$__range]))", steps(GREEN, 1, ORANGE))
    b.stat("Handshakes that failed",
           "In the time that is shown. Visits of probes and health checks count, too.",
           f"sum({handshake_failures('$__range')})", steps(GREEN, 1, ORANGE))


def sockets(b):
    link = SOCKET + ("link",)

    def named(expression):
        """With the label `link`, by which the dashboard of the link finds both ends."""
        return f'label_replace({expression}, "link", "$1", "address", "{LINK_OF}")'

    def gauge(how, family):
        return named(f"{how} {by(SOCKET)} ({family}{{@}})")

    def rate(family):
        return named(f"sum {by(SOCKET)} (rate({family}{{@}}[$__rate_interval]))")

    both = {"title": "Both ends of this link", "targetBlank": False,
            "url": "/d/zeromq-link?${datasource:queryparam}&${__url_time_range}"
                   "&var-job=${__data.fields.job:percentencode}&var-link=${__data.fields.link:percentencode}"}
    b.table(
        "Sockets",
        "Sockets of one program, type and address are one row. Queues are those of the fullest peer, over its "
        "high water mark. The longest wait stands first: where it is one of receiving, the program is behind; "
        "where it is one of sending, its peer is. A cell without a number is not known or does not apply.",
        link, [
            ("Sockets", gauge("sum", "zmq_sockets"), "short", None),
            ("Peers", gauge("sum", "zmq_socket_peers"), "short", None),
            ("To receive", gauge("sum", "zmq_socket_receive_queue_messages"), "short", None),
            ("Receive queue", gauge("max", "zmq_socket_receive_hwm_proximity_ratio"), "percentunit", FULL),
            ("Oldest to receive", gauge("max", "zmq_socket_receive_queue_oldest_message_age_seconds"), "s",
             OLD),
            ("To send", gauge("sum", "zmq_socket_send_queue_messages"), "short", None),
            ("Send queue", gauge("max", "zmq_socket_send_hwm_proximity_ratio"), "percentunit", FULL),
            ("Oldest to send", gauge("max", "zmq_socket_send_queue_oldest_message_age_seconds"), "s", OLD),
            ("Received/s", rate("zmq_socket_received_messages_total"), "short", None),
            ("Sent/s", rate("zmq_socket_sent_messages_total"), "short", None),
            ("Dropped/s", rate("zmq_socket_dropped_messages_total"), "short", steps(PLAIN, 0.001, RED)),
        ], rank=LONGEST_WAIT, sort=[("Oldest to receive", True), ("Oldest to send", True)],
        links=[both], hide=("link",), height=12)


def queues(b):
    b.row("Queues")
    for direction, word, description, alert in [
            ("receive", "receive", "At 100 % the senders' queues fill.", "ZeroMQReceiveQueueNearHighWaterMark"),
            ("send", "send", "At 100 % PUB, XPUB and ROUTER drop, other types block.",
             "ZeroMQSendQueueNearHighWaterMark")]:
        b.lines(f"Fullest {word} queue",
                "The fullest peer's queue over its effective high water mark, the greatest that a scrape saw. "
                f"{description}",
                f"topk($top, max {by(SOCKET)} "
                f"(max_over_time(zmq_socket_{direction}_hwm_proximity_ratio{{@}}[$__rate_interval])))",
                SOCKET, "percentunit", max=1, thresholds=FULL_LINE, alert=alert)
    for direction, description in [("receive", "Wait for the program to receive them, over all peers."),
                                   ("send", "Queued in the socket, over all peers; the kernel's buffers are "
                                            "not known.")]:
        b.lines(f"Messages to {direction}", description, top("sum", f"zmq_socket_{direction}_queue_messages"),
                SOCKET)
    for direction, description in [
            ("receive", "How long the oldest message has waited for the program. One that only grows: nothing "
                        "is received."),
            ("send", "How long the oldest message has been queued for sending. One that only grows: its peer "
                     "takes nothing.")]:
        b.lines(f"Oldest message to {direction}", description,
                top("max", f"zmq_socket_{direction}_queue_oldest_message_age_seconds"), SOCKET, "s",
                thresholds=OLD_LINE, alert="ZeroMQMessagesOld")
    for direction, alert in [("receive", "ZeroMQReceiveQueueNearHighWaterMark"),
                             ("send", "ZeroMQSendQueueNearHighWaterMark")]:
        family = f"zmq_socket_{direction}_queue_fill_ratio"
        b.lines(f"Time with the {direction} queue above 90 %",
                "Part of the time, sampled ten times a second: what swings between two scrapes shows here.",
                f'topk($top, 1 - sum {by(SOCKET)} (rate({family}_bucket{{@,le="0.9"}}[$__rate_interval])) '
                f"/ sum {by(SOCKET)} (rate({family}_count{{@}}[$__rate_interval])))",
                SOCKET, "percentunit", max=1, alert=alert)


def losses(b):
    b.row("Losses and waiting")
    reason, cause = SOCKET + ("reason",), SOCKET + ("cause",)
    b.lines("Dropped messages",
            "By reason. hwm: a peer's queue was full; unroutable: no such peer; linger: queued at close when "
            "linger ran out; disconnect: queued to a peer that went away.",
            top_rate("zmq_socket_dropped_messages_total", reason), reason, "ops", alert="ZeroMQMessagesDropped")
    b.lines("Time at the high water mark",
            "Part of the time during which the queue to at least one peer was full.",
            top_rate("zmq_socket_send_at_hwm_seconds_total"), SOCKET, "percentunit",
            alert="ZeroMQSendQueueNearHighWaterMark")
    b.lines("Time spent waiting in a send",
            "Seconds a second, over all threads. full: the queues were; no_peer: there was no queue to send "
            "to.",
            top_rate("zmq_socket_send_blocked_seconds_total",
                     cause), cause, "percentunit", alert="ZeroMQSenderBlocked")
    b.lines("Sends that were refused", "EAGAIN: the program did not want to wait.",
            f"topk($top, sum {by(cause)} ({refused_sends()}) > 0)", cause, alert="ZeroMQSenderBlocked")
    b.lines("Messages that were too large", "Above ZMQ_MAXMSGSIZE: libzmq ends the connection for each.",
            top_rate("zmq_socket_oversized_messages_total", rate="increase"), SOCKET,
            alert="ZeroMQOversizedMessages")
    b.lines("Messages that newer ones replaced", "As the program asked with ZMQ_CONFLATE: no losses.",
            top_rate("zmq_socket_conflated_messages_total"), SOCKET, "ops")


def traffic(b):
    b.row("Traffic")
    for done, unit, kind in [("received", "ops", "messages"), ("sent", "ops", "messages"),
                             ("received", "Bps", "bytes"), ("sent", "Bps", "bytes")]:
        what = "Whole messages" if kind == "messages" else "Bytes of all frames, without ZMTP framing"
        b.lines(f"{kind.capitalize()} {done}", f"{what} that the program has {done}, a second.",
                f"topk($top, sum {by(SOCKET)} (rate(zmq_socket_{done}_{kind}_total{{@}}[$__rate_interval])))",
                SOCKET, unit,
                alert="ZeroMQStreamStalled" if kind == "messages" else None)
    for done in ("received", "sent"):
        b.lines(f"Time since the last message was {done}",
                "Of open sockets. A steady stream that has stopped rises here.",
                f"topk($top, time() - max {by(SOCKET)} (zmq_socket_last_{done}_timestamp_seconds{{@}}))", SOCKET, "s",
                alert="ZeroMQStreamStalled")


def connections(b):
    b.row("Connections")
    failure = SOCKET + ("cause", "detail")
    b.lines("Peers", "Peers with a finished handshake.", top("sum", "zmq_socket_peers"), SOCKET,
            alert="ZeroMQPeersLost")
    b.lines("Handshakes that failed",
            "By cause. auth: the ZAP status; protocol: libzmq's code; transport: the errno. transport with "
            "none, EPIPE or ECONNRESET is also what a health check leaves.",
            f"topk($top, sum {by(failure)} ({handshake_failures()}) > 0)", failure, alert="ZeroMQHandshakeFailures")
    b.lines("Handshakes that succeeded", "New connections.",
            top_rate("zmq_socket_handshakes_total", rate="increase"), SOCKET,
            alert="ZeroMQPeerFlapping")
    b.lines("Disconnects", "Connections that broke or that the peer closed.",
            top_rate("zmq_socket_disconnects_total", rate="increase"), SOCKET, alert="ZeroMQPeerFlapping")
    b.lines("Connects that were tried again", "Nobody listens there, or the handshake failed.",
            top_rate("zmq_socket_connect_retries_total",
                     rate="increase"), SOCKET, alert="ZeroMQReconnecting", width=8)
    b.lines("Connections that could not be accepted", "For example because descriptors ran out.",
            top_rate("zmq_socket_accept_failures_total",
                     rate="increase"), SOCKET, alert="ZeroMQAcceptFailures", width=8)
    b.lines("Binds that failed", "Mostly because the address is in use.",
            top_rate("zmq_socket_bind_failures_total",
                     rate="increase"), SOCKET, alert="ZeroMQBindFailures", width=8)


def kernel(b):
    b.row("In the kernel, between two programs")
    for word, description in [
            ("unsent", "Of the worst connection: written by libzmq, and not yet at the other host; with ipc, not "
                       "read by the peer. Full here and in the send queue: the peer does not read."),
            ("unread", "Of the worst connection: came, and libzmq has not read it, for its receive queue is full "
                       "or its I/O thread does not run.")]:
        b.lines(f"Bytes {word}", f"{description} Only of programs that the reader sees.",
                top("max", f"zmq_socket_worst_connection_{word}_bytes"), SOCKET, "bytes", width=8)
    b.lines("Segments sent again",
            "Of the worst open connection of tcp, since it began: packets are lost on the way. Only of programs "
            "that the reader sees.", top("max", "zmq_socket_worst_connection_retransmits"), SOCKET, width=8)


def misuse(b):
    b.row("How the program uses libzmq")
    error = SOCKET + ("error",)
    b.lines("Calls that libzmq refused, so far",
            "By errno name. EFSM: a REQ or REP out of turn; EHOSTUNREACH: a ROUTER "
            "without such a peer; ETERM is how a program's own end looks. Without type and address: of the "
            "program, such as ENOTSOCK of a socket that is closed.",
            top("sum", "zmq_api_errors_total", error), error, alert="ZeroMQPolicyViolation")
    b.lines("Calls while another thread was in one, so far",
            "With the same socket, which libzmq does not allow: memory is overwritten sooner or later. At least "
            "so many; a sample of calls is watched.",
            top("sum", "zmq_socket_concurrent_calls_total"), SOCKET, alert="ZeroMQPolicyViolation")
    for word, what in [("sent", "sent"), ("received", "received")]:
        b.lines(f"Largest frame {word}", f"That an open socket has {what} since it was made.",
                top("max", f"zmq_socket_largest_{word}_frame_bytes"), SOCKET, "bytes")


def processes(b):
    b.row("Processes")
    end = PROGRAM + ("end",)
    b.lines("Running processes", "Seen by a tap or from outside.", top("sum", "zmq_processes", PROGRAM),
            PROGRAM,
            alert="ZeroMQProgramGone", width=8)
    b.lines("Processes that ended",
            "orderly: by exit or a return from main; abrupt: killed, crashed, or left by _exit.",
            top_rate("zmq_process_ends_total", end, "increase"), end, alert="ZeroMQProgramRestarting", width=8)
    b.lines("Time since the first socket", "Of the process of the program that has run longest.",
            f"topk($top, time() - max {by(PROGRAM)} (zmq_process_start_time_seconds{{@}}))", PROGRAM, "s", width=8)
    b.lines("Open files against the limit", "Of the process that is nearest to its limit.",
            f"topk($top, max {by(PROGRAM)} (zmq_process_open_fds{{@}} / zmq_process_max_fds{{@}}))",
            PROGRAM, "percentunit",
            thresholds=steps(GREEN, LIMIT("descriptors_used_warning"), ORANGE,
                             LIMIT("descriptors_used_critical"), RED),
            alert="ZeroMQProcessNearDescriptorLimit", width=8)
    b.lines("Sockets of a context against ZMQ_MAX_SOCKETS", "Of the context that is nearest to its limit.",
            f"topk($top, max {by(PROGRAM)} (zmq_context_sockets{{@}} / zmq_context_max_sockets{{@}}))",
            PROGRAM, "percentunit",
            thresholds=steps(GREEN, LIMIT("context_used_warning"), ORANGE, LIMIT("context_used_critical"), RED),
            alert="ZeroMQContextNearSocketLimit", width=8)
    b.lines("Sockets that linger",
            "Closed by the program and kept by libzmq, mostly because messages are still queued. Only of "
            "programs that are seen from outside.",
            [(top("sum", "zmq_lingering_sockets", PROGRAM), "sockets"),
             (top("sum", "zmq_lingering_messages", PROGRAM), "messages")], PROGRAM, width=8)


def details(b):
    b.row("Details, where they are collected", collapsed=True)
    event, option = SOCKET + ("event",), SOCKET + ("option",)
    b.lines("Events", f"As zmq_socket_monitor raised them. {DETAILS}",
            top_rate("zmq_socket_events_total", event, "increase"), event)
    b.lines("Time spent waiting in a receive",
            f"Seconds a second, over all threads; an idle consumer waits all the time. {DETAILS}",
            top_rate("zmq_socket_receive_blocked_seconds_total"), SOCKET, "percentunit")
    b.lines("Receives that found nothing", f"EAGAIN. {DETAILS}",
            top_rate("zmq_socket_receive_would_block_total"), SOCKET, "ops")
    b.table("Options", f"As the program set them, as zmq_getsockopt(3) gives them. {DETAILS}", option,
            [("Value", f"min {by(option)} (zmq_socket_option{{@}})", "none", None)], width=12,
            sort=[("program", False), ("address", False), ("option", False)])


def board():
    b = Board("zeromq-program", "ZeroMQ: program",
              "Sockets, queues, losses and connections of one program, or a few.",
              [*host_variables("zmq_exporter_build_info"), program_variable()], ['program=~"$program"'])
    at_a_glance(b)
    alerts_table(b, "@")
    sockets(b)
    for section in (queues, losses, traffic, connections, kernel, misuse, processes, details):
        section(b)
    return b.json
