/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/counting/message.h"

#include "tap/counting/blocking.h"
#include "tap/counting/closed.h"
#include "tap/counting/message_count.h"
#include "tap/counting/message_shared.h"
#include "tap/counting/publish.h"
#include "tap/ground/hook.h"
#include "tap/learned/learned.h"

#include <errno.h>
#include <string.h>

/*
 * Design: most calls send a whole message, the first frame with nothing to follow. They leave the
 * slot's `frame` as it is; all others go through a second function.
 */
static_assert(ZMQ_DONTWAIT < ZMQ_SNDMORE, "flags below ZMQ_SNDMORE are those of whole messages");

static HOOK_INLINE bool is_whole(const struct registry_slot *slot, int flags)
{
    return HOOK_LIKELY((uint32_t)flags < slot->frame.whole_below);
}

/*
 * Refusals: a send that failed without waiting is done again as the program wanted it, under a
 * clock.
 */
static bool must_wait(const struct registry_slot *slot)
{
    return errno == EAGAIN && !(slot->call.flags & ZMQ_DONTWAIT) &&
           (slot->frame.wait_flags & ZMQ_DONTWAIT);
}

static HOOK_COLD int end_unusual(struct registry_slot *slot, int rc, size_t size)
{
    if (message_unusual_sent(slot, rc) >= 0)
        return message_count_sent(slot, size, slot->call.flags, rc);
    if (errno == EAGAIN)
        blocking_refused(slot->socket);
    return rc;
}

static HOOK_COLD int send_unusual(struct registry_slot *slot, int rc)
{
    struct registry_socket *socket = slot->socket;
    if (rc < 0 && must_wait(slot)) {
        struct blocking_call call;
        blocking_begin_call(&call, socket);
        rc = registry_function(slot, send)(socket->handle, slot->call.content, slot->call.size,
                                           slot->call.flags);
        blocking_end_call(&call, socket);
    }
    return end_unusual(slot, rc, slot->call.size);
}

static HOOK_COLD int msg_send_unusual(struct registry_slot *slot, int rc)
{
    struct registry_socket *socket = slot->socket;
    if (rc < 0 && must_wait(slot)) {
        struct blocking_call call;
        blocking_begin_call(&call, socket);
        rc = registry_function(slot, msg_send)(slot->call.message, socket->handle,
                                               slot->call.flags);
        blocking_end_call(&call, socket);
    }
    return end_unusual(slot, rc, (size_t)rc);
}

/*
 * Frames. Whether more frames follow is decided before the call, while the flags are in a register:
 * after it they would have to be loaded.
 */
static int send_part(void *handle, const void *buffer, size_t size, int flags,
                     struct registry_slot *slot)
{
    message_count_save_call(slot, buffer, size, flags);
    if (flags & ZMQ_SNDMORE) {
        int rc = registry_function(slot, send)(handle, buffer, size,
                                               flags | slot->frame.wait_flags);
        return message_is_usual(rc, slot->call.sent_below)
                   ? message_count_more(slot, slot->call.size, rc)
                   : send_unusual(slot, rc);
    }
    int rc = registry_function(slot, send)(handle, buffer, size, flags | slot->frame.wait_flags);
    return message_is_usual(rc, slot->call.sent_below)
               ? message_count_last(slot, slot->call.size, rc)
               : send_unusual(slot, rc);
}

int message_send(void *handle, const void *buffer, size_t size, int flags,
                 struct registry_slot *slot)
{
    if (!is_whole(slot, flags))
        return send_part(handle, buffer, size, flags, slot);
    message_count_save_call(slot, buffer, size, flags);
    int rc = registry_function(slot, send)(handle, buffer, size, flags | slot->frame.wait_flags);
    return message_is_usual(rc, slot->call.sent_below)
               ? message_count_whole(slot, slot->call.size, rc)
               : send_unusual(slot, rc);
}

static int msg_send_part(struct tap_message *message, void *handle, int flags,
                         struct registry_slot *slot)
{
    message_count_save_message_call(slot, message, flags);
    if (flags & ZMQ_SNDMORE) {
        int rc = registry_function(slot, msg_send)(message, handle, flags | slot->frame.wait_flags);
        return message_is_usual(rc, slot->call.sent_below)
                   ? message_count_more(slot, (size_t)rc, rc)
                   : msg_send_unusual(slot, rc);
    }
    int rc = registry_function(slot, msg_send)(message, handle, flags | slot->frame.wait_flags);
    return message_is_usual(rc, slot->call.sent_below) ? message_count_last(slot, (size_t)rc, rc)
                                                       : msg_send_unusual(slot, rc);
}

