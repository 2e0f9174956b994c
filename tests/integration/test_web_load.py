# SPDX-License-Identifier: MPL-2.0
"""A crowd of slow clients and a flood of rubbish, while scrapes go on; nothing is left behind."""

import os
import random
import socket
import threading

import pytest

from support import http
from support.agent import Agent
from support.fake_segments import FakeSegments
from support.waiting import wait_for

N_SLOW = 1000
N_SCRAPES = 100
REQUEST = b"GET /metrics HTTP/1.1\r\nHost: a\r\nX-Padding: " + b"x" * 500 + b"\r\n\r\n"
RUBBISH = [b"", b"\0", b"GET", b"GET / HTTP/1.1\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
           b"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\nx",
           b"GET /" + b"a" * 30000, b"GET /metrics HTTP/1.1\r\n" + b"A: b\r\n" * 5000,
           b"GET /metrics?collect[]=%00%ff&collect[]=" + b"z" * 2000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
           b"GET /metrics HTTP/1.1\r\nHost: a\r\nAccept: " + b",;q=\"" * 1000 + b"\r\n\r\n"]


class Crowd(threading.Thread):
    """Slow clients of two kinds: a byte of a request now and then; an answer never taken."""

    def __init__(self, address, n):
        super().__init__(daemon=True)
        self.address, self.n = address, n
        self.sockets = []
        self.is_ending = threading.Event()

    def connect(self, i):
        stream = socket.socket()
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        host, port = self.address.rsplit(":", 1)
        stream.settimeout(20)
        stream.connect((host, int(port)))
        stream.setblocking(False)
        if i % 2:
            stream.send(REQUEST)
        self.sockets.append([stream, i % 2, 0])

    def trickle(self, entry):
        stream, is_reader, sent = entry
        try:
            if is_reader:
                return bool(stream.recv(1))
            entry[2] += stream.send(REQUEST[sent:sent + 1])
            return True
        except BlockingIOError:
            return True
        except OSError:
            return False

    def run(self):
        for i in range(self.n):
            self.connect(i)
        i = self.n
        while not self.is_ending.wait(0.05):
            for entry in random.sample(self.sockets, 100):
                if not self.trickle(entry):  # it was shut down: a new one comes
                    entry[0].close()
                    self.sockets.remove(entry)
                    self.connect(i)
                    i += 1
        for stream, _, _ in self.sockets:
            stream.close()


class Flood(threading.Thread):
    """Connections that send rubbish and go, one after the other."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address = address
        self.n = 0
        self.is_ending = threading.Event()

    def run(self):
        while not self.is_ending.is_set():
            try:
                with http.open_connection(self.address) as stream:
                    stream.sendall(RUBBISH[self.n % len(RUBBISH)])
            except OSError:
                pass
            self.n += 1


def memory_of(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def descriptors_of(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


@pytest.fixture
def busy_agent(directory):
    with FakeSegments(directory, 1, 200, "all"), Agent(directory) as running:
        wait_for(lambda: 'zmq_exporter_segments{state="live"} 1\n' in running.get(), "the segment")
        yield running


def slow_clients_and_rubbish__while_scrapes_go_on__harm_none(busy_agent):
    agent = busy_agent
    series = http.request(agent.address).text.count("\nzmq_socket")
    descriptors = descriptors_of(agent.pid)
    crowd, flood = Crowd(agent.address, N_SLOW), Flood(agent.address)
    crowd.start()
    flood.start()
    wait_for(lambda: len(crowd.sockets) >= N_SLOW and flood.n > 100, "the crowd")

    most_memory = most_descriptors = 0
    for _ in range(N_SCRAPES):
        answer = http.request(agent.address)
        assert answer.status == 200 and answer.text.count("\nzmq_socket") == series
        most_memory = max(most_memory, memory_of(agent.pid))
        most_descriptors = max(most_descriptors, descriptors_of(agent.pid))
    text = http.request(agent.address).text
    crowd.is_ending.set()
    flood.is_ending.set()
    crowd.join()
    flood.join()

    assert most_descriptors < 512 + 64 + 100
    assert most_memory < 200 << 20
    limited = {line.split('"')[1]: int(line.split()[-1]) for line in text.split("\n")
               if line.startswith("zmq_exporter_http_limited_total{")}
    assert limited["connections"] + limited["answers"] > 0
    wait_for(lambda: descriptors_of(agent.pid) <= descriptors + 4, "the connections to be closed")


def slow_request__in_the_end__is_shut_down(agent):
    with http.open_connection(agent.address) as stream:
        stream.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n")
        assert stream.recv(1) == b""
    assert 'zmq_exporter_http_limited_total{limit="request_time"} 1\n' in agent.get()


def many_scrapes__one_after_the_other__leave_nothing_behind(agent):
    def scrape(times):
        with http.open_connection(agent.address) as stream, stream.makefile("rb") as reader:
            for i in range(times):
                coding = b"Accept-Encoding: gzip\r\n" if i % 4 == 0 else b""
                stream.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n" + coding + b"\r\n")
                assert http.read_answer(reader).status == 200

    scrape(500)
    memory, descriptors = memory_of(agent.pid), descriptors_of(agent.pid)
    scrape(5000)
    assert memory_of(agent.pid) < memory + (2 << 20)
    wait_for(lambda: descriptors_of(agent.pid) <= descriptors, "the last connection to be closed")
