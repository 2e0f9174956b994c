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
 * safe (process_vm_readv on oneself) and validated each time: type, mutual peers, HWM. What
 * fails validation is no sample.
 *
 * Thread:  calibrate from the thread that makes a library's first socket, before it is tracked;
 *          sample from the tap's own thread only, at any time, also while sockets die.
 * Memory:  allocates at calibration and when a batch grows, never per sample.
 */
#ifndef TAP_PIPE_ACCOUNTS_H
#define TAP_PIPE_ACCOUNTS_H

#include "tap/library.h"

#define PIPE_LAYOUT_TYPES 32 /* socket types, ZMQ_PAIR 0 … */

struct pipe_layout {
    bool is_known;
    char reason[56];                          /* why not, if it is not known */
    const void *pipe_vtable;                  /* first word of every pipe of this copy */
    uint32_t pipes_offset[PIPE_LAYOUT_TYPES]; /* of the vector of pipes in the socket object */
    uint32_t hwm, messages_read, messages_written, peer, state; /* offsets in a pipe */
    uint32_t pipe_size;                                         /* bytes of a pipe that are read */
    uint64_t state_active;
};

/* Learns the layout of `library`; a few milliseconds, inproc only. On failure is_known is false
 * and `reason` says why in a few words. Never fails otherwise; leaves errno as it was. */
void pipe_layout_calibrate(const struct library *library, struct pipe_layout *ret_layout);

struct pipe_sample {
    bool is_valid;
    uint32_t n_pipes;
    uint32_t n_send_full;               /* pipes whose out queue is at its HWM */
    uint64_t send_queue, receive_queue; /* messages, over all pipes */
    /* The fullest pipe's depth over its effective HWM, 1e-9; SEGMENT_UNKNOWN: no pipe has one. */
    uint64_t send_fullest, receive_fullest;
};

struct pipe_target {
    const struct pipe_layout *layout;
    const void *socket; /* the handle, may be freed at any moment */
    int type;           /* ZMQ_PAIR … */
    struct pipe_sample sample;
};

struct pipe_reader;
int pipe_reader_new(struct pipe_reader **ret_reader);
void pipe_reader_destroy(struct pipe_reader **self_p);

/* Fills `sample` of each of `n` targets with as few system calls as possible. */
void pipe_reader_sample(struct pipe_reader *self, struct pipe_target *targets, size_t n);

#endif