int message_msg_send(struct tap_message *message, void *handle, int flags,
                     struct registry_slot *slot)
{
    if (!is_whole(slot, flags))
        return msg_send_part(message, handle, flags, slot);
    message_count_save_message_call(slot, message, flags);
    int rc = registry_function(slot, msg_send)(message, handle, flags | slot->frame.wait_flags);
    return message_is_usual(rc, slot->call.sent_below) ? message_count_whole(slot, (size_t)rc, rc)
                                                       : msg_send_unusual(slot, rc);
}

/*
 * Publishers: publish_measure_room is called between two messages, after so many. Frames are
 * counted for messages, which are not more.
 */
static HOOK_INLINE bool is_time_to_measure(struct registry_slot *slot)
{
    return HOOK_UNLIKELY(--slot->n_until_measured == 0);
}

static void measure_room(struct registry_slot *slot, int flags)
{
    slot->n_until_measured = 1;
    if (!(flags & ZMQ_SNDMORE))
        publish_measure_room(slot->socket);
}

static HOOK_COLD int send_and_measure(void *handle, const void *buffer, size_t size, int flags,
                                      struct registry_slot *slot)
{
    int rc = message_send(handle, buffer, size, flags, slot);
    measure_room(slot, flags);
    return rc;
}

static int publish_hook(void *handle, const void *buffer, size_t size, int flags,
                        struct registry_slot *slot)
{
    if (is_time_to_measure(slot))
        return send_and_measure(handle, buffer, size, flags, slot);
    return message_send(handle, buffer, size, flags, slot);
}

static HOOK_COLD int msg_send_and_measure(struct tap_message *message, void *handle, int flags,
                                          struct registry_slot *slot)
{
    int rc = message_msg_send(message, handle, flags, slot);
    measure_room(slot, flags);
    return rc;
}

static int publish_msg_hook(struct tap_message *message, void *handle, int flags,
                            struct registry_slot *slot)
{
    if (is_time_to_measure(slot))
        return msg_send_and_measure(message, handle, flags, slot);
    return message_msg_send(message, handle, flags, slot);
}

bool message_is_publisher(const struct registry_slot *slot)
{
    return slot->socket->type == ZMQ_PUB || slot->socket->type == ZMQ_XPUB;
}

/*
 * Receives for a library whose more flag is not found: the flag is taken from the message. zmq_recv
 * is done as libzmq does it (zmq.cpp, the same from 4.2.5 to 4.3.5), for it leaves no message.
 */
static unsigned char more_flags[REGISTRY_MAX_SOCKETS]; /* by socket */

static int receive_asking(struct tap_message *message, void *handle, int flags)
{
    const struct registry_slot *slot = registry_find(handle);
    if (!slot)
        return closed_msg_receive(message, handle, flags);
    const struct registry_socket *socket = slot->socket;
    int rc = socket->library->msg_recv(message, handle, flags);
    if (rc >= 0)
        more_flags[socket->index] = socket->library->msg_more(message) != 0;
    return rc;
}

static int receive_buffer_asking(void *handle, void *buffer, size_t size, int flags)
{
    const struct registry_slot *slot = registry_find(handle);
    if (!slot)
        return closed_receive(handle, buffer, size, flags);
    const struct library *library = slot->socket->library;
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

struct message_functions message_functions_of(const struct registry_slot *slot)
{
    const struct library *library = slot->socket->library;
    bool is_asking = learned_of(library)->more_flag == 0;
    return (struct message_functions){
        .send_hook = publish_hook,
        .msg_send_hook = publish_msg_hook,
        .send = library->send,
        .msg_send = library->msg_send,
        .recv = is_asking ? receive_buffer_asking : library->recv,
        .msg_recv = is_asking ? receive_asking : library->msg_recv,
    };
}

void message_fill_slot(struct registry_slot *slot)
{
    struct registry_socket *socket = slot->socket;
    struct message_functions functions = message_functions_of(slot);
    uint32_t more_flag = learned_of(socket->library)->more_flag;
    bool is_publisher = message_is_publisher(slot);
    slot->send_hook = is_publisher ? functions.send_hook : message_send;
    slot->msg_send_hook = is_publisher ? functions.msg_send_hook : message_msg_send;
    slot->send = functions.send;
    slot->msg_send = functions.msg_send;
    slot->recv = functions.recv;
    slot->msg_recv = functions.msg_recv;
    more_flags[socket->index] = 0;
    slot->more_flag = more_flag ? (const unsigned char *)socket->handle + more_flag
                                : &more_flags[socket->index];
    if (socket->is_shared)
        message_shared_fill_slot(slot);
}
