/* SPDX-License-Identifier: MPL-2.0 */
/* probe_link - the socket of ours that stands at an endpoint. Each step returns what came of it:
 * see probe_endpoint.h. */
#ifndef COLLECTORS_PROBE_PROBE_LINK_H
#define COLLECTORS_PROBE_PROBE_LINK_H

#include "collectors/probe/probe_data.h"

/* To the address that has just been greeted. */
struct probe_outcome probe_link_connect(struct probe_endpoint *self, struct probe_loop *loop);
struct probe_outcome probe_link_bind(struct probe_endpoint *self, struct probe_loop *loop);
void probe_link_close(struct probe_endpoint *self, struct probe_loop *loop);

/* An event of the socket's monitor. */
struct probe_outcome probe_link_on_event(struct probe_endpoint *self, struct probe_loop *loop,
                                         uint16_t event, uint32_t value);

/* The socket wants attention: messages of a stream, or libzmq's own commands. */
struct probe_outcome probe_link_on_ready(struct probe_endpoint *self, struct probe_loop *loop);

/* When probe_link_check() is due; the same moment for all, so that an actor wakes up once. */
uint64_t probe_link_next_check(const struct probe_endpoint *self, const struct probe_loop *loop);

/* Gives up a connection that brings bytes and no messages. */
struct probe_outcome probe_link_check(struct probe_endpoint *self, struct probe_loop *loop);

#endif
