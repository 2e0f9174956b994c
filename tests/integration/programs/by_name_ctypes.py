# SPDX-License-Identifier: MPL-2.0
"""Sends N messages from a PUSH to a PULL, leaves 20 for nobody, and waits for the end of its input."""

import ctypes
import sys

library = ctypes.CDLL("libzmq.so.5")
for name in ("zmq_ctx_new", "zmq_socket"):
    getattr(library, name).restype = ctypes.c_void_p
context = ctypes.c_void_p(library.zmq_ctx_new())
push, pull, lonely = (ctypes.c_void_p(library.zmq_socket(context, kind)) for kind in (8, 7, 8))
endpoint, size = ctypes.create_string_buffer(256), ctypes.c_size_t(256)
assert library.zmq_bind(pull, b"tcp://127.0.0.1:*") == 0
library.zmq_getsockopt(pull, 32, endpoint, ctypes.byref(size))
assert library.zmq_connect(push, endpoint) == 0
assert library.zmq_connect(lonely, b"ipc://@nobody") == 0
for _ in range(20):
    assert library.zmq_send(lonely, b"hello", 5, 0) == 5
for _ in range(int(sys.argv[1])):
    assert library.zmq_send(push, b"hello", 5, 0) == 5
    assert library.zmq_recv(pull, endpoint, 256, 0) == 5
print("ready", flush=True)
sys.stdin.read()
zero = ctypes.c_int(0)
for socket in (push, pull, lonely):
    library.zmq_setsockopt(socket, 17, ctypes.byref(zero), 4)
    print(library.zmq_close(socket))
print(library.zmq_ctx_term(context))
