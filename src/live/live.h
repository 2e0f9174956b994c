/* SPDX-License-Identifier: MPL-2.0 */
/*
 * live - what the live page asks: what changed since it asked last, and ten minutes of history.
 *
 * A thread takes a point of every group's history each five seconds, whether somebody looks or not.
 * It is kept in memory alone and ends with the exporter.
 *
 * Thread: any. Blocks: live_append_changes, while the collectors work. Errors: -ENOMEM, -EAGAIN (no
 * thread), -ECANCELED (the runner was).
 */
#ifndef LIVE_LIVE_H
#define LIVE_LIVE_H

#include "base/string_buffer.h"
#include "collectors/runner.h"

struct live;

/* Borrows `runner`, whose collectors are added by then. */
int live_new(struct runner *runner, struct live **ret_live);
void live_destroy(struct live **self_p); /* after runner_cancel() */

/* Appends the members `revision`, `is_whole`, a list for each section of a page, and `gone` of a
 * JSON object, without its braces: live_rows.h. `since` is the revision of an earlier answer; NULL,
 * or one that is not known: all. */
int live_append_changes(struct live *self, const char *since, struct string_buffer *json);

#define LIVE_IDS_MAX 1000u

/* The number of the row of the socket group with these labels, in the order of a page; 0: none. */
uint32_t live_find(struct live *self, const char *labels, size_t size);

/* Appends `"interval_seconds": 5, "tick": 120, "rows": [{"id": 7, "first": 1, …}, …]`: the history
 * of these rows after the tick `since`. */
void live_append_history(struct live *self, const uint32_t *ids, size_t n_ids, uint64_t since,
                         struct string_buffer *json);

#endif
