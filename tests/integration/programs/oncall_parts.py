# SPDX-License-Identifier: MPL-2.0
"""Parts of a small system, ill and well, one a process: oncall_parts.py NAME FOLDER

Their times fit rules that are thirty times faster than in production.
"""

import os
import signal
import subprocess
import sys
import time

import zmq

NAME, FOLDER = sys.argv[1], sys.argv[2]
context = zmq.Context()


def address(name):
    return f"ipc://{FOLDER}/{name}"


def socket(kind, **options):
    made = context.socket(kind)
    made.linger = 0
    for key, value in options.items():
        setattr(made, key, value)
    return made


def bound(kind, name, **options):
    made = socket(kind, **options)
    made.bind(address(name))
    return made


def connected(kind, name, **options):
    made = socket(kind, **options)
    if kind == zmq.SUB:
        made.subscribe(b"")
    made.connect(address(name))
    return made


def send_for(made, seconds, pause=0.02):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        made.send(b"x")
        time.sleep(pause)


def receive(made, pause=0.0):
    while True:
        made.recv()
        time.sleep(pause)


def lonely_sub():
    connected(zmq.SUB, "nobody").recv()


def nosubs_pub():
    send_for(bound(zmq.PUB, "nosubs"), 1e6)


def stalled_pub():
    send_for(made := bound(zmq.PUB, "stalled"), 60)
    time.sleep(1e6)
    made.close()


def stalled_sub():
    receive(connected(zmq.SUB, "stalled"))


def leak_push():
    send_for(bound(zmq.PUSH, "leak", sndhwm=0), 1e6, 0.004)


def leak_pull():
    receive(connected(zmq.PULL, "leak", rcvhwm=10), 0.2)


def noworker_push():
    bound(zmq.PUSH, "noworker").send(b"x")


def binder():
    one = bound(zmq.REP, "taken")
    port = one.bind_to_random_port("tcp://127.0.0.1")
    while True:
        with socket(zmq.REP) as another:
            try:
                another.bind(f"tcp://127.0.0.1:{port}")
            except zmq.ZMQError:
                pass
        time.sleep(1)


def deadlock_req():
    made = connected(zmq.REQ, "deadlock")
    made.send(b"question")
    made.recv()


def deadlock_rep():
    made = bound(zmq.REP, "deadlock")
    made.recv()
    time.sleep(1e6)
    made.close()


def crasher():
    """Ends every few seconds, and is started again; this process has no socket."""
    while True:
        subprocess.run([sys.executable, __file__, "crashing", FOLDER], check=False)


def crashing():
    made = bound(zmq.PUSH, "crasher")
    time.sleep(2)
    os.kill(os.getpid(), signal.SIGKILL)
    made.close()


def gone():
    send_for(bound(zmq.PUB, "gone"), 60)
    os.kill(os.getpid(), signal.SIGKILL)


def gone_sub():
    receive(connected(zmq.SUB, "gone"))


def ok_rep():
    made = bound(zmq.REP, "asked")
    while True:
        made.send(made.recv())


def ok_req():
    made = connected(zmq.REQ, "asked")
    while True:
        made.send(b"question")
        made.recv()
        time.sleep(0.1)


def short_clients():
    while True:
        with connected(zmq.REQ, "asked") as made:
            made.send(b"question")
            made.recv()
        time.sleep(1)


def batch_push():
    made = connected(zmq.PUSH, "batch")
    while True:
        for _ in range(500):
            made.send(b"job")
        time.sleep(2)


def batch_pull():
    made = bound(zmq.PULL, "batch")
    while True:
        time.sleep(2)
        try:
            while True:
                made.recv(zmq.DONTWAIT)
        except zmq.Again:
            pass


def rare_pub():
    send_for(bound(zmq.PUB, "rare"), 1e6, 10)


def rare_sub():
    receive(connected(zmq.SUB, "rare"))


def probed_push():
    send_for(bound(zmq.PUSH, "probed"), 1e6, 0.1)


def probed_pull():
    receive(connected(zmq.PULL, "probed"))


globals()[NAME.replace("-", "_")]()
