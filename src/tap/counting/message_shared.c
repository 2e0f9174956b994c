/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/counting/message_shared.h"

#include "tap/counting/blocking.h"
#include "tap/registry/registry.h"

#include <errno.h>
#include <zmq.h>

/* They are missing in a zmq.h of a build without drafts. */
enum {
    TYPE_SERVER = 12,
    TYPE_CLIENT,
    TYPE_RADIO,
    TYPE_DISH,
    TYPE_GATHER,
    TYPE_SCATTER,
    TYPE_PEER = 19,
    TYPE_CHANNEL,
};

uint64_t message_nowhere[SEGMENT_LANE_WORDS_MAX];

bool message_is_shared_type(int type)
{
    return (type >= TYPE_SERVER && type <= TYPE_SCATTER) || type == TYPE_PEER ||
           type == TYPE_CHANNEL;
}

static void add(const struct registry_socket *socket, enum segment_lane_word word, uint64_t n)
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

static int count_sent(struct registry_socket *socket, size_t size, int rc)
{
    if (rc >= 0) {
        add(socket, SEGMENT_SENT_BYTES, size);
        add(socket, SEGMENT_SENT_MESSAGES, 1);
    } else if (errno == EAGAIN) {
        blocking_refused(socket);
    }
    return rc;
}

static int shared_send(void *handle, const void *buffer, size_t size, int flags,
                       struct registry_slot *slot)
{
    struct registry_socket *socket = slot->socket;
    int tried_flags = flags | slot->first_frame.wait_flags;
    int rc = slot->send(handle, buffer, size, tried_flags);
    if (must_wait(rc, flags, tried_flags)) {
        struct blocking_escape escape;
        blocking_begin_call(&escape, socket);
        rc = slot->send(handle, buffer, size, flags);
        blocking_end_call(&escape, socket);
    }
    return count_sent(socket, size, rc);
}

static int shared_msg_send(struct tap_message *message, void *handle, int flags,
                           struct registry_slot *slot)
{
    struct registry_socket *socket = slot->socket;
    int tried_flags = flags | slot->first_frame.wait_flags;
    int rc = slot->msg_send(message, handle, tried_flags);
    if (must_wait(rc, flags, tried_flags)) {
        struct blocking_escape escape;
        blocking_begin_call(&escape, socket);
        rc = slot->msg_send(message, handle, flags);
        blocking_end_call(&escape, socket);
    }
    return count_sent(socket, (size_t)rc, rc);
}

/*
 * Receiving
 */
static struct registry_socket *begin_receive(const void *handle)
{
    struct registry_socket *socket = registry_find(handle)->socket;
    __atomic_fetch_add(&socket->blocking.n_receiving, 1, __ATOMIC_RELAXED);
    return socket;
}

static int end_receive(struct registry_socket *socket, int rc)
{
    __atomic_fetch_sub(&socket->blocking.n_receiving, 1, __ATOMIC_RELAXED);
    if (rc >= 0) {
        add(socket, SEGMENT_RECEIVED_BYTES, (size_t)rc);
        add(socket, SEGMENT_RECEIVED_MESSAGES, 1);
    } else if (errno == EAGAIN) {
        add(socket, SEGMENT_RECEIVE_WOULD_BLOCK, 1);
    }
    return rc;
}

static int shared_receive(void *handle, void *buffer, size_t size, int flags)
{
    struct registry_socket *socket = begin_receive(handle);
    return end_receive(socket, socket->library->recv(handle, buffer, size, flags));
}

static int shared_msg_receive(struct tap_message *message, void *handle, int flags)
{
    struct registry_socket *socket = begin_receive(handle);
    return end_receive(socket, socket->library->msg_recv(message, handle, flags));
}

void message_shared_fill_slot(struct registry_slot *slot)
{
    slot->send_hook = shared_send;
    slot->msg_send_hook = shared_msg_send;
    slot->recv = shared_receive;
    slot->msg_recv = shared_msg_receive;
    slot->more_flag = &slot->socket->more_flag;
}
