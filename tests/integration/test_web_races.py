# SPDX-License-Identifier: MPL-2.0
"""Everything of the agent at once, for ThreadSanitizer: the variant `thread` runs this too."""

import signal
import threading

import pytest

from support import web
from support.agent import Agent
from support.fake_segments import FakeSegments

N_SCRAPES = 60
ACCEPTS = ["text/plain;version=0.0.4", "application/openmetrics-text;version=1.0.0"]
PATHS = ["/metrics", "/metrics?collect[]=tap", "/metrics?exclude[]=tap", "/api/v1/sockets", "/"]
PASSWORD = web.basic("prometheus", "secret")
CONFIG = "probes:\n- name: {name}\n  address: tcp://127.0.0.1:1\n  peer: PUB\n"


class Actor(threading.Thread):
    """Does one thing again and again; what went wrong is kept for the test."""

    def __init__(self, act, times):
        super().__init__(daemon=True)
        self.act, self.times = act, times
        self.problem = None
        self.start()

    def run(self):
        try:
            for i in range(self.times):
                self.act(i)
        except Exception as problem:  # it belongs to the test, which raises it
            self.problem = problem


@pytest.fixture
def secure(folder, directory):
    """An agent with all that it has, and what makes its client's TLS."""
    authority = web.Authority(folder, "authority")
    authority.issue("server")
    (folder / "probes.yml").write_text(CONFIG.format(name="first"))
    (folder / "web.yml").write_text(settings(0))
    with FakeSegments(directory, 3, 20, "all"):
        with Agent(directory, f"--config.file={folder}/probes.yml",
                   f"--web.config.file={folder}/web.yml") as agent:
            agent.keep_log()
            yield agent, authority


def settings(i):
    return ("tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n"
            f"http_server_config:\n  headers:\n    X-XSS-Protection: '{i % 2}'\n"
            f"basic_auth_users:\n  prometheus: {web.bcrypt('secret')}\n")


def scrapes_reloads_tls_and_guesses__all_at_once__no_race(secure, folder, directory):
    agent, authority = secure
    context = authority.context()

    def scrape_kept(connection):
        def act(i):
            coding = {"Accept-Encoding": "gzip"} if i % 3 == 0 else {}
            connection.request("GET", PATHS[i % len(PATHS)],
                               headers={**PASSWORD, **coding, "Accept": ACCEPTS[i % 2]})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200
        return act

    def scrape_anew(_):
        assert web.fetch(agent.address, "/metrics", context, PASSWORD).status == 200

    def guess(i):
        assert web.fetch(agent.address, "/metrics", context,
                         web.basic("prometheus", f"guess {i}")).status in (401, 503)

    def go_away(_):
        connection = web.connect(agent.address, context)
        connection.request("GET", "/metrics", headers=PASSWORD)
        connection.close()

    def reload(i):
        (folder / "probes.yml").write_text(CONFIG.format(name=f"probe{i}"))
        agent.send_signal(signal.SIGHUP)
        fresh = folder / "web.new"
        fresh.write_text(settings(i))
        fresh.rename(folder / "web.yml")
        connection = web.connect(agent.address, context)
        connection.request("POST", "/-/reload", headers={**PASSWORD, "Content-Length": "0"})
        assert connection.getresponse().status == 200
        connection.close()

    def come_and_die(_):
        with FakeSegments(directory, 2, 3, "few"):
            pass

    actors = [Actor(scrape_kept(web.connect(agent.address, context)), N_SCRAPES) for _ in range(4)]
    actors += [Actor(act, N_SCRAPES // 3)
               for act in (scrape_anew, guess, go_away, reload, come_and_die)]
    for actor in actors:
        actor.join()
    for actor in actors:
        if actor.problem:
            raise actor.problem
    log = agent.end_and_read_log()
    assert "ThreadSanitizer" not in log, log
