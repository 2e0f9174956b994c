# SPDX-License-Identifier: MPL-2.0
"""What the reader of programs without a tap costs: CPU of a pass, and of a first look.

    peek.py [SOCKETS] [OTHERS]     100 sockets of one program, 500 processes without ZeroMQ

The queues of the sockets are empty, have ten messages each, and are full.
"""

import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.peeked import Reader  # noqa: E402

PROGRAM = """
import sys, time, zmq
c = zmq.Context()
kept = []
for i in range(int(sys.argv[1]) // 2):
    a = c.socket(zmq.PUSH); b = c.socket(zmq.PULL)
    b.bind('tcp://127.0.0.1:*'); a.connect(b.last_endpoint.decode().rstrip('\\0'))
    kept += [a, b]
    try:
        for _ in range(int(sys.argv[2])): a.send(b'x' * 1000, zmq.NOBLOCK)
    except zmq.Again: pass  # full
time.sleep(1)
for one in kept: one.getsockopt(zmq.EVENTS)  # takes in its connection
print('ok', flush=True)
sys.stdin.read()
"""


def cost(reader, n):
    """CPU seconds of `n` passes."""
    reader.wait_passes(2)
    first_cpu, first = reader.cpu_s, reader.n_passes
    reader.wait_passes(n)
    return (reader.cpu_s - first_cpu) / (reader.n_passes - first)


def measure(what, *programs):
    with Reader(interval_ms=100) as reader:
        reader.wait_passes(1)
        began = reader.cpu_s
        each = cost(reader, 50)
        print(f"{what}: {each * 1e3:.3f} ms of CPU a pass, {each * 100:.3f} % of a core at one a second; "
              f"first pass {began * 1e3:.1f} ms", flush=True)
        return each


def main():
    n_sockets, n_others = [*map(int, sys.argv[1:]), 100, 500][:2] if len(sys.argv) > 1 else (100, 500)
    empty = measure("the host as it is")
    for n_messages, what in ((0, "empty"), (10, "not empty"), (1000000, "full")):
        program = subprocess.Popen(["/usr/bin/python3", "-c", PROGRAM, str(n_sockets), str(n_messages)],
                                   text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        program.stdout.readline()
        each = measure(f"and a program of {n_sockets} sockets whose queues are {what}")
        print(f"  that is {(each - empty) * 1e3:.3f} ms for them")
        program.kill()
        program.wait()
    others = [subprocess.Popen(["sleep", "1000"]) for _ in range(n_others)]
    time.sleep(1)
    each = measure(f"and {n_others} processes without ZeroMQ")
    print(f"  that is {(each - empty) * 1e3:.3f} ms for them")
    for other in others:
        other.kill()
        other.wait()


if __name__ == "__main__":
    main()
