# SPDX-License-Identifier: MPL-2.0
"""From a program's socket to the pager: real programs, exporter, Prometheus and Alertmanager."""

import http.server
import json
import re
import subprocess
import threading
import urllib.parse
import urllib.request

import pytest
import yaml
import zmq

from support import products
from support.server import Server
from support.waiting import wait_for

ALERTS = products.TESTS.parent / "alerts"
FASTER = 30  # than what the rules say
DURATION = re.compile(r"(?<=for: )\d+[smhd]\b|(?<=[\[:])\d+[smhd](?=[\]:])|(?<=offset )\d+[smhd]\b")
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# Sampled ten times a second whether anything moves or not; and what only OpenMetrics has, which
# Prometheus asks for.
RESTLESS = re.compile(r"_fill_ratio|_at_hwm_seconds|_blocked_seconds|_timestamp_seconds|_release_age|_open_fds"
                      r"|_age_seconds|^zmq_tap_(sampling|cpu|failed)|_created$")
OF_RULES = re.compile(r"^ALERTS|:")


def fast_rules():
    """All windows, and limits that are times, shortened."""
    def shorter(found):
        return f"{int(found.group()[:-1]) * UNITS[found.group()[-1]] // FASTER}s"

    rules = yaml.safe_load(DURATION.sub(shorter, (ALERTS / "zmq.rules.yml").read_text(encoding="utf-8")))
    for rule in rules["groups"][0]["rules"]:
        if "_seconds" in rule["labels"]["name"]:
            rule["expr"] = str(int(rule["expr"]) / FASTER)
    return yaml.safe_dump(rules)


class Prometheus(Server):
    def __init__(self, folder, target, alertmanager, more=None):
        """`more`: jobs that scrape the same, with labels on their target."""
        (folder / "zmq.rules.yml").write_text(fast_rules(), encoding="utf-8")
        configuration = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(folder / "zmq.rules.yml")],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]},
            "scrape_configs": [
                {"job_name": name, "static_configs": [{"targets": [target], "labels": labels}]}
                for name, labels in {"zmq": {}, **(more or {})}.items()],
        }
        (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration), encoding="utf-8")
        super().__init__("prometheus", f"--config.file={folder}/prometheus.yml",
                         f"--storage.tsdb.path={folder}/data", "--web.listen-address=127.0.0.1:0")

    def query(self, expression):
        answer = self.get("/api/v1/query?" + urllib.parse.urlencode({"query": expression}))
        return [(s["metric"], float(s["value"][1])) for s in answer["data"]["result"]]


class Alertmanager(Server):
    def __init__(self, folder, webhook):
        configuration = {
            "route": {"receiver": "test", "group_wait": "1s", "group_interval": "1s",
                      "group_by": ["alertname", "program", "severity"]},
            "receivers": [{"name": "test", "webhook_configs": [{"url": webhook}]}],
        }
        path = folder / "alertmanager.yml"
        path.write_text(yaml.safe_dump(configuration), encoding="utf-8")
        super().__init__("prometheus-alertmanager", f"--config.file={path}", "--cluster.listen-address=",
                         f"--storage.path={folder}/alertmanager", "--web.listen-address=127.0.0.1:0")


class Pager:
    """What Alertmanager calls."""

    def __init__(self):
        self.alerts = []
        pager = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                pager.alerts += json.loads(body)["alerts"]
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    def got(self, name, status, **labels):
        return [a for a in self.alerts if a["status"] == status and a["labels"]["alertname"] == name
                and all(a["labels"].get(k) == v for k, v in labels.items())]


@pytest.fixture
def pager():
    made = Pager()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def prometheus(folder, agent, pager):
    with Alertmanager(folder, pager.url) as alertmanager, \
            Prometheus(folder, agent.address, alertmanager.address) as running:
        yield running


def key(name, labels):
    own = {k: v for k, v in labels.items() if k not in ("job", "instance", "__name__")}
    return name, tuple(sorted(own.items()))


def compared(samples):
    return {key(name, labels): value for name, labels, value in samples
            if labels.get("program", "").startswith("puppet")
            and not RESTLESS.search(name) and not OF_RULES.search(name)}


def page_samples(agent):
    return compared((s.name, s.labels, s.value) for s in agent.scrape().samples)


def stored_samples(prometheus):
    return compared((m["__name__"], m, v) for m, v in prometheus.query('{program=~"puppet.*"}'))


def differences(agent, prometheus):
    page, stored = page_samples(agent), stored_samples(prometheus)
    return {k: (page.get(k), stored.get(k)) for k in page.keys() | stored.keys()
            if page.get(k) != stored.get(k)}, len(page)


