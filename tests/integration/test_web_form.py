# SPDX-License-Identifier: MPL-2.0
"""Requests that are no good HTTP: refused with the right status, and nothing after them is read."""

import pytest

from support import http, web
from support.agent import Agent

HIDDEN = b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n"


def talk(address, *pieces):
    """All that the server says until it closes."""
    said = b""
    with http.open_connection(address) as stream:
        try:
            for piece in pieces:
                stream.sendall(piece)
            while piece := stream.recv(65536):
                said += piece
        except ConnectionError:
            pass  # it has closed before it has read all
    return said


def check_is_refused(address, request, status):
    """Once, with our headers, and the connection is closed."""
    said = talk(address, request)
    assert said.startswith(b"HTTP/1.1 %d " % status), said
    assert said.count(b"HTTP/1.1") == 1, said
    head = said.split(b"\r\n\r\n")[0].lower()
    assert b"connection: close" in head and b"x-content-type-options: nosniff" in head, said


def head(*lines):
    return b"\r\n".join((b"GET /metrics HTTP/1.1", *lines, b"", b""))


@pytest.mark.parametrize("request_head", [
    head(b"Host: a", b"Content-Length: 0", b"Content-Length: %d" % len(HIDDEN)),
    head(b"Host: a", b"Content-Length: 0", b"content-length: 0"),
    head(b"Host: a", b"Content-Length : %d" % len(HIDDEN)),
    head(b"Host: a", b"Content-Length\t: %d" % len(HIDDEN)),
    head(b"Host: a", b"Content-Length: 0\0"),
    head(b"Host: a", b"Content-Length: 0\0%d" % len(HIDDEN)),
    head(b"Content-Length: 0\0", b"Host: a"),
    head(b"Host: a", b"Transfer-Encoding : chunked"),
    head(b"Host: a", b"Transfer-Encoding: chunked", b" x"),
    head(b"Host: a", b"Transfer-Encoding: chunked", b"Content-Length: 0"),
    head(b"Host: a", b"Transfer-Encoding: identity", b"Transfer-Encoding: chunked"),
    head(b"Host: a", b"X: y", b" Transfer-Encoding: chunked"),
    head(b" Host: a", b"Host: a"),
    head(b"Host: a", b"Host: b"),
    head(b"Host: a", b": nameless"),
    head(b"Host: a", b"Two words: 1"),
    head(b"Host: a", b"N\xc3\xa4me: 1"),
    head(b"Host: a\0"),
    head(b"Accept: */*"),
    head(),
    b"GET\0x /metrics HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET  /metrics HTTP/1.1\r\nHost: a\r\n\r\n",
])
def head__read_in_two_ways__is_refused_and_hides_nothing(agent, request_head):
    check_is_refused(agent.address, request_head + HIDDEN, 400)
    assert http.request(agent.address).status == 200


