/* SPDX-License-Identifier: MPL-2.0 */
/*
 * yqueue - libzmq's queue in chunks, as it was read (yqueue.hpp, the same from 4.2.5 to 4.3.5).
 *
 * Each field has a pointer's room: the first item that is not taken, the place after the last one,
 * the end of the last chunk. Whether what was read is such a queue shows in itself; where it is
 * not, nothing is known.
 */
#ifndef QUEUES_YQUEUE_H
#define QUEUES_YQUEUE_H

#include "queues/pipe_bytes.h"

#include <stdbool.h>

#define YQUEUE_BYTES (6u * PIPE_POINTER)

struct yqueue {
    uintptr_t begin_chunk, back_chunk;
    uint32_t begin, back, end;
};

static inline struct yqueue yqueue_at(const unsigned char *bytes, uint32_t offset)
{
    return (struct yqueue){
        .begin_chunk = pipe_pointer_at(bytes, offset),
        .begin = pipe_u32_at(bytes, offset + PIPE_POINTER),
        .back_chunk = pipe_pointer_at(bytes, offset + 2 * PIPE_POINTER),
        .back = pipe_u32_at(bytes, offset + 3 * PIPE_POINTER),
        .end = pipe_u32_at(bytes, offset + 5 * PIPE_POINTER),
    };
}

/* `n_items` of a chunk. */
static inline bool yqueue_is_valid(const struct yqueue *self, uint32_t n_items)
{
    return self->begin_chunk != 0 && self->begin_chunk % PIPE_POINTER == 0 &&
           self->back_chunk != 0 && self->back_chunk % PIPE_POINTER == 0 && self->begin < n_items &&
           self->back < n_items && self->end == (self->back + 1) % n_items;
}

static inline bool yqueue_is_empty(const struct yqueue *self)
{
    return self->begin_chunk == self->back_chunk && self->begin == self->back;
}

#endif
