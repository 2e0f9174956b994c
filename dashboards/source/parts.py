# SPDX-License-Identifier: MPL-2.0
"""Panels that several dashboards have."""

from blocks import HOST, ORANGE, PLAIN, PROBE, PROGRAM, by, jump, steps

ALERT = HOST + ("severity", "alertname", "program", "probe", "type", "address")
OURS = 'alertname=~"ZeroMQ.+|Zmq.+"'
DETAILS = ("Of the collector `details`: empty unless the exporter runs with --collector.details or Prometheus "
           "scrapes /metrics?collect[]=details.")


def with_first(series, beside, window):
    """The increase of series that begin when something happens first, which increase() alone leaves
    out; `beside` matches them with series that were there before."""
    return f"({series} unless {series} offset {window} and {beside} offset {window} or increase({series}[{window}]))"


def handshake_failures(window="$__rate_interval", more=""):
    family = "zmq_socket_handshake_failures_total"
    return with_first(f"{family}{{@{more}}}", f'ignoring (detail) {family}{{@{more},detail="other"}}', window)


def probe_failures(family):
    return with_first(f"{family}{{@}}", f"on ({', '.join(PROBE)}) zmq_probe_success{{@}}", "$__rate_interval")


def refused_sends():
    family = "zmq_socket_send_would_block_total"
    return with_first(f"{family}{{@}}", f'ignoring (cause) {family}{{@,cause="full"}}', "$__rate_interval")


def runbook_of_alert():
    given = "&".join(f"{label}=${{__data.fields.{label}:percentencode}}"
                     for label in ("instance", "program", "type", "address", "probe"))
    return {"title": "Runbook", "targetBlank": True,
            "url": "${scheme}://${__data.fields.instance}/runbooks/${__data.fields.alertname}?" + given}


def alerts_table(b, matchers, more=""):
    """`matchers`: "@" for those of the dashboard's variables, "@host" for job and instance alone."""
    ours = f"{matchers},{OURS}{more}"
    b.table(
        "Alerts that fire",
        "Critical first, then what has lasted longest: a cause begins before what follows from it. What "
        "Alertmanager silences is here, too. Each row links to its runbook, which the exporter of that host "
        "serves.",
        ALERT, [("For", f"time() - max {by(ALERT)} (ALERTS_FOR_STATE{{{ours}}} and ignoring (alertstate) "
                 f"ALERTS{{{ours},alertstate=\"firing\"}})", "s", None)],
        links=[runbook_of_alert(), jump("zeromq-program", "This program", PROGRAM, in_table=True)],
        sort=[("severity", False), ("For", True)])


def not_known(b, width=12):
    """What no number is there for, and why."""
    b.table("Programs that are not seen",
            "Processes with ZeroMQ that were given the tap and are not heard, and those that nobody sees, by "
            "the likely reason. The README of zmq_exporter says what to do for each.",
            PROGRAM + ("reason",), [
                ("Not heard", f"max {by(PROGRAM + ('reason',))} (zmq_tap_missing_processes{{@host}})", "short",
                 steps(PLAIN, 1, ORANGE)),
                ("Not seen", f"max {by(PROGRAM + ('reason',))} (zmq_unseen_processes{{@host}})", "short",
                 steps(PLAIN, 1, ORANGE))], width=width)
    b.table("Programs whose tap does not write",
            "Their queues, peers and limits are not on the page, and alerts on them stay silent: they are "
            "stopped, out of descriptors, or cannot write to the segment directory.",
            PROGRAM, [("Processes", f"sum {by(PROGRAM)} (zmq_tap_silent_processes{{@host}}) > 0", "short",
                       steps(PLAIN, 1, ORANGE))],
            width=width, links=[jump("zeromq-program", "This program", PROGRAM, in_table=True)])
