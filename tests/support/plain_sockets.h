/* SPDX-License-Identifier: MPL-2.0 */
/* plain_sockets - sockets of a libzmq without the tap, for tests of its parts. */
#ifndef TESTS_SUPPORT_PLAIN_SOCKETS_H
#define TESTS_SUPPORT_PLAIN_SOCKETS_H

#include "support/cmocka.h"
#include "support/linked_library.h"

#include <zmq.h>

#define SOCKETS_DEADLINE_MS 20000

static const struct library *zmq; /* set by the test's setup: linked_library() */

static inline void *sockets_open(void *context, int type, int send_hwm, int receive_hwm)
{
    int linger = 0;
    void *socket = zmq->socket(context, type);
    assert_non_null(socket);
    assert_int_equal(zmq->setsockopt(socket, ZMQ_LINGER, &linger, sizeof(linger)), 0);
    assert_int_equal(zmq->setsockopt(socket, ZMQ_SNDHWM, &send_hwm, sizeof(send_hwm)), 0);
    assert_int_equal(zmq->setsockopt(socket, ZMQ_RCVHWM, &receive_hwm, sizeof(receive_hwm)), 0);
    return socket;
}

static inline void sockets_set(void *socket, int option, int value)
{
    assert_int_equal(zmq->setsockopt(socket, option, &value, sizeof(value)), 0);
}

static inline void sockets_settle(void *socket)
{
    int events;
    size_t size = sizeof(events);
    zmq->getsockopt(socket, ZMQ_EVENTS, &events, &size);
}

static inline void sockets_connect(void *connecting, void *bound, const char *endpoint)
{
    char address[256];
    size_t size = sizeof(address);
    assert_int_equal(zmq->bind(bound, endpoint), 0);
    assert_int_equal(zmq->getsockopt(bound, ZMQ_LAST_ENDPOINT, address, &size), 0);
    assert_int_equal(zmq->connect(connecting, address), 0);
    sockets_settle(bound);
    sockets_settle(connecting);
}

static inline int sockets_send_some(void *socket, int n)
{
    int n_sent = 0;
    while (n_sent < n && zmq->send(socket, "x", 1, ZMQ_DONTWAIT) == 1)
        n_sent++;
    return n_sent;
}

static inline void sockets_receive(void *socket, int n)
{
    char byte;
    for (int i = 0; i < n; i++)
        assert_int_equal(zmq->recv(socket, &byte, 1, 0), 1);
}

static inline void *sockets_context(void)
{
    void *context = zmq->ctx_new();
    assert_non_null(context);
    return context;
}

#endif
