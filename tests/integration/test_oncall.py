# SPDX-License-Identifier: MPL-2.0
"""What reaches the person on call: ill and healthy programs, rules, inhibitions, thirty times faster."""

import collections
import contextlib
import json
import urllib.request

import yaml

from support import products
from support.agent import Agent
from support.process import Process
from support.server import Server
from support.waiting import wait_for
from test_prometheus import ALERTS, Prometheus

# As the Prometheus Operator labels its targets.
OPERATOR = {"namespace": "mon", "service": "zmq-exporter", "pod": "zx-1", "endpoint": "metrics",
            "container": "exporter"}
# Who is to blame, and for what: the one alert of that program that nothing silences.
ILL = {
    "ledger": "ZeroMQReceiverStuck",
    "archive": "ZeroMQReceiveQueueNearHighWaterMark",
    "worker": "ZeroMQReceiveQueueNearHighWaterMark",
    "leak-pull": "ZeroMQReceiveQueueNearHighWaterMark",
    "leak-push": "ZeroMQQueueGrowing",
    "vault": "ZeroMQHandshakeFailures",
    "hub": "ZeroMQPeerFlapping",
    "desk": "ZeroMQMessagesDropped",
    "crasher": "ZeroMQProgramRestarting",
    "gone": "ZeroMQProgramGone",
    "gone-sub": "ZeroMQReconnecting",
    "stalled-pub": "ZeroMQStreamStalled",
    "lonely-sub": "ZeroMQNeverConnected",
    "nosubs-pub": "ZeroMQNoSubscriber",
    "binder": "ZeroMQBindFailures",
    "noworker-push": "ZeroMQSenderBlocked",
    "deadlock-req": "ZeroMQRequestUnanswered",
    "careless": "ZeroMQNoSubscriber",
    "careful": "ZeroMQNoSubscriber",
}
# Well, or the victims of another: silent, or silenced.
WELL = {"ticker", "chart", "dispatcher", "orders", "courier", "sensor", "caller", "stalled-sub",
        "deadlock-rep", "ok-rep", "ok-req", "short-clients", "batch-push", "batch-pull", "rare-pub",
        "rare-sub", "probed-push", "probed-pull"}
PARTS = [name for name in {*ILL, *WELL} if "-" in name or name in ("crasher", "gone", "binder")]
# Of how a program is set up, not of what happens to it; the intruder is meant to fail.
OTHERS = ("ZeroMQPolicy", "ZeroMQLibrary")
# Of whatever else runs on this machine, as other tests' programs.
OF_THE_HOST = ("ZmqTapMissing", "ZmqExporterProgramsUnseen")
OURS = {*ILL, *WELL}


class Alertmanager(Server):
    """With the inhibitions that are shipped."""

    def __init__(self, folder):
        settings = yaml.safe_load((ALERTS / "alertmanager.yml").read_text(encoding="utf-8"))
        path = folder / "alertmanager.yml"
        path.write_text(yaml.safe_dump(settings), encoding="utf-8")
        super().__init__("prometheus-alertmanager", f"--config.file={path}", "--cluster.listen-address=",
                         f"--storage.path={folder}/alertmanager", "--web.listen-address=127.0.0.1:0")

    def alerts(self, job):
        """What nothing silences."""
        return [a for a in self.get("/api/v2/alerts?active=true&inhibited=false&silenced=false")
                if a["labels"].get("job") == job and not a["labels"]["alertname"].startswith(OTHERS)]

    def told(self, job):
        """The names of each program's alerts."""
        names = collections.defaultdict(set)
        for alert in self.alerts(job):
            if alert["labels"]["alertname"] in OF_THE_HOST and alert["labels"].get("program") not in OURS:
                continue
            names[alert["labels"].get("program") or alert["labels"].get("probe")].add(alert["labels"]["alertname"])
        names.pop("intruder", None)
        return dict(names)


def start_parts(stack, folder, directory):
    for name in PARTS:
        variables = {"ZMQ_EXPORTER_PROGRAM": name}
        part = stack.enter_context(Process([*products.program("oncall_parts.py"), name, folder], directory, variables))
        part.may_end_with(-9)
    stack.enter_context(Process([products.exporter(), "demo", f"--tap.library={products.tap_library()}"],
                                variables={"ZMQ_EXPORTER_DIR": str(directory), "TMPDIR": str(folder)}))


def check_texts(alerts):
    stuck = [a["annotations"] for a in alerts if a["labels"]["alertname"] == "ZeroMQReceiverStuck"]
    assert "ledger does not receive" in stuck[0]["summary"]
    assert "Blocked by it: orders." in stuck[0]["description"]
    for alert in alerts:
        assert not any(label.startswith("exported_") for label in alert["labels"])
        with urllib.request.urlopen(alert["annotations"]["runbook_url"], timeout=30) as page:
            assert alert["labels"]["alertname"] in page.read().decode()


