/* SPDX-License-Identifier: MPL-2.0 */
/*
 * pipe_accounts - queue depths, read from the accounts that libzmq keeps in each pipe.
 *
 * libzmq has no call for the depth of a queue, but each pipe counts messages written and read.
 * Where these counts lie is learned at run time (pipe_layout_calibrate), on private inproc
 * sockets with telling option values, and proved on a second pair. No offsets are shipped.
 *
 * Depth out = written - read by the peer; depth in = written by the peer - read. Both ends are
 * read, so the figure is exact to the message where the program is at rest. Every read is fault
 * safe (pipe_memory.h) and validated each time: type, context, owner, mutual peers. What fails
 * validation is no sample.
 *
 * Thread:  calibrate from the thread that makes a library's first socket, before it is tracked;
 *          sample from the tap's own thread only, at any time, also while sockets die.
 * Memory:  allocates in pipe_reader_new only.
 */
#ifndef TAP_PIPE_ACCOUNTS_H
#define TAP_PIPE_ACCOUNTS_H

#include "tap/library.h"
#include "tap/losses/publish_layout.h"

/* See mailbox.h. */
struct mailbox_layout {
    uintptr_t vtable;    /* a mailbox's first word; 0: it is not known */
    uint32_t mailbox;    /* in every socket: a pointer to it */
    uint32_t queue;      /* in it: the commands that are not processed */
    uint32_t bind, pipe; /* in a command: that it binds a pipe, and which */
};

struct pipe_layout {
    bool is_known;
    char reason[56];       /* why not, if it is not known */
    uintptr_t pipe_vtable; /* first word of every pipe of this copy */
    uint32_t pipes;        /* in every socket: the vector of its pipes */
    /* In every object of libzmq: its context; the slot of the thread or socket that owns it. */
    uint32_t context, owner;
    /* In a pipe. A limit is of the pipe's own out queue, "low" of its in queue. */
    uint32_t hwm, lwm, n_read, n_written, n_read_by_peer, peer, sink, state;
    uint32_t is_writable, in_queue, out_queue;
    uint32_t pipe_size;          /* bytes of a pipe that are read */
    uintptr_t conflating_vtable; /* first word of every conflating queue */
    uint32_t has_message;        /* in a conflating queue */
    struct publish_layout publish;
    struct mailbox_layout mailbox;
};

/* Learns the layout of `library`; a few milliseconds, inproc only. On failure is_known is false
 * and `reason` says why in a few words. Never fails otherwise; leaves errno as it was. */
void pipe_layout_calibrate(const struct library *library, struct pipe_layout *ret_layout);

struct pipe_sample {
    bool is_valid;
    uint32_t n_pipes;     /* libzmq holds them, whether there is a peer or not, taken in or not */
    uint32_t n_inproc;    /* of these: connected to a socket of this process */
    uint32_t n_send_full; /* of these: libzmq takes no message until the peer has read more */
    uint64_t send_queue, receive_queue; /* messages, over all pipes */
    /* The fullest pipe's depth over its effective HWM, 1e-9; SEGMENT_UNKNOWN: no pipe has one. */
    uint64_t send_fullest, receive_fullest;
};

/* A pipe's out queue. */
struct pipe_end {
    uintptr_t pipe, peer;
    uint64_t n_written, n_read;
    bool is_read_on;    /* the reading end still reads */
    bool is_network;    /* it is a connection's, not a socket's of this process */
    bool is_conflating; /* then the counts are not its depth */
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

struct pipe_target {
    const struct pipe_layout *layout;
    const void *socket;  /* the handle, may be freed at any moment */
    const void *context; /* its context's handle */
    int n_io_threads;    /* of the context when it made its first socket */
    struct pipe_memo memo;
    struct pipe_sample sample;
    struct pipe_ledger *ledger; /* NULL: not wanted */
    /* Called for each valid pipe; NULL: not. */
    void (*visit)(void *data, const struct pipe_end *end);
    void *data;
};

struct pipe_reader;
int pipe_reader_new(struct pipe_reader **ret_reader);
void pipe_reader_destroy(struct pipe_reader **self_p);

/* In a forked child: closes what the parent had open in the middle of a sample. */
void pipe_reader_forked(struct pipe_reader *self);

/* No filter of system calls may have come over the thread since the last call: see pipe_memory.h.
 * Fills `sample` of each of `n` targets with as few system calls as possible. Returns NULL, or
 * why memory cannot be read any more (a filter that the program set); then no sample is valid. */
const char *pipe_reader_sample(struct pipe_reader *self, struct pipe_target *targets, size_t n);

#endif
