# SPDX-License-Identifier: MPL-2.0
"""The page: formats by negotiation, gzip, filters, and what reads it."""

import re
import socket
import subprocess

import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from support import http

OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT = "text/plain; version=0.0.4; charset=utf-8"


def parse_openmetrics(text):
    return {family.name: family for family in openmetrics.text_string_to_metric_families(text)}


def lint(text):
    """What promtool has to say of a page; None if promtool is not here."""
    return subprocess.run(["promtool", "check", "metrics"], input=text, text=True,
                          capture_output=True, timeout=60, check=False)


def page__in_text__satisfies_promtool_and_the_parser(agent):
    text = http.request(agent.address).text
    result = lint(text)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert {f.name for f in text_string_to_metric_families(text)} >= {
        "zmq_exporter_build_info", "process_cpu_seconds", "zmq_exporter_collector_success"}


def page__in_openmetrics__satisfies_the_strict_parser(agent):
    answer = http.request(agent.address, Accept=OPEN)
    assert answer.header("Content-Type") == OPEN
    families = parse_openmetrics(answer.text)
    assert families["process_cpu_seconds"].type == "counter"
    assert families["process_cpu_seconds"].unit == "seconds"
    assert {s.name for s in families["process_cpu_seconds"].samples} == {"process_cpu_seconds_total"}
    assert families["zmq_exporter_build"].type == "info"
    assert answer.text.endswith("\n# EOF\n")


def both_formats__of_one_agent__tell_the_same_series(agent):
    # The library collector shows programs of the whole host, which come and go between two scrapes.
    path = "/metrics?exclude[]=library"
    text = http.request(agent.address, path).text
    lines = {re.sub(r" \S+$", "", line) for line in text.splitlines() if line[0] != "#"}
    opened = http.request(agent.address, path, Accept=OPEN).text
    open_lines = {re.sub(r" \S+$", "", line) for line in opened.splitlines()
                  if line[0] != "#" and "_created" not in line}
    assert lines == open_lines


@pytest.mark.parametrize("accept, content_type", [
    ("*/*", TEXT),
    ("text/html, */*;q=0.8", TEXT),
    ("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", OPEN),
    ("application/openmetrics-text;q=0.1, text/plain;q=0.9", TEXT),
    ("application/openmetrics-text; version=1.0.0; escaping=underscores",
     OPEN + "; escaping=underscores"),
    ("image/png", TEXT),
])
def accept__each__gets_its_format(agent, accept, content_type):
    answer = http.request(agent.address, Accept=accept)
    assert (answer.status, answer.header("Content-Type")) == (200, content_type)
    assert "Accept" in answer.header("Vary")


def accept__in_two_lines__counts_as_one(agent):
    request = (b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAccept: text/plain;q=0.2\r\n"
               b"Accept: application/openmetrics-text;q=0.3\r\n\r\n")
    assert http.send(agent.address, request).header("Content-Type") == OPEN


@pytest.mark.parametrize("headers", [
    {"Accept": "*/*;q=0"}, {"Accept": "text/plain;q=0"}, {"Accept_Encoding": "identity;q=0"},
])
def accept__rules_everything_out__is_406(agent, headers):
    assert http.request(agent.address, **headers).status == 406


def gzip__asked_for__is_the_same_page_smaller(agent):
    query = "/metrics?collect[]=self"
    plain = http.request(agent.address, query)
    coded = http.request(agent.address, query, Accept_Encoding="gzip")
    assert plain.header("Content-Encoding") is None
    assert coded.header("Content-Encoding") == "gzip"
    assert len(coded.body) < len(plain.body) / 2
    assert coded.text.count("\n") == plain.text.count("\n")
    assert "Accept-Encoding" in coded.header("Vary")
    for refused in ("gzip;q=0", "br", "identity"):
        assert http.request(agent.address, Accept_Encoding=refused).header("Content-Encoding") is None


def collectors(agent, query):
    answer = http.request(agent.address, "/metrics" + query)
    assert answer.status == 200
    return set(re.findall(r'zmq_exporter_collector_success\{collector="(\w+)"\} 1', answer.text))


def filters__of_collectors__choose(agent):
    every = collectors(agent, "")
    assert {"self", "library"} <= every
    assert collectors(agent, "?collect[]=self") == {"self"}
    assert collectors(agent, "?collect%5B%5D=self&collect[]=library") == {"self", "library"}
    assert collectors(agent, "?exclude[]=library") == every - {"library"}
    assert collectors(agent, "?something=else") == every
    wrong = http.request(agent.address, "/metrics?collect[]=selv")
    assert wrong.status == 400 and "self" in wrong.text
    assert http.request(agent.address, "/metrics?collect[]=self&exclude[]=library").status == 400


def timeout_header__whatever_it_says__does_not_hurt(agent):
    for text in ("0.5", "10", "-1", "nan", "inf", "1e400", "banana", "", "5 seconds", "0x10"):
        answer = http.request(agent.address, X_Prometheus_Scrape_Timeout_Seconds=text)
        assert answer.status == 200


def connections__open_and_closed__are_counted(agent):
    """The scrape's own is one of them."""
    host, port = agent.address.rsplit(":", 1)
    agent.wait_value(1, "zmq_exporter_http_connections")
    idle = [socket.create_connection((host, int(port))) for _ in range(5)]
    agent.wait_value(6, "zmq_exporter_http_connections")
    for connection in idle:
        connection.close()
    agent.wait_value(1, "zmq_exporter_http_connections")
