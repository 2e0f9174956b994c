# SPDX-License-Identifier: MPL-2.0
"""An exporter with probes: its configuration, what it says of each, and endpoints to probe."""

import contextlib
import json
import signal
import urllib.error
import urllib.request

import zmq

from support.agent import Agent
from support.waiting import DEADLINE_S, wait_for

SOCKET_TYPES = ("PUB", "XPUB", "SUB", "XSUB", "ROUTER", "REP", "PULL", "PUSH", "DEALER", "REQ", "PAIR")
BY_GREETING = ("PUSH", "DEALER", "REQ", "PAIR")

# Short intervals, so that a test sees many attempts; a timeout that a slow machine can meet.
QUICK = {"interval": "100ms", "reconnect_interval": "100ms", "timeout": "20s"}


def probe(name, endpoint, peer, **settings):
    """One entry of `probes`."""
    return {**QUICK, "name": name, "address": endpoint, "peer": peer, **settings}


def write_config(path, probes=(), **sections):
    """JSON is YAML. Returns the path."""
    path.write_text(json.dumps({"probes": list(probes), **sections}, indent=1))
    return path


@contextlib.contextmanager
def publisher():
    """The endpoint of a real PUB."""
    context = zmq.Context()
    one = context.socket(zmq.PUB)
    one.bind("tcp://127.0.0.1:*")
    yield one.last_endpoint.decode().rstrip("\0")
    context.destroy(linger=0)


class ProbingAgent(Agent):
    """`ProbingAgent(directory, folder, [probe("a", "tcp://…", "PUB")], probe_targets=[…])`"""

    def __init__(self, directory, folder, probes=(), variables=None, **sections):
        self.config = write_config(folder / "config.yml", probes, **sections)
        super().__init__(directory, f"--config.file={self.config}", variables=dict(variables or {}))

    def values(self, name, probe_name, page=None):
        """{labels besides probe and endpoint, as text: value} of one probe."""
        page = page or self.scrape()
        return {
            ",".join(v for k, v in sorted(s.labels.items()) if k not in ("probe", "address")): s.value
            for s in page.samples
            if s.name == name and s.labels.get("probe") == probe_name
        }

    def value(self, name, probe_name, page=None):
        return self.values(name, probe_name, page).get("")

    def failure(self, probe_name, page=None):
        """(cause, detail, phase) of the failure that it shows now, or None."""
        shown = self.values("zmq_probe_failure_info", probe_name, page)
        return tuple(next(iter(shown)).split(",")) if shown else None

    def wait_success(self, *names, value=1):
        def are_right():
            page = self.scrape()
            return all(self.value("zmq_probe_success", name, page) == value for name in names) and page
        return wait_for(are_right, lambda: self.explain(names))

    def wait_failure(self, name, expected, deadline_s=DEADLINE_S):
        def is_right():
            page = self.scrape()
            return self.failure(name, page) == expected and page
        return wait_for(is_right, lambda: f"{expected}: {self.explain([name])}", deadline_s)

    def explain(self, names):
        page = self.scrape()
        return {n: (self.value("zmq_probe_success", n, page), self.failure(n, page)) for n in names}

    def request(self, path, method="GET", headers=None):
        """(status, text) of any answer."""
        request = urllib.request.Request(f"http://{self.address}{path}", method=method,
                                         headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def reload(self):
        return self.request("/-/reload", "POST")

    def hang_up(self):
        self.send_signal(signal.SIGHUP)
