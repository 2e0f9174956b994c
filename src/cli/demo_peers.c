/* SPDX-License-Identifier: MPL-2.0 */
/* Peers that come and go: one that flaps, clients that do not wait for their answer. */
#include "cli/demo_play.h"

#include <string.h>
#include <zmq.h>

#define READINGS "ipc://readings"
#define DESK     "ipc://desk"

int demo_play_hub(void *context)
{
    void *socket = demo_play_socket(context, ZMQ_PULL, 100, 100);
    demo_play_bind(socket, READINGS);
    for (;;)
        demo_play_receive(socket);
}

/* One that sends when it is connected, not before: it may go soon afterwards. */
static void *visitor_socket(void *context, int type, const char *endpoint)
{
    const int is_immediate = 1;
    void *socket = demo_play_socket(context, type, 100, 100);
    if (zmq_setsockopt(socket, ZMQ_IMMEDIATE, &is_immediate, sizeof(is_immediate)) < 0)
        demo_play_fail("zmq_setsockopt of ZMQ_IMMEDIATE");
    demo_play_connect(socket, endpoint);
    return socket;
}

/* Connects anew for every reading and goes away again, about once a second. */
int demo_play_sensor(void *context)
{
    for (;; demo_play_wait(500)) {
        void *socket = visitor_socket(context, ZMQ_PUSH, READINGS);
        (void)demo_play_send(socket, 0); /* waits until it is connected */
        demo_play_wait(300);
        zmq_close(socket);
    }
}

/* Answers each question half a second late, to a client that has gone by then. */
int demo_play_desk(void *context)
{
    void *socket = demo_play_socket(context, ZMQ_ROUTER, 100, 100);
    demo_play_bind(socket, DESK);
    for (;;) {
        char identity[256];
        int size = zmq_recv(socket, identity, sizeof(identity), 0);
        if (size < 0)
            continue;
        demo_play_receive(socket);
        demo_play_wait(500);
        if (zmq_send(socket, identity, (size_t)size, ZMQ_SNDMORE) >= 0)
            (void)demo_play_send(socket, 0);
    }
}

int demo_play_caller(void *context)
{
    for (;; demo_play_wait(500)) {
        void *socket = visitor_socket(context, ZMQ_DEALER, DESK);
        (void)demo_play_send(socket, 0); /* waits until it is connected */
        demo_play_wait(200);             /* enough for the question to leave, not for the answer */
        zmq_close(socket);
    }
}
