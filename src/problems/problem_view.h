/* SPDX-License-Identifier: MPL-2.0 */
/*
 * problem_view - what is known of every open socket at one moment, for the rules to look at.
 *
 * Gauges are SEGMENT_UNKNOWN where they are not known. `recent` is the part of a counter that came
 * within the last minute, or since the socket was first seen. Times are nanoseconds, those of day
 * since the Unix epoch.
 */
#ifndef PROBLEMS_PROBLEM_VIEW_H
#define PROBLEMS_PROBLEM_VIEW_H

#include "segment/segment_layout.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum problem_counter {
    PROBLEM_DROPPED_FULL,
    PROBLEM_DROPPED_UNROUTABLE,
    PROBLEM_FAILED_AUTH,
    PROBLEM_FAILED_PROTOCOL,
    PROBLEM_FAILED_TRANSPORT,
    PROBLEM_DISCONNECTS,
    PROBLEM_HANDSHAKES, /* that succeeded */
    PROBLEM_RETRIES,
    PROBLEM_SENT,
    PROBLEM_RECEIVED,
    PROBLEM_AT_HWM_NS,
    PROBLEM_N_COUNTERS,
};

struct problem_socket {
    uint64_t pid, start_ticks, serial;
    uint64_t handle;  /* queues/socket_handle.h; SEGMENT_UNKNOWN: not known */
    const char *type; /* "PUB" */
    unsigned traits;  /* enum tap_type_trait */
    char program[128];
    char *address, *name; /* as the program wrote them; empty: none */
    char *link;           /* the same text at both ends of a link; empty: not known */
    bool is_network;
    bool is_silent; /* its process runs and its tap does not write */
    bool is_peeked;
    uint64_t net_namespace; /* of its process; 0: not known */
    bool is_contained;      /* `pid` is not the number that this host gives its process */
    uint64_t opened_ns, last_received_ns;
    uint64_t peers, connects, send_queue, receive_queue, send_fullest, receive_fullest;
    uint64_t send_age_ns, receive_age_ns;
    uint64_t counters[PROBLEM_N_COUNTERS], recent[PROBLEM_N_COUNTERS];
};

struct problem_view {
    struct problem_socket *sockets; /* by pid, start and serial */
    size_t n, capacity;
    uint64_t now_ns;
    uint64_t recent_ns; /* how long `recent` is: a minute, or less after the start */
    bool is_complete;   /* false: there are too many, some are missing */
};

#define PROBLEM_VIEW_MAX 10000u

struct peek_link;

/* Looks at the segments in `directory` and at what `peek` (may be NULL) sees. `recent` is 0.
 * A directory that is not there has no sockets. Errors: -ENOMEM, -errno of opening it. */
int problem_view_take(const char *directory, struct peek_link *peek, struct problem_view *ret_view);
void problem_view_finish(struct problem_view *self);

/* By pid, start and serial. */
int problem_socket_compare(const void *a, const void *b);

/* Of the same type, address and name. */
bool problem_socket_is_alike(const struct problem_socket *a, const struct problem_socket *b);

#endif