def test_prometheus__programs_at_rest__has_the_values_of_the_page(agent, prometheus, start):
    puppets = [start("c"), start("pyzmq")]
    for i, puppet in enumerate(puppets):
        push, pull = puppet.socket(zmq.PUSH), puppet.socket(zmq.PULL)
        push.connect(pull.bind("tcp://127.0.0.1:*"))
        assert push.send(100 + i, size=10) == 100 + i
        assert pull.recv(40)[0] == 40
    assert wait_for(lambda: prometheus.query('up{job="zmq"} == 1'), "a scrape that worked")

    def at_rest():
        different, n = differences(agent, prometheus)
        names = {name for name, _ in page_samples(agent)}
        return n > 60 and not different and names >= {
            "zmq_sockets", "zmq_socket_peers", "zmq_context_sockets", "zmq_processes",
            "zmq_library_info", "zmq_tap_capability", "zmq_socket_option"}
    wait_for(at_rest, lambda: f"equal values; different (page, Prometheus): {differences(agent, prometheus)}")
    assert sorted(v for _, v in prometheus.query("sum by (program) (zmq_socket_sent_messages_total)")) == [100, 101]
    assert sorted(v for _, v in prometheus.query(
        "sum by (program) (zmq_socket_receive_queue_messages)"
        " + sum by (program) (zmq_socket_send_queue_messages)")) == [60, 61]
    assert prometheus.query('scrape_samples_scraped > 0 and scrape_samples_scraped - scrape_samples_post_metric_relabeling == 0')


def test_prometheus__full_queue__reaches_the_pager_and_leaves_it(agent, prometheus, pager, start):
    puppet = start("pyzmq", variables={"ZMQ_EXPORTER_PROGRAM": "orders"})
    push, pull = puppet.socket(zmq.PUSH, sndhwm=50), puppet.socket(zmq.PULL, rcvhwm=50)
    endpoint = "inproc://orders"
    pull.bind(endpoint)
    push.connect(endpoint)
    assert push.fill() == 100

    name, labels = "ZeroMQSendQueueNearHighWaterMark", {"severity": "critical", "program": "orders"}
    alert = wait_for(lambda: pager.got(name, "firing", **labels), "the page")[0]
    assert alert["labels"]["address"] == endpoint and alert["labels"]["type"] == "PUSH"
    assert "in orders on 127.0.0.1:" in alert["annotations"]["description"]
    assert " was full for " in alert["annotations"]["description"]
    with urllib.request.urlopen(alert["annotations"]["runbook_url"], timeout=30) as page:
        runbook = page.read().decode()
    assert "<h1>ZeroMQSendQueueNearHighWaterMark</h1>" in runbook
    assert "program=orders&amp;type=PUSH&amp;address=inproc%3A%2F%2Forders" in runbook

    assert pull.recv(100)[0] == 100
    wait_for(lambda: pager.got(name, "resolved", **labels), "the end of the alert")


def test_prometheus__demo__every_part_shows_what_it_is_for(folder):
    """The demo's own exporter, scraped until each misbehaviour is in Prometheus."""
    from test_demo import Demo
    with Demo(folder) as demo, Prometheus(folder, demo.address, "127.0.0.1:9") as prometheus:
        for what, expression in [
            ("a full queue in front of the slow archive",
             'max_over_time(zmq_socket_send_hwm_proximity_ratio{program="ticker"}[1m]) > 0.9'),
            ("its drops", 'zmq_socket_dropped_messages_total{program="ticker",reason="hwm"} > 0'),
            ("workers near their mark", 'zmq_socket_send_hwm_proximity_ratio{program="dispatcher"} > 0.8'),
            ("a stuck consumer", 'zmq_socket_receive_queue_messages{program="ledger"} >= 80'),
            ("refused keys", 'zmq_socket_handshake_failures_total{program="vault",cause="auth",detail="400"} > 0'),
            ("a wrong server key", 'sum(zmq_socket_handshake_failures_total{program="vault",cause="protocol"}) > 0'),
            ("a flapping peer", 'zmq_socket_disconnects_total{program="hub",type="PULL"} > 1'),
            ("the library", 'zmq_library_processes{program="ticker"} == 1'),
            ("a good peer", 'zmq_socket_peers{program="chart"} == 1'),
        ]:
            wait_for(lambda: prometheus.query(expression), what)


def test_page__promtool__has_nothing_to_say(agent, start):
    puppet = start("c")
    puppet.socket(zmq.ROUTER).bind("tcp://127.0.0.1:*")
    wait_for(lambda: agent.scrape().value("zmq_sockets", type="ROUTER"), "the socket on the page")
    done = subprocess.run(["promtool", "check", "metrics"], input=agent.get(), text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert (done.returncode, done.stdout) == (0, "")
