# SPDX-License-Identifier: MPL-2.0
"""One link: what is sent on the left, what is received on the right, on whichever hosts the ends are."""

from blocks import LINK_OF, LINK_PREFIX, PLAIN, RED, SOCKET, Board, by, steps, to_program, variable
from parts import alerts_table, handshake_failures
from program import FULL, FULL_LINE, LONGEST_WAIT, OLD, OLD_LINE, top, top_rate

ENDS = f'address=~"{LINK_PREFIX}$link"'


def variables():
    link = variable("link", 'label_values(zmq_sockets{job=~"$job"}, address)', all_value=".+",
                    description="The port of tcp, ws and udp, whatever the host; of ipc and inproc the whole "
                                "address. So it "
                    "has both ends, however each of them wrote it.",
                    regex="/^%s$/" % LINK_OF.replace("/", r"\/"))
    del link["current"]  # the first one; all links at once tell little
    return [variable("job", "label_values(zmq_exporter_build_info, job)"), link,
            variable("instance", f'label_values(zmq_sockets{{job=~"$job",{ENDS}}}, instance)')]


def both(b, title, unit, send, receive, **more):
    """`send` and `receive`: what a panel's title has behind `title`, description, expression, alert."""
    for word, description, expression, alert in (send, receive):
        b.lines(f"{title}: {word}", description, expression, more.get("labels", SOCKET), unit, alert=alert,
                **{k: v for k, v in more.items() if k != "labels"})


def ends(b):
    def gauge(how, family):
        return f"{how} {by(SOCKET)} ({family}{{@}})"

    def rate(family):
        return f"sum {by(SOCKET)} (rate({family}{{@}}[$__rate_interval]))"

    b.row("Ends")
    b.table(
        "Both ends",
        "Every group of sockets at this link, on all hosts. The longest wait stands first: where it is one of "
        "receiving, that program is behind and the others wait for it.",
        SOCKET, [
            ("Sockets", gauge("sum", "zmq_sockets"), "short", None),
            ("Peers", gauge("sum", "zmq_socket_peers"), "short", None),
            ("To send", gauge("sum", "zmq_socket_send_queue_messages"), "short", None),
            ("Mark for sending", gauge("min", "zmq_socket_send_hwm_messages"), "short", None),
            ("Send queue", gauge("max", "zmq_socket_send_hwm_proximity_ratio"), "percentunit", FULL),
            ("Oldest to send", gauge("max", "zmq_socket_send_queue_oldest_message_age_seconds"), "s", OLD),
            ("Sent/s", rate("zmq_socket_sent_messages_total"), "short", None),
            ("To receive", gauge("sum", "zmq_socket_receive_queue_messages"), "short", None),
            ("Mark for receiving", gauge("min", "zmq_socket_receive_hwm_messages"), "short", None),
            ("Receive queue", gauge("max", "zmq_socket_receive_hwm_proximity_ratio"), "percentunit", FULL),
            ("Oldest to receive", gauge("max", "zmq_socket_receive_queue_oldest_message_age_seconds"), "s",
             OLD),
            ("Received/s", rate("zmq_socket_received_messages_total"), "short", None),
            ("Dropped/s", rate("zmq_socket_dropped_messages_total"), "short", steps(PLAIN, 0.001, RED)),
        ], rank=LONGEST_WAIT, sort=[("Oldest to receive", True), ("Oldest to send", True)],
        links=[to_program(in_table=True)])


def fill_of_each_host(b):
    b.row("How full, on $instance", repeat="instance")
    for end, family in [("sending", "send"), ("receiving", "receive")]:
        b.heatmap(f"Fill at the {end} end",
                  "The fullest peer's queue of each socket at this link, sampled ten times a second: how "
                  "often it was below half of its mark, up to 90 %, and above. All programs of this host "
                  "together.",
                  f"zmq_socket_{family}_queue_fill_ratio_bucket{{@}}")


