# SPDX-License-Identifier: MPL-2.0
"""What the exporter serves for each alert: with its labels filled in, and commands that run as they are."""

import ast
import concurrent.futures
import contextlib
import faulthandler
import html
import logging
import re
import resource
import signal
import subprocess
import sys
import urllib.parse

import pytest
import yaml
import zmq

from support import products
from support.server import Server
from support.waiting import wait_for

ALERTS = products.TESTS.parent / "alerts"
HOSTILE = "it's \"a\" <b>&$(touch pwned)`\\"


def names():
    return sorted(path.stem for path in (ALERTS / "runbooks").glob("*.md"))


def get(agent, name, **labels):
    return agent.get(f"/runbooks/{name}?" + urllib.parse.urlencode(labels))


def commands(page):
    """Those of a shell, as a reader copies them."""
    blocks = [html.unescape(block) for block in re.findall(r"<pre>(.*?)</pre>", page, re.S)]
    return [block for block in blocks if block.startswith(("api=", "amtool", "curl"))]


def run(command, folder, **variables):
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=folder, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
                          env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(folder), **variables})
    assert done.returncode == 0, (command, done.stdout)
    return done.stdout


def test_index__asked__links_every_runbook(agent):
    assert sorted(re.findall(r'href="(\w+)"', agent.get("/runbooks/"))) == names()


@pytest.mark.parametrize("labels", [{}, {"program": "ledger", "address": "tcp://*:5556"}])
def test_every_runbook__labels_or_none__is_a_whole_page(agent, labels):
    for name in names():
        page = get(agent, name, **labels)
        assert page.startswith("<!DOCTYPE html>") and page.endswith("</html>\n")
        assert f"<h1>{name}</h1>" in page and f"alertname={name}" in page
        assert "{{" not in page and "\x01" not in page and "**" not in page and "```" not in page


def test_each__says_in_this_order__what_and_where_and_how_to_mend_it():
    for name in names():
        text = (ALERTS / f"runbooks/{name}.md").read_text(encoding="utf-8")
        wanted = ["**It says:**", "## Do", "## In C and in Python", "## It may be wrong when", "## Silence"]
        assert [text.count(f"\n{part}") for part in wanted] == [1] * len(wanted), name
        assert sorted(wanted, key=text.index) == wanted, name
        languages = [bool(re.search(rf"^```{language}$", text, re.M)) for language in ("c", "python")]
        assert languages[0] == languages[1], name


def test_names_of_others__hostile__end_neither_html_nor_shell(agent, folder):
    for name in names():
        page = get(agent, name, **{label: HOSTILE for label in (
            "instance", "program", "type", "address", "reason", "probe", "check", "cause", "detail")})
        assert "<b>&" not in page and "<b>&amp;" not in page.replace("<b>It", "")
        for command in commands(page):
            subprocess.run(["bash", "-c", "curl() { :; }; amtool() { printf '%s\\n' \"$@\" >>said; }\n" + command],
                           cwd=folder, check=False, timeout=60)
    assert not (folder / "pwned").exists()
    said = (folder / "said").read_text(encoding="utf-8").split("\n")
    assert 'program="it\'s \\"a\\" <b>&$(touch pwned)`\\\\"' in said


class Alertmanager(Server):
    def __init__(self, folder):
        super().__init__("prometheus-alertmanager", f"--config.file={ALERTS}/alertmanager.yml",
                         "--cluster.listen-address=", f"--storage.path={folder}/alertmanager",
                         "--web.listen-address=127.0.0.1:0")


