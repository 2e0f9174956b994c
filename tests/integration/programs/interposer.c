/* SPDX-License-Identifier: MPL-2.0 */
/* interposer - is preloaded, as the tap is, and counts what a program sends and makes. */
#include <dlfcn.h>
#include <stdio.h>
#include <zmq.h>

#define EXPORT __attribute__((visibility("default")))

static int n_sent, n_sockets;

EXPORT int zmq_send(void *socket, const void *data, size_t size, int flags)
{
    int (*next)(void *, const void *, size_t, int);
    *(void **)&next = dlsym(RTLD_NEXT, "zmq_send");
    n_sent++;
    return next(socket, data, size, flags);
}

#ifdef WITH_SOCKETS
EXPORT void *zmq_socket(void *context, int type)
{
    void *(*next)(void *, int);
    *(void **)&next = dlsym(RTLD_NEXT, "zmq_socket");
    n_sockets += type == ZMQ_PUSH || type == ZMQ_PULL;
    return next(context, type);
}
#endif

__attribute__((destructor)) static void end(void)
{
    printf("%d sockets, %d sent\n", n_sockets, n_sent);
}
