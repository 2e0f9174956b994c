/* SPDX-License-Identifier: MPL-2.0 */
/*
 * pipe_block - some pipes, whose accounts are read and checked together.
 *
 * Thread and errors: as pipe_reader.
 */
#ifndef QUEUES_PIPE_BLOCK_H
#define QUEUES_PIPE_BLOCK_H

#include "queues/credentials.h"
#include "queues/pipe_bytes.h"
#include "queues/pipe_memory.h"
#include "queues/pipe_pair.h"

#define PIPE_BLOCK_PIPES  128
#define PIPE_BLOCK_RANGES (2 * PIPE_BLOCK_PIPES)
#define PIPE_BLOCK_SPAN   1024 /* both ends of a pipe are read at once if they lie within */
#define PIPE_BLOCK_KNOWN  8192 /* pipes that are remembered; a power of two */

struct known_pipe {
    uintptr_t pipe, peer;
    uintptr_t plain_out, plain_in; /* queues that count messages and replace none */
    uint32_t n_rounds;
    struct credentials credentials;
};

struct queue_read {
    unsigned char bytes[PIPE_BYTES];
    bool is_wanted; /* it counts messages, and whether it replaces them is not known */
};

struct pipe_read {
    struct pipe_pair pair; /* peer_address 0: not known */
    bool is_waiting;       /* in the mailbox; counts only if the socket has not taken it in */
    uintptr_t vector;      /* where the address stands, if it is its socket's only pipe */
    size_t n_ranges;
    bool is_remembered; /* the address: it was not read in this round */
    bool is_read;
    unsigned char bytes[PIPE_BLOCK_SPAN];
    struct queue_read out, in;
    unsigned char front[CREDENTIALS_FRONT_BYTES]; /* the in queue's first messages */
    bool has_front;
};

struct pipe_block {
    struct pipe_memory memory;
    struct pipe_memory_range ranges[PIPE_BLOCK_RANGES]; /* of whoever reads now */
    struct pipe_read pipes[PIPE_BLOCK_PIPES];
    struct known_pipe known[PIPE_BLOCK_KNOWN];
    uint64_t read_ns; /* when this block was read; 0: not asked yet */
};

static inline struct pipe_memory_range pipe_block_range(uintptr_t address, void *to, size_t size)
{
    return (struct pipe_memory_range){.address = address, .to = to, .size = (uint32_t)size};
}

/* Reads the first `n` of `pipes`, of which pair.target, pair.pipe_address, `vector` and both
 * is_remembered and is_waiting are set, and adds them to their targets' samples. */
void pipe_block_sample(struct pipe_block *self, size_t n);

#endif
