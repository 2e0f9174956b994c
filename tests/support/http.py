# SPDX-License-Identifier: MPL-2.0
"""HTTP by hand: requests as bytes, answers taken apart, nothing hidden by a library."""

import gzip
import socket

DEADLINE_S = 30


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def header(self, name):
        """The value of a header that may come once; None if it does not come."""
        values = [v for k, v in self.headers if k.lower() == name.lower()]
        assert len(values) <= 1, f"{name} came {len(values)} times"
        return values[0] if values else None

    @property
    def text(self):
        body = gzip.decompress(self.body) if self.header("Content-Encoding") == "gzip" else self.body
        return body.decode("utf-8")


def open_connection(address):
    """A stream to "host:port", "[v6]:port" or "unix:path"."""
    if address.startswith("unix:"):
        stream = socket.socket(socket.AF_UNIX)
        stream.settimeout(DEADLINE_S)
        stream.connect(address[len("unix:"):])
        return stream
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host.strip("[]"), int(port)), DEADLINE_S)


def read_head(reader):
    line = reader.readline()
    if not line:
        return None, []
    headers = []
    for header in iter(reader.readline, b"\r\n"):
        assert header, "the connection ended within the headers"
        name, value = header.decode("latin-1").rstrip("\r\n").split(":", 1)
        headers.append((name, value.strip()))
    return int(line.split()[1]), headers


def read_chunks(reader):
    body = b""
    while True:
        size = int(reader.readline().split(b";")[0], 16)
        body += reader.read(size)
        assert reader.readline() == b"\r\n"
        if size == 0:
            return body


def read_answer(reader, method="GET"):
    """The next answer of a connection; None if it was closed instead."""
    status, headers = read_head(reader)
    if status is None:
        return None
    answer = Answer(status, headers, b"")
    if method != "HEAD":
        length = answer.header("Content-Length")
        if length is not None:
            answer.body = reader.read(int(length))
            assert len(answer.body) == int(length), "the connection ended within the body"
        elif (answer.header("Transfer-Encoding") or "").lower() == "chunked":
            answer.body = read_chunks(reader)
        else:
            answer.body = reader.read()
    return answer


def send(address, request, method="GET"):
    """Sends bytes and reads one answer."""
    with open_connection(address) as stream, stream.makefile("rb") as reader:
        stream.sendall(request)
        return read_answer(reader, method)


def request(address, path="/metrics", method="GET", body=b"", **headers):
    """One request; header names are written with _ for -."""
    lines = [f"{method} {path} HTTP/1.1", "Host: test", "Connection: close"]
    lines += [f"{k.replace('_', '-')}: {v}" for k, v in headers.items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return send(address, "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body, method)
