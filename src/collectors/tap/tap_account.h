/* SPDX-License-Identifier: MPL-2.0 */
/*
 * tap_account - what is known of some sockets together: the sums of their lanes.
 *
 * Counters are added up, of open sockets and of those that were. Gauges are of open sockets only
 * and are combined as their kind asks; SEGMENT_UNKNOWN takes no part, and stands where nothing
 * was known.
 */
#ifndef COLLECTORS_TAP_TAP_ACCOUNT_H
#define COLLECTORS_TAP_TAP_ACCOUNT_H

#include "segment/segment_layout.h"

#include <stdbool.h>

#define TAP_N_COUNTERS (SEGMENT_FIRST_GAUGE - SEGMENT_FIRST_COUNTER)

/*  SUM       over sockets, and so over their peers
 *  LIMIT     the smallest; 0 means unlimited and is greater than any
 *  GREATEST  of unsigned numbers
 *  SMALLEST  of signed numbers, as zmq_getsockopt(3) gives them */
#define TAP_GAUGES(X)                                                                              \
    X(PEERS, SUM)                                                                                  \
    X(SEND_QUEUE, SUM)                                                                             \
    X(RECEIVE_QUEUE, SUM)                                                                          \
    X(SEND_HWM, LIMIT)                                                                             \
    X(RECEIVE_HWM, LIMIT)                                                                          \
    X(SEND_FULLEST, GREATEST)                                                                      \
    X(RECEIVE_FULLEST, GREATEST)                                                                   \
    X(SEND_AGE_NS, GREATEST)                                                                       \
    X(RECEIVE_AGE_NS, GREATEST)                                                                    \
    X(LAST_SENT_NS, GREATEST)                                                                      \
    X(LAST_RECEIVED_NS, GREATEST)                                                                  \
    X(LARGEST_SENT, GREATEST)                                                                      \
    X(LARGEST_RECEIVED, GREATEST)                                                                  \
    X(CONNECTION_UNSENT, GREATEST)                                                                 \
    X(CONNECTION_UNREAD, GREATEST)                                                                 \
    X(CONNECTION_RETRANSMITS, GREATEST)                                                            \
    X(OPTION_LINGER, SMALLEST)                                                                     \
    X(OPTION_SNDTIMEO, SMALLEST)                                                                   \
    X(OPTION_RCVTIMEO, SMALLEST)                                                                   \
    X(OPTION_MAXMSGSIZE, SMALLEST)                                                                 \
    X(OPTION_HEARTBEAT_IVL, SMALLEST)                                                              \
    X(OPTION_IMMEDIATE, SMALLEST)                                                                  \
    X(OPTION_CONFLATE, SMALLEST)                                                                   \
    X(OPTION_RECONNECT_IVL, SMALLEST)                                                              \
    X(OPTION_RECONNECT_IVL_MAX, SMALLEST)                                                          \
    X(OPTION_TCP_KEEPALIVE, SMALLEST)                                                              \
    X(OPTION_BACKLOG, SMALLEST)

enum tap_gauge {
#define X(name, kind) TAP_GAUGE_##name,
    TAP_GAUGES(X)
#undef X
        TAP_N_GAUGES
};

struct tap_account {
    uint64_t counters[TAP_N_COUNTERS];
    uint64_t gauges[TAP_N_GAUGES];
    uint32_t n_sockets;  /* open */
    uint32_t mechanisms; /* of open sockets: bit 1 << ZMQ_NULL, … */
};

/* Nothing counted, nothing known. */
void tap_account_clear(struct tap_account *self);
void tap_account_clear_gauges(struct tap_account *self);

void tap_account_add_lane(struct tap_account *self, const struct segment_lane *lane);
void tap_account_add_counters(struct tap_account *self, const uint64_t *counters);
void tap_account_add_gauges(struct tap_account *self, const struct tap_account *other);

/* `word` is a counter's number in a lane. */
static inline uint64_t tap_account_counter(const struct tap_account *self, unsigned word)
{
    return self->counters[word - SEGMENT_FIRST_COUNTER];
}

#endif
