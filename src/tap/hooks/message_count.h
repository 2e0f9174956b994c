/* SPDX-License-Identifier: MPL-2.0 */
/*
 * message_count - counting a frame, in as few instructions as can be.
 *
 * What is needed after the call into libzmq lies on the stack (`volatile struct message_kept`):
 * to save registers of the caller for it would cost three instructions each, of which a store
 * and a load are left.
 */
#ifndef TAP_MESSAGE_COUNT_H
#define TAP_MESSAGE_COUNT_H

#include "tap/registry.h"

#include <zmq.h>

struct message_kept {
    struct registry_slot *slot;
    const void *content;
    size_t size;
    int flags;
};

/* One instruction where the machine has one: a reader never sees half of it. */
static inline void message_add(uint64_t *word, uint64_t n)
{
#if defined(__x86_64__)
    __asm__("addq %1, %0" : "+m"(*word) : "er"(n) : "cc");
#else
    segment_word_add(word, n);
#endif
}

static inline void message_count_sent(struct registry_slot *slot, size_t size, int flags)
{
    uint64_t *words = slot->words;
    message_add(&words[SEGMENT_SENT_BYTES], size);
    if (flags & ZMQ_SNDMORE) {
        slot->wait_flags = 0;
        return;
    }
    slot->wait_flags = slot->first_wait_flags;
    message_add(&words[SEGMENT_SENT_MESSAGES], 1);
}

#endif
