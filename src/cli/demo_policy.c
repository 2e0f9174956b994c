/* SPDX-License-Identifier: MPL-2.0 */
/* What `zmq_exporter audit` finds: a program that breaks its checks, and one that keeps them. All
 * over ipc: a demo opens no port to the network. */
#include "cli/demo_play.h"

#include <pthread.h>
#include <sys/stat.h>
#include <zmq.h>

#define OPEN_TO_ALL "notices"
#define CLOSED      "ipc://reports"

static void set(void *socket, int option, int value)
{
    if (zmq_setsockopt(socket, option, &value, sizeof(value)) < 0)
        demo_play_fail("zmq_setsockopt");
}

static void *wait_for_orders(void *socket)
{
    char order[8];
    while (zmq_recv(socket, order, sizeof(order), 0) >= 0 || zmq_errno() != ETERM)
        continue;
    return NULL;
}

/* What libzmq refuses, and nobody looks at: an option that a publisher has not, a socket that is
 * none. */
static void ignore_errors(void *publisher)
{
    (void)zmq_setsockopt(publisher, ZMQ_SUBSCRIBE, "", 0);
    (void)zmq_send(NULL, "", 0, 0);
}

/* A thread waits in a socket that this one sets options of, all the while. The option is one that
 * the wait does not look at: the demo is to go on. */
static void *share_with_thread(void *context)
{
    pthread_t thread;
    void *socket = demo_play_socket(context, ZMQ_PULL, 10, 10);
    demo_play_bind(socket, "inproc://orders");
    if (pthread_create(&thread, NULL, wait_for_orders, socket) != 0)
        demo_play_fail("pthread_create");
    pthread_detach(thread);
    return socket;
}

/* No limit to its queue, none to its end, a path that every user may take, and a CURVE server that
 * asks nobody whose keys come in; a socket that two threads use, and errors that nobody looks at.
 */
int demo_play_careless(void *context)
{
    char public_key[41], secret_key[41];
    void *socket = demo_play_socket(context, ZMQ_PUB, 0, 0);
    set(socket, ZMQ_LINGER, -1);
    if (zmq_curve_keypair(public_key, secret_key) == 0) {
        set(socket, ZMQ_CURVE_SERVER, 1);
        if (zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret_key, sizeof(secret_key)) < 0)
            demo_play_fail("zmq_setsockopt");
    }
    demo_play_bind(socket, "ipc://" OPEN_TO_ALL);
    (void)chmod(OPEN_TO_ALL, 0777);
    ignore_errors(socket);
    void *shared = share_with_thread(context);
    for (;; demo_play_wait(1000)) {
        (void)demo_play_send(socket, 0);
        set(shared, ZMQ_LINGER, 0);
    }
}

int demo_play_careful(void *context)
{
    void *socket = demo_play_socket(context, ZMQ_PUB, 100, 100);
    set(socket, ZMQ_LINGER, 1000);
    set(socket, ZMQ_SNDTIMEO, 1000);
    demo_play_bind(socket, CLOSED);
    for (;; demo_play_wait(1000))
        (void)demo_play_send(socket, 0);
}
