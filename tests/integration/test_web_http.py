# SPDX-License-Identifier: MPL-2.0
"""The server's manners: methods, paths, limits, headers, addresses, the end."""

import re
import signal
import socket

import pytest

from support import http, products
from support.agent import Agent
from support.process import run
from support.waiting import DEADLINE_S, wait_for


def pages__asked_for__answer_with_their_type(agent):
    types = {
        "/metrics": "text/plain; version=0.0.4; charset=utf-8",
        "/": "text/html; charset=utf-8",
        "/-/healthy": "text/plain; charset=utf-8",
        "/-/ready": "text/plain; charset=utf-8",
    }
    for path, content_type in types.items():
        answer = http.request(agent.address, path)
        assert (answer.status, answer.header("Content-Type")) == (200, content_type), path
        assert answer.body, path


def every_answer__whatever_its_status__has_the_security_headers(agent):
    for path, method in (("/metrics", "GET"), ("/", "GET"), ("/none", "GET"), ("/metrics", "PUT")):
        answer = http.request(agent.address, path, method)
        assert answer.header("X-Content-Type-Options") == "nosniff"
        assert answer.header("X-Frame-Options") == "DENY"
        assert answer.header("Referrer-Policy") == "no-referrer"
        assert answer.header("Cache-Control") == "no-store"
        policy = answer.header("Content-Security-Policy")
        assert policy.startswith("default-src 'none'") and "unsafe" not in policy
        assert answer.header("Server") is None


def unknown_path__any_method__is_404(agent):
    for path in ("/nothing", "/metrics/", "/metricsx", "//metrics", "/%2e%2e/etc/passwd", "/-/"):
        assert http.request(agent.address, path).status == 404, path
    assert http.request(agent.address, "/nothing", "DELETE").status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"])
def wrong_method__known_path__is_405_with_allow(agent, method):
    answer = http.request(agent.address, "/metrics", method)
    assert (answer.status, answer.header("Allow")) == (405, "GET, HEAD")


def head__each_page__has_the_headers_of_get_and_no_body(agent):
    for path in ("/metrics", "/", "/-/healthy"):
        head = http.request(agent.address, path, "HEAD")
        assert head.status == 200 and head.body == b""
        assert int(head.header("Content-Length")) > 0
        assert head.header("Content-Type") == http.request(agent.address, path).header(
            "Content-Type")


def body__with_a_request__is_refused(agent):
    assert http.request(agent.address, "/metrics", "GET", b"x").status == 413
    assert http.request(agent.address, "/metrics", "POST", b"x" * 1000).status in (405, 413)
    chunked = (b"GET /metrics HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
               b"1\r\nx\r\n0\r\n\r\n")
    assert http.send(agent.address, chunked).status == 413


def headers__too_large__are_431_or_414(agent):
    assert http.request(agent.address, X_Long="a" * 100_000).status == 431
    many = {f"X_{i}": "b" * 100 for i in range(1000)}
    assert http.request(agent.address, **many).status == 431
    assert http.request(agent.address, "/" + "c" * 100_000).status in (414, 431)
    assert http.request(agent.address).status == 200


@pytest.mark.parametrize("rubbish", [
    b"\r\n\r\n\r\n\r\n", b"GET\r\n\r\n", b"\0" * 100 + b"\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00",
    b"GET /metrics HTTP/9.9\r\n\r\n", b"GET /metrics HTTP/1.1\r\nHost a\r\n\r\n",
    b"GET /metrics?%%%=%zz&&&=& HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    b"GET http://elsewhere/metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
])
def rubbish__sent__harms_nobody(agent, rubbish):
    with http.open_connection(agent.address) as stream:
        stream.sendall(rubbish)
        stream.shutdown(socket.SHUT_WR)
        while stream.recv(65536):
            pass
    assert http.request(agent.address).status == 200


def connection__kept_alive__serves_many(agent):
    with http.open_connection(agent.address) as stream, stream.makefile("rb") as reader:
        for _ in range(20):
            stream.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"
                           b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n")
            assert http.read_answer(reader).text.startswith("# HELP")
            assert http.read_answer(reader).text == "zmq_exporter is healthy\n"


