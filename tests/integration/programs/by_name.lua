-- SPDX-License-Identifier: MPL-2.0
-- As by_name_ctypes.py, with LuaJIT's ffi.
local ffi = require "ffi"
ffi.cdef [[
void *zmq_ctx_new(void); int zmq_ctx_term(void *); void *zmq_socket(void *, int); int zmq_close(void *);
int zmq_setsockopt(void *, int, const void *, size_t); int zmq_getsockopt(void *, int, void *, size_t *);
int zmq_bind(void *, const char *); int zmq_connect(void *, const char *);
int zmq_send(void *, const void *, size_t, int); int zmq_recv(void *, void *, size_t, int);
]]
local zmq = ffi.load("libzmq.so.5")
local context = zmq.zmq_ctx_new()
local push, pull, lonely = zmq.zmq_socket(context, 8), zmq.zmq_socket(context, 7), zmq.zmq_socket(context, 8)
local endpoint, size = ffi.new("char[256]"), ffi.new("size_t[1]", 256)
assert(zmq.zmq_bind(pull, "tcp://127.0.0.1:*") == 0)
zmq.zmq_getsockopt(pull, 32, endpoint, size)
assert(zmq.zmq_connect(push, endpoint) == 0)
assert(zmq.zmq_connect(lonely, "ipc://@nobody") == 0)
for _ = 1, 20 do assert(zmq.zmq_send(lonely, "hello", 5, 0) == 5) end
for _ = 1, tonumber(arg[1]) do
    assert(zmq.zmq_send(push, "hello", 5, 0) == 5)
    assert(zmq.zmq_recv(pull, endpoint, 256, 0) == 5)
end
print("ready")
io.stdout:flush()
io.read("*a")
local zero = ffi.new("int[1]", 0)
for _, socket in ipairs { push, pull, lonely } do
    zmq.zmq_setsockopt(socket, 17, zero, 4)
    print(zmq.zmq_close(socket))
end
print(zmq.zmq_ctx_term(context))
