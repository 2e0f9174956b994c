# SPDX-License-Identifier: MPL-2.0
"""All hosts and programs, worst first: where to look."""

from blocks import GREEN, HOST, LIMIT, ORANGE, PLAIN, PROGRAM, RED, SOCKET, Board, by, host_variables, jump, \
    program_variable, steps, to_program
from parts import OURS, alerts_table, handshake_failures, not_known

WORST = f"max {by(PROGRAM)} (zmq:program_limit_used:ratio{{@}})"


def at_a_glance(b):
    b.row("At a glance")
    b.stat("Hosts", "Exporters that answer Prometheus, one for each host.",
           "count(zmq_exporter_build_info{@host})", width=3)
    b.stat("Hosts that do not answer",
           "Exporters that Prometheus could not scrape: nothing is known of their hosts.",
           "count(up{@host} == 0) or vector(0)", steps(GREEN, 1, RED), width=3)
    b.stat("Programs", "Programs on all hosts, each counted once on each host.",
           f"count(sum {by(PROGRAM)} (zmq_processes{{@}}) > 0) or vector(0)", width=3)
    b.stat("Open sockets", "Open sockets of all programs.", "sum(zmq_sockets{@})", width=3)
    for severity, title, color in [("critical", "Critical alerts", RED), ("warning", "Warnings", ORANGE)]:
        b.stat(title, "Alerts that fire now.",
               f'count(ALERTS{{@host,alertstate="firing",severity="{severity}",{OURS}}}) or vector(0)',
               steps(GREEN, 1, color), width=3)
    b.stat("Dropped messages",
           "Messages that libzmq dropped in the time that is shown: a queue was full, nobody was there, or a "
           "socket ended with messages queued.",
           "sum(increase(zmq_socket_dropped_messages_total{@}[$__range]))", steps(GREEN, 1, ORANGE), width=3)
    b.stat("Programs not seen", "Running processes with ZeroMQ that neither a tap nor the reader sees. "
           "The dashboard of the exporter says why.",
           "sum(zmq_unseen_processes{@host}) or vector(0)", steps(GREEN, 1, ORANGE), width=3)


def programs(b):
    def of_sockets(how, family):
        return f"{how} {by(PROGRAM)} ({family}{{@}})"

    def rate(family):
        return f"sum {by(PROGRAM)} (rate({family}{{@}}[$__rate_interval]))"

    near, old = LIMIT("near_mark_ratio"), LIMIT("old_message_seconds_warning")
    full = steps(PLAIN, near, ORANGE, 0.95, RED)
    age = steps(PLAIN, old, ORANGE, LIMIT("old_message_seconds_critical"), RED)
    b.table(
        "Programs, worst first",
        "Worst: how much of an alert's limit the program's worst number has used, 100 % being the limit. Ages "
        "go beyond 100 %, so that the cause, which is older, stands above what follows from it; counts end "
        "there. It is made by the recording rules of zmq.rules.yml, without which this table is empty.",
        PROGRAM, [
            ("Worst", WORST, "percentunit", steps(GREEN, 0.8, ORANGE, 1, RED)),
            ("Sockets", of_sockets("sum", "zmq_sockets"), "short", None),
            ("Peers", of_sockets("sum", "zmq_socket_peers"), "short", None),
            ("Receive queue", of_sockets("max", "zmq_socket_receive_hwm_proximity_ratio"), "percentunit", full),
            ("Oldest to receive", of_sockets("max", "zmq_socket_receive_queue_oldest_message_age_seconds"), "s",
             age),
            ("Send queue", of_sockets("max", "zmq_socket_send_hwm_proximity_ratio"), "percentunit", full),
            ("Oldest to send", of_sockets("max", "zmq_socket_send_queue_oldest_message_age_seconds"), "s", age),
            ("Sent/s", rate("zmq_socket_sent_messages_total"), "short", None),
            ("Received/s", rate("zmq_socket_received_messages_total"), "short", None),
            ("Dropped/s", rate("zmq_socket_dropped_messages_total"), "short", steps(PLAIN, 0.001, RED)),
            ("Disconnects/s", rate("zmq_socket_disconnects_total"), "short", steps(PLAIN, 0.1, ORANGE)),
        ], rank=WORST, links=[to_program(in_table=True)], height=12)
    b.lines("Worst number of each program",
            "As in the table above, over time; `limit` of zmq:program_limit_used:ratio says which number it is.",
            f"topk($top, max {by(PROGRAM + ('limit',))} (zmq:program_limit_used:ratio{{@}}))", PROGRAM + ("limit",),
            "percentunit", thresholds=steps(GREEN, 1, RED))
    b.lines("Oldest message to be received",
            "How long the oldest message has waited for a program to receive it. The program that stands "
            "highest is where the messages are stuck.",
            f"topk($top, max {by(SOCKET)} (zmq_socket_receive_queue_oldest_message_age_seconds{{@}}))",
            SOCKET, "s", alert="ZeroMQMessagesOld")


