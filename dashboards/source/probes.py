# SPDX-License-Identifier: MPL-2.0
"""Endpoints that are looked at from outside."""

from blocks import GREEN, ORANGE, PROBE, RED, Board, by, host_variables, runbook, steps, variable
from parts import alerts_table, probe_failures

FAILED = runbook("ZeroMQProbeFailed", PROBE)


def top_rate(family, labels=PROBE, rate="rate"):
    return f"topk($top, sum {by(labels)} ({rate}({family}{{@}}[$__rate_interval])) > 0)"


def now(b):
    def gauge(family, labels=PROBE):
        return f"max {by(labels)} ({family}{{@}})"

    b.row("Now")
    b.stat("Probes", "Standing probes, and endpoints that Prometheus names to /probe.",
           "count(zmq_probe_success{@})", width=6)
    b.stat("Out of order", "Probes that have found nothing good at their endpoint.",
           "count(zmq_probe_success{@} == 0) or vector(0)", steps(GREEN, 1, RED), width=6)
    b.stat("Messages missed", "Of numbered streams, by the gaps in their numbers, in the time that is shown.",
           "sum(increase(zmq_probe_missed_messages_total{@}[$__range])) or vector(0)", steps(GREEN, 1, RED), width=6)
    b.stat("Disconnects", "Of connections with a finished handshake, in the time that is shown.",
           "sum(increase(zmq_probe_disconnects_total{@}[$__range])) or vector(0)", steps(GREEN, 1, ORANGE), width=6)
    b.table(
        "Endpoints, those out of order first",
        "Phase, cause and detail say why a probe fails now. Mechanism, ZMTP version and socket type are what "
        "the peer said of itself, where its protocol shows it.",
        PROBE, [
            ("Good", gauge("zmq_probe_success"), "bool_yes_no", steps(RED, 1, GREEN)),
            ("Connected", gauge("zmq_probe_connected"), "bool_yes_no", None),
            ("Peers", gauge("zmq_probe_peers"), "short", None),
            ("Resolving", gauge("zmq_probe_resolve_duration_seconds"), "s", None),
            ("Connecting", gauge("zmq_probe_connect_duration_seconds"), "s", None),
            ("Handshake", gauge("zmq_probe_handshake_duration_seconds"), "s", None),
            (None, gauge("zmq_probe_failure_info", PROBE + ("phase", "cause", "detail")), "", None),
            (None, gauge("zmq_probe_peer_info", PROBE + ("mechanism", "zmtp", "socket_type")), "", None),
        ], sort=[("Good", False)], links=[runbook("ZeroMQProbeFailed", PROBE, in_table=True)])


def past(b):
    b.row("What it was when")
    b.states("Good or not", "Whether the endpoint was as configured.",
             f"topk($top, min {by(PROBE)} (zmq_probe_success{{@}}))",
             PROBE, [("1", "good", GREEN), ("0", "out of order", RED)],
             links=[FAILED])
    b.lines("Time of the handshake",
            "Of the last attempt: of a greeting from the connection on, of a socket with its own connect.",
            f"topk($top, max {by(PROBE)} (zmq_probe_handshake_duration_seconds{{@}}))", PROBE, "s")
    b.lines("Time to resolve and to connect", "Of the last attempt.",
            [(f"topk($top, max {by(PROBE)} (zmq_probe_resolve_duration_seconds{{@}}))", "resolve"),
             (f"topk($top, max {by(PROBE)} (zmq_probe_connect_duration_seconds{{@}}))", "connect")], PROBE, "s")
    b.lines("Attempts", "To greet the endpoint or to connect to it.", top_rate("zmq_probe_attempts_total"),
            PROBE, "ops", 8)
    b.lines("Attempts that failed", "By the phase in which they did.",
            top_rate("zmq_probe_failures_total", PROBE + ("phase",), "increase"), PROBE + ("phase",), width=8,
            alert="ZeroMQProbeFailed")
    b.lines("Disconnects", "Connections with a finished handshake that broke or that the peer closed.",
            top_rate("zmq_probe_disconnects_total", rate="increase"), PROBE, width=8, alert="ZeroMQProbeFailed")
    detail = PROBE + ("cause", "detail")
    b.lines("Why connecting failed", "cause resolve: the resolver's error; transport: the errno.",
            f"topk($top, sum {by(detail)} ({probe_failures('zmq_probe_connect_failures_total')}) > 0)", detail, alert="ZeroMQProbeFailed")
    b.lines("Why handshakes failed",
            "auth: the ZAP status; protocol: libzmq's code; transport: the errno; policy: the probe stays "
            "away from the peer.",
            f"topk($top, sum {by(detail)} ({probe_failures('zmq_probe_handshake_failures_total')}) > 0)", detail, alert="ZeroMQProbeFailed")


def streams(b):
    b.row("Streams that a probe subscribes to")
    b.lines("Messages received", "A second.", top_rate("zmq_probe_received_messages_total"), PROBE, "ops", 8)
    b.lines("Bytes received", "Of all frames, a second.", top_rate("zmq_probe_received_bytes_total"), PROBE,
            "Bps", 8)
    b.lines("Time since the last message", "One that rises: the stream has stopped.",
            f"topk($top, time() - max {by(PROBE)} (zmq_probe_last_received_timestamp_seconds{{@}}))", PROBE, "s", 8)
    b.lines("Messages missed", "By the gaps in their numbers.",
            top_rate("zmq_probe_missed_messages_total", rate="increase"),
            PROBE, alert="ZeroMQStreamGaps")
    b.lines("Numbers that cannot be followed",
            "restarts: the stream went back; unnumbered: no number at the configured place; untracked: more "
            "streams than the probe follows.",
            [(top_rate(f"zmq_probe_{family}_total", rate="increase"), word) for family, word in [
                ("sequence_restarts", "restarts"), ("unnumbered_messages",
                                                    "unnumbered"), ("untracked_messages", "untracked")]],
            PROBE)


def board():
    b = Board("zeromq-probes", "ZeroMQ: probes", "ZeroMQ endpoints as probes find them from outside.",
              [*host_variables("zmq_probe_success"),
               variable("probe", 'label_values(zmq_probe_success{job=~"$job",instance=~"$instance"}, probe)',
                        all_value=".*")],
              ['probe=~"$probe"'])
    now(b)
    alerts_table(b, "@")
    past(b)
    streams(b)
    b.row("Probes on demand", collapsed=True)
    b.lines("Time of a probe", "Of /probe, for targets that Prometheus names: connect, handshake and all.",
            f"topk($top, max {by(PROBE)} (zmq_probe_duration_seconds{{@}}))", PROBE, "s", 24)
    return b.json