def side_by_side(b):
    b.row("Sending on the left, receiving on the right")
    both(b, "Oldest message", "s",
         ("to send", "How long the oldest message has been queued in the sending program.",
          top("max", "zmq_socket_send_queue_oldest_message_age_seconds"), "ZeroMQMessagesOld"),
         ("to receive", "How long the oldest message has waited for the receiving program.",
          top("max", "zmq_socket_receive_queue_oldest_message_age_seconds"), "ZeroMQMessagesOld"),
         thresholds=OLD_LINE)
    both(b, "Fullest queue", "percentunit",
         ("sending", "Over the high water mark. Where both ends are full, the receiving one is the cause.",
          top("max", "zmq_socket_send_hwm_proximity_ratio"), "ZeroMQSendQueueNearHighWaterMark"),
         ("receiving",
          "Over the high water mark. Full here: the program does not keep up, or does not receive at all.",
          top("max", "zmq_socket_receive_hwm_proximity_ratio"), "ZeroMQReceiveQueueNearHighWaterMark"),
         thresholds=FULL_LINE, max=1)
    both(b, "Messages that wait", "short",
         ("sending", "Queued in the sockets, over all peers. What the kernel holds is in neither queue.",
          top("sum", "zmq_socket_send_queue_messages"), None),
         ("receiving", "Not yet received by the program, over all peers.",
          top("sum", "zmq_socket_receive_queue_messages"), None))
    both(b, "Messages", "ops",
         ("sent", "Accepted by libzmq, a second; to each of several subscribers goes a copy.",
          f"topk($top, sum {by(SOCKET)} (rate(zmq_socket_sent_messages_total{{@}}[$__rate_interval])))",
          "ZeroMQStreamStalled"),
         ("received", "Received by the program, a second.",
          f"topk($top, sum {by(SOCKET)} (rate(zmq_socket_received_messages_total{{@}}[$__rate_interval])))",
          "ZeroMQStreamStalled"))
    reason, cause = SOCKET + ("reason",), SOCKET + ("cause",)
    b.lines("Lost: dropped by the sender", "By reason, a second.",
            top_rate("zmq_socket_dropped_messages_total", reason), reason, "ops", alert="ZeroMQMessagesDropped")
    b.lines("Lost: too large for the receiver", "Above its ZMQ_MAXMSGSIZE; the connection ends with each.",
            top_rate("zmq_socket_oversized_messages_total",
                     rate="increase"), SOCKET, alert="ZeroMQOversizedMessages")
    b.lines("Waiting: the sender", "Seconds a second that its threads wait in a send, by cause.",
            top_rate("zmq_socket_send_blocked_seconds_total",
                     cause), cause, "percentunit", alert="ZeroMQSenderBlocked")
    b.lines("Waiting: since the last message came", "Of the receiving end's open sockets.",
            f"topk($top, time() - max {by(SOCKET)} (zmq_socket_last_received_timestamp_seconds{{@}}))", SOCKET, "s",
            alert="ZeroMQStreamStalled")
    b.lines("In the kernel: unsent",
            "Of each end's worst connection, what libzmq has written and the other host does not have; with ipc, "
            "what the peer has not read. Only of programs that the reader sees.",
            top("max", "zmq_socket_worst_connection_unsent_bytes"), SOCKET, "bytes")
    b.lines("In the kernel: unread",
            "Of each end's worst connection, what came and libzmq has not read: its receive queue is full, or its "
            "I/O thread does not run. Only of programs that the reader sees.",
            top("max", "zmq_socket_worst_connection_unread_bytes"), SOCKET, "bytes")
    b.lines("In the kernel: segments sent again",
            "Of each end's worst open connection of tcp: packets are lost on the way. Only of programs that the "
            "reader sees.", top("max", "zmq_socket_worst_connection_retransmits"), SOCKET)
    error = SOCKET + ("error",)
    b.lines("Misuse: calls that libzmq refused, or of two threads at once, so far",
            "At both ends; the first by errno name.",
            [(top("sum", "zmq_api_errors_total", error), "{{error}}"),
             (top("sum", "zmq_socket_concurrent_calls_total"), "two threads")], SOCKET,
            alert="ZeroMQPolicyViolation")
    b.lines("Peers", "Finished handshakes at both ends.", top("sum", "zmq_socket_peers"), SOCKET,
            alert="ZeroMQPeersLost")
    b.lines("Connections that broke or failed", "Disconnects, and handshakes that failed, at both ends.",
            [(top_rate("zmq_socket_disconnects_total", rate="increase"), "disconnects"),
             (f"topk($top, sum {by(SOCKET)} ({handshake_failures()}) > 0)", "handshakes")], SOCKET,
            alert="ZeroMQHandshakeFailures")


def board():
    b = Board("zeromq-link", "ZeroMQ: link", "Both ends of one ZeroMQ address, side by side.", variables(),
              [ENDS])
    ends(b)
    alerts_table(b, "@")
    side_by_side(b)
    fill_of_each_host(b)
    return b.json
