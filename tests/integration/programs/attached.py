# SPDX-License-Identifier: MPL-2.0
"""Attaches pyzmq's sockets through ctypes: attached.py TAP. The steps are told on standard output."""

import ctypes
import os
import sys

import zmq

tap = ctypes.CDLL(sys.argv[1], use_errno=True)
tap.zmqtap_attach.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
tap.zmqtap_detach.argtypes = [ctypes.c_void_p]
tap.zmqtap_name.argtypes = [ctypes.c_void_p, ctypes.c_char_p]


def call(function, *arguments):
    if function(*arguments) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def step(what):
    print(what, flush=True)
    sys.stdin.readline()


context = zmq.Context()
dealer, router = context.socket(zmq.DEALER), context.socket(zmq.ROUTER)
router.bind("inproc://desk")
dealer.connect("inproc://desk")
for socket, name in ((dealer, "asks"), (router, "answers")):
    call(tap.zmqtap_attach, socket.underlying, None)
    call(tap.zmqtap_name, socket.underlying, name.encode())
for _ in range(20):
    dealer.send_multipart([b"a", b"question"])
for _ in range(15):
    router.send_multipart(router.recv_multipart())
for _ in range(5):
    dealer.recv_multipart()
step("moved")
for socket in (dealer, router):
    call(tap.zmqtap_detach, socket.underlying)
step("detached")
context.destroy(linger=0)
step("closed")
