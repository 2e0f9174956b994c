/* SPDX-License-Identifier: MPL-2.0 */
/*
 * queue_ages - how long the oldest message of a queue has waited, from samples of its accounts.
 *
 * Message number n was written at the latest when a sample first showed n messages written, and
 * the oldest one that waits has the number after the last one read. So of each queue that holds
 * messages, the written counts and their times are remembered, from the oldest message that waits
 * to the newest.
 *
 * An age is never more than the truth where a sample was kept as it was, and less by the time
 * between samples at most; what waited before the first sample of its queue is as old as that.
 * Samples that were merged to keep the memory bounded are those of which it costs least: where
 * messages trickle in and wait for hours, the age of the next one may be off by some per cent of
 * itself, either way. The message at the head of a queue that nobody reads is dated exactly,
 * however long it waits.
 *
 * Thread: one at a time.   Memory: allocates in queue_ages_new only.
 */
#ifndef QUEUES_QUEUE_AGES_H
#define QUEUES_QUEUE_AGES_H

#include "queues/pipe_bytes.h"

#define QUEUE_AGES_MAX_QUEUES 2048u /* that hold messages at once; others are of unknown age */

/* A queue of one process, as a sample shows it. Its two ends tell it from others. */
struct queue_account {
    uintptr_t writer, reader;
    uint64_t n_written, n_read; /* messages, n_read < n_written */
    uint64_t read_ns;           /* when they were read, or later; CLOCK_MONOTONIC */
};

struct queue_ages;
int queue_ages_new(struct queue_ages **ret_ages);
void queue_ages_destroy(struct queue_ages **self_p);

/* Before all queues of a process are looked at again. One that is not noted for some rounds is
 * forgotten: it was empty, or is gone. */
void queue_ages_begin_round(struct queue_ages *self);

/* Notes a queue that holds messages, which may come twice in a round: from either of its ends.
 * Returns the age of the oldest, ns, or PIPE_UNKNOWN if there is no room for the queue. */
uint64_t queue_ages_note(struct queue_ages *self, const struct queue_account *account);

/* Forgets all queues. */
void queue_ages_forget(struct queue_ages *self);

#endif
