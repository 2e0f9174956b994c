/* SPDX-License-Identifier: MPL-2.0 */
/*
 * peek_contexts - the contexts of a process, found through the stacks of libzmq's threads.
 *
 * An I/O or reaper thread waits in a function of its poller, to which the end of its stack and the
 * frames above its stack pointer point; a word of the poller, or of what that points to, is the
 * context: 0xabadcafe within its first bytes, then the vector of its sockets (ctx.hpp, 4.2.5 to
 * master). No heap is looked through. A candidate is a context only if its sockets say so, which
 * peek_layout finds out.
 *
 * Thread: one.
 */
#ifndef PEEK_PEEK_CONTEXTS_H
#define PEEK_PEEK_CONTEXTS_H

#include "peek/peek_target.h"
#include "peek/peek_threads.h"

#define PEEK_MAX_CONTEXTS 32u
#define PEEK_MAX_OBJECTS  16u /* files that threads run the code of */

struct peek_context {
    uintptr_t address;
    uint32_t sockets; /* offset of the vector */
};

/* What the stacks show. */
struct peek_stacks {
    struct peek_context contexts[PEEK_MAX_CONTEXTS];
    size_t n_contexts;
    const struct peek_mapping *objects[PEEK_MAX_OBJECTS]; /* a mapping with code of each */
    size_t n_objects;
    size_t n_running; /* threads that showed no stack pointer */
    bool is_too_many; /* a limit was met */
};

void peek_contexts_find(struct peek_target *target, const struct peek_threads *threads,
                        struct peek_stacks *ret_stacks);

#endif
