# SPDX-License-Identifier: MPL-2.0
"""A pyzmq device in a thread of its own: 300 requests go through it, and 300 replies."""

import sys

import zmq
import zmq.devices

context = zmq.Context.instance()
device = zmq.devices.ThreadDevice(zmq.QUEUE, zmq.ROUTER, zmq.DEALER)
device.bind_in("inproc://front")
device.bind_out("inproc://back")
device.start()
client, worker = context.socket(zmq.REQ), context.socket(zmq.REP)
client.connect("inproc://front")
worker.connect("inproc://back")
for _ in range(300):
    client.send(b"question")
    worker.send(worker.recv())
    client.recv()
print("done", flush=True)
sys.stdin.readline()
