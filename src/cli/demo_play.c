/* SPDX-License-Identifier: MPL-2.0 */
#include "cli/demo_play.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define MESSAGE_SIZE  2048
#define KERNEL_BUFFER 4096
#define MAX_SIZE      ((int64_t)1 << 20)

void demo_play_fail(const char *what)
{
    (void)fprintf(stderr, "zmq_exporter demo: %s: %s\n", what, zmq_strerror(zmq_errno()));
    exit(1);
}

static void set(void *socket, int option, const void *value, size_t size)
{
    if (zmq_setsockopt(socket, option, value, size) < 0)
        demo_play_fail("zmq_setsockopt");
}

void *demo_play_socket(void *context, int type, int send_hwm, int receive_hwm)
{
    const int buffer = KERNEL_BUFFER, linger = 0, retry_ms = 200;
    const int64_t max_size = MAX_SIZE;
    void *socket = zmq_socket(context, type);
    if (!socket)
        demo_play_fail("zmq_socket");
    set(socket, ZMQ_SNDHWM, &send_hwm, sizeof(send_hwm));
    set(socket, ZMQ_RCVHWM, &receive_hwm, sizeof(receive_hwm));
    set(socket, ZMQ_SNDBUF, &buffer, sizeof(buffer));
    set(socket, ZMQ_RCVBUF, &buffer, sizeof(buffer));
    set(socket, ZMQ_LINGER, &linger, sizeof(linger));
    set(socket, ZMQ_RECONNECT_IVL, &retry_ms, sizeof(retry_ms));
    set(socket, ZMQ_MAXMSGSIZE, &max_size, sizeof(max_size));
    return socket;
}

void demo_play_bind(void *socket, const char *endpoint)
{
    if (zmq_bind(socket, endpoint) < 0)
        demo_play_fail(endpoint);
}

void demo_play_connect(void *socket, const char *endpoint)
{
    if (zmq_connect(socket, endpoint) < 0)
        demo_play_fail(endpoint);
}

bool demo_play_send(void *socket, int flags)
{
    static const char message[MESSAGE_SIZE] = "demo";
    return zmq_send(socket, message, sizeof(message), flags) >= 0;
}

void demo_play_receive(void *socket)
{
    char message[MESSAGE_SIZE];
    if (zmq_recv(socket, message, sizeof(message), 0) < 0 && zmq_errno() != EINTR)
        demo_play_fail("zmq_recv");
}

void demo_play_wait(int ms)
{
    (void)poll(NULL, 0, ms);
}
