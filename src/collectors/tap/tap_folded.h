/* SPDX-License-Identifier: MPL-2.0 */
/*
 * tap_folded - whose counters are in the sums already, and whose file may still turn up.
 *
 * A process that was folded is remembered as long as it exists: if it writes its file again, for
 * whatever reason, it is not counted twice. What a state file names is remembered until every file
 * has been looked at besides. Of one process as many images are remembered as it can have files.
 *
 * Thread: one. Owns: the ids.
 */
#ifndef COLLECTORS_TAP_TAP_FOLDED_H
#define COLLECTORS_TAP_TAP_FOLDED_H

#include "collectors/tap/tap_life.h"

#define TAP_MAX_FOLDED   4096u /* the oldest are forgotten */
#define TAP_FOLDED_LOOKS 64u   /* processes that are looked at for each tick */

/* Names one image of one process of this boot. */
struct tap_process_id {
    uint64_t pid, start_ticks, pid_namespace, created_ns;
};

struct tap_folded_image {
    struct tap_process_id id;
    struct tap_life life; /* without a pidfd; pid 0: not looked for yet, or not to be found */
    bool is_looked_for;
};

struct tap_folded {
    struct tap_folded_image *images; /* from old to new */
    size_t n, capacity;
    size_t next; /* to be looked at */
};

void tap_folded_finish(struct tap_folded *self);

bool tap_folded_has(const struct tap_folded *self, const struct tap_process_id *id);

/* `life` is what is known of the process, NULL: nothing. Errors: -ENOMEM. */
int tap_folded_add(struct tap_folded *self, const struct tap_process_id *id,
                   const struct tap_life *life);

/* Forgets some of those that exist no more. A walk over /proc at most. */
void tap_folded_clean(struct tap_folded *self, const struct tap_host *host);

#endif
