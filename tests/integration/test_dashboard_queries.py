# SPDX-License-Identifier: MPL-2.0
"""Every query of every dashboard, asked of a Prometheus that scrapes two hosts with the same programs.

One host has the demo under the tap. The other is a host by itself, with processes of its own, of which one
is under the tap, one is seen from outside and one is not seen.
"""

import concurrent.futures
import contextlib
import json
import math
import os
import pathlib
import re
import shlex
import signal
import tempfile
import urllib.parse

import pytest
import yaml

from support import products
from support.agent import Agent
from support.folders import remove_folder
from support.probing import probe, write_config
from support.process import Process
from support.server import Server
from support.waiting import wait_for
from test_prometheus import fast_rules

TOP = products.TESTS.parent
EMPTY = products.TESTS / "integration/dashboards_empty.txt"
NOBODY = "127.0.0.1:1"
# As Grafana fills them in where everything is chosen; windows as short as the test.
VALUES = {"job": ".+", "instance": ".+", "program": ".*", "probe": ".*", "link": ".+", "top": "1000",
          "__rate_interval": "20s", "__range": "1m"}
KEY = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
STREAM = {"subscriptions": [""], "sequence": {"frame": 0, "width": 4, "encoding": "little_endian"}}
# Over tcp, of which the kernel tells most.
PAIR = """
import time, zmq
context = zmq.Context()
pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
pull.bind("tcp://127.0.0.1:*")
push.connect(pull.last_endpoint)
push.send(b"x")
time.sleep(3600)
"""


def filled(expression, **values):
    return re.sub(r"\$([a-z_]+)", lambda found: {**VALUES, **values}[found.group(1)], expression)


def quoted(text):
    """As a value of one label in Grafana: for a regular expression, in a string."""
    return re.sub(r"[\\^$.*+?()\[\]{}|]", lambda found: "\\\\" + found.group(), text)


class Query:
    def __init__(self, board, title, reference, expression, is_total):
        self.name = f"{board.removesuffix('.json')} / {title} / {reference}"
        self.expression, self.is_total = expression, is_total


def all_queries():
    for path in sorted((TOP / "dashboards").glob("*.json")):
        board = json.loads(path.read_text(encoding="utf-8"))
        for note in board["annotations"]["list"]:
            if "expr" in note:
                yield Query(path.name, note["name"], "annotation", note["expr"], False)
        for panel in (p for outer in board["panels"] for p in (outer, *outer.get("panels", []))):
            for target in panel.get("targets", []):
                yield Query(path.name, panel["title"], target["refId"], target["expr"], panel["type"] == "stat")


def all_variables():
    for path in sorted((TOP / "dashboards").glob("*.json")):
        for variable in json.loads(path.read_text(encoding="utf-8"))["templating"]["list"]:
            if variable["type"] == "query":
                yield path.name, variable["name"], variable["query"]["query"]


def known_empty():
    lines = [line for line in EMPTY.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    return {name.strip(): reason.strip() for name, reason in (line.split(":: ") for line in lines)}


class Prometheus(Server):
    def __init__(self, folder, hosts, stream):
        (folder / "zmq.rules.yml").write_text(fast_rules(), encoding="utf-8")
        configuration = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "2s"},
            "rule_files": [str(folder / "zmq.rules.yml")],
            "scrape_configs": [
                {"job_name": "zmq", "static_configs": [{"targets": [*hosts, NOBODY]}]},
                {"job_name": "on_demand", "metrics_path": "/probe", "params": {"target": [stream]},
                 "static_configs": [{"targets": hosts[:1]}]},
            ],
        }
        (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration), encoding="utf-8")
        super().__init__("prometheus", f"--config.file={folder}/prometheus.yml",
                         f"--storage.tsdb.path={folder}/data", "--web.listen-address=127.0.0.1:0")

    def now(self):
        return float(self.get("/api/v1/query?query=time()")["data"]["result"][1])

    def ask_all(self, expressions, time):
        """The answers to each, many at once: on a machine with much else to do each takes its time."""
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            return list(pool.map(lambda expression: self.ask(expression, time), expressions))

    def ask(self, expression, time):
        """The values by their labels."""
        answer = self.get("/api/v1/query?" + urllib.parse.urlencode({"query": expression, "time": f"{time:.3f}"}))
        return {tuple(sorted(s["metric"].items())): float(s["value"][1]) for s in answer["data"]["result"]}

    def values_of(self, label, selector):
        return self.get(f"/api/v1/label/{label}/values?" + urllib.parse.urlencode({"match[]": selector}))["data"]


