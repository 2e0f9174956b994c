/* SPDX-License-Identifier: MPL-2.0 */
/*
 * live_rows - the label sets of the live page, and when each of them changed.
 *
 * Every look has a revision. Who has the answer of an earlier one is told only what is different
 * since, and what is gone. A row keeps its number as long as it is known here, which is ten minutes
 * longer than it is there; so long there is its history, too.
 *
 * Owns: copies of label texts. Thread: one at a time. Errors: -ENOMEM.
 */
#ifndef LIVE_LIVE_ROWS_H
#define LIVE_LIVE_ROWS_H

#include "base/string_buffer.h"
#include "live/live_history.h"
#include "metrics/label_sets.h"

#define LIVE_ROWS_LINGER_NS   (LIVE_HISTORY_POINTS * LIVE_HISTORY_INTERVAL_NS)
#define LIVE_ROWS_HISTORY_MAX 4096u /* groups; later ones have no history */

struct live_row;

struct live_rows {
    struct live_row **buckets;
    size_t n_buckets; /* a power of two; 0: none yet */
    size_t n, n_histories;
    uint32_t next_id;
    uint64_t revision; /* of the last look; 0: none */
    uint64_t oldest;   /* what is gone since then is known */
    uint64_t tick;     /* of the last point of history */
};

void live_rows_finish(struct live_rows *self);

/* A look at all sets. `ret_rows` has room for one row a set. */
int live_rows_look(struct live_rows *self, const struct label_sets *sets, uint64_t now_ns,
                   struct live_row **ret_rows);

/* Appends what changed after the revision `since`, 0 for all, without the object's braces; `sets`
 * and `rows` are those of the last look:
 *
 *     "is_whole": false, "sockets": [{"id": 7, "labels": {…}, "values": {…}}, …], …, "gone": [3]
 *
 * `labels` are left out where they have been told. If is_whole, what was known before is void. */
void live_rows_append_json(const struct live_rows *self, uint64_t since,
                           const struct label_sets *sets, struct live_row *const *rows,
                           struct string_buffer *json);

/* Takes a point of each socket group's history at `tick`, later than all before. */
int live_rows_remember(struct live_rows *self, const struct label_sets *sets, uint64_t tick,
                       uint64_t now_ns);

/* The number of the first row with these labels; 0: there is none. */
uint32_t live_rows_find(const struct live_rows *self, enum label_section section,
                        const char *labels, size_t size);

/* Appends `{"id": 7, "first": …, …}` with a row's points after the tick `since`; nothing where
 * there is no such row or no point. */
void live_rows_append_history(const struct live_rows *self, uint32_t id, uint64_t since,
                              struct string_buffer *json);

#endif
