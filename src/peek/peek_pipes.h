/* SPDX-License-Identifier: MPL-2.0 */
/*
 * peek_pipes - the pipes of a process's sockets in a pass, and since when those that are full are.
 *
 * In each pass the pipes are shown to peek_pipes_note; which are full is remembered from one pass
 * to the next.
 *
 * Thread: one. Memory: grows with the pipes that are full.
 */
#ifndef PEEK_PEEK_PIPES_H
#define PEEK_PEEK_PIPES_H

#include "queues/pipe_accounts.h"

#define PEEK_MAX_PIPES 8192u /* of one process that are shown */
#define PEEK_MAX_FULL  4096u /* of one process, of which it is known since when they are full */

struct peek_full {
    uintptr_t pipe, peer;
    uint64_t since_ns; /* of day */
};

/* Of one process. All zero is empty. */
struct peek_pipes {
    struct peek_full *full; /* by pipe */
    size_t n_full, capacity;
};

struct peek_pipe {
    void *socket; /* as its target's `data` */
    struct pipe_end end;
    uint64_t full_since_ns; /* of day; 0: it is not */
};

void peek_pipes_finish(struct peek_pipes *self);

/* Around a pass over the sockets of a process, whose targets have note() and, as `data`, their
 * sockets. */
void peek_pipes_begin(struct peek_pipes *self);
void peek_pipes_note(void *socket, const struct pipe_end *end);
void peek_pipes_end(void);

/* Those of the pass that ended last, by socket, until the next one begins; and how many more there
 * were. */
const struct peek_pipe *peek_pipes_seen(size_t *ret_n, size_t *ret_n_left_out);

#endif