def settings_of(home, stream, visited):
    """Probes that find something good, bad and nothing, and an advisory for every libzmq."""
    advisories = home / "advisories.txt"
    advisories.write_text("checked 2026-01-01\nTEST-1 high 4.0.0..9.0.0 9.0.0 https://example.org/ for this test\n",
                          encoding="utf-8")
    return write_config(home / "probes.yml", [
        probe("stream", stream, "PUB", **STREAM), probe("closed", f"tcp://{NOBODY}", "PUB"),
        probe("visited", visited, "PUB", bind=True),
        probe("keys", stream, "PUB", security={"mechanism": "CURVE", "server_key": KEY}),
    ], probe_targets=["tcp://127.0.0.1:*"], library={"advisories_file": str(advisories)})


def parts_of(home):
    home.mkdir(parents=True)
    return [*products.program("dashboard_parts.py"), str(home)]


@contextlib.contextmanager
def host_with_tap(folder):
    """(exporter, endpoint of the stream): the demo, what it does not do, and a program that is stopped."""
    segments, web = folder / "segments", folder / "web.yml"
    segments.mkdir(parents=True)
    web.write_text("{}", encoding="utf-8")
    with contextlib.ExitStack() as stack:
        def start(command, program, may_end_with=0):
            process = stack.enter_context(Process(command, segments, {"ZMQ_EXPORTER_PROGRAM": program}))
            process.may_end_with(may_end_with)
            return process

        parts = start(parts_of(folder / "parts"), "parts")
        start([*products.program("oncall_parts.py"), "crasher", folder], "crasher", -9)
        stack.enter_context(Process(
            [products.exporter(), "demo", f"--tap.library={products.tap_library()}"],
            variables={"ZMQ_EXPORTER_DIR": str(segments), "TMPDIR": str(folder)}))
        stopped = start([*products.program("oncall_parts.py"), "ok-rep", folder], "stopped", -9)
        stream = parts.line()
        wait_for(lambda: len(list(segments.glob(f"{stopped.pid}-*.seg"))) == 1, "the tap of what is stopped")
        stopped.send_signal(signal.SIGSTOP)
        stack.callback(stopped.send_signal, signal.SIGKILL)
        settings = settings_of(folder, stream, f"ipc://{folder}/parts/visited")
        agent = stack.enter_context(Agent(segments, f"--config.file={settings}", f"--web.config.file={web}"))
        agent.keep_log()
        yield agent, stream


@contextlib.contextmanager
def host_with_reader(folder, stream):
    segments = folder / "segments"
    segments.mkdir(parents=True)
    # Seen from outside a program has its own name; of the last the reader is told to keep away.
    tapped = ["env", f"LD_PRELOAD={products.tap_library()}", "ZMQ_EXPORTER_PROGRAM=parts", *parts_of(folder / "parts")]
    bare = [*products.program("oncall_parts.py"), "leak-push", str(folder)]
    hidden = parts_of(folder / "hidden")
    linked = [str(products.PYTHON), "-c", PAIR]
    script = "".join(f"{shlex.join(command)} >/dev/null & " for command in (tapped, bare, hidden, linked)) + 'exec "$@"'
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    prefix = ["unshare", *user, "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script, "sh"]
    settings = settings_of(folder, stream, f"ipc://{folder}/parts/visited")
    with Agent(segments, f"--config.file={settings}", "--collector.peek.exclude=dashboard_parts.py",
               peeks=True, prefix=prefix) as agent:
        agent.keep_log()
        yield agent


@pytest.fixture(name="system", scope="module")
def two_hosts():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="zt-"))
    with host_with_tap(folder / "a") as (one, stream), host_with_reader(folder / "b", stream) as other, \
            Prometheus(folder, [one.address, other.address], stream) as prometheus:
        yield prometheus
    remove_folder(folder)


