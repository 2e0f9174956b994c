/* SPDX-License-Identifier: MPL-2.0 */
/*
 * probe_socket - a ZeroMQ socket of the exporter's own at a configured endpoint, with its monitor.
 *
 * Every option that matters is set here, none is left to a default of libzmq. The socket never
 * sends a message, never reconnects by itself (the endpoint's own schedule does that, with a fresh
 * socket and a freshly resolved numeric address) and holds nothing back when it closes.
 *
 * Monitors of all sockets of an actor end in one ROUTER, `events`: an event arrives as
 * [serial][event, 6 bytes][address]. Its queue has no limit, because libzmq blocks an I/O thread
 * on a full monitor.
 *
 * Thread:  the actor's.   Blocks: no.   Owns: the socket.
 * Errors:  -errno of libzmq.
 */
#ifndef COLLECTORS_PROBE_PROBE_SOCKET_H
#define COLLECTORS_PROBE_PROBE_SOCKET_H

#include "config/probe_settings.h"

#include <czmq.h>

/* What a routing id carries: a byte that is not 0, then the serial, which is never used again. */
#define PROBE_SOCKET_ID_SIZE 9u

struct probe_socket {
    zsock_t *socket; /* NULL: none */
    uint64_t serial;
    int fd; /* ZMQ_FD, edge-triggered: see probe_socket_has_input() */
};

#define PROBE_SOCKET_INIT                                                                          \
    {                                                                                              \
        .fd = -1                                                                                   \
    }

/* The ROUTER that all monitors of an actor end in. */
int probe_socket_events_new(zsock_t **ret);

/* Makes the socket for a peer of `settings->peer`; `use_heartbeats` if the peer answers them. */
int probe_socket_open(struct probe_socket *self, const struct probe_settings *settings,
                      bool use_heartbeats, zsock_t *events);

int probe_socket_connect(struct probe_socket *self, const char *endpoint);
int probe_socket_bind(struct probe_socket *self, const char *endpoint);

/* Ends the monitor, then the socket. */
void probe_socket_close(struct probe_socket *self);

/* Lets libzmq do its part in this thread; true if a message waits. Without this call ZMQ_FD does
 * not become readable again. */
bool probe_socket_has_input(const struct probe_socket *self);

/* The next event of any socket: its serial, event and value. False: none. */
bool probe_socket_next_event(zsock_t *events, uint64_t *ret_serial, uint16_t *ret_event,
                             uint32_t *ret_value);

#endif
