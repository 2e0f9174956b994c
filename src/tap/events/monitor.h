/* SPDX-License-Identifier: MPL-2.0 */
/*
 * monitor - the events of every tracked socket, through zmq_socket_monitor.
 *
 * One ROUTER of the tap in each context, the *consumer*, is connected to the monitors of all its
 * sockets, under a routing id that names the socket. Its queue has no limit, because libzmq
 * blocks the thread that raises an event until there is room for it. The tap's thread reads it.
 *
 * libzmq has one monitor for each socket, so the program's own is made of the tap's: a *forwarder*
 * is bound at the program's address, and given the events that the program asked for, as they
 * are.
 *
 * Thread: any, without the registry's lock held; one lock of its own, which comes before it.
 *         The consumers and forwarders are used by whoever holds the lock.
 * Blocks: for as long as a batch of events is read, and where said.
 * errno is kept except where a function stands for one of libzmq's.
 */
#ifndef TAP_MONITOR_H
#define TAP_MONITOR_H

#include "tap/registry.h"

/* A context is new: nothing of an earlier one in its place counts. */
void monitor_begin_context(struct registry_context *context);

/* Attaches a monitor to a socket that was just made. Where it cannot (descriptors, limits), the
 * socket goes without. */
void monitor_attach(struct registry_socket *socket);

/* Before the program's zmq_close: its handle is forgotten (registry_close_socket), the entry
 * stays until the monitor's last event. */
void monitor_close_socket(struct registry_socket *socket);

/* The program's zmq_socket_monitor_versioned on a socket; `address` NULL ends its monitor. */
struct monitor_request {
    const char *address;
    uint64_t events;
    int version;
    int type;
};
int monitor_request(struct registry_socket *socket, const struct monitor_request *request);

/* Whether the tap has its own monitor on the socket, so that the program's must be made of it. */
bool monitor_is_attached(const struct registry_socket *socket);

/* Whether events wait that the program is to have soon. */
bool monitor_is_urgent(void);

/* Reads what has come, for all contexts. */
void monitor_drain_all(void);

/* The events of this socket up to now have been counted when it returns. */
void monitor_drain_context(struct registry_context *context);

/* Before a context ends: waits until the last event of each closed socket has come, as libzmq
 * itself then waits for these sockets. -1 with errno EINTR if a signal came. */
int monitor_wait_for_closed(struct registry_context *context);

/* The context is shut down: its sockets of the tap are closed, so that it can end. */
void monitor_end_context(struct registry_context *context);

/* Ends all monitors of the tap and closes what it has, because descriptors ran out. True if
 * there was something to close. */
bool monitor_shed(void);

/* In a forked child: forgets everything. */
void monitor_forked(void);

#endif
