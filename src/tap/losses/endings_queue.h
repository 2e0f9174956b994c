/* SPDX-License-Identifier: MPL-2.0 */
/*
 * endings_queue - the queues that held something in the last round.
 *
 * Thread: the tap's own.
 */
#ifndef TAP_ENDINGS_QUEUE_H
#define TAP_ENDINGS_QUEUE_H

#include "queues/pipe_accounts.h"

/* What a round needs to know of the socket whose pipes it sees. */
struct endings_owner {
    uint32_t serial;
    uint32_t index;    /* in the registry, or of a closed socket */
    uint32_t n_before; /* ends of connections that were known at the round before */
    uint32_t n_last;   /* at this one */
    uint32_t n_queues; /* seen by this one that hold something */
    uint32_t valid_round;
    bool is_closed; /* by the program */
    bool is_immediate;
};

struct endings_queue {
    uintptr_t pipe, peer; /* pipe 0: the entry is free */
    uint64_t n_written, n_read;
    uint64_t n_thrown;             /* of these: by libzmq, which took them out of the count */
    uint64_t seen_ns, still_ns;    /* at the last round; since when n_read is the same */
    uint32_t n_before, n_last;     /* ends known before it stood still, and at the last round */
    uint32_t serial, index, round; /* of its owner; the last round's number */
    bool is_closed;
    bool is_unread; /* nobody can read any more */
    bool is_network;
};

struct endings_round {
    uint32_t number; /* 0: none yet */
    uint64_t now_ns;
};

/* Enters what a round sees, or the program's own thread saw. */
void endings_queue_observe(const struct endings_round *round, struct endings_owner *owner,
                           const struct pipe_end *end);

/* NULL if it is not there. */
struct endings_queue *endings_queue_find(uintptr_t pipe, uint32_t serial);

/* Calls `visit` for each queue that the round did not see, and for those that another has taken
 * the place of; it is forgotten if the answer is true. */
void endings_queue_each_gone(const struct endings_round *round,
                             bool (*visit)(const struct endings_queue *queue, void *data),
                             void *data);

/* The socket is closed: its queues are those of `owner` now, and unseen. */
void endings_queue_close_all(uint32_t serial, const struct endings_owner *owner);

/* Those of the socket that were not seen since. */
void endings_queue_forget_before(uint32_t serial, uint64_t time_ns);

bool endings_queue_has_any(void);
bool endings_queue_has(uint32_t serial);
void endings_queue_forget_all(void);

#endif
