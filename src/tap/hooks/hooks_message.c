/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: this is the message path. On a socket that the tap knows, a hook costs one look at the
 * table, the call, and one addition for bytes and one for a whole message: no lock, no allocation,
 * no system call, no clock. The words have one writer, the thread that uses the socket, as libzmq
 * asks of a program anyway.
 *
 * A handle that is not in its first place goes through a second function, so that the first one
 * keeps nothing on the stack for it.
 */
#include "tap/hooks/blocking.h"
#include "tap/hooks/hooks.h"
#include "tap/losses/publish.h"

#include <stdlib.h>
#include <string.h>

/* One instruction where the machine has one: a reader never sees half of it. */
static inline void add(uint64_t *word, uint64_t n)
{
#if defined(__x86_64__)
    __asm__("addq %1, %0" : "+m"(*word) : "er"(n) : "cc");
#else
    segment_word_add(word, n);
#endif
}

static inline void count_sent(struct registry_slot *slot, size_t size, int flags)
{
    uint64_t *words = slot->words;
    add(&words[SEGMENT_SENT_BYTES], size);
    if (flags & ZMQ_SNDMORE) {
        slot->wait_flags = 0;
        return;
    }
    slot->wait_flags = slot->first_wait_flags;
    add(&words[SEGMENT_SENT_MESSAGES], 1);
    if (HOOK_UNLIKELY(--slot->n_until_look == 0))
        publish_look(slot->socket);
}

static inline void note_receiving(struct registry_slot *slot, bool is_receiving)
{
    __atomic_store_n(&slot->is_receiving, is_receiving, __ATOMIC_RELAXED);
}

static inline void count_received(const struct registry_slot *slot, int rc)
{
    uint64_t *words = slot->words;
    add(&words[SEGMENT_RECEIVED_BYTES], (size_t)rc);
    if (!*slot->more_flag)
        add(&words[SEGMENT_RECEIVED_MESSAGES], 1);
}

/* A send that failed without waiting is done again as the program wanted it, under a clock. */
static inline bool must_wait(const struct registry_slot *slot, int flags)
{
    return errno == EAGAIN && !(flags & ZMQ_DONTWAIT) && (slot->wait_flags & ZMQ_DONTWAIT);
}

static int count_refused(const struct registry_slot *slot)
{
    if (errno == EAGAIN)
        blocking_refused(slot->socket);
    return -1;
}

static HOOK_COLD int send_failed(struct registry_slot *slot, const void *buffer, size_t size,
                                 int flags)
{
    if (!must_wait(slot, flags))
        return count_refused(slot);
    blocking_begin(slot->socket);
    int rc = slot->send(slot->socket->handle, buffer, size, flags);
    blocking_end(slot->socket);
    if (rc < 0)
        return count_refused(slot);
    count_sent(slot, size, flags);
    return rc;
}

static struct tap_message *message_of(const void *content)
{
    return (struct tap_message *)(uintptr_t)content;
}

static HOOK_COLD int msg_send_failed(struct registry_slot *slot, struct tap_message *message,
                                     int flags)
{
    if (!must_wait(slot, flags))
        return count_refused(slot);
    blocking_begin(slot->socket);
    int rc = slot->msg_send(message, slot->socket->handle, flags);
    blocking_end(slot->socket);
    if (rc < 0)
        return count_refused(slot);
    count_sent(slot, (size_t)rc, flags);
    return rc;
}

/* It is given the result to return, so that its callers end in a jump. */
static HOOK_COLD int receive_failed(const struct registry_slot *slot, int rc)
{
    if (errno == EAGAIN)
        add(&slot->words[SEGMENT_RECEIVE_WOULD_BLOCK], 1);
    return rc;
}

/* What is needed after the call lies on the stack: saving registers of the caller for it would
 * cost three instructions each, of which a store and mostly no load are left. */
struct kept {
    struct registry_slot *slot;
    const void *content;
    size_t size;
    int flags;
};

static HOOK_INLINE int send_on(struct registry_slot *slot, void *handle, const void *buffer,
                               size_t size, int flags)
{
    volatile struct kept kept;
    kept.slot = slot;
    kept.content = buffer;
    kept.size = size;
    kept.flags = flags;
    int rc = slot->send(handle, buffer, size, flags | slot->wait_flags);
    if (HOOK_UNLIKELY(rc < 0))
        return send_failed(kept.slot, kept.content, kept.size, kept.flags);
    count_sent(kept.slot, kept.size, kept.flags);
    return rc;
}

