/* SPDX-License-Identifier: MPL-2.0 */
/*
 * live_history - ten minutes of one group of sockets: queues, rates and drops, a point each five
 * seconds.
 *
 * Points are numbered by ticks, which all groups share. What was not known at a tick is unknown,
 * and so is the rate over a gap. A value is kept to one part in 256, in two bytes: 1.7 kB a group.
 */
#ifndef LIVE_LIVE_HISTORY_H
#define LIVE_LIVE_HISTORY_H

#include "base/clock.h"
#include "base/string_buffer.h"

#define LIVE_HISTORY_POINTS      120u
#define LIVE_HISTORY_INTERVAL_NS (5 * CLOCK_NS_PER_SECOND)

/* Gauges as they are; then counters, of which the rate a second is kept. */
#define LIVE_VALUES(X)                                                                             \
    X(SEND_FILL, "send_hwm_proximity_ratio")                                                       \
    X(RECEIVE_FILL, "receive_hwm_proximity_ratio")                                                 \
    X(SEND_QUEUE, "send_queue_messages")                                                           \
    X(RECEIVE_QUEUE, "receive_queue_messages")                                                     \
    X(SENT, "sent_messages_per_second")                                                            \
    X(RECEIVED, "received_messages_per_second")                                                    \
    X(DROPPED, "dropped_messages_per_second")

enum live_value {
#define X(value, name) LIVE_##value,
    LIVE_VALUES(X)
#undef X
        LIVE_N_VALUES,
};

#define LIVE_FIRST_COUNTER LIVE_SENT
#define LIVE_N_COUNTERS    (LIVE_N_VALUES - LIVE_FIRST_COUNTER)

/* What was seen at one moment; NAN: not known. */
struct live_moment {
    double values[LIVE_N_VALUES];
    uint64_t at_ns; /* monotonic */
};

struct live_history {
    uint16_t points[LIVE_HISTORY_POINTS][LIVE_N_VALUES]; /* by tick */
    uint64_t first_tick, last_tick;
    struct live_moment last;
};

/* Begins with its first point, which has no rates. */
void live_history_begin(struct live_history *self, uint64_t tick, const struct live_moment *moment);

/* `tick` is later than all before; those between are unknown. */
void live_history_add(struct live_history *self, uint64_t tick, const struct live_moment *moment);

/* Appends `"first": TICK, "send_hwm_proximity_ratio": [0.5, null, …], …`: the points after the
 * tick `since`, but none that is too old at the tick `now`. What is unknown at all of them is left
 * out. */
void live_history_append_json(const struct live_history *self, uint64_t since, uint64_t now,
                              struct string_buffer *json);

#endif
