/* SPDX-License-Identifier: MPL-2.0 */
/*
 * events - a socket's monitor events, counted.
 *
 * Events that come while the program's first zmq_bind or zmq_connect is under way are held, and
 * counted where the socket then belongs: its endpoint's group if the call succeeds.
 *
 * Thread: the registry's lock is held.
 */
#ifndef TAP_EVENTS_H
#define TAP_EVENTS_H

#include "tap/registry/registry.h"

struct event {
    uint64_t kind;  /* ZMQ_EVENT_* */
    uint64_t value; /* descriptor, errno, status or code */
    const char *address;
    const char *other_address; /* of the other end, in events of version 2; else NULL */
    bool is_oversized;         /* while errno said EMSGSIZE */
};

/* Called for each event, after it was counted and before what follows from it is known. The socket
 * may be closed. Set once, before the first socket. */
typedef void events_observer(struct registry_socket *socket, uint64_t kind);
void events_set_observer(events_observer *observer);

void events_count(struct registry_socket *socket, const struct event *event);

/* A monitor of the tap is on the socket, or was. */
void events_note_monitor(const struct registry_socket *socket);

/* Peers over inproc, of which there are no events. */
void events_set_inproc_peers(const struct registry_socket *socket, uint32_t n);

/* False if no peer has ever finished its handshake, as far as the events tell. */
bool events_may_have_peers(const struct registry_socket *socket);

/* What is known of the socket's peers now, into its lane. */
void events_tick(struct registry_socket *socket, uint64_t now_ns, uint64_t elapsed_ns);

/* Around the program's zmq_bind or zmq_connect. */
void events_begin_bind(const struct registry_socket *socket, const char *endpoint);
void events_begin_connect(const struct registry_socket *socket, const char *endpoint);
void events_end_endpoint(const struct registry_socket *socket);

/* The program has ended what it had at the endpoint: libzmq raises no event for that. */
void events_drop_endpoint(const struct registry_socket *socket, const char *endpoint);

/* How many binds have failed, and the errno of the last one. */
uint32_t events_bind_failures(const struct registry_socket *socket, int *ret_error);

void events_reset(struct registry_socket *socket);
void events_freed(struct registry_socket *socket);
void events_forked(void);

#endif
