/* SPDX-License-Identifier: MPL-2.0 */
/*
 * copies_standin - has functions of libzmq's names, and takes handles of its own alone.
 *
 * COPY tells its builds apart: a send returns that number, and so does a receive. Each build has
 * its functions at other addresses than the others.
 */
#include <stdlib.h>
#include <zmq.h>

#define EXPORT __attribute__((visibility("default")))

/* As in libzmq, a socket begins with a pointer into its library. */
struct socket {
    const int *copy;
    int type;
};

static const int own_copy = COPY;

#define PADDING(n)    __asm__(".pushsection .text; .skip " #n " * 64; .popsection")
#define PADDING_OF(n) PADDING(n)
PADDING_OF(COPY);

static struct socket *check(void *handle)
{
    struct socket *socket = handle;
    if (!socket || socket->copy != &own_copy)
        abort();
    return socket;
}

EXPORT void *zmq_ctx_new(void)
{
    return zmq_socket(NULL, -1);
}

EXPORT void *zmq_socket(void *context, int type)
{
    struct socket *socket = calloc(1, 4096);
    (void)context;
    *socket = (struct socket){&own_copy, type};
    return socket;
}

EXPORT int zmq_ctx_set(void *handle, int option, int value)
{
    (void)option;
    (void)value;
    check(handle);
    return 0;
}

EXPORT int zmq_ctx_get(void *handle, int option)
{
    (void)option;
    check(handle);
    return COPY;
}

EXPORT int zmq_bind(void *handle, const char *endpoint)
{
    (void)endpoint;
    check(handle);
    return 0;
}

EXPORT int zmq_connect(void *handle, const char *endpoint)
{
    return zmq_bind(handle, endpoint);
}

EXPORT int zmq_socket_monitor(void *handle, const char *endpoint, int events)
{
    (void)events;
    return zmq_bind(handle, endpoint);
}

EXPORT int zmq_send(void *handle, const void *data, size_t size, int flags)
{
    (void)data;
    (void)size;
    (void)flags;
    return check(handle)->type == ZMQ_PUSH ? COPY : -1;
}

EXPORT int zmq_recv(void *handle, void *data, size_t size, int flags)
{
    (void)data;
    (void)size;
    (void)flags;
    return check(handle)->type == ZMQ_PULL ? COPY : -1;
}

EXPORT int zmq_close(void *handle)
{
    free(check(handle));
    return 0;
}

EXPORT int zmq_ctx_term(void *handle)
{
    return zmq_close(handle);
}
