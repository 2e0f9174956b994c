/* SPDX-License-Identifier: MPL-2.0 */
/*
 * probe_shared - what the actors share: the resolver and the pace of first attempts.
 *
 * Thousands of handshakes at once would time out all together, and again at their next attempt.
 *
 * Thread: any.   Blocks: no.   Owns: nothing.
 */
#ifndef COLLECTORS_PROBE_PROBE_SHARED_H
#define COLLECTORS_PROBE_PROBE_SHARED_H

#include "collectors/probe/resolver.h"

#include <stdint.h>

struct probe_shared {
    struct resolver *resolver;
    uint64_t next_start_ns; /* of the next first attempt, in any actor; atomic */
};

/* When a first attempt may be: `now_ns` or later (monotonic), a step after the one before. */
uint64_t probe_shared_take_start(struct probe_shared *self, uint64_t now_ns);

#endif