@pytest.mark.parametrize("target", [
    b"/metrics%00.html", b"/metrics%00", b"/%00", b"/metrics\0.html", b"/metrics\0 HTTP/1.1\0",
    b"/metrics?collect[]=self%00x", b"/metrics?collect[]%00x=self", b"/metrics?collect[]=self\0x",
    b"/metrics?\0", b"/metrics?a b", b"/metrics ", b"/metrics\t", b"/metrics?a=\x7f",
])
def target__with_nul_or_blanks__is_refused(agent, target):
    check_is_refused(agent.address, b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n" % target + HIDDEN, 400)


def reload__with_nul_in_its_path__does_not_reload(agent):
    for target in (b"/-/reload%00anything", b"/-/reload\0"):
        check_is_refused(agent.address, b"POST %s HTTP/1.1\r\nHost: a\r\n\r\n" % target, 400)


def target__encoded_or_with_letters_of_the_world__is_understood(agent):
    for path in ("/%6detrics", "/metrics?collect%5b%5d=%73elf", "/metrics?\xfc=%c3%bc", "/metrics?%0"):
        assert http.request(agent.address, path).status == 200, path


@pytest.mark.parametrize("request_head", [
    head(b"Host: a", b"Content-Length\0: 1"),
    head(b"Host: a", b"Content-Length: +0"),
    head(b"Host: a", b"Content-Length: 0, 0"),
    head(b"Host: a", b"Content-Length:"),
    b"GET /metrics\r\nHost: a\r\n\r\n",
])
def head__that_the_library_refuses__hides_nothing_either(agent, request_head):
    said = talk(agent.address, request_head + HIDDEN)
    assert said.startswith(b"HTTP/1.1 400 ") and b"healthy" not in said, said


@pytest.mark.parametrize("request_head", [
    head(b"Host: a", b"Content-Length: 0"),
    head(b"Host: a", b"Content-Length: \t 0"),
    head(b"Host:a", b"Empty:", b"Blank: ", b"Odd!#$%&'*+-.^_`|~1: 1"),
    head(b"Host: "),
    b"GET /metrics HTTP/1.1\nHost: a\n\n",
    b"\r\n\r\nGET /metrics HTTP/1.1\r\nHost: a\r\nA: b\nC: d\r\n\r\n",
    b"GET /metrics HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    b"GET /metrics HTTP/1.0\nConnection: keep-alive\n\n",
])
def head__unusual_but_clear__is_served_and_so_is_the_next(agent, request_head):
    with http.open_connection(agent.address) as stream, stream.makefile("rb") as reader:
        stream.sendall(request_head + HIDDEN)
        assert http.read_answer(reader).text.startswith("# HELP")
        assert http.read_answer(reader).text == "zmq_exporter is healthy\n"


def sized(target=b"/metrics", *lines):
    return b"GET %s HTTP/1.1\r\n" % target + b"\r\n".join((b"Host: a", *lines, b"", b""))


@pytest.mark.parametrize("size", [8193, 15000, 15800, 16000, 16200, 20000, 28000, 30000,
                                  *range(30050, 32800, 50)])
def head__near_the_limit_of_memory__is_answered(agent, size):
    """The library's own answer, where it cannot take the head in, has none of our headers."""
    target, header = sized(b"/" + b"a" * size), sized(b"/metrics", b"X: " + b"a" * size)
    for request, status in ((target, b"414"), (header, b"431")):
        said = talk(agent.address, request)
        assert said[9:12] == status or (size > 30000 and said[9:12] in (b"414", b"431")), said
        assert said.count(b"HTTP/1.1") == 1 or size > 30000
    if size <= 30000:
        check_is_refused(agent.address, target, 414)
        check_is_refused(agent.address, header, 431)


@pytest.mark.parametrize("n", [*range(65, 600, 41), 2000])
def parameters__too_many__are_refused_at_once(agent, n):
    for one in (b"a", b"", b"collect[]=self"):
        target = b"/metrics?" + b"&".join([one] * n)
        check_is_refused(agent.address, sized(target), 400 if len(target) <= 8192 else 414)


@pytest.mark.parametrize("n", range(101, 600, 41))
def headers_and_cookies__too_many__are_refused_at_once(agent, n):
    for lines in ([b"a:"] * n, [b"Cookie: " + b"a;" * n * 2]):
        said = talk(agent.address, sized(b"/metrics", *lines, b"Connection: close"))
        assert said[9:12] == b"431" or (len(lines) == 1 and said[9:12] == b"200"), (n, said)


def head__as_large_as_allowed__is_served(agent):
    target = b"/metrics?" + b"&".join([b"collect[]=self"] * 64)
    target += b"a" * (8192 - len(target))
    lines = [b"x%02d: " % i + b"b" * 76 for i in range(96)]
    for path in (target, b"/-/healthy?" + b"&".join([b"a=b"] * 64)):
        answer = http.send(agent.address, sized(path, *lines))
        assert answer.status == 200 or b"collector" in answer.body


def refusals__of_each_kind__are_counted(agent):
    check_is_refused(agent.address, sized(b"/" + b"a" * 9000), 414)
    check_is_refused(agent.address, sized(b"/metrics", b"X: " + b"a" * 30000), 431)
    text = http.request(agent.address).text
    for code in (414, 431):
        assert f'zmq_exporter_http_requests_total{{code="{code}"}} 1\n' in text


def values__followed_by_blanks__are_read_without(folder, directory):
    config = folder / "web.yml"
    config.write_text(f"basic_auth_users:\n  prometheus: {web.bcrypt('secret')}\n")
    password = web.basic("prometheus", "secret")["Authorization"].encode()
    with Agent(directory, f"--web.config.file={config}") as agent:
        for blanks in (b"", b" ", b" \t "):
            lines = [b"Authorization: " + password, b"Accept: application/openmetrics-text",
                     b"X-Prometheus-Scrape-Timeout-Seconds: 5"]
            answer = http.send(agent.address, head(b"Host: a", *(i + blanks for i in lines)))
            assert answer.status == 200, blanks
            assert answer.header("Content-Type").startswith("application/openmetrics-text")
        check_is_refused(agent.address, head(b"Authorization: " + password), 400)


def head__near_the_limit_with_tls__is_answered(folder, directory):
    authority = web.Authority(folder, "authority")
    certificate, key = authority.issue("server")
    config = folder / "web.yml"
    config.write_text(f"tls_server_config:\n  cert_file: {certificate}\n  key_file: {key}\n")
    with Agent(directory, f"--web.config.file={config}") as agent:
        for size in (8193, 30000, *range(31500, 32700, 100)):
            with authority.context().wrap_socket(http.open_connection(agent.address),
                                                 server_hostname="localhost") as stream:
                stream.sendall(sized(b"/metrics", b"X: " + b"a" * size))
                assert stream.recv(65536).startswith(b"HTTP/1.1 431 "), size
