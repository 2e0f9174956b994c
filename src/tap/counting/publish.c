/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/counting/publish.h"

#include "tap/counting/closed.h"
#include "tap/ground/capability.h"
#include "tap/learned/learned.h"
#include "tap/learned/pipe_trial.h"
#include "tap/learned/publish_layout.h"

#include <zmq.h>

#define NEVER        UINT32_MAX
#define MANUAL_LAST  98 /* ZMQ_XPUB_MANUAL_LAST_VALUE: in the headers of drafts only */
#define MIN_WATCH    16 /* messages for which a socket is watched at least: looking costs, too */
#define WATCH_FACTOR 8  /* one message more for so many subscribers */

static struct state {
    const struct pipe_layout *layout; /* of a publisher whose drops can be counted, or NULL */
    bool is_watched;
    bool is_within;     /* a message, known while watched */
    bool is_inverted;   /* ZMQ_INVERT_MATCHING */
    bool is_last_only;  /* ZMQ_XPUB_MANUAL_LAST_VALUE */
    size_t size_before; /* of the vector of pipes, before a message to the last one */
} states[REGISTRY_MAX_SOCKETS];

static struct state *state_of(const struct registry_socket *socket)
{
    return &states[socket->index];
}

void publish_reset(struct registry_socket *socket)
{
    *state_of(socket) = (struct state){0};
}

static uintptr_t pointer_at(const void *object, uint32_t offset)
{
    return pipe_pointer_at(object, offset);
}

/*
 * Watching
 */
static void watch(struct registry_socket *socket, uint32_t n_messages)
{
    struct registry_slot *slot = socket->slot;
    slot->send = publish_send;
    slot->msg_send = publish_msg_send;
    state_of(socket)->is_watched = true;
    slot->n_until_measured = n_messages;
}

static void trust(struct registry_socket *socket, uint32_t n_messages)
{
    struct registry_slot *slot = socket->slot;
    slot->send = socket->library->send;
    slot->msg_send = socket->library->msg_send;
    state_of(socket)->is_watched = false;
    state_of(socket)->is_within = false;
    slot->n_until_measured = n_messages;
}

static uint64_t room_of_pipe(const struct pipe_layout *layout, const unsigned char *pipe)
{
    int32_t hwm = (int32_t)pipe_u32_at(pipe, layout->hwm);
    uint64_t n_held = pipe_u64_at(pipe, layout->n_written) -
                      pipe_u64_at(pipe, layout->n_read_by_peer);
    if (hwm <= 0)
        return NEVER;
    return n_held < (uint64_t)hwm ? (uint64_t)hwm - n_held : 0;
}

struct room {
    size_t n_pipes;
    uint64_t n_messages; /* that fit into every queue, of subscribers yet to come as well */
    bool has_full;
};

/* A subscriber that comes has room for a whole mark, less the welcome message. */
static uint64_t room_of_newcomer(const struct registry_socket *socket)
{
    uint64_t mark = segment_word_get(&socket->words[SEGMENT_SEND_HWM]);
    if (mark == SEGMENT_UNKNOWN)
        return 0;
    return mark == 0 ? NEVER : mark - 1;
}

static struct room find_room(const struct registry_socket *socket, const struct pipe_layout *layout)
{
    const struct publish_layout *publish = &layout->publish;
    uintptr_t begin = pointer_at(socket->handle, publish->pipes);
    uintptr_t end = pointer_at(socket->handle, publish->pipes + PIPE_POINTER);
    size_t n_eligible = pointer_at(socket->handle, publish->n_eligible);
    const unsigned char *const *pipes = (const unsigned char *const *)begin;
    struct room room = {.n_pipes = (end - begin) / PIPE_POINTER,
                        .n_messages = room_of_newcomer(socket)};
    for (size_t i = 0; i < room.n_pipes; i++) {
        uint64_t n = room_of_pipe(layout, pipes[i]);
        bool is_active = pipe_u32_at(pipes[i], layout->state) == PIPE_STATE_ACTIVE;
        room.has_full = room.has_full || (i >= n_eligible && is_active);
        if (n < room.n_messages)
            room.n_messages = n;
    }
    return room;
}

static void report_bound(const char *reason)
{
    struct guard guard;
    registry_lock(&guard);
    capability_set(SEGMENT_CAPABILITY_PUBLISH_DROPS, SEGMENT_CAPABILITY_BOUND, reason);
    registry_unlock(&guard);
}

void publish_measure_room(struct registry_socket *socket)
{
    struct registry_slot *slot = socket->slot;
    const struct pipe_layout *layout = state_of(socket)->layout;
    if (!layout) {
        slot->n_until_measured = NEVER;
        return;
    }
    struct room room = find_room(socket, layout);
    uint32_t n_watch = MIN_WATCH + (uint32_t)(room.n_pipes / WATCH_FACTOR);
    /* A peer over inproc can lower its mark under messages that were promised room. */
    if (room.has_full && !state_of(socket)->is_watched)
        report_bound("a mark was lowered under connected peers");
    if (room.has_full || room.n_messages < n_watch || state_of(socket)->is_last_only)
        watch(socket, n_watch);
    else
        trust(socket, room.n_messages < NEVER ? (uint32_t)room.n_messages : NEVER);
}

