/* SPDX-License-Identifier: MPL-2.0 */
/*
 * hub - monitors of a libzmq that calls itself past the tap's hooks.
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
 * What the functions are for: monitor.h.
 */
#ifndef TAP_HUB_H
#define TAP_HUB_H

#include "tap/events/monitor_request.h"
#include "tap/registry/registry.h"

/* Before the first library of this kind is used. */
void hub_start(void);

void hub_begin_context(struct registry_context *context);
bool hub_attach(struct registry_socket *socket);
void hub_close_socket(struct registry_socket *socket);
int hub_request(struct registry_socket *socket, const struct monitor_request *request);

/* Its events are counted, and its forwarders have theirs. */
void hub_drain_context(struct registry_context *context);
void hub_drain_all(void);

/* Whether the program has a monitor, which is not to wait for a tick of the tap's thread. */
bool hub_is_urgent(void);

int hub_wait_for_closed(struct registry_context *context);
void hub_end_context(struct registry_context *context);
bool hub_shed(void);
void hub_forked(void);

#endif
