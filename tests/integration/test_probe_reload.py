# SPDX-License-Identifier: MPL-2.0
"""SIGHUP and POST /-/reload: the new file as a whole, or nothing of it."""

import pytest
import signal
import zmq

from support import products, zmtp_peers
from support.process import run
from support.probing import ProbingAgent, probe, write_config
from support.waiting import wait_for


class Publisher:
    def __init__(self, context):
        self.socket = context.socket(zmq.PUB)
        self.socket.bind("tcp://127.0.0.1:*")
        self.endpoint = self.socket.last_endpoint.decode().rstrip("\0")
        self.monitor = self.socket.get_monitor_socket(zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED)

    def n_events(self):
        """Connections made and broken since the last call."""
        n = 0
        while self.monitor.poll(100):
            self.monitor.recv_multipart()
            n += 1
        return n


@pytest.fixture
def bind():
    context = zmq.Context()
    made = []

    def make():
        made.append(Publisher(context))
        return made[-1]

    yield make
    for one in made:
        one.socket.disable_monitor()
    context.destroy(linger=0)


def test_reload__unchanged_probes__keep_connections_and_counters(directory, folder, bind):
    kept, changed, removed, added = [bind() for _ in range(4)]
    probes = [probe(name, one.endpoint, "PUB")
              for name, one in [("kept", kept), ("changed", changed), ("removed", removed)]]
    with ProbingAgent(directory, folder, probes) as agent:
        agent.wait_success("kept", "changed", "removed")
        attempts = {n: agent.value("zmq_probe_attempts_total", n) for n in ("kept", "changed")}
        for one in (kept, changed, removed):
            assert one.n_events() > 0
        write_config(agent.config, [
            probe("new first", added.endpoint, "PUB"), probes[0],
            probe("changed", changed.endpoint, "PUB", max_message_size=1000)])
        for _ in range(3):
            assert agent.reload() == (200, "the configuration is loaded\n")
        page = agent.wait_success("kept", "changed", "new first")
        assert agent.values("zmq_probe_success", "removed", page) == {}
        assert page.value("zmq_exporter_probes") == 3
        assert kept.n_events() == 0
        assert changed.n_events() > 0 and removed.n_events() > 0 and added.n_events() > 0
        assert agent.value("zmq_probe_attempts_total", "kept", page) == attempts["kept"]
        assert agent.value("zmq_probe_attempts_total", "changed", page) == attempts["changed"] + 1
        assert agent.value("zmq_probe_disconnects_total", "changed", page) == 0


def test_reload__broken_file__changes_nothing_and_says_so(directory, folder, bind):
    publisher = bind()
    with ProbingAgent(directory, folder, [probe("kept", publisher.endpoint, "PUB")]) as agent:
        page = agent.wait_success("kept")
        loaded = page.value("zmq_exporter_config_last_reload_success_timestamp_seconds")
        assert loaded > 1e9
        assert page.value("zmq_exporter_config_last_reload_successful") == 1
        publisher.n_events()
        good = agent.config.read_text()

        agent.config.write_text(good.replace('"peer"', '"per"'))
        status, text = agent.reload()
        assert status == 500
        assert "unknown key 'per' (did you mean 'peer'?)" in text
        page = agent.wait_success("kept")
        assert page.value("zmq_exporter_config_last_reload_successful") == 0
        assert page.value("zmq_exporter_config_last_reload_success_timestamp_seconds") == loaded
        assert publisher.n_events() == 0

        agent.config.unlink()
        assert agent.reload()[0] == 500
        agent.config.write_text(good)
        assert agent.reload()[0] == 200
        page = agent.wait_success("kept")
        assert page.value("zmq_exporter_config_last_reload_successful") == 1
        assert page.value("zmq_exporter_config_last_reload_success_timestamp_seconds") > loaded
        assert publisher.n_events() == 0


def test_reload__hang_up__does_the_same(directory, folder):
    with ProbingAgent(directory, folder) as agent:
        assert agent.scrape().value("zmq_exporter_probes") == 0
        write_config(agent.config, [probe("one", "tcp://127.0.0.1:1", "PUB")])
        agent.hang_up()
        agent.wait_value(1, "zmq_exporter_probes")
        agent.config.write_text("probes: [")
        agent.hang_up()
        agent.wait_value(0, "zmq_exporter_config_last_reload_successful")
        assert agent.scrape().value("zmq_exporter_probes") == 1


def test_reload__other_endpoint_under_the_same_name__is_another_probe(directory, folder, bind):
    first, second = bind(), bind()
    with ProbingAgent(directory, folder, [probe("feed", first.endpoint, "PUB")]) as agent:
        agent.wait_success("feed")
        write_config(agent.config, [probe("feed", second.endpoint, "PUB")])
        assert agent.reload()[0] == 200
        page = agent.wait_success("feed")
        assert page.find("zmq_probe_success", address=first.endpoint) == []
        assert page.find("zmq_probe_success", address=second.endpoint) == [1]


def test_reload__while_attempts_are_under_way__ends_them(directory, folder):
    """Resolving, connecting, greeting: each is cut off without a trace."""
    with zmtp_peers.FullBacklog() as full, zmtp_peers.says(b"") as silent:
        probes = [probe("connecting", full.endpoint, "PUB"), probe("greeting", silent.endpoint, "PUB"),
                  probe("resolving", "tcp://does-not-exist.invalid:1", "PUB")]
        with ProbingAgent(directory, folder, probes) as agent:
            wait_for(lambda: silent.visits == 1, "a visit")
            for i in range(20):
                write_config(agent.config, probes[i % 3:] if i % 2 else [])
                assert agent.reload()[0] == 200
            write_config(agent.config)
            assert agent.reload()[0] == 200
            assert agent.scrape().value("zmq_exporter_probes") == 0
            assert agent.scrape().value("zmq_probe_success") is None
            agent.send_signal(signal.SIGTERM)
            assert agent.popen.wait(30) == 0


def test_start__broken_file__is_an_error(directory, folder):
    path = folder / "config.yml"
    path.write_text("probes: {}\n")
    done = run([products.exporter(), f"--config.file={path}", "--web.listen-address=127.0.0.1:0"],
               variables={"ZMQ_EXPORTER_DIR": str(directory)})
    assert done.returncode == 1
    assert "'probes' must be a list" in done.stderr
