/* SPDX-License-Identifier: MPL-2.0 */
/*
 * followed - how many messages moved through a socket's pipes, whoever moved them.
 *
 * Where no hook sees a message, inside zmq_proxy, the accounts of the socket's pipes do: each
 * counts whole messages written and read (pipe.cpp: read, write). What they moved since the socket
 * is followed is added up, pipe by pipe. What a pipe moved between its last round and its
 * end is not known. The sums never decrease.
 *
 * Written messages are copies: of one message a publisher writes one to each subscriber.
 *
 * Thread: one at a time. followed_update only where the socket is used or nobody uses it: it reads
 *         the socket's memory as it is.
 * Memory: grows with the pipes. Without memory, a pipe's messages are not counted.
 */
#ifndef QUEUES_FOLLOWED_H
#define QUEUES_FOLLOWED_H

#include "queues/pipe_accounts.h"

struct followed_pipe;

struct followed {
    uintptr_t id;               /* unlike that of any other, at the same address or not */
    uint64_t n_written, n_read; /* since it was begun */
    struct followed_pipe *pipes;
    size_t n_slots, n_used;
    uint32_t round;
};

/* Follows from what the socket's pipes have counted up to now. All zero is an empty one. */
void followed_begin(struct followed *self, const struct pipe_layout *layout, const void *socket);
void followed_finish(struct followed *self);

/* What one pipe has counted, seen by the sampler; followed_end_round after each of its rounds. */
void followed_note(struct followed *self, const struct pipe_count *count);
void followed_end_round(struct followed *self);

/* Reads all the socket's pipes now. */
void followed_update(struct followed *self, const struct pipe_layout *layout, const void *socket);

#endif
