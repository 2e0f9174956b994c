/* SPDX-License-Identifier: MPL-2.0 */
/*
 * monitor - the events of every tracked socket, through zmq_socket_monitor.
 *
 * libzmq has one monitor for each socket. The tap has it from the socket's begin to its end, and
 * the program's own is part of it. There are two ways, of which a library has one:
 *
 *   direct   libzmq's calls on its monitor's socket pass the tap's hooks: see direct.h.
 *   hub      they do not, as libzmq was linked to call itself: the events are read from sockets
 *            in the program's contexts: see hub.h.
 *
 * Thread: any, without the registry's lock held.
 * errno is kept except where a function stands for one of libzmq's.
 */
#ifndef TAP_MONITOR_H
#define TAP_MONITOR_H

#include "tap/events/monitor_request.h"
#include "tap/registry/registry.h"

/* Finds out which way it is, the first time; before the first socket of the library is tracked.
 * Where few descriptors are free that is put off until monitor_attach. */
void monitor_add_library(const struct library *library);

/* Whether the tap has sockets in the program's contexts. */
bool monitor_has_sockets(const struct library *library);

/* A context is new: nothing of an earlier one in its place counts. */
void monitor_begin_context(struct registry_context *context);

/* In a new socket's entry: the last one's monitor is not its. */
void monitor_reset(struct registry_socket *socket);

/* Attaches a monitor to a socket that was just made. Where it cannot (descriptors, limits), the
 * socket goes without. */
void monitor_attach(struct registry_socket *socket);

/* Before the program's zmq_close: its handle is forgotten (registry_close_socket), the entry
 * stays until the monitor's last event. */
void monitor_close_socket(struct registry_socket *socket);

/* As libzmq does it. */
int monitor_request(struct registry_socket *socket, const struct monitor_request *request);

/* After a call of libzmq's that raises events in the program's own thread: they are counted, and
 * the program's monitor has them, when it returns. */
void monitor_end_call(struct registry_socket *socket);

/* The events of the context up to now have been counted when it returns. */
void monitor_drain_context(struct registry_context *context);

/* The same for all contexts; for the tap's thread, which calls it at each tick, and each
 * MONITOR_URGENT_MS while monitor_is_urgent. */
void monitor_drain_all(void);
#define MONITOR_URGENT_MS 5
bool monitor_is_urgent(void);

/* Whether events are only known when the tap's thread has read them. */
bool monitor_needs_rounds(void);

/* Before a context ends: waits until the last event of each closed socket has come, as libzmq
 * itself then waits for these sockets. -1 with errno EINTR if a signal came. */
int monitor_wait_for_closed(struct registry_context *context);

/* The context is shut down: what the tap has in it is closed, so that it can end. */
void monitor_end_context(struct registry_context *context);

/* Ends what monitors of the tap hold descriptors, because these ran out. True if there were any. */
bool monitor_shed(void);

/* In a forked child, after registry_forked: forgets everything. */
void monitor_forked(void);

#endif
