/* SPDX-License-Identifier: MPL-2.0 */
/*
 * tap_peeked - processes without a tap, as the reader sees them from outside.
 *
 * Their accounts are added to the same groups as those of tapped processes, saved with the state
 * while they run, and folded when they end; so no counter goes back when the exporter restarts, or
 * when a program is restarted with the tap. A process that has a live segment is not counted here
 * from then on.
 *
 * Thread: the collector's.
 */
#ifndef COLLECTORS_TAP_TAP_PEEKED_H
#define COLLECTORS_TAP_TAP_PEEKED_H

#include "collectors/tap/tap_scan.h"

struct peek_link;
struct tap_peeked_process;

struct tap_peeked {
    struct peek_link *link; /* borrowed; NULL: there is no reader */
    struct tap_peeked_process *items;
    size_t n, capacity;
};

void tap_peeked_finish(struct tap_peeked *self, uint64_t now_ns);

/* Takes what the reader has told. Returns whether the state must be saved for it. */
bool tap_peeked_update(struct tap_peeked *self, struct tap_scan *scan, uint64_t now_ns);

/* Adds the accounts to the sums of the scrape. */
void tap_peeked_add(const struct tap_peeked *self, uint64_t now_ns);

/* Calls `save` for each process that must not be forgotten. */
void tap_peeked_each(const struct tap_peeked *self,
                     void (*save)(void *data, const struct tap_process *process), void *data);

#endif
