/* SPDX-License-Identifier: MPL-2.0 */
/*
 * pipe_layout - where a copy of libzmq keeps what is read of its objects.
 *
 * The tap learns it by calibration, in its own process (tap/learned/pipe_calibration.h); peek from
 * another process's live objects (peek/). All numbers are offsets in bytes, or as they say.
 */
#ifndef QUEUES_PIPE_LAYOUT_H
#define QUEUES_PIPE_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

/* See mailbox.h. */
struct mailbox_layout {
    uintptr_t vtable;    /* a mailbox's first word; 0: it is not known */
    uint32_t mailbox;    /* in every socket: a pointer to it */
    uint32_t queue;      /* in it: the commands that are not processed */
    uint32_t bind, pipe; /* in a command: that it binds a pipe, and which */
};

/* Of publishers, see tap/learned/publish_layout.h. */
struct publish_layout {
    bool is_known;
    char reason[56]; /* why not, if it is not known */
    /* In the socket: */
    uint32_t pipes;         /* the distributor's vector */
    uint32_t n_eligible;    /* size_t: how many of these are */
    uint32_t subscriptions; /* the tree's root node, which is part of the socket */
    uint32_t last_pipe;     /* XPUB_MANUAL: whose subscription was received last; 0: not known */
    /* In a node, whose first word is the set of pipes, or NULL: */
    uint32_t min;   /* unsigned char: the byte of the first child */
    uint32_t count; /* unsigned short: how many bytes the children span */
    uint32_t next;  /* the child, if `count` is 1; else a table of `count` children or NULLs */
    /* In a set, the root of its tree; in a node of that tree, both children and the pipe: */
    uint32_t set_root, set_left, set_right, set_pipe;
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

#endif
