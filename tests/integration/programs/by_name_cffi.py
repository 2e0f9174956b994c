# SPDX-License-Identifier: MPL-2.0
"""As by_name_ctypes.py, with cffi in its ABI mode."""

import sys

import cffi

ffi = cffi.FFI()
ffi.cdef("""
void *zmq_ctx_new(void); int zmq_ctx_term(void *); void *zmq_socket(void *, int); int zmq_close(void *);
int zmq_setsockopt(void *, int, const void *, size_t); int zmq_getsockopt(void *, int, void *, size_t *);
int zmq_bind(void *, const char *); int zmq_connect(void *, const char *);
int zmq_send(void *, const void *, size_t, int); int zmq_recv(void *, void *, size_t, int);
""")
library = ffi.dlopen("libzmq.so.5")
context = library.zmq_ctx_new()
push, pull, lonely = (library.zmq_socket(context, kind) for kind in (8, 7, 8))
endpoint, size = ffi.new("char[256]"), ffi.new("size_t *", 256)
assert library.zmq_bind(pull, b"tcp://127.0.0.1:*") == 0
library.zmq_getsockopt(pull, 32, endpoint, size)
assert library.zmq_connect(push, endpoint) == 0
assert library.zmq_connect(lonely, b"ipc://@nobody") == 0
for _ in range(20):
    assert library.zmq_send(lonely, b"hello", 5, 0) == 5
for _ in range(int(sys.argv[1])):
    assert library.zmq_send(push, b"hello", 5, 0) == 5
    assert library.zmq_recv(pull, endpoint, 256, 0) == 5
print("ready", flush=True)
sys.stdin.read()
zero = ffi.new("int *", 0)
for socket in (push, pull, lonely):
    library.zmq_setsockopt(socket, 17, zero, 4)
    print(library.zmq_close(socket))
print(library.zmq_ctx_term(context))
