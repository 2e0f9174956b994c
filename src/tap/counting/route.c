/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: a socket's hooks are changed as its message goes on. route_* take the frames of a
 * ROUTER, reply_* those of a REP, while all is well. Once a message is lost, lost_* take the rest
 * of it and put the former back with its last frame. So the frames of a message that is not lost
 * are asked nothing but what can have happened to them.
 */
#include "tap/counting/route.h"

#include "tap/counting/api_errors.h"
#include "tap/counting/message.h"
#include "tap/counting/message_count.h"
#include "tap/ground/capability.h"
#include "tap/ground/hook.h"
#include "tap/learned/learned.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

static struct state {
    const struct route_layout *layout; /* NULL: not watched */
    const struct pipe_layout *pipes;
    bool is_mandatory, is_raw; /* by the program */
    bool is_swallowing;        /* libzmq has not got the present message */
} states[REGISTRY_MAX_SOCKETS];

static registry_send_hook lost_send;
static registry_msg_send_hook lost_msg_send;

static struct state *state_of(const struct registry_socket *socket)
{
    return &states[socket->index];
}

void route_reset(struct registry_socket *socket)
{
    *state_of(socket) = (struct state){0};
}

/* Of a pipe: 0 while it is active, which is_active asks in one instruction where that can be. */
static const int *pipe_state_of(const struct registry_slot *slot, uintptr_t pipe)
{
    return (const int *)(pipe + slot->pipe_state);
}

static inline bool is_active(const int *state)
{
    bool is;
#if defined(__x86_64__)
    __asm__("cmpl $0, %1" : "=@cce"(is) : "m"(*state));
#else
    is = *state == 0;
#endif
    return is;
}

static void count_drop(const struct registry_slot *slot, enum segment_lane_word word)
{
    message_count_increase(&slot->words[word], 1);
}

/* The present message is lost, and counted; its other frames are sent to nobody. */
static void begin_lost(struct registry_slot *slot, bool is_swallowing)
{
    state_of(slot->socket)->is_swallowing = is_swallowing;
    slot->send_hook = lost_send;
    slot->msg_send_hook = lost_msg_send;
}

static bool set_mandatory(const struct registry_socket *socket, int value)
{
    return socket->library->setsockopt(socket->handle, ZMQ_ROUTER_MANDATORY, &value,
                                       sizeof(value)) == 0;
}

static void note_answer(struct registry_slot *slot, int error)
{
    count_drop(slot, error == EAGAIN ? SEGMENT_DROPPED_HWM : SEGMENT_DROPPED_UNROUTABLE);
    begin_lost(slot, true);
}

/* libzmq has taken the id, found no pipe to write to, and would drop what follows. It is given the
 * end of that message, and the id once more so that it says why. */
static HOOK_COLD int find_cause(struct registry_slot *slot, const void *id, size_t size, int rc)
{
    const struct registry_socket *socket = slot->socket;
    int error = errno;
    if (socket->library->send(socket->handle, "", 0, ZMQ_DONTWAIT) < 0 ||
        !set_mandatory(socket, 1)) {
        errno = error;
        return rc; /* the context is being terminated */
    }
    bool is_taken = socket->library->send(socket->handle, id, size, ZMQ_SNDMORE | ZMQ_DONTWAIT) >=
                    0;
    int answer = errno;
    set_mandatory(socket, 0);
    slot->is_within = is_taken;
    if (!is_taken)
        note_answer(slot, answer);
    errno = error;
    return rc;
}

/* libzmq leaves the bytes of a small message where they were: route_layout has seen it. */
static HOOK_COLD int find_cause_of_message(struct registry_slot *slot, int rc)
{
    const void *id = slot->socket->library->msg_data(slot->call.message);
    return find_cause(slot, id, (size_t)rc, rc);
}

/* Of a message that is not small nothing is left to ask with once it was sent: libzmq is asked
 * with it in the first place, which costs two more calls. */
static HOOK_COLD int send_large_id(struct tap_message *message, struct registry_slot *slot)
{
    const struct registry_socket *socket = slot->socket;
    const struct library *library = socket->library;
    size_t size = library->msg_size(message);
    int error_before = errno;
    if (!set_mandatory(socket, 1))
        return -1;
    int rc = registry_function(slot, msg_send)(message, socket->handle, ZMQ_SNDMORE | ZMQ_DONTWAIT);
    int error = errno;
    set_mandatory(socket, 0);
    errno = error;
    if (rc < 0 && error != EAGAIN && error != EHOSTUNREACH)
        return message_unusual_sent(slot, rc);
    slot->is_within = rc >= 0;
    if (rc < 0) {
        note_answer(slot, error);
        library->msg_close(message);
        library->msg_init(message);
        rc = size < INT_MAX ? (int)size : INT_MAX;
        errno = error_before; /* the program is told of no failure */
    }
    message_count_increase(&slot->words[SEGMENT_SENT_BYTES], (uint64_t)rc);
    return rc;
}

