/* SPDX-License-Identifier: MPL-2.0 */
/* probe_attempt - an attempt's way from the name to the greeting. Each step returns what came of
 * it: see probe_endpoint.h. */
#ifndef COLLECTORS_PROBE_PROBE_ATTEMPT_H
#define COLLECTORS_PROBE_PROBE_ATTEMPT_H

#include "collectors/probe/probe_data.h"

struct probe_outcome probe_attempt_start(struct probe_endpoint *self, struct probe_loop *loop);

/* The resolver has answered. */
struct probe_outcome probe_attempt_on_answer(struct probe_endpoint *self, struct probe_loop *loop);

/* Connects to the address in turn; also again, when a local socket was full. */
struct probe_outcome probe_attempt_connect(struct probe_endpoint *self, struct probe_loop *loop);

/* The greeting's connection is readable or writable. */
struct probe_outcome probe_attempt_on_ready(struct probe_endpoint *self, struct probe_loop *loop);

/* The visit has got as far as a connection and is over: what is known from it. Not earlier, so that
 * no scrape sees a peer of which half is known. */
void probe_attempt_note_visit(struct probe_endpoint *self);

/* Closes the greeting's connection. */
void probe_attempt_end_visit(struct probe_endpoint *self, struct probe_loop *loop);

#endif
