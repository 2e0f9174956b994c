/* SPDX-License-Identifier: MPL-2.0 */
/*
 * problem_watch - looks at every socket now and then, so that it can be said what happened lately.
 *
 * However many ask, the segments are read no more often than each PROBLEM_LOOK_AGE_NS for them: who
 * asks meanwhile is given the last look, which says itself when it was. One look is kept, for a few
 * seconds.
 *
 * Thread: any. Blocks: while it looks, which takes as long as reading the segments.
 */
#ifndef PROBLEMS_PROBLEM_WATCH_H
#define PROBLEMS_PROBLEM_WATCH_H

#include "problems/problem.h"

/* A stuck receiver is named within two seconds, of which a rule waits 1.5. */
#define PROBLEM_LOOK_AGE_NS UINT64_C(250000000)

struct peers_watch;
struct problem_watch;

/* What was seen at `view.now_ns`, and what of it is wrong. */
struct problem_look {
    struct problem_view view;
    struct problems problems;
};

/* Borrows `directory`, `peek` and `peers` (NULL: none). Errors: -ENOMEM, -EAGAIN (no thread). */
int problem_watch_new(const char *directory, struct peek_link *peek, struct peers_watch *peers,
                      struct problem_watch **ret_watch);
void problem_watch_destroy(struct problem_watch **self_p); /* after the last look is released */

/* A look of this moment, the caller's, with `recent`. Errors: as problem_view_take(). */
int problem_watch_take(struct problem_watch *self, struct problem_look *ret_look);
void problem_look_finish(struct problem_look *self);

/* A look that others may have, too, no older than PROBLEM_LOOK_AGE_NS when it was asked for. It is
 * not to be changed, and to be released. Errors: as problem_view_take(). */
int problem_watch_share(struct problem_watch *self, struct problem_look **ret_look);
void problem_watch_release(struct problem_watch *self, struct problem_look *look);

#endif