/* An id and no message: libzmq drops it, whichever peer it names. */
static HOOK_COLD int send_id_alone(void *handle, const void *buffer, size_t size, int flags,
                                   struct registry_slot *slot)
{
    int rc = message_send(handle, buffer, size, flags, slot);
    if (rc >= 0)
        count_drop(slot, SEGMENT_DROPPED_UNROUTABLE);
    return rc;
}

static HOOK_COLD int msg_send_id_alone(struct tap_message *message, void *handle, int flags,
                                       struct registry_slot *slot)
{
    int rc = message_msg_send(message, handle, flags, slot);
    if (rc >= 0)
        count_drop(slot, SEGMENT_DROPPED_UNROUTABLE);
    return rc;
}

static HOOK_INLINE int send_id(void *handle, const void *buffer, size_t size, int flags,
                               struct registry_slot *slot)
{
    if (HOOK_UNLIKELY(!(flags & ZMQ_SNDMORE)))
        return send_id_alone(handle, buffer, size, flags, slot);
    slot->call.content = buffer;
    int rc = registry_function(slot, send)(handle, buffer, size,
                                           flags); /* the size: an id has not 2 GB */
    if (HOOK_UNLIKELY(rc < 0))
        return message_unusual_sent(slot, rc);
    message_count_increase(&slot->words[SEGMENT_SENT_BYTES], (size_t)rc);
    if (HOOK_UNLIKELY(*slot->current_out == 0))
        return find_cause(slot, slot->call.content, (size_t)rc, rc);
    slot->is_within = true;
    return rc;
}

static HOOK_INLINE int msg_send_id(struct tap_message *message, void *handle, int flags,
                                   struct registry_slot *slot)
{
    if (HOOK_UNLIKELY(!(flags & ZMQ_SNDMORE)))
        return msg_send_id_alone(message, handle, flags, slot);
    if (HOOK_UNLIKELY(message->bytes[slot->message_kind] != slot->small_kind))
        return send_large_id(message, slot);
    slot->call.message = message;
    int rc = registry_function(slot, msg_send)(message, handle, flags);
    if (HOOK_UNLIKELY(rc < 0))
        return message_unusual_sent(slot, rc);
    message_count_increase(&slot->words[SEGMENT_SENT_BYTES], (size_t)rc);
    if (HOOK_UNLIKELY(*slot->current_out == 0))
        return find_cause_of_message(slot, rc);
    slot->is_within = true;
    return rc;
}

static HOOK_COLD int count_lost(struct registry_slot *slot, int flags, int rc)
{
    slot->is_within = false;
    count_drop(slot, SEGMENT_DROPPED_UNROUTABLE);
    if (flags & ZMQ_SNDMORE)
        begin_lost(slot, false);
    return rc;
}

/* The peer went between two frames of a message: its pipe is gone, or takes no more. It is not
 * looked at after the call, in which it can be freed. */
static HOOK_COLD int send_to_none(void *handle, const void *buffer, size_t size, int flags,
                                  struct registry_slot *slot)
{
    int rc = message_send(handle, buffer, size, flags, slot);
    return rc >= 0 ? count_lost(slot, flags, rc) : rc;
}

static HOOK_COLD int msg_send_to_none(struct tap_message *message, void *handle, int flags,
                                      struct registry_slot *slot)
{
    int rc = message_msg_send(message, handle, flags, slot);
    return rc >= 0 ? count_lost(slot, flags, rc) : rc;
}

/* libzmq has answered. The result that is tested is that of the second call, so that nothing but
 * the slot is kept over it. */
#define RETURN_IF_REFUSED(slot, rc)                                                                \
    do {                                                                                           \
        if (!message_is_usual((rc), (slot)->call.sent_below)) {                                    \
            (rc) = message_unusual_sent((slot), (rc));                                             \
            if ((rc) < 0)                                                                          \
                return (rc);                                                                       \
        }                                                                                          \
    } while (0)

/* A frame is taken, and the message goes on: to the pipe, or to none. */
static HOOK_INLINE int count_more(struct registry_slot *slot, size_t size, int rc)
{
    message_count_increase(&slot->words[SEGMENT_SENT_BYTES], size);
    return HOOK_LIKELY(*slot->current_out != 0) ? rc : count_lost(slot, ZMQ_SNDMORE, rc);
}

