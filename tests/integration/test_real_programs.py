# SPDX-License-Identifier: MPL-2.0
"""Programs that were written without the tap in mind do their work under it, and are counted.

Each runs plain and tapped; what it says itself is what its segment has. What rsyslogd sends is in
test_rsyslog.py."""

import json
import pathlib
import shutil
import socket
import tempfile

import pytest
import zmq

from support import products, segment_file
from support.folders import remove_folder
from support.process import Process
from support.waiting import DEADLINE_S, wait_equal

BOTH_WAYS = pytest.mark.parametrize("is_tapped", [False, True], ids=("plain", "tapped"))
N_LINES = 300


@pytest.fixture
def memory_directory():
    """A segment directory on a tmpfs, as /run/zmq_exporter is: no end of a process costs a count."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="zt-", dir="/dev/shm"))
    yield path
    remove_folder(path)


def needs_rsyslog():
    has_plugins = list(pathlib.Path("/usr/lib").glob("*/rsyslog/imczmq.so"))
    return pytest.mark.skipif(not shutil.which("rsyslogd", path="/usr/sbin:/usr/bin") or not has_plugins,
                              reason="needs Debian's rsyslog and rsyslog-czmq")


def counters(directory, pid, word, kind):
    return sum(segment.counter(word, kind) for segment in segment_file.read_all(directory, pid))


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Rsyslog(Process):
    """A system logger of its own, with these lines of configuration."""

    def __init__(self, folder, directory, lines):
        configuration = folder / "rsyslog.conf"
        configuration.write_text("\n".join(lines) + "\n", encoding="utf-8")
        super().__init__(["/usr/sbin/rsyslogd", "-n", "-f", configuration, "-i", folder / "pid"],
                         directory, {"RSYSLOG_DEBUG": ""})

    def end_as_a_program(self):
        self.popen.terminate()
        return self.popen.wait(DEADLINE_S)


@needs_rsyslog()
@BOTH_WAYS
def rsyslog__imczmq__receives_each_line_once(folder, directory, context, is_tapped):
    push, port, output = context.socket(zmq.PUSH), free_port(), folder / "lines"
    lines = ['module(load="imczmq" servercertpath="" clientcertpath="" authtype="" authenticator="off")',
             f'input(type="imczmq" endpoints="@tcp://127.0.0.1:{port}" socktype="PULL")',
             'template(name="m" type="list") { property(name="rawmsg") constant(value="\\n") }',
             f'action(type="omfile" file="{output}" template="m")']
    with Rsyslog(folder, directory if is_tapped else None, lines) as logger:
        push.connect(f"tcp://127.0.0.1:{port}")
        for i in range(N_LINES):
            push.send(b"<13>Nov 28 10:00:00 host tag: line %d" % i)
        wait_equal(lambda: len(output.read_text().splitlines()) if output.exists() else 0, N_LINES,
                   "lines written")
        if is_tapped:
            logger.wait_counter(N_LINES, "RECEIVED_MESSAGES", "PULL")
        assert logger.end_as_a_program() == 0


@BOTH_WAYS
@pytest.mark.parametrize("method", ["fork", "spawn"])
def multiprocessing__workers_end_by_exit__every_message_is_counted(memory_directory, method, is_tapped):
    command = [*products.program("multiprocess.py"), method, 4, 250]
    with Process(command, memory_directory if is_tapped else None) as parent:
        told = json.loads(parent.line())
        assert told["received"] == 1000 and told["status"] == [0] * 4
        if not is_tapped:
            return
        parent.wait_counter(1000, "RECEIVED_MESSAGES", "PULL")
        parent.wait_counter(told["received_bytes"], "RECEIVED_BYTES", "PULL")
        assert parent.segment().counter("SENT_MESSAGES") == 0
        for pid in told["pids"]:
            assert counters(memory_directory, pid, "SENT_MESSAGES", "PUSH") == 250
        sizes = [counters(memory_directory, pid, "SENT_BYTES", "PUSH") for pid in told["pids"]]
        assert sum(sizes) == told["received_bytes"]


@BOTH_WAYS
def czmq__plugin_opened_locally__is_counted(directory, is_tapped):
    addon = products.program("libczmq_addon.so")[0]
    with Process([*products.program("host"), addon, "77"], directory if is_tapped else None) as host:
        assert host.line() == "77"
        if is_tapped:
            host.wait_counter(77, "SENT_MESSAGES", "PUSH")
            host.wait_counter(77 * 11, "RECEIVED_BYTES", "PULL")
