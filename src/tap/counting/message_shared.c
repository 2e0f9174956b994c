/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/counting/message_shared.h"

#include "tap/counting/blocking.h"
#include "tap/counting/closed.h"
#include "tap/counting/message_count.h"
#include "tap/registry/registry.h"

#include <errno.h>
#include <zmq.h>

static void count(const struct registry_socket *socket, enum segment_lane_word word, uint64_t n)
{
    __atomic_fetch_add(&socket->words[word], n, __ATOMIC_RELAXED);
}

/*
 * Sending
 */
static bool must_wait(int rc, int flags, int tried_flags)
{
    return rc < 0 && errno == EAGAIN && flags != tried_flags;
}

static int count_sent(struct registry_slot *slot, size_t size, int rc)
{
    struct registry_socket *socket = slot->socket;
    if (rc >= 0) {
        count(socket, SEGMENT_SENT_BYTES, size);
        count(socket, SEGMENT_SENT_MESSAGES, 1);
    } else if (errno == EAGAIN) {
        blocking_refused(socket);
    }
    return message_is_usual(rc, slot->call.sent_below) ? rc : message_unusual_sent(slot, rc);
}

static int shared_send(void *handle, const void *buffer, size_t size, int flags,
                       struct registry_slot *slot)
{
    struct registry_socket *socket = slot->socket;
    int tried_flags = flags | slot->first_frame.wait_flags;
    int rc = registry_function(slot, send)(handle, buffer, size, tried_flags);
    if (must_wait(rc, flags, tried_flags)) {
        struct blocking_call call;
        blocking_begin_call(&call, socket);
        rc = registry_function(slot, send)(handle, buffer, size, flags);
        blocking_end_call(&call, socket);
    }
    return count_sent(slot, size, rc);
}

static int shared_msg_send(struct tap_message *message, void *handle, int flags,
                           struct registry_slot *slot)
{
    struct registry_socket *socket = slot->socket;
    int tried_flags = flags | slot->first_frame.wait_flags;
    int rc = registry_function(slot, msg_send)(message, handle, tried_flags);
    if (must_wait(rc, flags, tried_flags)) {
        struct blocking_call call;
        blocking_begin_call(&call, socket);
        rc = registry_function(slot, msg_send)(message, handle, flags);
        blocking_end_call(&call, socket);
    }
    return count_sent(slot, (size_t)rc, rc);
}

/*
 * Receiving
 */
/* NULL: it has been closed. */
static struct registry_socket *begin_receive(const void *handle)
{
    const struct registry_slot *slot = registry_find(handle);
    if (!slot)
        return NULL;
    blocking_begin_receive(slot->socket);
    return slot->socket;
}

static int end_receive(struct registry_socket *socket, int rc)
{
    blocking_end_receive(socket);
    if (rc >= 0) {
        count(socket, SEGMENT_RECEIVED_BYTES, (size_t)rc);
        count(socket, SEGMENT_RECEIVED_MESSAGES, 1);
    } else if (errno == EAGAIN) {
        count(socket, SEGMENT_RECEIVE_WOULD_BLOCK, 1);
    }
    return rc;
}

static int shared_receive(void *handle, void *buffer, size_t size, int flags)
{
    struct registry_socket *socket = begin_receive(handle);
    if (!socket)
        return closed_receive(handle, buffer, size, flags);
    return end_receive(socket, socket->library->recv(handle, buffer, size, flags));
}

static int shared_msg_receive(struct tap_message *message, void *handle, int flags)
{
    struct registry_socket *socket = begin_receive(handle);
    if (!socket)
        return closed_msg_receive(message, handle, flags);
    return end_receive(socket, socket->library->msg_recv(message, handle, flags));
}

void message_shared_fill_slot(struct registry_slot *slot)
{
    slot->send_hook = shared_send;
    slot->msg_send_hook = shared_msg_send;
    slot->recv = shared_receive;
    slot->msg_recv = shared_msg_receive;
    static const unsigned char has_no_more = 0;
    slot->more_flag = &has_no_more;
}