void publish_add_library(const struct library *library)
{
    const struct publish_layout *layout = &learned_of(library)->pipes.publish;
    capability_set_on_unless(SEGMENT_CAPABILITY_PUBLISH_DROPS,
                             layout->is_known ? NULL : layout->reason);
}

void publish_opened(struct registry_socket *socket)
{
    const struct pipe_layout *layout = learned_pipes_of(socket->library);
    bool is_publisher = socket->type == ZMQ_PUB || socket->type == ZMQ_XPUB;
    socket->slot->n_until_measured = NEVER;
    if (!is_publisher || !layout || !layout->publish.is_known)
        return;
    state_of(socket)->layout = layout;
    watch(socket, 1);
}

void publish_resume(struct registry_socket *socket)
{
    if (state_of(socket)->layout)
        watch(socket, 1);
}

void publish_option_changed(struct registry_socket *socket, const struct registry_option *option)
{
    struct state *publish = state_of(socket);
    if (!publish->layout)
        return;
    if (option->number == MANUAL_LAST)
        publish->is_last_only = true; /* until a message proves otherwise it may be set */
    if (option->number == ZMQ_INVERT_MATCHING) {
        int error = errno, value = 0;
        size_t size = sizeof(value);
        publish->is_inverted = socket->library->getsockopt(socket->handle, option->number, &value,
                                                           &size) == 0 &&
                               value != 0;
        errno = error;
    }
    if (option->number == MANUAL_LAST || option->number == ZMQ_SNDHWM)
        watch(socket, 1);
}

/*
 * A message on a watched socket
 */

static size_t size_of_vector(const struct registry_socket *socket)
{
    uint32_t vector = state_of(socket)->layout->publish.pipes;
    return pointer_at(socket->handle, vector + PIPE_POINTER) - pointer_at(socket->handle, vector);
}

/* The only pipe that the message about to be sent is for, or 0 (xpub.cpp: xsend). */
static struct publish_question ask_before(struct registry_socket *socket)
{
    struct state *publish = state_of(socket);
    struct publish_question question = {.socket = socket->handle};
    if (publish->is_last_only && publish->layout->publish.last_pipe != 0) {
        question.only_pipe = pointer_at(socket->handle, publish->layout->publish.last_pipe);
        publish->size_before = size_of_vector(socket);
    }
    return question;
}

/* Any subscriber that leaves makes the socket forget whose subscription it received last. If one
 * left within the call, the message may have been for all: so many are missed at most. */
static void doubt_only_pipe(struct registry_socket *socket, struct publish_question *question)
{
    if (question->only_pipe == 0 || size_of_vector(socket) >= state_of(socket)->size_before)
        return;
    question->only_pipe = 0;
    report_bound("a subscriber left during a message to the last one");
}

static void count_missed(struct registry_socket *socket, const struct publish_question *question)
{
    uint32_t n = publish_missed_directly(state_of(socket)->layout, question);
    if (n > 0)
        segment_word_add(&socket->words[SEGMENT_DROPPED_HWM], n);
}

/* Only the first frame is matched, and what it is matched with gets the others. */
static void note_sent(struct registry_socket *socket, struct publish_question *question, int flags)
{
    if (!state_of(socket)->is_within) {
        question->is_inverted = state_of(socket)->is_inverted;
        doubt_only_pipe(socket, question);
        count_missed(socket, question);
    }
    state_of(socket)->is_within = (flags & ZMQ_SNDMORE) != 0;
}

int publish_send(void *handle, const void *buffer, size_t size, int flags)
{
    const struct registry_slot *slot = registry_find(handle);
    if (!slot)
        return closed_send(handle, buffer, size, flags);
    struct registry_socket *socket = slot->socket;
    struct publish_question question = ask_before(socket);
    question.topic = buffer;
    question.size = size;
    int rc = socket->library->send(handle, buffer, size, flags);
    if (rc >= 0)
        note_sent(socket, &question, flags);
    return rc;
}

/* libzmq takes the message with the topic in it, so a copy is kept: of a small message its bytes,
 * of a large one a reference. What is no message cannot be copied, and libzmq refuses it. */
int publish_msg_send(struct tap_message *message, void *handle, int flags)
{
    const struct registry_slot *slot = registry_find(handle);
    if (!slot)
        return closed_msg_send(message, handle, flags);
    struct registry_socket *socket = slot->socket;
    const struct library *library = socket->library;
    struct publish_question question = ask_before(socket);
    struct tap_message copy;
    library->msg_init(&copy);
    if (!state_of(socket)->is_within && library->msg_copy(&copy, message) == 0) {
        question.topic = library->msg_data(&copy);
        question.size = library->msg_size(&copy);
    }
    int rc = library->msg_send(message, handle, flags), error = errno;
    if (rc >= 0)
        note_sent(socket, &question, flags);
    library->msg_close(&copy);
    errno = error;
    return rc;
}
