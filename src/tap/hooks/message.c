/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/hooks/message.h"

#include "tap/hooks/blocking.h"
#include "tap/hooks/hooks.h"
#include "tap/hooks/message_count.h"
#include "tap/hooks/message_shared.h"
#include "tap/losses/publish.h"

#include <string.h>

static HOOK_INLINE void count(struct registry_slot *slot, size_t size, int flags, bool is_publisher)
{
    message_count_sent(slot, size, flags);
    if (is_publisher && !(flags & ZMQ_SNDMORE) && --slot->n_until_look == 0)
        publish_look(slot->socket);
}

static HOOK_INLINE int send_on(void *handle, const struct message_kept *frame,
                               struct registry_slot *slot, bool is_publisher)
{
    volatile struct message_kept kept;
    kept.slot = slot;
    kept.content = frame->content;
    kept.size = frame->size;
    kept.flags = frame->flags;
    int rc = slot->send(handle, frame->content, frame->size, frame->flags | slot->wait_flags);
    if (HOOK_UNLIKELY(rc < 0))
        return message_send_refused(kept.slot->socket->handle, kept.content, kept.size, kept.flags,
                                    kept.slot);
    count(kept.slot, kept.size, kept.flags, is_publisher);
    return rc;
}

static HOOK_INLINE int msg_send_on(struct tap_message *message, void *handle, int flags,
                                   struct registry_slot *slot, bool is_publisher)
{
    volatile struct message_kept kept;
    kept.slot = slot;
    kept.content = message;
    kept.flags = flags;
    int rc = slot->msg_send(message, handle, flags | slot->wait_flags);
    if (HOOK_UNLIKELY(rc < 0))
        return message_msg_send_refused((struct tap_message *)(uintptr_t)kept.content,
                                        kept.slot->socket->handle, kept.flags, kept.slot);
    count(kept.slot, (size_t)rc, kept.flags, is_publisher);
    return rc;
}

int message_send(void *handle, const void *buffer, size_t size, int flags,
                 struct registry_slot *slot)
{
    const struct message_kept frame = {.content = buffer, .size = size, .flags = flags};
    return send_on(handle, &frame, slot, false);
}

int message_msg_send(struct tap_message *message, void *handle, int flags,
                     struct registry_slot *slot)
{
    return msg_send_on(message, handle, flags, slot, false);
}

static int publish_hook(void *handle, const void *buffer, size_t size, int flags,
                        struct registry_slot *slot)
{
    const struct message_kept frame = {.content = buffer, .size = size, .flags = flags};
    return send_on(handle, &frame, slot, true);
}

static int publish_msg_hook(struct tap_message *message, void *handle, int flags,
                            struct registry_slot *slot)
{
    return msg_send_on(message, handle, flags, slot, true);
}

/* A send that failed without waiting is done again as the program wanted it, under a clock. */
static bool must_wait(const struct registry_slot *slot, int flags)
{
    return errno == EAGAIN && !(flags & ZMQ_DONTWAIT) && (slot->wait_flags & ZMQ_DONTWAIT);
}

static bool is_publisher(const struct registry_slot *slot)
{
    return slot->socket->type == ZMQ_PUB || slot->socket->type == ZMQ_XPUB;
}

static int count_refused(const struct registry_slot *slot)
{
    if (errno == EAGAIN)
        blocking_refused(slot->socket);
    return -1;
}

HOOK_COLD int message_send_refused(void *handle, const void *buffer, size_t size, int flags,
                                   struct registry_slot *slot)
{
    if (!must_wait(slot, flags))
        return count_refused(slot);
    blocking_begin(slot->socket);
    int rc = slot->send(handle, buffer, size, flags);
    blocking_end(slot->socket);
    if (rc < 0)
        return count_refused(slot);
    count(slot, size, flags, is_publisher(slot));
    return rc;
}

HOOK_COLD int message_msg_send_refused(struct tap_message *message, void *handle, int flags,
                                       struct registry_slot *slot)
{
    if (!must_wait(slot, flags))
        return count_refused(slot);
    blocking_begin(slot->socket);
    int rc = slot->msg_send(message, handle, flags);
    blocking_end(slot->socket);
    if (rc < 0)
        return count_refused(slot);
    count(slot, (size_t)rc, flags, is_publisher(slot));
    return rc;
}

/*
 * Receives for a library whose more flag is not found: the flag is taken from the message. zmq_recv
 * is done as libzmq does it (zmq.cpp, the same from 4.2.5 to 4.3.5), for it leaves no message.
 */
static int receive_asking(struct tap_message *message, void *handle, int flags)
{
    struct registry_socket *socket = registry_find(handle)->socket;
    int rc = socket->library->msg_recv(message, handle, flags);
    if (rc >= 0)
        socket->more_flag = socket->library->msg_more(message) != 0;
    return rc;
}

static int receive_buffer_asking(void *handle, void *buffer, size_t size, int flags)
{
    const struct library *library = registry_find(handle)->socket->library;
    struct tap_message message;
    library->msg_init(&message);
    int rc = receive_asking(&message, handle, flags);
    int error = errno;
    size_t n = rc > 0 ? (size_t)rc : 0;
    if (n > 0 && size > 0)
        memcpy(buffer, library->msg_data(&message), n < size ? n : size);
    library->msg_close(&message);
    errno = error;
    return rc;
}

void message_fill_slot(struct registry_slot *slot)
{
    struct registry_socket *socket = slot->socket;
    const struct library *library = socket->library;
    slot->send_hook = is_publisher(slot) ? publish_hook : message_send;
    slot->msg_send_hook = is_publisher(slot) ? publish_msg_hook : message_msg_send;
    slot->send = library->send;
    slot->msg_send = library->msg_send;
    if (library->more_flag) {
        slot->recv = library->recv;
        slot->msg_recv = library->msg_recv;
        slot->more_flag = (const unsigned char *)socket->handle + library->more_flag;
    } else {
        slot->recv = receive_buffer_asking;
        slot->msg_recv = receive_asking;
        slot->more_flag = &socket->more_flag;
    }
    if (socket->is_shared)
        message_shared_fill_slot(slot);
}
