# SPDX-License-Identifier: MPL-2.0
"""Pages of every size with every kind of text, read by all who read such pages."""

import re
import subprocess

import pytest
import yaml
from prometheus_client.openmetrics import parser as openmetrics

from support import http
from support.agent import Agent
from support.fake_segments import FakeSegments
from support.server import Server
from support.waiting import wait_for

OPEN = "application/openmetrics-text; version=1.0.0"


def series_of(text):
    return [re.sub(r" [^ ]+$", "", line) for line in text.split("\n") if line and line[0] != "#"]


def check_with_promtool(text):
    """promtool may wish for other names; what it cannot read is an error."""
    result = subprocess.run(["promtool", "check", "metrics"], input=text.encode(),
                            capture_output=True, timeout=120, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")


def parse(text):
    return {f.name: f for f in openmetrics.text_string_to_metric_families(text)}


@pytest.fixture(params=[(0, 0, "few"), (25, 200, "few"), (2, 100, "all"), (2, 100, "hostile")],
                ids=lambda p: f"{p[0] * p[1]} groups, {p[2]}")
def crowd(request, directory):
    processes, groups, kind = request.param
    with FakeSegments(directory, processes, groups, kind), \
            Agent(directory, "--tap.max-groups=30000") as agent:
        wait_for(lambda: f'zmq_exporter_segments{{state="live"}} {processes}\n' in agent.get(),
                 f"{processes} segments")
        yield agent, processes * groups


def page__of_a_crowd__is_read_whole_by_all(crowd):
    agent, n_groups = crowd
    text = http.request(agent.address, "/metrics?collect[]=tap").text
    opened = http.request(agent.address, "/metrics?collect[]=tap", Accept=OPEN).text
    check_with_promtool(text)
    families = parse(opened)
    assert len(families["zmq_sockets"].samples if n_groups else []) == n_groups
    assert not [name for name in families if "evil" in name]
    found = {(s.labels["program"], s.labels["type"], s.labels["address"], s.labels.get("socket"))
             for s in (families["zmq_sockets"].samples if n_groups else [])}
    assert len(found) == n_groups

    series = series_of(text)
    assert len(set(series)) == len(series)
    assert [s for s in series_of(opened) if not re.match(r"\w+_created\b", s)] == series
    n_samples = sum(len(f.samples) for f in families.values())
    assert n_samples == len(series_of(opened))


def page__again__has_the_same_order(crowd):
    agent, _ = crowd
    query = "/metrics?collect[]=tap"
    first, second = (series_of(http.request(agent.address, query).text) for _ in range(2))
    assert first == second


def series_of_its_own(text):
    """Without what other programs of the host, which come and go, have loaded."""
    return [one for one in series_of(text) if not re.match(r"zmq_(library|policy|tap_missing)_", one)]


def gzip__of_a_crowd__is_the_same_page(crowd):
    agent, n_groups = crowd
    for accept in ("text/plain", OPEN):
        plain = http.request(agent.address, Accept=accept)
        coded = http.request(agent.address, Accept=accept, Accept_Encoding="gzip")
        assert coded.header("Content-Encoding") == "gzip"
        assert len(coded.body) < len(plain.body) / 2
        assert coded.header("Content-Type") == plain.header("Content-Type")
        assert series_of_its_own(coded.text) == series_of_its_own(plain.text)
        if accept == OPEN:
            sockets = parse(coded.text).get("zmq_sockets")
            assert len(sockets.samples if sockets else []) == n_groups


def prometheus__scraping__takes_every_sample(crowd, folder):
    """It asks for OpenMetrics and gzip."""
    agent, n_groups = crowd
    configuration = {"scrape_configs": [{
        "job_name": "zmq", "scrape_interval": "10s" if n_groups > 1000 else "4s",
        "params": {"collect[]": ["tap"]}, "static_configs": [{"targets": [agent.address]}]}]}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration), encoding="utf-8")
    with Server("prometheus", f"--config.file={folder}/prometheus.yml",
                f"--storage.tsdb.path={folder}/data",
                "--web.listen-address=127.0.0.1:0") as prometheus:
        def value(query):
            result = prometheus.get(f"/api/v1/query?query={query}")["data"]["result"]
            return float(result[0]["value"][1]) if result else None

        # It gives up after its interval, which a busy machine can make too short; the next one counts.
        wait_for(lambda: value("up") == 1, "a scrape", 120)
        assert value("count(zmq_sockets)") == (n_groups or None)
        page = http.request(agent.address, "/metrics?collect[]=tap", Accept=OPEN).text
        assert value("max(scrape_samples_scraped)") == len(series_of(page))
