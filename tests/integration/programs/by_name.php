<?php
// SPDX-License-Identifier: MPL-2.0
// As by_name_ctypes.py, with PHP's FFI.
$zmq = FFI::cdef('
void *zmq_ctx_new(void); int zmq_ctx_term(void *); void *zmq_socket(void *, int); int zmq_close(void *);
int zmq_setsockopt(void *, int, const void *, size_t); int zmq_getsockopt(void *, int, void *, size_t *);
int zmq_bind(void *, const char *); int zmq_connect(void *, const char *);
int zmq_send(void *, const char *, size_t, int); int zmq_recv(void *, void *, size_t, int);
', 'libzmq.so.5');
$context = $zmq->zmq_ctx_new();
[$push, $pull, $lonely] = array_map(fn($kind) => $zmq->zmq_socket($context, $kind), [8, 7, 8]);
$endpoint = FFI::new('char[256]');
$size = FFI::new('size_t');
$size->cdata = 256;
if ($zmq->zmq_bind($pull, 'tcp://127.0.0.1:*') != 0) exit(1);
$zmq->zmq_getsockopt($pull, 32, $endpoint, FFI::addr($size));
if ($zmq->zmq_connect($push, FFI::string($endpoint)) != 0) exit(1);
if ($zmq->zmq_connect($lonely, 'ipc://@nobody') != 0) exit(1);
for ($i = 0; $i < 20; $i++) if ($zmq->zmq_send($lonely, 'hello', 5, 0) != 5) exit(1);
for ($i = 0; $i < (int)$argv[1]; $i++) {
    if ($zmq->zmq_send($push, 'hello', 5, 0) != 5) exit(1);
    if ($zmq->zmq_recv($pull, $endpoint, 256, 0) != 5) exit(1);
}
echo "ready\n";
stream_get_contents(STDIN);
$zero = FFI::new('int');
foreach ([$push, $pull, $lonely] as $socket) {
    $zmq->zmq_setsockopt($socket, 17, FFI::addr($zero), 4);
    echo $zmq->zmq_close($socket), "\n";
}
echo $zmq->zmq_ctx_term($context), "\n";
