/* SPDX-License-Identifier: MPL-2.0 */
/*
 * call_through - preloaded, it stands before the functions that send and receive, and does nothing
 * but call them: what any preloaded library costs.
 */
#include <dlfcn.h>
#include <zmq.h>

static int (*real_send)(void *, const void *, size_t, int);
static int (*real_recv)(void *, void *, size_t, int);
static int (*real_sendmsg)(void *, zmq_msg_t *, int);
static int (*real_recvmsg)(void *, zmq_msg_t *, int);

__attribute__((constructor)) static void find(void)
{
    *(void **)&real_send = dlsym(RTLD_NEXT, "zmq_send");
    *(void **)&real_recv = dlsym(RTLD_NEXT, "zmq_recv");
    *(void **)&real_sendmsg = dlsym(RTLD_NEXT, "zmq_sendmsg");
    *(void **)&real_recvmsg = dlsym(RTLD_NEXT, "zmq_recvmsg");
}

int zmq_send(void *socket, const void *buffer, size_t size, int flags)
{
    return real_send(socket, buffer, size, flags);
}

int zmq_recv(void *socket, void *buffer, size_t size, int flags)
{
    return real_recv(socket, buffer, size, flags);
}

int zmq_sendmsg(void *socket, zmq_msg_t *message, int flags)
{
    return real_sendmsg(socket, message, flags);
}

int zmq_recvmsg(void *socket, zmq_msg_t *message, int flags)
{
    return real_recvmsg(socket, message, flags);
}
