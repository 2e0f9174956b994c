# SPDX-License-Identifier: MPL-2.0
"""/probe?target=&module=: one probe for one scrape, in the blackbox manner."""

import concurrent.futures
import signal
import time

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from support import probing, zmtp_peers
from support.agent import Page
from support.probing import ProbingAgent, write_config
from support.waiting import wait_for

LOCAL = ["tcp://127.0.0.1:*", "tcp://[::1]:*", "tcp://localhost:*"]
TIMEOUT = "X-Prometheus-Scrape-Timeout-Seconds"


@pytest.fixture(name="publisher")
def started_publisher():
    with probing.publisher() as endpoint:
        yield endpoint


def test_probe_page__target_that_answers__has_its_metrics_and_no_others(directory, folder, publisher):
    modules = {"feed": {"peer": "PUB", "timeout": "20s"}}
    with ProbingAgent(directory, folder, modules=modules, probe_targets=LOCAL) as agent:
        for path in (f"?target={publisher}&module=feed",
                     f"?target={publisher[6:]}",  # host:port, and a module that greets
                     f"?target={publisher.replace('127.0.0.1', 'localhost')}&module=feed"):
            status, text = agent.request("/probe" + path)
            assert status == 200
            page = Page(text)
            assert page.value("zmq_probe_success") == 1
            assert page.find("zmq_probe_peer_info", socket_type="PUB", zmtp="3.1", mechanism="NULL") == [1]
            assert page.value("zmq_probe_connected") == (1 if "module" in path else None)
            assert page.value("zmq_probe_duration_seconds") > 0
            assert {s.name.split("_")[1] for s in page.samples} == {"probe"}
            assert all("probe" not in s.labels and "address" not in s.labels for s in page.samples)
        assert "zmq_probe_success" not in agent.get()  # and none of it on the page of metrics


def test_probe_page__openmetrics__is_valid(directory, folder, publisher):
    with ProbingAgent(directory, folder, probe_targets=LOCAL) as agent:
        status, text = agent.request(f"/probe?target={publisher}",
                                     headers={"Accept": "application/openmetrics-text; version=1.0.0"})
        assert status == 200
        families = {family.name for family in text_string_to_metric_families(text)}
        assert "zmq_probe_success" in families and "zmq_probe_peer" in families


@pytest.mark.parametrize("path, status, message", [
    ("", 400, "the parameter 'target' is missing"),
    ("?target=tcp://127.0.0.1", 400, "target: the port is missing"),
    ("?target=inproc://x", 400, "target: inproc is inside one process"),
    ("?target=tcp://127.0.0.1:1&module=none", 400, "there is no module 'none'"),
    ("?target=tcp://127.0.0.1:1&module=bound", 400, "module 'bound' binds"),
    ("?target=tcp://10.0.0.1:1", 403, "'probe_targets' does not allow tcp://10.0.0.1:1"),
    ("?target=tcp://localhost.evil.example:1", 403, "does not allow"),
    ("?target=ipc:///run/secret.sock", 403, "does not allow"),
])
def test_probe_page__wrong_query__is_refused(directory, folder, path, status, message):
    modules = {"bound": {"peer": "PUB", "bind": True}}
    with ProbingAgent(directory, folder, modules=modules, probe_targets=LOCAL) as agent:
        code, text = agent.request("/probe" + path)
        assert (code, message in text) == (status, True), text


def test_probe_page__without_a_list__is_closed(directory, folder, publisher):
    with ProbingAgent(directory, folder) as agent:
        assert agent.request(f"/probe?target={publisher}")[0] == 403
        agent.wait_value(1, "zmq_exporter_http_requests_total", code="403")
        assert agent.scrape().value("zmq_exporter_http_requests_total", code="other") == 0


def test_probe_page__failure__is_told_with_a_success_of_0(directory, folder):
    with zmtp_peers.says(b"rubbish") as rubbish:
        with ProbingAgent(directory, folder, probe_targets=LOCAL) as agent:
            status, text = agent.request(f"/probe?target={rubbish.endpoint}")
            assert status == 200
            page = Page(text)
            assert page.value("zmq_probe_success") == 0
            assert page.find("zmq_probe_failure_info", phase="handshake", cause="protocol",
                             detail="zmtp_unspecified") == [1]
            status, text = agent.request(f"/probe?target={rubbish.endpoint}&debug=true")
            assert "result: failed in phase handshake, cause protocol, detail zmtp_unspecified\n" in text
            assert "\nzmq_probe_success 0\n" in text


def test_probe_page__scrape_timeout__is_kept(directory, folder):
    modules = {"patient": {"peer": "any", "timeout": "60s"}}
    with zmtp_peers.says(b"") as silent:
        with ProbingAgent(directory, folder, modules=modules, probe_targets=LOCAL) as agent:
            start = time.monotonic()
            status, text = agent.request(f"/probe?target={silent.endpoint}&module=patient",
                                         headers={TIMEOUT: "2"})
            assert status == 200
            assert Page(text).value("zmq_probe_success") == 0
            assert Page(text).find("zmq_probe_failure_info", detail="ETIMEDOUT", phase="handshake") == [1]
            assert Page(text).value("zmq_probe_duration_seconds") < 60
            assert time.monotonic() - start < 60  # the module's own patience


def test_probe_page__too_many_at_once__are_told_to_come_back(directory, folder):
    modules = {"patient": {"peer": "any", "timeout": "60s"}}
    with zmtp_peers.says(b"") as silent, concurrent.futures.ThreadPoolExecutor(6) as pool:
        with ProbingAgent(directory, folder, modules=modules, probe_targets=LOCAL,
                          probe_requests=2) as agent:
            path = f"/probe?target={silent.endpoint}&module=patient"
            running = [pool.submit(agent.request, path, headers={TIMEOUT: "5"}) for _ in range(6)]
            answers = [one.result() for one in running]
            assert [status for status, _ in answers].count(200) >= 2
            refusals = [text for status, text in answers if status == 503]
            assert refusals and all("'probe_requests'" in text for text in refusals)
            assert agent.request(path, headers={TIMEOUT: "1"})[0] == 200


def test_probe_page__exporter_stops__does_not_wait(directory, folder):
    modules = {"patient": {"peer": "any", "timeout": "60s"}}
    with zmtp_peers.says(b"") as silent, concurrent.futures.ThreadPoolExecutor(1) as pool:
        with ProbingAgent(directory, folder, modules=modules, probe_targets=LOCAL) as agent:
            path = f"/probe?target={silent.endpoint}&module=patient"
            running = pool.submit(agent.request, path, headers={TIMEOUT: "60"})
            wait_for(lambda: silent.visits == 1, "the visit")
            agent.send_signal(signal.SIGTERM)
            assert agent.popen.wait(30) == 0
            assert running.exception() is not None or running.result()[0] == 503


def test_probe_page__reload__takes_the_new_list(directory, folder, publisher):
    with ProbingAgent(directory, folder, probe_targets=LOCAL) as agent:
        assert agent.request(f"/probe?target={publisher}")[0] == 200
        write_config(agent.config)
        assert agent.reload()[0] == 200
        assert agent.request(f"/probe?target={publisher}")[0] == 403
