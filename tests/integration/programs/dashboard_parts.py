# SPDX-License-Identifier: MPL-2.0
"""What dashboards show and the demo does not do: dashboard_parts.py FOLDER

First it prints the endpoint of a numbered stream, which has gaps, and goes back now and then.
"""

import os
import struct
import sys
import time

import zmq

FOLDER = sys.argv[1]
context = zmq.Context()


def socket(kind, **options):
    made = context.socket(kind)
    made.linger = 0
    for name, value in options.items():
        setattr(made, name, value)
    return made


def try_to_send(made, message):
    try:
        made.send(message, zmq.DONTWAIT)
    except zmq.Again:
        pass


def refuse(made):
    """A PULL does not send."""
    try:
        made.send(b"")
    except zmq.ZMQError:
        pass


stream = socket(zmq.PUB)
stream.bind("tcp://127.0.0.1:*")
large, small = socket(zmq.PUSH), socket(zmq.PULL, maxmsgsize=10)
small.bind(f"ipc://{FOLDER}/small")
large.connect(f"ipc://{FOLDER}/small")
news, reader = socket(zmq.PUB), socket(zmq.SUB, conflate=1)
news.bind(f"ipc://{FOLDER}/news")
reader.subscribe(b"")
reader.connect(f"ipc://{FOLDER}/news")
nobody = socket(zmq.PUSH, reconnect_ivl=200)
nobody.connect("tcp://127.0.0.1:1")
alone = socket(zmq.DEALER)
visitor = socket(zmq.PUB)
visitor.connect(f"ipc://{FOLDER}/visited")
print(stream.last_endpoint.decode().rstrip("\0"), flush=True)

number, parent = 0, os.getppid()
while os.getppid() == parent:
    number = (number + 1 + (number % 20 == 0)) % 200  # a gap; from 199 it goes back
    stream.send(struct.pack("<I", number))
    stream.send(b"x")  # no number
    for _ in range(3):
        news.send(b"old")
    try_to_send(large, bytes(100))
    try_to_send(alone, b"")
    refuse(small)
    for idle in (reader, small):
        try:
            idle.recv(zmq.DONTWAIT)
        except zmq.Again:
            pass
    try:
        nobody.bind(stream.last_endpoint)
    except zmq.ZMQError:
        pass
    if number % 10 == 0:
        visitor.disconnect(visitor.last_endpoint)
        visitor.connect(f"ipc://{FOLDER}/visited")
    time.sleep(0.1)
