/* SPDX-License-Identifier: MPL-2.0 */
/* addon - a plug-in that brings its own libzmq: what a host program opens with RTLD_LOCAL. */
#include <stdio.h>
#include <zmq.h>

/* Sends `n` messages over tcp to itself and leaves the sockets open. */
__attribute__((visibility("default"))) int addon_work(int n);
/* The same; afterwards nothing is left. */
__attribute__((visibility("default"))) int addon_work_and_end(int n);

static void *context, *push, *pull;

int addon_work(int n)
{
    char endpoint[256], data[8];
    size_t size = sizeof endpoint;
    context = zmq_ctx_new();
    push = zmq_socket(context, ZMQ_PUSH);
    pull = zmq_socket(context, ZMQ_PULL);
    if (!push || !pull || zmq_bind(pull, "tcp://127.0.0.1:*") < 0 ||
        zmq_getsockopt(pull, ZMQ_LAST_ENDPOINT, endpoint, &size) < 0 ||
        zmq_connect(push, endpoint) < 0)
        return -1;
    for (int i = 0; i < n; i++)
        if (zmq_send(push, "hello", 5, 0) != 5 || zmq_recv(pull, data, sizeof data, 0) != 5)
            return -1;
    return n;
}

int addon_work_and_end(int n)
{
    int done = addon_work(n);
    return zmq_close(push) == 0 && zmq_close(pull) == 0 && zmq_ctx_term(context) == 0 ? done : -1;
}
