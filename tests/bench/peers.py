# SPDX-License-Identifier: MPL-2.0
"""What it costs to know who is at the other end of each connection.

    peers.py [CONNECTIONS ...]     100 and 1000, of a PULL and as many PUSHes of another program

CPU of one round: what the reader's pass costs more when it is asked for connections, and the
exporter's thread that asks the kernel. Best in a PID and a network namespace of its own, so that it is
of these programs alone.
"""

import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.agent import Agent  # noqa: E402
from support.peeked import Reader  # noqa: E402
from support.process import environment  # noqa: E402

BIND = """
import sys, zmq
c = zmq.Context(); s = c.socket(zmq.PULL); s.bind('tcp://127.0.0.1:*')
print(s.last_endpoint.decode().rstrip('\\0'), flush=True)
sys.stdin.read()
"""
CONNECT = """
import sys, zmq
c = zmq.Context(); c.max_sockets = 5000
kept = [c.socket(zmq.PUSH) for _ in range(int(sys.argv[2]))]
for s in kept: s.connect(sys.argv[1])
for s in kept: s.send(b'x')
print('ok', flush=True)
sys.stdin.read()
"""
ROUNDS = 20


def start(text, *words):
    process = subprocess.Popen(["/usr/bin/python3", "-c", text, *words], text=True, env=environment(),
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    return process, process.stdout.readline().strip()


def reader_cost(is_asked):
    """CPU seconds of a pass."""
    with Reader(interval_ms=200) as reader:
        reader.wait_passes(3)
        first_cpu, first = reader.cpu_s, reader.n_passes
        while reader.n_passes < first + ROUNDS:
            if is_asked:
                reader.ask()
            reader.wait_passes(1)
        return (reader.cpu_s - first_cpu) / (reader.n_passes - first)


def thread_cpu_s(pid, name):
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        if (task / "comm").read_text().strip() == name:
            return int((task / "schedstat").read_text().split()[0]) / 1e9
    raise AssertionError(f"no thread {name}")


def exporter_cost():
    with tempfile.TemporaryDirectory() as directory, Agent(directory, peeks=True) as agent:
        agent.keep_log()

        def ask():
            urllib.request.urlopen(f"http://{agent.address}/api/v1/sockets/open?type=PULL").read()

        ask()
        time.sleep(3)
        first, begin = thread_cpu_s(agent.pid, "peers watch"), time.monotonic()
        for _ in range(ROUNDS):
            ask()
            time.sleep(1)
        return (thread_cpu_s(agent.pid, "peers watch") - first) / (time.monotonic() - begin)


def main():
    for n in [int(word) for word in sys.argv[1:]] or [100, 1000]:
        bound, endpoint = start(BIND)
        connected, _ = start(CONNECT, endpoint, str(n))
        time.sleep(1)
        plain, asked = reader_cost(False), reader_cost(True)
        print(f"{n} connections: a pass of the reader {plain * 1e3:.2f} ms of CPU, asked for "
              f"connections {asked * 1e3:.2f} ms; the exporter's thread {exporter_cost() * 1e3:.2f} ms "
              "a second while somebody asks", flush=True)
        for process in (connected, bound):
            process.kill()
            process.wait()


if __name__ == "__main__":
    main()