/* The last frame is taken; call.pipe_state is the state of the pipe where it went. */
static HOOK_INLINE int count_last(struct registry_slot *slot, size_t size, int rc)
{
    uint64_t *words = slot->words;
    message_count_increase(&words[SEGMENT_SENT_BYTES], size);
    message_count_increase(&words[SEGMENT_SENT_MESSAGES], 1);
    slot->is_within = false;
    return HOOK_LIKELY(is_active(slot->call.pipe_state)) ? rc : count_lost(slot, 0, rc);
}

static HOOK_INLINE int send_content(void *handle, const void *buffer, size_t size, int flags,
                                    struct registry_slot *slot, uintptr_t pipe)
{
    const int *state = pipe_state_of(slot, pipe);
    if (HOOK_UNLIKELY(!is_active(state)))
        return send_to_none(handle, buffer, size, flags, slot);
    slot->call.size = size;
    if (flags & ZMQ_SNDMORE) {
        int rc = registry_function(slot, send)(handle, buffer, size, flags);
        RETURN_IF_REFUSED(slot, rc);
        return count_more(slot, slot->call.size, rc);
    }
    slot->call.pipe_state = state;
    int rc = registry_function(slot, send)(handle, buffer, size, flags);
    RETURN_IF_REFUSED(slot, rc);
    return count_last(slot, slot->call.size, rc);
}

static HOOK_INLINE int msg_send_content(struct tap_message *message, void *handle, int flags,
                                        struct registry_slot *slot, uintptr_t pipe)
{
    const int *state = pipe_state_of(slot, pipe);
    if (HOOK_UNLIKELY(!is_active(state)))
        return msg_send_to_none(message, handle, flags, slot);
    if (flags & ZMQ_SNDMORE) {
        int rc = registry_function(slot, msg_send)(message, handle, flags);
        RETURN_IF_REFUSED(slot, rc);
        return count_more(slot, (size_t)rc, rc);
    }
    slot->call.pipe_state = state;
    int rc = registry_function(slot, msg_send)(message, handle, flags);
    RETURN_IF_REFUSED(slot, rc);
    return count_last(slot, (size_t)rc, rc);
}

static int route_send(void *handle, const void *buffer, size_t size, int flags,
                      struct registry_slot *slot)
{
    if (!slot->is_within)
        return send_id(handle, buffer, size, flags, slot);
    uintptr_t pipe = *slot->current_out;
    if (HOOK_UNLIKELY(pipe == 0))
        return send_to_none(handle, buffer, size, flags, slot);
    return send_content(handle, buffer, size, flags, slot, pipe);
}

static int route_msg_send(struct tap_message *message, void *handle, int flags,
                          struct registry_slot *slot)
{
    if (!slot->is_within)
        return msg_send_id(message, handle, flags, slot);
    uintptr_t pipe = *slot->current_out;
    if (HOOK_UNLIKELY(pipe == 0))
        return msg_send_to_none(message, handle, flags, slot);
    return msg_send_content(message, handle, flags, slot, pipe);
}

/*
 * REP
 */
/* The requester is gone, or was full when its request was read: libzmq does not say which, but
 * some pipe is full then. It is asked before the reply is sent, which is when libzmq hears that
 * there is room again. */
static HOOK_COLD enum segment_lane_word cause_of_lost_reply(const struct registry_slot *slot)
{
    const struct pipe_layout *pipes = state_of(slot->socket)->pipes;
    const uintptr_t *vector = (const void *)((const char *)slot->socket->handle + pipes->pipes);
    for (const uintptr_t *at = (const uintptr_t *)vector[0]; at < (const uintptr_t *)vector[1];
         at++) {
        const unsigned char *pipe = (const unsigned char *)*at;
        if (is_active(pipe_state_of(slot, *at)) && pipe[pipes->is_writable] == 0)
            return SEGMENT_DROPPED_HWM;
    }
    return SEGMENT_DROPPED_UNROUTABLE;
}

static HOOK_COLD int count_lost_reply(struct registry_slot *slot, int flags, int rc,
                                      enum segment_lane_word cause)
{
    count_drop(slot, cause);
    if (flags & ZMQ_SNDMORE)
        begin_lost(slot, false);
    return rc;
}

