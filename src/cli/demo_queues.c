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

/* Gives the workers all that their queues hold. libzmq lets a sender go on when half of a full
 * queue was taken, so that each worker's queue swings between half and full; that of the three
 * which is the fullest stays close to its mark. */
int demo_play_dispatcher(void *context)
{
    void *socket = demo_play_socket(context, ZMQ_PUSH, 100, 100);
    demo_play_bind(socket, JOBS);
    for (;; demo_play_wait(100)) {
        while (demo_play_send(socket, ZMQ_DONTWAIT))
            ;
    }
}

/* Three workers in one process, of different speed: 20, 13 and 8 jobs a second. */
int demo_play_worker(void *context)
{
    static const unsigned every[] = {2, 3, 5};
    void *sockets[3];
    for (size_t i = 0; i < 3; i++) {
        sockets[i] = demo_play_socket(context, ZMQ_PULL, 5, 5);
        demo_play_connect(sockets[i], JOBS);
    }
    for (unsigned step = 0;; step++, demo_play_wait(25)) {
        for (size_t i = 0; i < 3; i++) {
            if (step % every[i] == 0)
                demo_play_receive(sockets[i]);
        }
    }
}

int demo_play_orders(void *context)
{
    void *socket = demo_play_socket(context, ZMQ_PUSH, 100, 100);
    demo_play_connect(socket, ORDERS);
    for (;; demo_play_wait(50))
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
