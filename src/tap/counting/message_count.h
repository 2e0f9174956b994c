/* SPDX-License-Identifier: MPL-2.0 */
/*
 * message_count - counting a frame, in as few instructions as can be.
 *
 * What is needed after the call into libzmq lies in the slot (`call`): to save a register of the
 * caller for each would cost three instructions, of which a store and a load are left. A socket is
 * in one call at a time.
 */
#ifndef TAP_MESSAGE_COUNT_H
#define TAP_MESSAGE_COUNT_H

#include "tap/registry/registry.h"

#include <zmq.h>

static inline void message_count_save_call(struct registry_slot *slot, const void *content,
                                           size_t size, int flags)
{
    slot->call.content = content;
    slot->call.size = size;
    slot->call.flags = flags;
}

static inline void message_count_save_message_call(struct registry_slot *slot,
                                                   struct tap_message *message, int flags)
{
    slot->call.message = message;
    slot->call.flags = flags;
}

/* One instruction where the machine has one: a reader never sees half of it. */
static inline void message_count_increase(uint64_t *word, uint64_t n)
{
#if defined(__x86_64__)
    __asm__("addq %1, %0" : "+m"(*word) : "er"(n) : "cc");
#else
    segment_word_add(word, n);
#endif
}

/*
 * Frames that are larger than any before, and failures, are unusual: libzmq returns a frame's size,
 * so that one comparison without sign, with the size that is unusual (call.sent_below,
 * received_below), takes the place of that with 0. Where it says so, these two note the size, and
 * count a failure that nobody else does; they return what they were given.
 */
int message_unusual_sent(struct registry_slot *slot, int rc) __attribute__((cold, noinline));
int message_unusual_received(struct registry_slot *slot, int rc) __attribute__((cold, noinline));

static inline bool message_is_usual(int rc, uint32_t below)
{
    return __builtin_expect((uint32_t)rc < below, 1);
}

/* What was sent: a whole message, a frame that others follow, the last of several. They are given
 * what the caller returns then. */
static inline int message_count_whole(const struct registry_slot *slot, size_t size, int rc)
{
    uint64_t *words = slot->words;
    message_count_increase(&words[SEGMENT_SENT_BYTES], size);
    message_count_increase(&words[SEGMENT_SENT_MESSAGES], 1);
    return rc;
}

static inline int message_count_more(struct registry_slot *slot, size_t size, int rc)
{
    message_count_increase(&slot->words[SEGMENT_SENT_BYTES], size);
    slot->frame = (struct registry_frame){.wait_flags = 0};
    return rc;
}

static inline int message_count_last(struct registry_slot *slot, size_t size, int rc)
{
    slot->frame = slot->first_frame;
    return message_count_whole(slot, size, rc);
}

static inline int message_count_sent(struct registry_slot *slot, size_t size, int flags, int rc)
{
    return flags & ZMQ_SNDMORE ? message_count_more(slot, size, rc)
                               : message_count_last(slot, size, rc);
}

#endif
