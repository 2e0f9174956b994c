/* SPDX-License-Identifier: MPL-2.0 */
/*
 * problem_watch - looks at every socket now and then, so that it can be said what happened lately.
 *
 * Thread: any. Blocks: while it looks, which takes as long as reading the segments.
 */
#ifndef PROBLEMS_PROBLEM_WATCH_H
#define PROBLEMS_PROBLEM_WATCH_H

#include "problems/problem_view.h"

struct problem_watch;

/* Borrows `directory` and `peek` (NULL: none). Errors: -ENOMEM, -EAGAIN (no thread). */
int problem_watch_new(const char *directory, struct peek_link *peek,
                      struct problem_watch **ret_watch);
void problem_watch_destroy(struct problem_watch **self_p);

/* A view of this moment, the callee's, with `recent`. Errors: as problem_view_take(). */
int problem_watch_take(struct problem_watch *self, struct problem_view *ret_view);

#endif