def test_commands__of_a_stuck_receiver__print_its_pid_and_peer_and_silence_it(agent, folder, start):
    push = start("pyzmq", variables={"ZMQ_EXPORTER_PROGRAM": "orders"})
    pull = start("pyzmq", variables={"ZMQ_EXPORTER_PROGRAM": "ledger"})
    receiver, sender = pull.socket(zmq.PULL), push.socket(zmq.PUSH)
    address = receiver.bind("tcp://127.0.0.1:*")
    sender.connect(address)
    assert sender.send(5, size=10) == 5
    wait_for(lambda: agent.scrape().value("zmq_socket_receive_queue_messages", program="ledger") == 5, "the messages")

    labels = {"instance": agent.address, "program": "ledger", "type": "PULL", "address": "tcp://127.0.0.1:*"}
    who, waiting, silence = commands(get(agent, "ZeroMQReceiverStuck", **labels))
    told = run(f"{who}\n{waiting}", folder)
    assert f"{pull.pid} ledger PULL tcp://127.0.0.1:*" in told
    peer = f"pid={pull.pid},"
    assert any(peer in line and address.rsplit(":", 1)[1] in line and "ESTAB" in line for line in told.split("\n"))

    with Alertmanager(folder) as alertmanager:
        run(silence, folder, ALERTMANAGER=f"http://{alertmanager.address}")
        made = alertmanager.get("/api/v2/silences")
    assert {m["name"]: m["value"] for m in made[0]["matchers"]} == {
        "alertname": "ZeroMQReceiverStuck", **{k: v for k, v in labels.items() if k != "type"}}


# What the examples find around them.
AROUND_C = """
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <zmq.h>
extern void *context, *socket, *other, *client, *router, *xpub, *publisher, *subscriber;
extern const char *endpoint, *server_public, *own_public, *own_secret;
extern zmq_msg_t message, subscription;
extern struct batch batch;
void work(void);
void decide(void);
void append(struct batch *batch, zmq_msg_t *message);
"""
TYPES = {"router": zmq.ROUTER, "xpub": zmq.XPUB, "publisher": zmq.PUB, "subscriber": zmq.SUB}
SOCKET_TYPES = {"ZeroMQRequestUnanswered": zmq.REQ}


def examples(language):
    for path in sorted((ALERTS / "runbooks").glob("*.md")):
        for text in re.findall(rf"^```{language}\n(.*?)^```$", path.read_text(encoding="utf-8"), re.M | re.S):
            yield path.stem, text


def test_examples__in_c__compile(folder):
    for name, text in examples("c"):
        outside = "\n".join(line for line in text.split("\n") if line.startswith("static "))
        inside = "\n".join(line for line in text.split("\n") if not line.startswith("static "))
        source = folder / f"{name}.c"
        source.write_text(f"{AROUND_C}{outside}\nvoid example(void);\nvoid example(void)\n{{\n{inside}\n}}\n",
                          encoding="utf-8")
        done = subprocess.run(["cc", "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
                               source], text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr


def try_python(name, text, context, folder):
    """Each statement but loops, whose end is not theirs."""
    given = {key: context.socket(kind) for key, kind in TYPES.items()}
    given |= {"socket": context.socket(SOCKET_TYPES.get(name, zmq.DEALER)), "other": context.socket(zmq.DEALER)}
    given["xpub"].rcvtimeo = 0
    text = text.replace("poll(30000)", "poll(0)")
    public, secret = zmq.curve_keypair()
    around = {"zmq": zmq, "context": context, "endpoint": f"ipc://{folder}/{name}", "server": public,
              "public": public, "secret": secret, "resource": resource, "signal": signal, "sys": sys,
              "concurrent": concurrent, "work": len, "decide": str, "data": b"",
              "log": logging.getLogger(), **given}
    for statement in ast.parse(text).body:
        code = compile(ast.Module([statement], []), name, "exec")
        if not any(isinstance(part, ast.While) for part in ast.walk(statement)):
            with contextlib.suppress(zmq.Again):
                exec(code, around)


def test_examples__in_python__run(folder):
    limit, on_term = resource.getrlimit(resource.RLIMIT_NOFILE), signal.getsignal(signal.SIGTERM)
    tried = 0
    try:
        for name, text in examples("python"):
            context = zmq.Context()
            try:
                try_python(name, text, context, folder)
            finally:
                context.destroy(linger=0)
            tried += 1
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)
        signal.signal(signal.SIGTERM, on_term)
        faulthandler.disable()
    assert tried == len(list(examples("c"))) > 20


def test_rules__every_alert__has_a_runbook_here():
    rules = yaml.safe_load((ALERTS / "zmq.rules.yml").read_text(encoding="utf-8"))
    alerts = {rule["alert"] for group in rules["groups"] for rule in group["rules"] if "alert" in rule}
    assert alerts == set(names())
