/* SPDX-License-Identifier: MPL-2.0 */
/*
 * peek_layout - where a copy of libzmq keeps things, derived from its live objects.
 *
 * From anchors that show themselves: a socket's tag, its mailbox's class, the pipe whose peer
 * points back at it. What lies beside an anchor follows the order of libzmq's source (pipe.hpp,
 * socket_base.hpp, options.hpp, 4.2.5 to master) and is believed only where the objects agree:
 * classes, mutual queues, owners. Nothing is called and nothing is written.
 *
 * Thread: one. Errors: false: these objects do not show it (yet).
 */
#ifndef PEEK_PEEK_LAYOUT_H
#define PEEK_PEEK_LAYOUT_H

#include "peek/peek_classes.h"
#include "peek/peek_contexts.h"
#include "queues/pipe_layout.h"

#define PEEK_SOCKET_LIVE    UINT32_C(0xbaddecaf)
#define PEEK_SOCKET_CLOSED  UINT32_C(0xdeadbeef)
#define PEEK_SOCKET_CONTEXT 8u /* in every object of libzmq */
#define PEEK_SOCKET_OWNER   16u
#define PEEK_SOCKET_OPTIONS 24u   /* the limits for sending and receiving come first */
#define PEEK_SOCKET_BYTES   4096u /* in which a socket's tag lies */
#define PEEK_STRING_BYTES   32u   /* of libstdc++ */

struct peek_layout {
    struct peek_classes classes;
    bool has_socket; /* tag and what follows it */
    uint32_t tag;
    uint32_t endpoint; /* std::string; 0: not known */
    uint32_t entry;    /* in an engine: its entry in a poller; 0: not known */
    uint32_t n_entry_searches;
    struct pipe_layout pipes; /* is_known once a pipe was seen */
};

/* Learns from a socket of a context, of which any is good. */
bool peek_layout_add_socket(struct peek_layout *self, struct peek_target *target,
                            const struct peek_context *context, uintptr_t socket);

/* Learns from a pipe of it. */
bool peek_layout_add_pipe(struct peek_layout *self, struct peek_target *target, uintptr_t pipe);

/* How many I/O threads a context has; -1: they are not to be found. */
int peek_layout_count_io_threads(const struct peek_layout *self, struct peek_target *target,
                                 const struct peek_context *context);

/* Whether 32 bytes at `address` are a std::string; up to `size` - 1 of its bytes. */
bool peek_layout_read_string(struct peek_target *target, uintptr_t address, char *ret_text,
                             size_t size);

#endif
