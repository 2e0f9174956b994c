/* SPDX-License-Identifier: MPL-2.0 */
/*
 * probe_endpoint - one probed endpoint: its settings, what it is doing, what is known of it.
 *
 *     idle ─► resolving ─► greeting ─► (by greeting) idle
 *                             └──────► (by socket)   linking ─► linked ─► idle
 *
 * Every attempt greets first, also for a socket: so the peer's type and protocol are known before
 * a socket of ours is connected, the address is resolved without libzmq's blocking resolver, and
 * the socket is given a numeric address.
 *
 * probe_endpoint has the life of attempts and applies what comes of their steps, which
 * probe_attempt (from the name to the greeting) and probe_link (the socket) return; what all three
 * know of an endpoint is in probe_data.h.
 *
 * Thread:  the actor's, with its lock held; the status may be read by anybody with the lock.
 * Blocks:  no.
 */
#ifndef COLLECTORS_PROBE_PROBE_ENDPOINT_H
#define COLLECTORS_PROBE_PROBE_ENDPOINT_H

#include "collectors/probe/probe_data.h"

/* A standing probe. Takes a reference of `config`, in which `definition` is. */
int probe_endpoint_new(struct exporter_config *config, const struct probe_definition *definition,
                       struct probe_endpoint **ret);

/* One attempt at `address` with the settings of a module in `config`. */
int probe_endpoint_new_once(struct exporter_config *config, const struct probe_settings *settings,
                            const struct endpoint_address *address, struct probe_endpoint **ret);

/* The attempt in hand has run out of time. */
void probe_endpoint_time_out(struct probe_endpoint *self, struct probe_loop *loop);

/* After probe_endpoint_stop(). */
void probe_endpoint_destroy(struct probe_endpoint **self_p);

/* The same probe in a new configuration; false if its settings changed, so that it has to be
 * stopped and started again. Counters stay. */
bool probe_endpoint_retarget(struct probe_endpoint *self, struct exporter_config *config,
                             const struct probe_definition *definition);

void probe_endpoint_start(struct probe_endpoint *self, struct probe_loop *loop, uint64_t due_ns);
void probe_endpoint_stop(struct probe_endpoint *self, struct probe_loop *loop);

/* At or after due_ns. */
void probe_endpoint_on_due(struct probe_endpoint *self, struct probe_loop *loop);

/* Does what follows from a step of the attempt or the link. */
void probe_endpoint_apply(struct probe_endpoint *self, struct probe_loop *loop,
                          struct probe_outcome outcome);

#endif
