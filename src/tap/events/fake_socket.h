/* SPDX-License-Identifier: MPL-2.0 */
/*
 * fake_socket - what libzmq takes for the socket of a monitor.
 *
 * zmq_socket_monitor makes its socket with zmq_socket, zmq_setsockopt and zmq_bind, sends each
 * event with zmq_msg_send (zmq_sendmsg in 4.2.x) in the thread where it happens, and ends with
 * zmq_close. In most builds these calls pass the tap's hooks (socket_base.cpp, 4.2.5 to 4.3.5 and
 * master: monitor, monitor_event, stop_monitor). The hook of zmq_socket returns the address of a
 * fake, which stands for no socket: no descriptor, no place in ZMQ_MAX_SOCKETS, no queue. What is
 * sent to it is counted there and then.
 *
 * Where the program asked for a monitor, the fake has a *target*: the socket that libzmq would
 * have made. It is handed each event that the program asked for by libzmq's own zmq_msg_send, in
 * the same thread and at the same moment, so that the program's monitor blocks, fills up and ends
 * as it would without the tap.
 *
 * A fake is one monitor, from its begin to its end. In a forked child those of the parent stay:
 * they still have their targets, and count nothing.
 *
 * Thread:  any. libzmq holds the monitored socket's own mutex around all calls on its monitor.
 *          The registry's lock is taken inside, never held by the caller.
 * Errors:  errno is kept, but where a function stands for libzmq's on a target.
 */
#ifndef TAP_FAKE_SOCKET_H
#define TAP_FAKE_SOCKET_H

#include "tap/registry/registry.h"

#define FAKE_SOCKET_MAX 16384u /* open at once, those of parent processes too */

/* Beyond the last address, for libzmq reads a mark in what it takes for a socket, and must find
 * memory without that mark. */
#define FAKE_SOCKET_SIZE 8192u

/* A call of zmq_socket_monitor by the tap in this thread; what libzmq does in it belongs to it. */
struct fake_socket_request {
    const struct library *library;
    void *context;                  /* where libzmq makes the socket */
    struct registry_socket *socket; /* whose monitor it is; NULL: of a trial */
    bool has_target;                /* the program asks for it */
    uint64_t mask;                  /* of the program's events */
    int type;                       /* of the target */
    int version;                    /* of the events */
    bool is_versioned;              /* by zmq_socket_monitor_versioned */
    uint32_t calls;                 /* FAKE_SOCKET_*: which of libzmq's calls came */
    uint32_t n_frames;              /* that came */
};

enum fake_socket_call {
    FAKE_SOCKET_MADE = 1,
    FAKE_SOCKET_OPTION_SET = 2,
    FAKE_SOCKET_BOUND = 4,
    FAKE_SOCKET_CLOSED = 8,
};

/* While a request is begun, a socket that libzmq makes in its context is a fake: the first one. */
void fake_socket_begin(struct fake_socket_request *request);
void fake_socket_end(void);

/* In the hook of zmq_socket: whether this call is for a fake, and what it returns then. */
bool fake_socket_is_wanted(const void *context);
void *fake_socket_make(void);

extern char fake_socket_addresses[] __attribute__((visibility("hidden")));

/* Whether a handle is one. */
static inline bool fake_socket_is(const void *handle)
{
    return (uintptr_t)handle - (uintptr_t)fake_socket_addresses < FAKE_SOCKET_MAX * sizeof(void *);
}

/* What libzmq's functions do on its monitor's socket. */
int fake_socket_setsockopt(void *handle, int option, const void *value, size_t size);
int fake_socket_bind(void *handle, const char *address);
int fake_socket_msg_send(struct tap_message *message, void *handle, int flags);
int fake_socket_close(void *handle);

/* Whether a fake is the socket's monitor. The registry's lock is held. */
bool fake_socket_has_monitor(const struct registry_socket *socket);
void fake_socket_reset(struct registry_socket *socket);

/* In a forked child, after registry_forked: no fake is of a socket that the tap knows. */
void fake_socket_forked(void);

#endif
