/* SPDX-License-Identifier: MPL-2.0 */
/*
 * pipe_bytes - words in a copy of one of libzmq's objects, and what some of them mean.
 */
#ifndef QUEUES_PIPE_BYTES_H
#define QUEUES_PIPE_BYTES_H

#include <stdint.h>

#define PIPE_POINTER ((uint32_t)sizeof(uintptr_t))
#define PIPE_BYTES   256                 /* of a pipe or queue that are looked at */
#define PIPE_UNKNOWN (UINT64_C(1) << 63) /* in place of a number that is not known */

/* pipe_t::_state */
enum pipe_state {
    PIPE_STATE_ACTIVE = 0,
    PIPE_STATE_WAITING = 2, /* the peer is gone and messages are unread */
    PIPE_STATE_ENDING = 4,  /* this end was closed, the peer may still read */
};

static inline uintptr_t pipe_pointer_at(const unsigned char *bytes, uint32_t offset)
{
    uintptr_t value;
    __builtin_memcpy(&value, bytes + offset, sizeof(value));
    return value;
}

static inline uint32_t pipe_u32_at(const unsigned char *bytes, uint32_t offset)
{
    uint32_t value;
    __builtin_memcpy(&value, bytes + offset, sizeof(value));
    return value;
}

static inline uint64_t pipe_u64_at(const unsigned char *bytes, uint32_t offset)
{
    uint64_t value;
    __builtin_memcpy(&value, bytes + offset, sizeof(value));
    return value;
}

#endif
