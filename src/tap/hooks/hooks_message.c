/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: this is the message path. On a socket that the tap knows, a hook costs one lookup in
 * the table, the call, and one addition for bytes and one for a whole message: no lock, no
 * allocation, no system call, no clock. The words have one writer, the thread that uses the socket,
 * as libzmq asks of a program anyway.
 *
 * A handle that is not in its first place in the table goes through a second function, so that the
 * first function saves nothing on the stack for it.
 */
#include "tap/counting/message_count.h"
#include "tap/events/fake_socket.h"
#include "tap/hooks/hooks.h"

static inline void set_receiving(struct registry_slot *slot, bool is_receiving)
{
    __atomic_store_n(&slot->is_receiving, is_receiving, __ATOMIC_RELAXED);
}

static inline void count_received(const struct registry_slot *slot, int rc)
{
    uint64_t *words = slot->words;
    message_count_increase(&words[SEGMENT_RECEIVED_BYTES], (size_t)rc);
    if (!*slot->more_flag)
        message_count_increase(&words[SEGMENT_RECEIVED_MESSAGES], 1);
}

/* It is given the result to return, so that its callers end in a jump. */
static HOOK_COLD int receive_unusual(struct registry_slot *slot, int rc)
{
    if (message_unusual_received(slot, rc) >= 0)
        count_received(slot, rc);
    else if (errno == EAGAIN)
        message_count_increase(&slot->words[SEGMENT_RECEIVE_WOULD_BLOCK], 1);
    return rc;
}

/* After libzmq returned. */
static HOOK_INLINE int end_receive(struct registry_slot *slot, int rc)
{
    set_receiving(slot, false);
    if (!message_is_usual(rc, slot->received_below))
        return receive_unusual(slot, rc);
    count_received(slot, rc);
    return rc;
}

static HOOK_INLINE int receive_on(struct registry_slot *slot, void *handle, void *buffer,
                                  size_t size, int flags)
{
    __asm__("" : "+r"(slot)); /* or the address of each field is computed anew */
    set_receiving(slot, true);
    int rc = registry_function(slot, recv)(handle, buffer, size, flags);
    return end_receive(slot, rc);
}

static HOOK_INLINE int msg_receive_on(struct registry_slot *slot, struct tap_message *message,
                                      void *handle, int flags)
{
    __asm__("" : "+r"(slot)); /* or the address of each field is computed anew */
    set_receiving(slot, true);
    int rc = registry_function(slot, msg_recv)(message, handle, flags);
    return end_receive(slot, rc);
}

/* Where the tap follows no socket, as with ZMQ_EXPORTER_TAP=off, a call costs little more than one
 * through a function that does nothing but call. */
#define PASS(handle, function, elsewhere, ...)                                                     \
    do {                                                                                           \
        if (library_is_direct(handle))                                                             \
            return library_direct.function(__VA_ARGS__);                                           \
        return elsewhere(__VA_ARGS__, HOOK_CALLER);                                                \
    } while (0)

static HOOK_COLD int send_elsewhere(void *handle, const void *buffer, size_t size, int flags,
                                    const void *caller)
{
    struct registry_slot *slot = registry_find(handle);
    if (slot)
        return registry_function(slot, send_hook)(handle, buffer, size, flags, slot);
    return HOOK_PASS_SOCKET(handle, caller, send, -1, handle, buffer, size, flags);
}

int zmq_send(void *handle, const void *buffer, size_t size, int flags)
{
    struct registry_slot *slot = registry_find_first(handle);
    if (HOOK_UNLIKELY(!slot))
        PASS(handle, send, send_elsewhere, handle, buffer, size, flags);
    return registry_function(slot, send_hook)(handle, buffer, size, flags, slot);
}

static HOOK_COLD int receive_elsewhere(void *handle, void *buffer, size_t size, int flags,
                                       const void *caller)
{
    struct registry_slot *slot = registry_find(handle);
    if (slot)
        return receive_on(slot, handle, buffer, size, flags);
    return HOOK_PASS_SOCKET(handle, caller, recv, -1, handle, buffer, size, flags);
}

int zmq_recv(void *handle, void *buffer, size_t size, int flags)
{
    struct registry_slot *slot = registry_find_first(handle);
    if (HOOK_UNLIKELY(!slot))
        PASS(handle, recv, receive_elsewhere, handle, buffer, size, flags);
    return receive_on(slot, handle, buffer, size, flags);
}

HOOK_COLD int hooks_msg_send(struct tap_message *message, void *handle, int flags,
                             const void *caller)
{
    struct registry_slot *slot = registry_find(handle);
    if (slot)
        return registry_function(slot, msg_send_hook)(message, handle, flags, slot);
    if (fake_socket_is(handle))
        return fake_socket_msg_send(message, handle, flags);
    return HOOK_PASS_SOCKET(handle, caller, msg_send, -1, message, handle, flags);
}

static HOOK_INLINE int msg_send(struct tap_message *message, void *handle, int flags)
{
    struct registry_slot *slot = registry_find_first(handle);
    if (HOOK_UNLIKELY(!slot))
        PASS(handle, msg_send, hooks_msg_send, message, handle, flags);
    return registry_function(slot, msg_send_hook)(message, handle, flags, slot);
}

int zmq_msg_send(zmq_msg_t *message, void *handle, int flags)
{
    return msg_send((struct tap_message *)message, handle, flags);
}

/* In libzmq this one calls zmq_msg_send by its exported name; here it does not come twice. */
int zmq_sendmsg(void *handle, zmq_msg_t *message, int flags)
{
    return msg_send((struct tap_message *)message, handle, flags);
}

HOOK_COLD int hooks_msg_receive(struct tap_message *message, void *handle, int flags,
                                const void *caller)
{
    struct registry_slot *slot = registry_find(handle);
    if (slot)
        return msg_receive_on(slot, message, handle, flags);
    return HOOK_PASS_SOCKET(handle, caller, msg_recv, -1, message, handle, flags);
}

static HOOK_INLINE int msg_receive(struct tap_message *message, void *handle, int flags)
{
    struct registry_slot *slot = registry_find_first(handle);
    if (HOOK_UNLIKELY(!slot))
        PASS(handle, msg_recv, hooks_msg_receive, message, handle, flags);
    return msg_receive_on(slot, message, handle, flags);
}

int zmq_msg_recv(zmq_msg_t *message, void *handle, int flags)
{
    return msg_receive((struct tap_message *)message, handle, flags);
}

int zmq_recvmsg(void *handle, zmq_msg_t *message, int flags)
{
    return msg_receive((struct tap_message *)message, handle, flags);
}
