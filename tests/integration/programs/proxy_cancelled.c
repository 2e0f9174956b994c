/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A thread is cancelled inside zmq_proxy, and the program goes on with the sockets: 10 messages go
 * through the proxy, 10 by hand. Prints "done", then waits for the end of its input.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

static void *front, *back, *in, *out;

static void must(int is_true)
{
    if (!is_true)
        abort();
}

static void *run(void *unused)
{
    zmq_proxy(front, back, NULL);
    return unused;
}

static void *open_socket(void *context, int type, const char *bind_to, const char *connect_to)
{
    void *socket = zmq_socket(context, type);
    must(socket != NULL);
    must(!bind_to || zmq_bind(socket, bind_to) == 0);
    must(!connect_to || zmq_connect(socket, connect_to) == 0);
    return socket;
}

static void pass_through(void)
{
    char byte;
    for (int i = 0; i < 10; i++) {
        must(zmq_send(in, "x", 1, 0) == 1);
        must(zmq_recv(out, &byte, 1, 0) == 1);
    }
}

static void pass_by_hand(void)
{
    char byte;
    for (int i = 0; i < 10; i++) {
        must(zmq_send(in, "x", 1, 0) == 1);
        must(zmq_recv(front, &byte, 1, 0) == 1);
        must(zmq_send(back, "x", 1, 0) == 1);
        must(zmq_recv(out, &byte, 1, 0) == 1);
    }
}

int main(void)
{
    pthread_t thread;
    void *context = zmq_ctx_new();
    front = open_socket(context, ZMQ_PULL, "inproc://front", NULL);
    back = open_socket(context, ZMQ_PUSH, "inproc://back", NULL);
    in = open_socket(context, ZMQ_PUSH, NULL, "inproc://front");
    out = open_socket(context, ZMQ_PULL, NULL, "inproc://back");
    must(pthread_create(&thread, NULL, run, NULL) == 0);
    pass_through();
    must(pthread_cancel(thread) == 0 && pthread_join(thread, NULL) == 0);
    pass_by_hand();
    printf("done\n");
    (void)fflush(stdout);
    return getchar() == EOF ? 0 : 1;
}
