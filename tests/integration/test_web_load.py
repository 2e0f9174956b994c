# SPDX-License-Identifier: MPL-2.0
"""A crowd of slow clients and a flood of rubbish, while scrapes go on; nothing is left behind."""

import contextlib
import http.client
import os
import statistics
import sys
import time

import pytest

from support import http as plain
from support import web
from support.agent import Agent
from support.fake_segments import FakeSegments
from support.process import Process
from support.waiting import wait_for

N_SLOW = 1000
N_SCRAPES = int(os.environ.get("TEST_LOAD_SCRAPES", "100"))
N_MANY = int(os.environ.get("TEST_LOAD_MANY", "5000"))
PACE_S = float(os.environ.get("TEST_LOAD_PACE", "0.1"))
IS_SHIELDED = bool(os.environ.get("TEST_LOAD_SHIELD"))
P99_S = 5  # says only that none waits for the crowd to go; the real figure is printed
N_GROUPS = 90  # 10,000 series
PASSWORD = web.basic("prometheus", "secret")
ASKED = {"Accept": "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5",
         "Accept-Encoding": "gzip"}  # as Prometheus asks


def memory_of(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def descriptors_of(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def shield(pid):
    """Real time priority, by hand on a machine with other work: what that costs is not meant."""
    for task in os.listdir(f"/proc/{pid}/task") if IS_SHIELDED else []:
        os.sched_setscheduler(int(task), os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(10))


class Scraper:
    """Keeps its connection, as Prometheus does, and makes a new one when that was closed."""

    def __init__(self, address, context=None, headers=None):
        self.address, self.context, self.headers = address, context, {**ASKED, **(headers or {})}
        self.connection = web.connect(address, context)
        self.n_lost = 0
        self.times = []

    def scrape(self):
        started = time.monotonic()
        try:
            answer = web.get(self.connection, "/metrics", self.headers)
        except (OSError, http.client.HTTPException):
            self.n_lost += 1
            self.connection.close()
            self.connection = web.connect(self.address, self.context)
            answer = web.get(self.connection, "/metrics", self.headers)
        self.times.append(time.monotonic() - started)
        return answer

    def figures(self):
        hundredths = statistics.quantiles(self.times, n=100, method="inclusive")
        return (f"scrapes: {len(self.times)}, median {hundredths[49] * 1e3:.1f} ms, "
                f"p99 {hundredths[98] * 1e3:.1f} ms, longest {max(self.times) * 1e3:.1f} ms, "
                f"connections lost: {self.n_lost}"), hundredths[98]


class Crowd(Process):
    def __init__(self, address, *arguments):
        support = os.path.dirname(os.path.dirname(web.__file__))
        super().__init__([sys.executable, "-m", "support.crowd", address, N_SLOW, *arguments],
                         cwd=support)
        assert self.line() == "ready"

    def end_and_tell(self):
        self.popen.stdin.close()
        return self.line()


@pytest.fixture
def segments(directory):
    with FakeSegments(directory, 1, N_GROUPS, "all"):
        yield directory


@contextlib.contextmanager
def start_secure(folder, directory):
    """An agent with TLS and passwords, and what its scraper has to know."""
    authority = web.Authority(folder, "authority")
    certificate, key = authority.issue("server")
    config = folder / "web.yml"
    config.write_text(f"tls_server_config:\n  cert_file: {certificate}\n  key_file: {key}\n"
                      f"basic_auth_users:\n  prometheus: {web.bcrypt('secret', 10)}\n")
    with Agent(directory, f"--web.config.file={config}") as running:
        running.keep_log()
        yield running, authority


@pytest.fixture
def secure_agent(folder, segments):
    with start_secure(folder, segments) as started:
        yield started


@pytest.fixture
def secure_agent_of_few(folder, directory):
    """Whose page is small: what a scrape leaves behind is the same, and it takes a tenth."""
    with FakeSegments(directory, 1, N_GROUPS // 10, "all"), start_secure(folder, directory) as started:
        yield started


def check_under_load(agent, scraper, crowd):
    """The scrapes go on as if nobody else was there, within bounds of memory and descriptors."""
    def whole():
        answer = scraper.scrape()
        return answer.text.count("\nzmq_socket") if answer.status == 200 else None

    wait_for(lambda: 'zmq_exporter_segments{state="live"} 1\n' in scraper.scrape().text, "the segment")
    series, descriptors = whole(), descriptors_of(agent.pid)
    shield(os.getpid())
    with crowd() as others:
        shield(agent.pid)
        scraper.times.clear()
        most_memory = most_descriptors = 0
        for _ in range(N_SCRAPES):
            assert whole() == series
            most_memory = max(most_memory, memory_of(agent.pid))
            most_descriptors = max(most_descriptors, descriptors_of(agent.pid))
            time.sleep(max(0, PACE_S - scraper.times[-1]))
        text = scraper.scrape().text
        told = others.end_and_tell()
    figures, p99 = scraper.figures()
    print(f"{figures}; {most_memory >> 20} MiB, {most_descriptors} descriptors; {told}")

    assert p99 < P99_S
    assert most_descriptors < 512 + 64 + 100
    assert most_memory < 200 << 20  # malloc fills what it gives (MALLOC_PERTURB_): 177 MiB were seen
    limited = {line.split('"')[1]: int(line.split()[-1]) for line in text.split("\n")
               if line.startswith("zmq_exporter_http_limited_total{")}
    assert limited["connections"] + limited["answers"] + limited["handshakes"] > 0
    wait_for(lambda: descriptors_of(agent.pid) <= descriptors + 4, "the connections to be closed")


def slow_clients_and_rubbish__while_scrapes_go_on__harm_none(segments):
    with Agent(segments) as agent:
        check_under_load(agent, Scraper(agent.address), lambda: Crowd(agent.address))


def tls_and_guessing__while_scrapes_go_on__harm_none(secure_agent):
    agent, authority = secure_agent
    scraper = Scraper(agent.address, authority.context(), PASSWORD)
    check_under_load(agent, scraper, lambda: Crowd(agent.address, authority.certificate))


def slow_request__the_first_or_a_later__is_shut_down_in_the_end(agent):
    with plain.open_connection(agent.address) as first, \
            plain.open_connection(agent.address) as later, later.makefile("rb") as reader:
        first.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n")
        later.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n")
        assert plain.read_answer(reader).status == 200
        later.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n")
        assert first.recv(1) == b"" and later.recv(1) == b""
    assert 'zmq_exporter_http_limited_total{limit="request_time"} 2\n' in agent.get()


def check_nothing_is_left(agent, scrape_hundred):
    """`scrape_hundred` scrapes a hundred times on a connection of its own."""
    for _ in range(10):
        scrape_hundred()
    memory, descriptors = memory_of(agent.pid), descriptors_of(agent.pid)
    for _ in range(N_MANY // 100):
        scrape_hundred()
    wait_for(lambda: descriptors_of(agent.pid) <= descriptors, "the last connection to be closed")
    print(f"{N_MANY} scrapes: {memory >> 10} KiB and {descriptors} descriptors before, "
          f"{memory_of(agent.pid) >> 10} KiB and {descriptors_of(agent.pid)} after")
    assert memory_of(agent.pid) < memory + (2 << 20)


def many_scrapes__one_after_the_other__leave_nothing_behind(agent):
    def scrape_hundred():
        with plain.open_connection(agent.address) as stream, stream.makefile("rb") as reader:
            for i in range(100):
                coding = b"Accept-Encoding: gzip\r\n" if i % 4 == 0 else b""
                stream.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n" + coding + b"\r\n")
                assert plain.read_answer(reader).status == 200

    check_nothing_is_left(agent, scrape_hundred)


def many_scrapes__with_tls_and_password__leave_nothing_behind(secure_agent_of_few):
    agent, authority = secure_agent_of_few
    context = authority.context()

    def scrape_hundred():
        connection = web.connect(agent.address, context)
        for i in range(100):
            path = "/metrics?collect[]=self" if i % 10 else "/metrics"
            assert web.get(connection, path, {**ASKED, **PASSWORD}).status == 200
        connection.close()

    check_nothing_is_left(agent, scrape_hundred)
