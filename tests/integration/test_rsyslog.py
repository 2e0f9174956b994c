# SPDX-License-Identifier: MPL-2.0
"""rsyslogd sends by a plug-in that it opens RTLD_LOCAL, which reaches libzmq through CZMQ."""

import pathlib
import shutil
import socket
import subprocess

import pytest
import zmq

from support import segment_file
from support.peeked import Reader
from support.process import environment
from support.waiting import DEADLINE_S, wait_equal, wait_for

N = 100
CONFIGURATION = """
module(load="omczmq")
module(load="imptcp")
input(type="imptcp" path="{folder}/log" )
template(name="m" type="list"){{ property(name="msg") constant(value="\\n") }}
action(type="omczmq" endpoints=">{endpoint}" socktype="PUSH" template="m")
"""


@pytest.fixture
def rsyslogd():
    program = shutil.which("rsyslogd", path="/usr/sbin:/usr/bin")
    plugin = list(pathlib.Path("/usr/lib").glob("*/rsyslog/omczmq.so"))
    if not program or not plugin:
        pytest.skip("rsyslogd with omczmq is not installed")
    return program


def start(program, folder, endpoint, directory, variables):
    (folder / "rsyslog.conf").write_text(CONFIGURATION.format(folder=folder, endpoint=endpoint))
    return subprocess.Popen([program, "-n", "-f", folder / "rsyslog.conf", "-i", folder / "pid"],
                            env=environment(directory, **variables), stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.mark.parametrize("way", ["plain", "on", "off"])
def rsyslogd__sends_by_a_plugin_of_its_own__loses_nothing(directory, folder, context, rsyslogd, way):
    pull = context.socket(zmq.PULL)
    port = pull.bind_to_random_port("tcp://127.0.0.1")
    variables = {"ZMQ_EXPORTER_TAP": "off"} if way == "off" else {}
    process = start(rsyslogd, folder, f"tcp://127.0.0.1:{port}",
                    None if way == "plain" else directory, variables)
    try:
        with socket.socket(socket.AF_UNIX) as log:
            wait_for(lambda: log.connect_ex(str(folder / "log")) == 0, "the socket of rsyslogd")
            log.sendall(b"".join(b"<13>Nov 28 10:00:00 h t: m%d\n" % i for i in range(N)))
        for i in range(N):
            assert pull.poll(DEADLINE_S * 1000), f"{i} messages, and rsyslogd is {process.poll()}"
            assert pull.recv() == b" m%d\n" % i
    finally:
        process.terminate()
    assert process.wait(DEADLINE_S) == 0
    counts = [segment.counter("SENT_MESSAGES", "PUSH") for segment in segment_file.read_all(directory)]
    assert counts == ([N] if way == "on" else [])


def rsyslogd__without_a_tap__is_seen_from_outside(folder, context, rsyslogd):
    pull = context.socket(zmq.PULL)
    port = pull.bind_to_random_port("tcp://127.0.0.1")
    process = start(rsyslogd, folder, f"tcp://127.0.0.1:{port}", None, {})
    try:
        wait_for(lambda: (folder / "log").exists(), "the socket of rsyslogd")
        with socket.socket(socket.AF_UNIX) as log, Reader() as reader:
            log.connect(str(folder / "log"))
            log.sendall(b"<13>Nov 28 10:00:00 h t: m\n" * N)
            wait_for(lambda: reader.seen(process.pid), "rsyslogd")
            wait_equal(lambda: reader.seen(process.pid).counter("SENT_MESSAGES", "PUSH"), N, "messages")
            assert reader.seen(process.pid).gauge("SEND_QUEUE", "PUSH") == 0
    finally:
        process.terminate()
    assert process.wait(DEADLINE_S) == 0
