/* SPDX-License-Identifier: MPL-2.0 */
/*
 * pipe_accounts - queue depths, read from the accounts that libzmq keeps in each pipe.
 *
 * libzmq has no call for the depth of a queue, but each pipe counts messages written and read.
 * Where these counts lie is told by a pipe_layout.
 *
 * Depth out = written - read by the peer; depth in = written by the peer - read. Both ends are
 * read, so the figure is exact to the message where the program is at rest. Every read is fault
 * safe (pipe_memory.h) and validated each time: type, context, owner, mutual peers. What fails
 * validation is no sample.
 *
 * Thread:  one at a time, at any time, also while sockets die.
 * Memory:  allocates in pipe_reader_new only.
 */
#ifndef QUEUES_PIPE_ACCOUNTS_H
#define QUEUES_PIPE_ACCOUNTS_H

#include "queues/pipe_layout.h"

#include <stddef.h>

struct pipe_sample {
    bool is_valid;
    uint32_t n_pipes;     /* libzmq holds them, whether there is a peer or not, taken in or not */
    uint32_t n_inproc;    /* of these: connected to a socket of this process */
    uint32_t n_send_full; /* of these: libzmq takes no message until the peer has read more */
    uint64_t send_queue, receive_queue; /* messages, over all pipes */
    /* Messages that a newer one has replaced in the conflating queues of these pipes so far; of a
     * queue between two sockets of the process it is the sender's. */
    uint64_t n_conflated;
    /* The fullest pipe's depth over its effective HWM, 1e-9; PIPE_UNKNOWN: no pipe has one. */
    uint64_t send_fullest, receive_fullest;
    /* How long the oldest message of any pipe waits, ns; 0: none does. PIPE_UNKNOWN: not wanted, or
     * messages wait only where their age is not known. */
    uint64_t send_age_ns, receive_age_ns;
    uint32_t n_send_undated, n_receive_undated; /* pipes whose messages are of unknown age */
};

/* A pipe's out queue, and what waits in it and in the other one. */
struct pipe_end {
    uintptr_t pipe, peer, peer_sink; /* who takes the peer's events: of a connection, its session */
    uint64_t n_written, n_read;
    uint64_t send_queue, receive_queue; /* messages, as in a sample */
    bool is_full;                       /* libzmq takes no message for it */
    bool is_read_on;                    /* the reading end still reads */
    bool is_network;                    /* it is a connection's, not a socket's of this process */
    bool is_conflating;                 /* then the counts are not its depth */
};

/* What one pipe has counted since libzmq made it: whole messages. */
struct pipe_count {
    const struct pipe_target *target;
    uintptr_t pipe, peer, in_queue; /* together they tell pipes apart that follow each other */
    uint64_t n_written, n_read;
    bool is_readable; /* false: it is there, but could not be read now */
};

/* Pipe by pipe, in the order of the targets that want it; `is_short`: there was no room for all. */
struct pipe_ledger {
    struct pipe_count *counts;
    size_t n, capacity;
    bool is_short;
};

/* What a sample found out about a socket, to be kept for the next one; all zero: nothing yet. */
struct pipe_memo {
    uint32_t owner;
    uint32_t mailbox_pause; /* samples for which its mailbox is not looked at */
    uintptr_t mailbox;
    uintptr_t vector, only_pipe; /* of a socket with one pipe: where its vector has it */
};

struct queue_ages;

struct pipe_target {
    const struct pipe_layout *layout;
    const void *socket;  /* the handle, may be freed at any moment */
    const void *context; /* its context's handle */
    int n_io_threads;    /* of the context when it made its first socket */
    struct pipe_memo memo;
    struct pipe_sample sample;
    struct pipe_ledger *ledger; /* NULL: not wanted */
    struct queue_ages *ages; /* of its process, whose round the caller begins; NULL: not wanted */
    /* Called for each valid pipe; NULL: not. */
    void (*visit)(void *data, const struct pipe_end *end);
    void *data;
};

struct pipe_reader;
int pipe_reader_new(struct pipe_reader **ret_reader);

/* The same for another process's sockets, whose handles are addresses there. `memory` is copied.
 * Sockets beyond so many pipes in one sample have none that is valid: the process may lie. */
#define PIPE_READER_MAX_FOREIGN ((size_t)65536)
struct pipe_memory;
int pipe_reader_new_foreign(const struct pipe_memory *memory, struct pipe_reader **ret_reader);

void pipe_reader_destroy(struct pipe_reader **self_p);

/* In a forked child: closes what the parent had open in the middle of a sample. */
void pipe_reader_forked(struct pipe_reader *self);

/* No filter of system calls may have come over the thread since the last call: see pipe_memory.h.
 * Fills `sample` of each of `n` targets with as few system calls as possible. Returns NULL, or
 * why memory cannot be read any more (a filter that the program set); then no sample is valid. */
const char *pipe_reader_sample(struct pipe_reader *self, struct pipe_target *targets, size_t n);

#endif
