/* SPDX-License-Identifier: MPL-2.0 */
/*
 * zmqtap - the tap, for programs that preloading cannot reach.
 *
 * libzmqtap.so sees the sockets of a program whose calls it interposes. A program that has
 * libzmq linked into it statically, or that finds its functions with dlsym, attaches its sockets
 * itself. It loads the tap with dlopen(3), RTLD_LOCAL, and finds these functions with dlsym(3), as
 * ctypes does; it is not linked with it, since libzmqtap.so has functions named like libzmq's.
 *
 *     static const struct zmqtap_symbol library[] = ZMQTAP_LIBRARY;
 *     void *tap = dlopen("libzmqtap.so", RTLD_NOW | RTLD_LOCAL);
 *     zmqtap_attach_fn attach = (zmqtap_attach_fn)dlsym(tap, "zmqtap_attach");
 *     if (attach(socket, library) != 0)
 *         perror("the program goes on without");
 *
 * What is measured of an attached socket, ten times a second, from the accounts that libzmq keeps
 * of its queues: depths against their marks, the time at the mark, whole messages sent and received
 * since it was attached, when the last ones were, and its options as they were then. Messages sent
 * that went to several peers (PUB, XPUB), subscriptions (XSUB sends, XPUB receives), bytes, waits,
 * refusals, drops and events are not known, and absent from the page. A ROUTER's sent messages are
 * those that were queued for a peer. What a connection that ends moved after the last look is
 * missing.
 *
 * The environment is that of the tap: ZMQ_EXPORTER_DIR, ZMQ_EXPORTER_PROGRAM, and so on.
 *
 * Thread:  that which uses the socket at the time, as with any call on a socket.
 * Errors:  0, or -1 with errno:
 *          ENOTSOCK  it is no open socket, or one that the tap does not know (detach, name)
 *          ENOSYS    its libzmq is not found: give its functions
 *          EINVAL    functions are missing among those given
 *          ENOTSUP   the tap is off, or this libzmq's queues are not understood
 *          EMFILE    more sockets than the tap keeps
 * Fork:    a child has no attached sockets.
 */
#ifndef ZMQTAP_H
#define ZMQTAP_H

#ifdef __cplusplus
extern "C" {
#endif

#define ZMQTAP_INTERFACE 1 /* what zmqtap_interface() returns; raised when it changes */

/* A function of libzmq by its name; the last one has neither. */
struct zmqtap_symbol {
    const char *name;
    void (*function)(void);
};

/* Begins to measure an open socket, which is shown with its last endpoint (ZMQ_LAST_ENDPOINT): so
 * after zmq_bind or zmq_connect. `library` are the functions of the libzmq that the socket is of,
 * ZMQTAP_LIBRARY; NULL where it is a shared library: the tap finds it then. The first socket of a
 * library takes some milliseconds and makes sockets in a context of its own, over inproc. A socket
 * that the tap sees already is left as it is. Attached again, it is counted from then on. */
int zmqtap_attach(void *socket, const struct zmqtap_symbol *library);
typedef int (*zmqtap_attach_fn)(void *socket, const struct zmqtap_symbol *library);

/* Ends it; what was counted stays. It must be called before zmq_close. */
int zmqtap_detach(void *socket);
typedef int (*zmqtap_detach_fn)(void *socket);

/* Gives a socket a name of its own, the label `socket` of its series: UTF-8, cut after 255 bytes;
 * NULL takes it away. What was counted before stays where it was. Of any socket that the tap sees,
 * preloaded or attached. */
int zmqtap_name(void *socket, const char *name);
typedef int (*zmqtap_name_fn)(void *socket, const char *name);

/* ZMQTAP_INTERFACE of the tap that was loaded. */
int zmqtap_interface(void);
typedef int (*zmqtap_interface_fn)(void);

/* The functions that the tap needs of a libzmq; zmq.h is to be included before it is used. */
#define ZMQTAP_SYMBOL(name)                                                                        \
    {                                                                                              \
#name, (void (*)(void))name                                                                \
    }
#define ZMQTAP_LIBRARY                                                                             \
    {                                                                                              \
        ZMQTAP_SYMBOL(zmq_version), ZMQTAP_SYMBOL(zmq_ctx_new), ZMQTAP_SYMBOL(zmq_ctx_set),        \
            ZMQTAP_SYMBOL(zmq_ctx_get), ZMQTAP_SYMBOL(zmq_ctx_shutdown),                           \
            ZMQTAP_SYMBOL(zmq_ctx_term), ZMQTAP_SYMBOL(zmq_socket), ZMQTAP_SYMBOL(zmq_close),      \
            ZMQTAP_SYMBOL(zmq_setsockopt), ZMQTAP_SYMBOL(zmq_getsockopt), ZMQTAP_SYMBOL(zmq_bind), \
            ZMQTAP_SYMBOL(zmq_connect), ZMQTAP_SYMBOL(zmq_unbind), ZMQTAP_SYMBOL(zmq_disconnect),  \
            ZMQTAP_SYMBOL(zmq_socket_monitor), ZMQTAP_SYMBOL(zmq_send),                            \
            ZMQTAP_SYMBOL(zmq_send_const), ZMQTAP_SYMBOL(zmq_recv), ZMQTAP_SYMBOL(zmq_msg_init),   \
            ZMQTAP_SYMBOL(zmq_msg_init_size), ZMQTAP_SYMBOL(zmq_msg_init_data),                    \
            ZMQTAP_SYMBOL(zmq_msg_copy), ZMQTAP_SYMBOL(zmq_msg_close),                             \
            ZMQTAP_SYMBOL(zmq_msg_data), ZMQTAP_SYMBOL(zmq_msg_size), ZMQTAP_SYMBOL(zmq_msg_more), \
            ZMQTAP_SYMBOL(zmq_msg_send), ZMQTAP_SYMBOL(zmq_msg_recv), ZMQTAP_SYMBOL(zmq_sendiov),  \
            ZMQTAP_SYMBOL(zmq_recviov), ZMQTAP_SYMBOL(zmq_proxy),                                  \
            ZMQTAP_SYMBOL(zmq_proxy_steerable), ZMQTAP_SYMBOL(zmq_device),                         \
        {                                                                                          \
            0, 0                                                                                   \
        }                                                                                          \
    }

#ifdef __cplusplus
}
#endif

#endif
