/* SPDX-License-Identifier: MPL-2.0 */
/*
 * sampler - in each round of the tap's thread, what each socket's queues hold.
 *
 * Writes the tap's gauges of a lane: queues, their fullest peer, pipes, times of the last
 * messages; and its histograms and the time at the high water mark.
 *
 * The cost is bounded whatever the program opens: a round that took long is followed by a pause
 * of SAMPLER_PAUSE times as long. The histograms then have fewer samples, nothing else changes.
 *
 * Thread: sampler_add_library: before a library's first socket is tracked, one at a time.
 *         sampler_round: the tap's own, without the registry's lock.
 */
#ifndef TAP_SAMPLER_H
#define TAP_SAMPLER_H

#include "tap/registry/registry.h"

#define SAMPLER_PAUSE          200 /* a round costs at most 1/200 of a core */
#define SAMPLER_INTERVAL_MS    100 /* between two rounds */
#define SAMPLER_MAX_INTERVALS  2u  /* the same, where nothing moves */
#define SAMPLER_REST_INTERVALS 10u /* while the thread rests: see thread_state.h */

/* `header` is the segment's. */
void sampler_start(struct segment_header *header);

/* The library's layout is learned: whether its queues can be read. */
void sampler_add_library(const struct library *library);

void sampler_round(void);

/* Whether a message or a peer moved between the last two rounds, as far as that is known. */
bool sampler_has_moved(void);

/* Whether the last round has seen all queues, and all empty, and each socket in the program's hands
 * alone. */
bool sampler_is_at_rest(void);

/* A round in which no memory may be read, and that makes no system call: queues are not known from
 * then on, for `reason`. */
void sampler_blind_round(const char *reason);

/* Reads the queues between two rounds, only for the messages that are lost with them. */
void sampler_sample_endings(void);

/* In a forked child: no socket is left. What is known of libraries stays. */
void sampler_forked(void);

#endif
