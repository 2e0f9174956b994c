/* SPDX-License-Identifier: MPL-2.0 */
/* constructor - a plug-in whose constructor waits for a thread that uses libzmq. */
#include <pthread.h>
#include <zmq.h>

static int n_received;

static void *work(void *unused)
{
    void *context = zmq_ctx_new();
    void *push = zmq_socket(context, ZMQ_PUSH), *pull = zmq_socket(context, ZMQ_PULL);
    char data[8];
    zmq_bind(pull, "inproc://constructor");
    zmq_connect(push, "inproc://constructor");
    for (int i = 0; i < 100; i++)
        n_received += zmq_send(push, "x", 1, 0) == 1 && zmq_recv(pull, data, sizeof data, 0) == 1;
    zmq_close(push);
    zmq_close(pull);
    zmq_ctx_term(context);
    return unused;
}

__attribute__((constructor)) static void begin(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, NULL) == 0)
        pthread_join(thread, NULL);
}

__attribute__((visibility("default"))) int use(int n);
int use(int n)
{
    return n_received + n;
}
