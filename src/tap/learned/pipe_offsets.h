/* SPDX-License-Identifier: MPL-2.0 */
/*
 * pipe_offsets - the places in an object where a field may lie.
 *
 * One copy of the object is seldom enough: padding and freed memory hold stale numbers. So each
 * copy leaves those offsets at which it holds what the field must hold then, and many copies leave
 * one offset.
 */
#ifndef TAP_PIPE_OFFSETS_H
#define TAP_PIPE_OFFSETS_H

#include "tap/learned/pipe_lab.h"

#define PIPE_NOT_FOUND UINT32_MAX

struct pipe_offsets {
    uint64_t bits[LAB_PIPE_BYTES / 64];
};

static inline void pipe_offsets_insert(struct pipe_offsets *self, uint32_t offset)
{
    self->bits[offset / 64] |= UINT64_C(1) << offset % 64;
}

static inline void pipe_offsets_intersect(struct pipe_offsets *self,
                                          const struct pipe_offsets *other)
{
    for (uint32_t i = 0; i < LAB_PIPE_BYTES / 64; i++)
        self->bits[i] &= other->bits[i];
}

static inline bool pipe_offsets_has(const struct pipe_offsets *self, uint32_t offset)
{
    return self->bits[offset / 64] >> offset % 64 & 1;
}

/* The only one, or PIPE_NOT_FOUND. */
static inline uint32_t pipe_offsets_single(const struct pipe_offsets *self)
{
    uint32_t found = PIPE_NOT_FOUND;
    for (uint32_t i = 0; i < LAB_PIPE_BYTES; i++) {
        if (!pipe_offsets_has(self, i))
            continue;
        if (found != PIPE_NOT_FOUND)
            return PIPE_NOT_FOUND;
        found = i;
    }
    return found;
}

#endif
