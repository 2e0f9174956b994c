# SPDX-License-Identifier: MPL-2.0
"""Panels that several dashboards have."""

from blocks import HOST, ORANGE, PLAIN, PROGRAM, by, jump, steps

ALERT = HOST + ("severity", "alertname", "program", "probe", "type", "address")
OURS = 'alertname=~"ZeroMQ.+|Zmq.+"'
DETAILS = ("Of the collector `details`: empty unless the exporter runs with --collector.details or Prometheus "
           "scrapes /metrics?collect[]=details.")


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
