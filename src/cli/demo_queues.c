/* SPDX-License-Identifier: MPL-2.0 */
/* Queues that fill: a slow subscriber, workers at their limit, a consumer that is stuck. */
#include "cli/demo_play.h"

#include <unistd.h>
#include <zmq.h>

#define TICKS  "ipc://ticks"
#define JOBS   "ipc://jobs"
#define ORDERS "ipc://orders"

/* 50 messages a second to whoever listens. */
int demo_play_ticker(void *context)
{
    void *socket = demo_play_socket(context, ZMQ_PUB, 100, 100);
    demo_play_bind(socket, TICKS);
    for (;; demo_play_wait(20))
        (void)demo_play_send(socket, 0);
}

/* Keeps up. */
int demo_play_chart(void *context)
{
    void *socket = demo_play_socket(context, ZMQ_SUB, 100, 100);
    if (zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0) < 0)
        demo_play_fail("subscribe");
    demo_play_connect(socket, TICKS);
    for (;;)
        demo_play_receive(socket);
}

/* Takes 4 a second, so that the ticker's queue for it is full within seconds and the rest of the
 * 50 is dropped without a word. */
int demo_play_archive(void *context)
{
    void *socket = demo_play_socket(context, ZMQ_SUB, 20, 20);
    if (zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0) < 0)
        demo_play_fail("subscribe");
    demo_play_connect(socket, TICKS);
    for (;; demo_play_wait(250))
        demo_play_receive(socket);
}

/* Fills the workers' queue, lets it fall a little, fills it again. */
int demo_play_dispatcher(void *context)
{
    void *socket = demo_play_socket(context, ZMQ_PUSH, 200, 200);
    demo_play_bind(socket, JOBS);
    for (;; demo_play_wait(1200)) {
        while (demo_play_send(socket, ZMQ_DONTWAIT))
            ;
    }
}

/* 20 jobs a second. */
int demo_play_worker(void *context)
{
    void *socket = demo_play_socket(context, ZMQ_PULL, 5, 5);
    demo_play_connect(socket, JOBS);
    for (;; demo_play_wait(50))
        demo_play_receive(socket);
}

int demo_play_orders(void *context)
{
    void *socket = demo_play_socket(context, ZMQ_PUSH, 100, 100);
    demo_play_connect(socket, ORDERS);
    for (;; demo_play_wait(100))
        (void)demo_play_send(socket, 0);
}

/* Takes 20 orders and then never calls libzmq again: its thread waits for something else. */
int demo_play_ledger(void *context)
{
    void *socket = demo_play_socket(context, ZMQ_PULL, 100, 100);
    demo_play_bind(socket, ORDERS);
    for (int i = 0; i < 20; i++)
        demo_play_receive(socket);
    for (;;)
        pause();
}