def http_1_0__without_host__is_served(agent):
    answer = http.send(agent.address, b"GET /metrics HTTP/1.0\r\n\r\n")
    assert answer.status == 200 and answer.text.startswith("# HELP")


def addresses__of_every_kind__all_listen(folder, directory):
    path = folder / "web.sock"
    flags = ["--web.listen-address=[::1]:0", f"--web.listen-address=unix:{path}",
             "--web.listen-address=localhost:0"]
    with Agent(directory, *flags) as agent:
        found = [agent.address]
        while len(found) < 4:
            found += re.findall(r'msg=listening address="?([^ "]+)', agent.popen.stderr.readline())
        assert found[1].startswith("[::1]:") and found[2] == f"unix:{path}"
        assert path.stat().st_mode & 0o777 == 0o660
        for address in found:
            assert http.request(address, "/-/ready").status == 200, address
        agent.send_signal(signal.SIGTERM)
        assert agent.popen.wait(DEADLINE_S) == 0
    assert not path.exists()


def socket_file__left_behind__is_replaced(folder, directory):
    path = folder / "web.sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    with Agent(directory, f"--web.listen-address=unix:{path}"):
        wait_for(lambda: http.request(f"unix:{path}", "/-/ready").status == 200, "the socket file")
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as busy:
        busy.bind(str(path))
        busy.listen()
        refused = run([products.exporter(), f"--web.listen-address=unix:{path}"])
        assert refused.returncode == 1 and "Address already in use" in refused.stderr
        assert path.exists()


def telemetry_path__given__moves_the_metrics(directory):
    with Agent(directory, "--web.telemetry-path=/zmq/telemetry") as agent:
        assert http.request(agent.address, "/zmq/telemetry").status == 200
        assert http.request(agent.address, "/metrics").status == 404
        assert 'href="/zmq/telemetry"' in http.request(agent.address, "/").text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def signal__ends_it__cleanly(directory, number):
    with Agent(directory) as agent:
        with http.open_connection(agent.address) as idle:
            idle.sendall(b"GET /metrics HTTP/1.1\r\n")
            assert agent.end(number) == 0


@pytest.mark.parametrize("flags, words", [
    (["--web.listen-addres=:1"], ["--web.listen-addres'", "did you mean '--web.listen-address'"]),
    (["--web.listen-address"], ["--web.listen-address needs a value"]),
    (["--web.listen-address=10556"], ["--web.listen-address", "'10556'", "':10556'"]),
    (["--web.listen-address=:70000"], ["65535"]),
    (["--web.listen-address=::1:80"], ["'[::1]:10556'"]),
    (["--web.telemetry-path=metrics"], ["--web.telemetry-path", "/metrics"]),
    (["--web.telemetry-path=/-/ready"], ["--web.telemetry-path", "taken"]),
    (["--log.level=loud"], ["--log.level", "'loud'", "debug, info, warn or error"]),
    (["--log.format=xml"], ["--log.format", "logfmt or json"]),
    (["--web.max-requests=0"], ["--web.max-requests", "'0'"]),
    (["--log.level=info", "--log.level=warn"], ["--log.level is given twice"]),
    (["-x"], ["two dashes"]),
    (["rnu"], ["unknown command 'rnu'", "did you mean 'run'"]),
    (["--version", "more"], ["'more' is not a flag"]),
])
def command_line__wrong__names_the_flag_and_the_remedy(flags, words):
    result = run([products.exporter(), *flags])
    assert result.returncode in (1, 2)
    for word in words:
        assert word in result.stderr
    assert result.stderr.count("\n") <= 2


def help__and_version__are_complete():
    text = run([products.exporter(), "--help"]).stdout
    for flag in ("--web.listen-address", "--web.telemetry-path", "--log.level", "--log.format",
                 "--version", "--help"):
        assert flag in text
    assert re.fullmatch(r"zmq_exporter, version \d+\.\d+\.\d+\n",
                        run([products.exporter(), "--version"]).stdout)


def log__as_json__is_json_lines(directory):
    import json
    with Agent(directory, "--log.format=json") as agent:
        assert agent.end(signal.SIGTERM) == 0
        lines = [json.loads(line) for line in agent.log]
    assert [line["msg"] for line in lines] == ["starting", "listening"]
    assert lines[1]["address"] == agent.address
