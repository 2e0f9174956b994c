/* SPDX-License-Identifier: MPL-2.0 */
/* What `zmq_exporter audit` finds: a program that breaks its checks, and one that keeps them. All
 * over ipc: a demo opens no port to the network. */
#include "cli/demo_play.h"

#include <sys/stat.h>
#include <zmq.h>

#define OPEN_TO_ALL "notices"
#define CLOSED      "ipc://reports"

static void set(void *socket, int option, int value)
{
    if (zmq_setsockopt(socket, option, &value, sizeof(value)) < 0)
        demo_play_fail("zmq_setsockopt");
}

/* No limit to its queue, none to its end, a path that every user may take, and a CURVE server that
 * asks nobody whose keys come in. */
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
    for (;; demo_play_wait(1000))
        (void)demo_play_send(socket, 0);
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