static int reply_send(void *handle, const void *buffer, size_t size, int flags,
                      struct registry_slot *slot)
{
    uintptr_t pipe = *slot->current_out;
    if (HOOK_LIKELY(pipe != 0))
        return send_content(handle, buffer, size, flags, slot, pipe);
    enum segment_lane_word cause = cause_of_lost_reply(slot);
    int rc = message_send(handle, buffer, size, flags, slot);
    return rc >= 0 ? count_lost_reply(slot, flags, rc, cause) : rc;
}

static int reply_msg_send(struct tap_message *message, void *handle, int flags,
                          struct registry_slot *slot)
{
    uintptr_t pipe = *slot->current_out;
    if (HOOK_LIKELY(pipe != 0))
        return msg_send_content(message, handle, flags, slot, pipe);
    enum segment_lane_word cause = cause_of_lost_reply(slot);
    int rc = message_msg_send(message, handle, flags, slot);
    return rc >= 0 ? count_lost_reply(slot, flags, rc, cause) : rc;
}

/*
 * The rest of a lost message
 */
static void set_hooks(struct registry_slot *slot)
{
    const struct state *route = state_of(slot->socket);
    bool is_reply = slot->socket->type == ZMQ_REP;
    bool is_watched = !route->is_mandatory && !route->is_raw;
    slot->is_within = *slot->current_out != 0;
    slot->send_hook = !is_watched ? message_send : is_reply ? reply_send : route_send;
    slot->msg_send_hook = !is_watched ? message_msg_send
                          : is_reply  ? reply_msg_send
                                      : route_msg_send;
}

/* libzmq itself has no message begun: it takes a frame that nothing follows for an id without a
 * message, and ignores it (router.cpp, xsend, 4.2.5 to master). It still refuses what it always
 * refuses: a context that is being terminated, a message that is none. */
static HOOK_COLD int lost_send(void *handle, const void *buffer, size_t size, int flags,
                               struct registry_slot *slot)
{
    int rc;
    if (!state_of(slot->socket)->is_swallowing)
        rc = message_send(handle, buffer, size, flags, slot);
    else if ((rc = registry_function(slot, send)(handle, buffer, size, flags & ~ZMQ_SNDMORE)) >= 0)
        message_count_sent(slot, size, flags, message_unusual_sent(slot, rc));
    else
        api_errors_count(slot);
    if (rc >= 0 && !(flags & ZMQ_SNDMORE))
        set_hooks(slot);
    return rc;
}

static HOOK_COLD int lost_msg_send(struct tap_message *message, void *handle, int flags,
                                   struct registry_slot *slot)
{
    int rc;
    if (!state_of(slot->socket)->is_swallowing)
        rc = message_msg_send(message, handle, flags, slot);
    else if ((rc = registry_function(slot, msg_send)(message, handle, flags & ~ZMQ_SNDMORE)) >= 0)
        message_count_sent(slot, (size_t)rc, flags, message_unusual_sent(slot, rc));
    else
        api_errors_count(slot);
    if (rc >= 0 && !(flags & ZMQ_SNDMORE))
        set_hooks(slot);
    return rc;
}

void route_add_library(const struct library *library)
{
    const struct route_layout *layout = &learned_of(library)->routes;
    capability_set_on_unless(SEGMENT_CAPABILITY_ROUTER_DROPS,
                             layout->is_known ? NULL : layout->reason);
}

void route_opened(struct registry_socket *socket)
{
    const struct learned *learned = learned_of(socket->library);
    const struct route_layout *layout = &learned->routes;
    struct registry_slot *slot = socket->slot;
    if ((socket->type != ZMQ_ROUTER && socket->type != ZMQ_REP) || !layout->is_known)
        return;
    struct state *state = state_of(socket);
    *state = (struct state){.layout = layout, .pipes = &learned->pipes};
    slot->current_out = (const uintptr_t *)(const void *)((const char *)socket->handle +
                                                          layout->current_out);
    slot->pipe_state = state->pipes->state;
    slot->message_kind = layout->message_kind;
    slot->small_kind = layout->small_kind;
    set_hooks(slot);
}

void route_option_changed(struct registry_socket *socket, const struct registry_option *option)
{
    struct state *state = state_of(socket);
    int number = 0;
    if (!state->layout || option->size != sizeof(number))
        return;
    memcpy(&number, option->value, sizeof(number));
    if (option->number == ZMQ_ROUTER_MANDATORY)
        state->is_mandatory = number != 0;
    else if (option->number == ZMQ_ROUTER_RAW)
        state->is_raw = number != 0;
    else
        return;
    if (socket->slot->send_hook != lost_send)
        set_hooks(socket->slot);
}