def hosts(b):
    b.row("Hosts")
    of_host = f"count {by(HOST)} (ALERTS{{@host,alertstate=\"firing\",{OURS}}})"
    b.table(
        "Hosts, those with most alerts first",
        "One row for each exporter, also for those that do not answer. Not seen: processes with ZeroMQ of "
        "which the exporter knows nothing else.",
        HOST, [
            ("Alerts", f"{of_host} or 0 * max {by(HOST)} (up{{@host}})", "short", steps(GREEN, 1, RED)),
            ("Answers", f"max {by(HOST)} (up{{@host}})", "bool_yes_no", steps(RED, 1, GREEN)),
            ("Programs", f"count {by(HOST)} (sum {by(PROGRAM)} (zmq_processes{{@host}}) > 0)", "short", None),
            ("Processes", f"sum {by(HOST)} (zmq_processes{{@host}})", "short", None),
            ("Sockets", f"sum {by(HOST)} (zmq_sockets{{@host}})", "short", None),
            ("Sent/s", f"sum {by(HOST)} (rate(zmq_socket_sent_messages_total{{@host}}[$__rate_interval]))",
             "short", None),
            ("Dropped/s",
             f"sum {by(HOST)} (rate(zmq_socket_dropped_messages_total{{@host}}[$__rate_interval]))", "short",
             steps(PLAIN, 0.001, RED)),
            ("Policy violations", f"sum {by(HOST)} (zmq_policy_violations{{@host}})", "short", None),
            ("Not seen", f"sum {by(HOST)} (zmq_unseen_processes{{@host}})", "short", steps(PLAIN, 1, ORANGE)),
        ], links=[jump("zeromq-exporter", "This exporter", HOST, in_table=True),
                  jump("zeromq-program", "Programs of this host", HOST, in_table=True),
                  {"title": "Live page", "url": "${scheme}://${__data.fields.instance}/", "targetBlank": True}])
    b.lines("Messages received", "Whole messages that the programs of each host received, a second.",
            f"topk($top, sum {by(HOST)} (rate(zmq_socket_received_messages_total{{@}}[$__rate_interval])))",
            HOST, "ops", 8)
    b.lines("Dropped messages", "What libzmq dropped on each host, a second, whatever the reason.",
            f"topk($top, sum {by(HOST)} (rate(zmq_socket_dropped_messages_total{{@}}[$__rate_interval])))",
            HOST, "ops", 8)
    b.lines("Handshakes that failed", "On each host, whatever the cause.",
            f"topk($top, sum {by(HOST)} ({handshake_failures()}))", HOST, width=8)


def board():
    b = Board("zeromq-fleet", "ZeroMQ: fleet", "All hosts and programs with ZeroMQ, worst first.",
              [*host_variables("zmq_exporter_build_info"), program_variable()], ['program=~"$program"'])
    at_a_glance(b)
    b.row("What is wrong")
    alerts_table(b, "@host")
    programs(b)
    hosts(b)
    not_known(b)
    return b.json