static HOOK_INLINE int receive_on(struct registry_slot *slot, void *handle, void *buffer,
                                  size_t size, int flags)
{
    struct registry_slot *volatile kept = slot;
    note_receiving(slot, true);
    int rc = slot->recv(handle, buffer, size, flags);
    slot = kept;
    note_receiving(slot, false);
    if (HOOK_UNLIKELY(rc < 0))
        return receive_failed(slot, rc);
    count_received(slot, rc);
    return rc;
}

static HOOK_INLINE int msg_send_on(struct registry_slot *slot, zmq_msg_t *message, void *handle,
                                   int flags)
{
    volatile struct kept kept;
    kept.slot = slot;
    kept.content = message;
    kept.flags = flags;
    int rc = slot->msg_send((struct tap_message *)message, handle, flags | slot->wait_flags);
    if (HOOK_UNLIKELY(rc < 0))
        return msg_send_failed(kept.slot, message_of(kept.content), kept.flags);
    count_sent(kept.slot, (size_t)rc, kept.flags);
    return rc;
}

static HOOK_INLINE int msg_receive_on(struct registry_slot *slot, zmq_msg_t *message, void *handle,
                                      int flags)
{
    struct registry_slot *volatile kept = slot;
    note_receiving(slot, true);
    int rc = slot->msg_recv((struct tap_message *)message, handle, flags);
    slot = kept;
    note_receiving(slot, false);
    if (HOOK_UNLIKELY(rc < 0))
        return receive_failed(slot, rc);
    count_received(slot, rc);
    return rc;
}

static HOOK_COLD int send_further(void *handle, const void *buffer, size_t size, int flags,
                                  const void *caller)
{
    struct registry_slot *slot = registry_find(handle);
    if (slot)
        return send_on(slot, handle, buffer, size, flags);
    return HOOK_PASS(caller, send, -1, handle, buffer, size, flags);
}

int zmq_send(void *handle, const void *buffer, size_t size, int flags)
{
    struct registry_slot *slot = registry_find_first(handle);
    if (HOOK_UNLIKELY(!slot))
        return send_further(handle, buffer, size, flags, HOOK_CALLER);
    return send_on(slot, handle, buffer, size, flags);
}

static HOOK_COLD int receive_further(void *handle, void *buffer, size_t size, int flags,
                                     const void *caller)
{
    struct registry_slot *slot = registry_find(handle);
    if (slot)
        return receive_on(slot, handle, buffer, size, flags);
    return HOOK_PASS(caller, recv, -1, handle, buffer, size, flags);
}

int zmq_recv(void *handle, void *buffer, size_t size, int flags)
{
    struct registry_slot *slot = registry_find_first(handle);
    if (HOOK_UNLIKELY(!slot))
        return receive_further(handle, buffer, size, flags, HOOK_CALLER);
    return receive_on(slot, handle, buffer, size, flags);
}

HOOK_COLD int hooks_msg_send(zmq_msg_t *message, void *handle, int flags, const void *caller)
{
    struct registry_slot *slot = registry_find(handle);
    if (slot)
        return msg_send_on(slot, message, handle, flags);
    return HOOK_PASS(caller, msg_send, -1, (struct tap_message *)message, handle, flags);
}

int zmq_msg_send(zmq_msg_t *message, void *handle, int flags)
{
    struct registry_slot *slot = registry_find_first(handle);
    if (HOOK_UNLIKELY(!slot))
        return hooks_msg_send(message, handle, flags, HOOK_CALLER);
    return msg_send_on(slot, message, handle, flags);
}

/* In libzmq this one calls zmq_msg_send by its exported name; here it does not come twice. */
int zmq_sendmsg(void *handle, zmq_msg_t *message, int flags)
{
    return hooks_msg_send(message, handle, flags, HOOK_CALLER);
}

HOOK_COLD int hooks_msg_receive(zmq_msg_t *message, void *handle, int flags, const void *caller)
{
    struct registry_slot *slot = registry_find(handle);
    if (slot)
        return msg_receive_on(slot, message, handle, flags);
    return HOOK_PASS(caller, msg_recv, -1, (struct tap_message *)message, handle, flags);
}

int zmq_msg_recv(zmq_msg_t *message, void *handle, int flags)
{
    struct registry_slot *slot = registry_find_first(handle);
    if (HOOK_UNLIKELY(!slot))
        return hooks_msg_receive(message, handle, flags, HOOK_CALLER);
    return msg_receive_on(slot, message, handle, flags);
}

int zmq_recvmsg(void *handle, zmq_msg_t *message, int flags)
{
    return hooks_msg_receive(message, handle, flags, HOOK_CALLER);
}
