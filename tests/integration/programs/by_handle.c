/* SPDX-License-Identifier: MPL-2.0 */
/*
 * by_handle - stands before functions of libzmq, and reaches those behind by dlsym() of a handle.
 *
 * WHOLE: before all of them, as a library that takes libzmq's place. Counts what is sent.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <zmq.h>

static int n_sent;

static void *find(const char *name)
{
    static void *handle;
    if (!handle)
        handle = dlopen("libzmq.so.5", RTLD_NOW | RTLD_LOCAL);
    void *found = dlsym(handle, name);
    return found ? found : (abort(), NULL);
}

#define FORWARD(type, name, parameters, arguments)                                                 \
    __attribute__((visibility("default"))) type zmq_##name parameters                              \
    {                                                                                              \
        type(*behind) parameters;                                                                  \
        *(void **)&behind = find("zmq_" #name);                                                    \
        return behind arguments;                                                                   \
    }

__attribute__((visibility("default"))) int zmq_send(void *a, const void *b, size_t c, int d)
{
    int (*behind)(void *, const void *, size_t, int);
    *(void **)&behind = find("zmq_send");
    n_sent++;
    return behind(a, b, c, d);
}

FORWARD(int, recv, (void *a, void *b, size_t c, int d), (a, b, c, d))

#ifdef WHOLE
FORWARD(void, version, (int *a, int *b, int *c), (a, b, c))
FORWARD(int, errno, (void), ())
FORWARD(void *, ctx_new, (void), ())
FORWARD(void *, init, (int a), (a))
FORWARD(int, ctx_set, (void *a, int b, int c), (a, b, c))
FORWARD(int, ctx_get, (void *a, int b), (a, b))
FORWARD(int, ctx_shutdown, (void *a), (a))
FORWARD(int, ctx_term, (void *a), (a))
FORWARD(void *, socket, (void *a, int b), (a, b))
FORWARD(int, close, (void *a), (a))
FORWARD(int, setsockopt, (void *a, int b, const void *c, size_t d), (a, b, c, d))
FORWARD(int, getsockopt, (void *a, int b, void *c, size_t *d), (a, b, c, d))
FORWARD(int, bind, (void *a, const char *b), (a, b))
FORWARD(int, connect, (void *a, const char *b), (a, b))
FORWARD(int, unbind, (void *a, const char *b), (a, b))
FORWARD(int, disconnect, (void *a, const char *b), (a, b))
FORWARD(int, socket_monitor, (void *a, const char *b, int c), (a, b, c))
FORWARD(int, send_const, (void *a, const void *b, size_t c, int d), (a, b, c, d))
FORWARD(int, msg_init, (zmq_msg_t * a), (a))
FORWARD(int, msg_init_size, (zmq_msg_t * a, size_t b), (a, b))
FORWARD(int, msg_init_data, (zmq_msg_t * a, void *b, size_t c, zmq_free_fn *d, void *e),
        (a, b, c, d, e))
FORWARD(int, msg_copy, (zmq_msg_t * a, zmq_msg_t *b), (a, b))
FORWARD(int, msg_close, (zmq_msg_t * a), (a))
FORWARD(void *, msg_data, (zmq_msg_t * a), (a))
FORWARD(size_t, msg_size, (const zmq_msg_t *a), (a))
FORWARD(int, msg_more, (const zmq_msg_t *a), (a))
FORWARD(int, msg_send, (zmq_msg_t * a, void *b, int c), (a, b, c))
FORWARD(int, msg_recv, (zmq_msg_t * a, void *b, int c), (a, b, c))
FORWARD(int, sendiov, (void *a, struct iovec *b, size_t c, int d), (a, b, c, d))
FORWARD(int, recviov, (void *a, struct iovec *b, size_t *c, int d), (a, b, c, d))
FORWARD(int, proxy, (void *a, void *b, void *c), (a, b, c))
FORWARD(int, proxy_steerable, (void *a, void *b, void *c, void *d), (a, b, c, d))
FORWARD(int, device, (int a, void *b, void *c), (a, b, c))
#endif

__attribute__((destructor)) static void end(void)
{
    printf("%d sent by handle\n", n_sent);
}
