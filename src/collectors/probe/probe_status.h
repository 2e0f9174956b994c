/* SPDX-License-Identifier: MPL-2.0 */
/*
 * probe_status - what is known of one probed endpoint.
 *
 * Written by the actor that has the endpoint, under the actor's lock; readers copy it under the
 * same lock.
 */
#ifndef COLLECTORS_PROBE_PROBE_STATUS_H
#define COLLECTORS_PROBE_PROBE_STATUS_H

#include "collectors/probe/probe_failure.h"
#include "collectors/probe/stream_numbers.h"
#include "collectors/probe/zmtp_parser.h"

#define PROBE_DURATION_NONE UINT64_MAX

struct probe_status {
    bool has_result;       /* an attempt has ended */
    bool is_success;       /* the last attempt succeeded and what it made still stands */
    bool is_greeting_only; /* no socket of ours is held there: "connected" has no meaning */
    unsigned n_peers;      /* with a finished handshake; of a socket that connects 0 or 1 */

    bool has_failure; /* while there is no success: why */
    struct probe_failure failure;

    uint64_t durations_ns[PROBE_N_PHASES]; /* of the last attempt; PROBE_DURATION_NONE */
    bool has_peer;
    struct zmtp_peer peer;

    uint64_t attempts, disconnects;
    uint64_t failures[PROBE_N_PHASES];
    uint64_t connect_details[PROBE_N_DETAILS_MAX];   /* before the handshake, by detail */
    uint64_t handshake_details[PROBE_N_DETAILS_MAX]; /* in it */

    uint64_t received_messages, received_bytes;
    uint64_t last_received_ns; /* realtime; 0: none yet */
    struct stream_counts stream;
};

#endif
