/* SPDX-License-Identifier: MPL-2.0 */
/* tap_types - ZeroMQ's socket types by number: their names, and what can happen to them. */
#ifndef COLLECTORS_TAP_TAP_TYPES_H
#define COLLECTORS_TAP_TAP_TYPES_H

#include <stdint.h>

enum tap_type_trait {
    TAP_TYPE_SENDS = 1,
    TAP_TYPE_RECEIVES = 2,
    TAP_TYPE_ROUTES = 4,    /* drops what it cannot route: ROUTER, and REP's replies */
    TAP_TYPE_PUBLISHES = 8, /* drops what a full subscriber misses */
    TAP_TYPE_SENDS_SUBSCRIPTIONS = 32,
    TAP_TYPE_HANDSHAKES = 16, /* its connections have a ZMTP handshake */
    TAP_TYPE_ENDS = 64,       /* what its queues hold at their end is followed */
    TAP_TYPE_SHARED = 128     /* several threads may use it */
};

/* "PUB"; "unknown" for a number that this release does not know. */
const char *tap_type_name(uint32_t type);

/* Bits of enum tap_type_trait. */
unsigned tap_type_traits(uint32_t type);

#endif