def test_ill_and_well__with_any_target_labels__one_alert_for_each_cause(folder, directory):
    probes = folder / "probes.yml"
    probes.write_text(yaml.safe_dump({"probes": [{
        "name": "greeting", "address": f"ipc://{folder}/probed", "peer": "PUSH", "interval": "1s"}]}), encoding="utf-8")
    expected = {name: {alert} for name, alert in ILL.items()}
    with contextlib.ExitStack() as stack:
        agent = stack.enter_context(Agent(directory, f"--config.file={probes}"))
        agent.keep_log()
        start_parts(stack, folder, directory)
        alertmanager = stack.enter_context(Alertmanager(folder))
        stack.enter_context(Prometheus(folder, agent.address, alertmanager.address, more={"operator": OPERATOR}))

        # What has gone is told for a while only: each has to be told once, and nothing else at the end.
        seen = {job: collections.defaultdict(set) for job in ("zmq", "operator")}

        def is_told():
            is_well = True
            for job, ever in seen.items():
                told = alertmanager.told(job)
                for name, alerts in told.items():
                    ever[name] |= alerts
                is_well &= all(alerts <= expected.get(name, set()) for name, alerts in told.items())
                is_well &= all(alerts <= ever[name] for name, alerts in expected.items())
            return is_well

        def difference():
            return {job: {"never told": {n: a - ever[n] for n, a in expected.items() if not a <= ever[n]},
                          "told now": alertmanager.told(job)} for job, ever in seen.items()}

        wait_for(is_told, lambda: f"one alert for each cause; {difference()}", 240)
        check_texts(alertmanager.alerts("zmq") + alertmanager.alerts("operator"))


def alert(name, severity, program=None, **labels):
    if program:
        labels["program"] = program
    return {"alertname": name, "severity": severity, "job": "zmq", **labels}


A, B = {"type": "PULL", "address": "tcp://a"}, {"type": "PUSH", "address": "tcp://b"}
SENDER = {"type": "PUSH", "address": "tcp://a"}
# The cause, what it silences, what it does not.
INHIBITIONS = [
    (alert("ZeroMQReceiverStuck", "critical", "ledger", **A),
     [alert("ZeroMQSendQueueNearHighWaterMark", "critical", "orders", **SENDER),
      alert("ZeroMQSenderBlocked", "warning", "orders", cause="full", **SENDER),
      alert("ZeroMQMessagesOld", "critical", "ledger", direction="receive", **A)],
     [alert("ZeroMQSenderBlocked", "warning", "orders", cause="full", **B),
      alert("ZeroMQHandshakeFailures", "warning", "ledger", cause="auth", detail="400", **A)]),
    (alert("ZeroMQReceiveQueueNearHighWaterMark", "critical", "archive", **A),
     [alert("ZeroMQReceiveQueueNearHighWaterMark", "warning", "archive", **A),
      alert("ZeroMQMessagesDropped", "warning", "ticker", reason="hwm", **SENDER)],
     [alert("ZeroMQReceiveQueueNearHighWaterMark", "warning", "chart", **A)]),
    (alert("ZeroMQProbeFailed", "critical", probe="feed", address="tcp://a"),
     [alert("ZeroMQProbeFailed", "warning", probe="feed", address="tcp://a")],
     [alert("ZeroMQProbeFailed", "warning", probe="desk", address="tcp://a")]),
    (alert("ZeroMQProgramGone", "critical", "gone"),
     [alert("ZeroMQProgramRestarting", "warning", "gone"), alert("ZeroMQMessagesDropped", "warning", "gone", **B)],
     [alert("ZeroMQReconnecting", "warning", "peer", **A), alert("ZeroMQPolicyViolation", "warning", "gone", **B)]),
    (alert("ZeroMQNeverConnected", "warning", "lonely", **SENDER),
     [alert("ZeroMQSenderBlocked", "warning", "lonely", cause="no_peer", **SENDER)],
     [alert("ZeroMQSenderBlocked", "warning", "lonely", cause="no_peer", **B)]),
    (alert("ZmqExporterDown", "critical"),
     [alert("ZeroMQProbeFailed", "critical", probe="feed", address="tcp://a"), alert("ZmqTapSilent", "warning", "x")],
     []),
]


def test_inhibitions__of_each_cause__silence_what_follows_and_nothing_else(folder):
    """Each in an instance of its own, so that only its own cause is there."""
    with Alertmanager(folder) as alertmanager:
        posted, loud = [], []
        for i, (cause, silenced, others) in enumerate(INHIBITIONS):
            for one in [cause, *silenced, *others]:
                posted.append({"labels": {**one, "instance": f"h:{i}"}})
            loud += [{**one, "instance": f"h:{i}"} for one in [cause, *others]]
        # The same without the cause: all of them are told.
        for _, silenced, _ in INHIBITIONS[:-1]:
            loud += [{**one, "instance": f"free:{one['alertname']}"} for one in silenced]
            posted += [{"labels": {**one, "instance": f"free:{one['alertname']}"}} for one in silenced]
        request = urllib.request.Request(f"http://{alertmanager.address}/api/v2/alerts", json.dumps(posted).encode(),
                                         {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=30).close()

        def told():
            found = alertmanager.get("/api/v2/alerts?active=true&inhibited=false&silenced=false")
            return sorted(json.dumps(a["labels"], sort_keys=True) for a in found)

        expected = sorted({json.dumps(one, sort_keys=True) for one in loud})
        wait_for(lambda: told() == expected,
                 lambda: f"{set(told()) ^ set(expected)} to be silenced, or not")
