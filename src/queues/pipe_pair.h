/* SPDX-License-Identifier: MPL-2.0 */
/*
 * pipe_pair - the two ends of a pipe as they were read, and what they say.
 *
 * What was read can be torn, freed or reused. A pipe counts only if its first word is a pipe's,
 * its context is the socket's, its owner is the socket, and its peer points back at it.
 */
#ifndef QUEUES_PIPE_PAIR_H
#define QUEUES_PIPE_PAIR_H

#include "queues/pipe_accounts.h"
#include "queues/pipe_bytes.h"

struct pipe_pair {
    struct pipe_target *target;
    uintptr_t pipe_address, peer_address;
    const unsigned char *pipe, *peer; /* layout->pipe_size bytes each */
    uint64_t read_ns; /* when they were read, if its target wants ages and it holds messages */
    /* Of its in queue, see credentials.h: */
    uint64_t n_credentials; /* counted as written, never as read */
    bool is_in_empty;       /* whatever the accounts say */
};

bool pipe_pair_is_valid(const struct pipe_pair *self);

/* Whether it is a connection's, not one between sockets of this process. */
bool pipe_pair_is_network(const struct pipe_pair *self);

/* Whether the out queue, or the in queue, counts messages. */
bool pipe_pair_has_out(const struct pipe_pair *self);
bool pipe_pair_has_in(const struct pipe_pair *self);

/* Adds the pipe to its target's sample. `conflated_out` and `conflated_in` are how much queues
 * that conflate hold, or -1 where the queue does not conflate. */
void pipe_pair_add(const struct pipe_pair *self, int conflated_out, int conflated_in);

/* Its queues. */
struct pipe_end pipe_pair_end(const struct pipe_pair *self, int conflated_out, int conflated_in);

#endif
