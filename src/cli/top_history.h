/* SPDX-License-Identifier: MPL-2.0 */
/*
 * top_history - how full the queues of each socket were in the last looks.
 *
 * An array for a view, with one history for each of its sockets.
 */
#ifndef CLI_TOP_HISTORY_H
#define CLI_TOP_HISTORY_H

#include "base/string_buffer.h"
#include "problems/problem_view.h"

#define TOP_HISTORY_LOOKS 60u

struct top_history {
    uint8_t send[TOP_HISTORY_LOOKS], receive[TOP_HISTORY_LOOKS]; /* the last one last */
};

/* Those of `view`, which go on from those of the view before (NULL: none). The caller's to free;
 * NULL: there is no memory. */
struct top_history *top_history_next(const struct problem_view *view,
                                     const struct problem_view *former,
                                     const struct top_history *former_histories);

/* A column for each look, blank where it is not known. */
void top_history_append(struct string_buffer *line, const uint8_t looks[TOP_HISTORY_LOOKS]);

#endif