def test_queries__of_every_dashboard__have_data_or_a_reason(system):
    empty, waiting = known_empty(), {query.name: query for query in all_queries()}
    unknown = empty.keys() - waiting.keys()
    assert not unknown and all(empty.values())
    listed = {name: waiting.pop(name) for name in empty}

    asked = [0.0]

    def all_have():
        """Asks after each scrape."""
        time = system.now()
        if time - asked[0] < 1:
            return False
        asked[0] = time
        queries = list(waiting.values())
        for query, values in zip(queries, system.ask_all([filled(q.expression) for q in queries], time)):
            if values:
                del waiting[query.name]
        return not waiting

    wait_for(all_have, lambda: "data of " + ", ".join(sorted(waiting)), 90)
    time = system.now()
    needless = [name for name, query in listed.items() if system.ask(filled(query.expression), time)]
    assert not needless, f"has data: {needless}"


def is_near(one, other):
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12) or (math.isnan(one) and math.isnan(other))


def is_merged(query, whole, parts):
    """Whether what all hosts have is not what each has by itself, or a number of all not their sum."""
    if query.is_total:
        return not is_near(sum(whole.values()), sum(sum(part.values()) for part in parts))
    apart = {labels: value for part in parts for labels, value in part.items()}
    return (len(apart) != sum(map(len, parts)) or whole.keys() != apart.keys()
            or any(not {"job", "instance"} <= dict(labels).keys() or not is_near(value, apart[labels])
                   for labels, value in whole.items()))


def test_queries__of_every_dashboard__never_merge_two_hosts(system):
    def all_targets():
        return system.ask("group by (job, instance) (up)", system.now() - 15)

    wait_for(lambda: len(all_targets()) == 4, lambda: f"four targets; there are {all_targets()}")
    time = system.now() - 15  # by now what belongs to it is written
    targets = [dict(labels) for labels in system.ask("group by (job, instance) (up)", time)]
    queries = list(all_queries())
    wholes = system.ask_all([filled(query.expression) for query in queries], time)
    separate = zip(*(system.ask_all([filled(query.expression, **{k: quoted(v) for k, v in target.items()})
                                     for query in queries], time) for target in targets))
    merged = [query.name for query, whole, parts in zip(queries, wholes, separate) if is_merged(query, whole, parts)]
    assert not merged


def test_variables__of_every_dashboard__have_values(system):
    for board, name, query in all_variables():
        selector, label = re.fullmatch(r"label_values\((.+), (\w+)\)", query).groups()
        assert system.values_of(label, filled(selector)), f"{board}: {name}"


def test_link__of_each_spelling__is_one():
    """The regular expression by which the dashboard of a link finds both ends."""
    board = json.loads((TOP / "dashboards/zeromq-link.json").read_text(encoding="utf-8"))
    link = next(v for v in board["templating"]["list"] if v["name"] == "link")
    pattern = re.compile(link["regex"].strip("/").replace(r"\/", "/"))
    assert [pattern.match(address).group(1) for address in (
        "tcp://*:5556", "tcp://feed:5556", "tcp://[::1]:5556", "tcp://eth0;feed:5556", "ws://*:80/feed",
        "ipc://ticks", "ipc:///run/a:b", "inproc://x", "")[:-1]] == [
            "5556", "5556", "5556", "5556", "80/feed", "ipc://ticks", "ipc:///run/a:b", "inproc://x"]
    assert filled(re.search(r'address=~"([^"]*)"', json.dumps(board).replace('\\"', '"')).group(1),
                  link="5556") == "(?:(?:tcp|wss?|udp|e?pgm|norm)://.*:)?5556"
