/* SPDX-License-Identifier: MPL-2.0 */
/*
 * stream_numbers - counts the gaps in streams whose messages carry a number.
 *
 * A number that is ahead of the expected one by less than half of the modulus is a gap of that
 * many messages. One that is behind is a restart of the publisher (behind a proxy it restarts
 * without breaking our connection) and no gap; so is whatever comes first on a new connection,
 * because a publisher that restarted cannot be told from one that went on. Messages that were
 * published while there was no connection are therefore not counted as missed.
 *
 * With a key there is one sequence for each of its values, at most `keys_max` of them.
 *
 * Thread:  one.   Blocks: no.   Owns: copies of the keys.
 * Errors:  -ENOMEM.
 */
#ifndef COLLECTORS_PROBE_STREAM_NUMBERS_H
#define COLLECTORS_PROBE_STREAM_NUMBERS_H

#include "config/probe_settings.h"

struct stream_counts {
    uint64_t missed;     /* messages */
    uint64_t restarts;   /* numbers that went back */
    uint64_t unnumbered; /* messages without a number where it should be */
    uint64_t untracked;  /* messages of sequences beyond the limit */
};

struct stream_numbers;

/* `settings` is copied. */
int stream_numbers_new(const struct probe_sequence_settings *settings, struct stream_numbers **ret);
void stream_numbers_destroy(struct stream_numbers **self_p);

/* One frame of a message, in order; `is_last` ends the message and counts it. */
void stream_numbers_frame(struct stream_numbers *self, const void *data, size_t size, bool is_last);

/* A new connection: every sequence begins anew, and a message that was cut off is forgotten. */
void stream_numbers_reconnect(struct stream_numbers *self);

/* Sequences that are followed. */
size_t stream_numbers_n_keys(const struct stream_numbers *self);

const struct stream_counts *stream_numbers_counts(const struct stream_numbers *self);

#endif
