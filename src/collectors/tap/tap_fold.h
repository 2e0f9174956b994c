/* SPDX-License-Identifier: MPL-2.0 */
/*
 * tap_fold - keeps what dead processes counted, through restarts of the agent.
 *
 * Folding goes in this order, and survives the agent's death between any two steps:
 *   1. the dead process's counters are added to the sums in memory;
 *   2. the state file is replaced by one that has these sums and names the process as folded;
 *   3. the process's segment is unlinked.
 * Before 2, nothing has happened for the next agent; after it, the segment is known as folded,
 * whether it was still unlinked or not. If 2 fails it is tried again at every tick, and the
 * segment stays.
 *
 * Only one agent writes to a directory, the one that holds its lock; others show the same page
 * and leave the files alone. One that gets the lock later must begin anew from the state file:
 * the leader may have folded processes that it never saw.
 *
 * Thread: one. Errors: -errno of reading or writing the state file;
 *                      TAP_FOLD_E_LEFT_ALONE  the leader is gone and the lock is ours
 */
#ifndef COLLECTORS_TAP_TAP_FOLD_H
#define COLLECTORS_TAP_TAP_FOLD_H

#include "base/string_buffer.h"
#include "collectors/tap/tap_scan.h"

#define TAP_MAX_PARKED 256u /* silent processes that are kept apart, should they come back */

#define TAP_FOLD_E_LEFT_ALONE 1

struct tap_peeked;

struct tap_fold {
    const struct tap_peeked *peeked; /* borrowed; saved with the rest; NULL: none */
    struct tap_scan *scan;           /* borrowed */
    bool is_leader;                  /* holds the lock */
    bool is_dirty;                   /* the state file is not what memory is */
    bool has_loaded;
    struct string_buffer text;
};

void tap_fold_init(struct tap_fold *self, struct tap_scan *scan);
void tap_fold_finish(struct tap_fold *self);

/* The directory was opened: takes the lock and, once in its life, loads the state file. A file
 * that is not to be trusted or damaged is an error, and is replaced by the next save. */
int tap_fold_open(struct tap_fold *self, uint64_t now_ns);

/* Folds what is dead, saves, and removes files that are no longer needed. */
int tap_fold_run(struct tap_fold *self, uint64_t now_ns);

#endif
