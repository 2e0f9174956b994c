/* SPDX-License-Identifier: MPL-2.0 */
/*
 * copies_plugin - uses whatever libzmq it reaches: what a host opens, or a library below that.
 *
 * Built several times: PLUGIN_USE names its function, so that a plug-in of a plug-in calls the one
 * below it (PLUGIN_BELOW) instead of libzmq.
 */
#include <stdint.h>

#ifdef PLUGIN_BELOW
int PLUGIN_BELOW(int n);
__attribute__((visibility("default"))) int use(int n);
int use(int n)
{
    return PLUGIN_BELOW(n);
}
#else
#include <zmq.h>

typedef void (*function)(void);
__attribute__((visibility("default"))) int PLUGIN_USE(int n);
__attribute__((visibility("default"))) function const *functions(void);

/* zmq_ctx_set and zmq_socket_monitor are jumps to other exported functions in builds with drafts.
 */
static int watch(void *context, void *socket)
{
    void *monitor = zmq_socket(context, ZMQ_PAIR);
    int rc = zmq_socket_monitor(socket, "inproc://monitor", ZMQ_EVENT_ALL);
    rc |= zmq_connect(monitor, "inproc://monitor");
    rc |= zmq_socket_monitor(socket, NULL, 0);
    return rc | zmq_close(monitor);
}

/* The sum of what the sends and receives returned; negative where something failed. */
int PLUGIN_USE(int n)
{
    void *context = zmq_ctx_new();
    int rc = zmq_ctx_set(context, ZMQ_IO_THREADS, 1), sum = 0;
    rc |= zmq_ctx_get(context, ZMQ_IO_THREADS) < 0;
    void *push = zmq_socket(context, ZMQ_PUSH), *pull = zmq_socket(context, ZMQ_PULL);
    if (!context || rc != 0 || !push || !pull || watch(context, push) != 0 ||
        zmq_bind(pull, "inproc://copies") != 0 || zmq_connect(push, "inproc://copies") != 0)
        return -1;
    for (int i = 0; i < n; i++) {
        char data[8];
        sum += zmq_send(push, "hello", 5, 0);
        sum += zmq_recv(pull, data, sizeof data, 0);
    }
    rc = zmq_close(push) | zmq_close(pull) | zmq_ctx_term(context);
    return rc == 0 ? sum : -2;
}

/* As a foreign function interface has them: zmq_ctx_new, zmq_ctx_term. */
function const *functions(void)
{
    static function list[2];
    list[0] = (function)zmq_ctx_new;
    list[1] = (function)zmq_ctx_term;
    return list;
}
#endif
