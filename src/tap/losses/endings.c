/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/losses/endings.h"

#include "base/clock.h"
#include "tap/events/events.h"
#include "tap/events/monitor.h"
#include "tap/learned/learned.h"
#include "tap/learned/pipe_trial.h"
#include "tap/losses/endings_queue.h"

#include <string.h>
#include <zmq.h>

#define MAX_HANDED 1024u /* queues that the program's threads hand over between two rounds */
#define STILL_NS   (20 * CLOCK_NS_PER_MS)

/* A socket that the program has closed, while its queues are being sent. Of the context only the
 * address is known to be valid. */
struct closed {
    struct endings_owner owner; /* serial 0: free */
    struct pipe_target target;
    uint64_t *words; /* of the lane that it had: they stay its group's */
    uint64_t closed_ns;
    int64_t linger_ms;
    bool has_peers; /* or may have: then its queues may be read */
    bool is_new;
};

/* A queue as it was when one of its ends was closed. */
struct handed_queue {
    struct pipe_end end;
    struct closed *closed; /* the sender; NULL: the receiver was closed, nobody reads any more */
    const void *context;   /* of the sender */
    uint32_t owner;
};

static struct endings_owner owners[REGISTRY_MAX_SOCKETS];
static struct closed closeds[ENDINGS_MAX_CLOSED];
static uint32_t closeds_end; /* entries from here on are free; mostly 0, so that none is read */
static struct handed_queue handed[MAX_HANDED];
static size_t n_handed, n_taken; /* of these: by this round */
static struct endings_round round_now;
static uint64_t next_round_ns = UINT64_MAX;
static bool is_round_requested;

/* Of one socket, under the registry's lock. */
static struct state {
    uint32_t n_ends;   /* of connections: those that libzmq told, and the program's own cuts */
    uint32_t n_before; /* at the round before the last */
    uint32_t n_last;   /* at the last round */
    uint32_t n_queues; /* that held something then */
    bool is_being_cut; /* by the program, at this moment */
    bool is_cutting;   /* it ends connections by itself, of which libzmq tells nothing */
} states[REGISTRY_MAX_SOCKETS];

static struct state *state_of(const struct registry_socket *socket)
{
    return &states[socket->index];
}

void endings_reset(struct registry_socket *socket)
{
    *state_of(socket) = (struct state){0};
}

static bool is_watched_type(const struct registry_socket *socket)
{
    return !socket->is_shared && socket->type != ZMQ_SUB && socket->type != ZMQ_XSUB &&
           socket->type != ZMQ_STREAM;
}

static void request_round(void)
{
    __atomic_store_n(&is_round_requested, true, __ATOMIC_RELAXED);
}

void endings_event(struct registry_socket *socket, uint64_t kind)
{
    if (kind == ZMQ_EVENT_DISCONNECTED) {
        state_of(socket)->n_ends++;
        if (state_of(socket)->n_queues > 0)
            request_round();
    }
    bool is_told = library_tells_handshakes(socket->library);
    bool is_peer = is_told ? kind == ZMQ_EVENT_HANDSHAKE_SUCCEEDED
                           : kind == ZMQ_EVENT_CONNECTED || kind == ZMQ_EVENT_ACCEPTED;
    if (socket->slot || !is_peer)
        return;
    for (size_t i = 0; i < closeds_end; i++) {
        if (closeds[i].owner.serial == socket->serial)
            closeds[i].has_peers = true;
    }
}

static void note_cut(const struct registry_socket *socket, bool is_being_cut)
{
    struct guard guard;
    registry_lock(&guard);
    state_of(socket)->is_being_cut = is_being_cut;
    state_of(socket)->n_ends++;
    registry_unlock(&guard);
}

void endings_begin_cut(struct registry_socket *socket)
{
    note_cut(socket, true);
}

void endings_end_cut(struct registry_socket *socket)
{
    note_cut(socket, false);
}

/* With these options a socket closes connections by itself, without an event. */
void endings_option_changed(struct registry_socket *socket, const struct registry_option *option)
{
    struct guard guard;
    if (option->number != ZMQ_ROUTER_HANDOVER && option->number != ZMQ_ROUTER_RAW &&
        option->number != ZMQ_REQ_RELAXED)
        return;
    registry_lock(&guard);
    state_of(socket)->is_cutting = true;
    registry_unlock(&guard);
}

/*
 * Closing
 */
struct closing {
    struct registry_socket *socket;
    const struct pipe_layout *layout;
    struct closed *closed; /* NULL: only count */
    size_t n_network, n_held;
};

static const unsigned char *pipe_at(const struct closing *self, uintptr_t address)
{
    const unsigned char *pipe = (const unsigned char *)address;
    bool is_one = address != 0 && pipe_pointer_at(pipe, 0) == self->layout->pipe_vtable &&
                  pipe_u32_at(pipe, self->layout->state) == PIPE_STATE_ACTIVE;
    return is_one ? pipe : NULL;
}

static void hand_over(struct closing *self, const struct handed_queue *at_close)
{
    if (at_close->end.n_written == at_close->end.n_read)
        return;
    self->n_network += at_close->end.is_network;
    self->n_held++;
    if (self->closed && n_handed < MAX_HANDED)
        handed[n_handed++] = *at_close;
}

/* Both ends live while this one is active: the other is freed only after it has agreed. */
static void hand_over_pipe(struct closing *self, uintptr_t address)
{
    const struct pipe_layout *layout = self->layout;
    const struct registry_context *context = self->socket->context;
    const unsigned char *pipe = pipe_at(self, address);
    uintptr_t other = pipe ? pipe_pointer_at(pipe, layout->peer) : 0;
    if (!pipe || !other || pipe_pointer_at((void *)other, 0) != layout->pipe_vtable)
        return;
    const unsigned char *peer = (const unsigned char *)other;
    uint32_t owner = pipe_u32_at(peer, layout->owner);
    bool is_network = owner < 2u + (uint32_t)context->n_io_threads;
    struct handed_queue out = {.end = {.pipe = address,
                                       .peer = other,
                                       .n_written = pipe_u64_at(pipe, layout->n_written),
                                       .n_read = pipe_u64_at(peer, layout->n_read),
                                       .is_read_on = true,
                                       .is_network = is_network},
                               .closed = self->closed};
    struct handed_queue in = {.end = {.pipe = other,
                                      .peer = address,
                                      .n_written = pipe_u64_at(peer, layout->n_written),
                                      .n_read = pipe_u64_at(pipe, layout->n_read)},
                              .context = context->handle,
                              .owner = owner};
    if (is_network && is_watched_type(self->socket))
        hand_over(self, &out);
    if (!is_network && owner != pipe_u32_at(pipe, layout->owner))
        hand_over(self, &in);
}

static void hand_over_pipes(struct closing *self)
{
    const unsigned char *vector = (const unsigned char *)self->socket->handle + self->layout->pipes;
    const uintptr_t *at = (const uintptr_t *)pipe_pointer_at(vector, 0);
    const uintptr_t *end = (const uintptr_t *)pipe_pointer_at(vector, PIPE_POINTER);
    for (; at < end; at++)
        hand_over_pipe(self, *at);
}

static struct closed *find_free(void)
{
    for (size_t i = 0; i < ENDINGS_MAX_CLOSED; i++) {
        if (closeds[i].owner.serial == 0)
            return &closeds[i];
    }
    return NULL;
}

static void fill_closed(struct closed *closed, const struct closing *closing)
{
    const struct registry_socket *socket = closing->socket;
    const struct registry_context *context = socket->context;
    const unsigned char *object = socket->handle;
    uint32_t index = (uint32_t)(closed - closeds);
    closeds_end = index < closeds_end ? closeds_end : index + 1;
    *closed = (struct closed){
        .owner = {.serial = socket->serial, .index = index, .is_closed = true},
        .target = {.layout = closing->layout,
                   .socket = socket->handle,
                   .context = context->handle,
                   .n_io_threads = context->n_io_threads,
                   .memo.owner = pipe_u32_at(object, closing->layout->owner)},
        .words = socket->words,
        .closed_ns = clock_monotonic_ns(),
        .linger_ms = (int64_t)segment_word_get(&socket->words[SEGMENT_OPTION_LINGER]),
        .has_peers = events_may_have_peers(socket),
        .is_new = true,
    };
}

void endings_closing(struct registry_socket *socket)
{
    struct guard guard;
    const struct pipe_layout *layout = learned_pipes_of(socket->library);
    struct closing closing = {.socket = socket, .layout = layout};
    if (!layout || socket->is_shared ||
        segment_word_get(&socket->words[SEGMENT_OPTION_CONFLATE]) == 1)
        return;
    hand_over_pipes(&closing);
    if (closing.n_held == 0 && __atomic_load_n(&state_of(socket)->n_queues, __ATOMIC_RELAXED) == 0)
        return;
    if (closing.n_network > 0) /* whether a peer has come */
        monitor_drain_context(socket->context);
    registry_lock(&guard);
    closing.closed = find_free();
    if (closing.closed) {
        fill_closed(closing.closed, &closing);
        hand_over_pipes(&closing);
    }
    registry_unlock(&guard);
}

/*
 * Looking
 */
static void observe(void *owner, const struct pipe_end *end)
{
    endings_queue_observe(&round_now, owner, end);
}

/* Queues that the program's threads have handed over. The senders' come first. */
static void take_over_closed(void)
{
    for (size_t i = 0; i < closeds_end; i++) {
        if (closeds[i].is_new)
            endings_queue_close_all(closeds[i].owner.serial, &closeds[i].owner);
    }
    n_taken = n_handed;
    for (size_t i = 0; i < n_taken; i++) {
        struct handed_queue *at_close = &handed[i];
        struct endings_round round = {.now_ns = at_close->closed ? at_close->closed->closed_ns : 0};
        if (at_close->closed)
            endings_queue_observe(&round, &at_close->closed->owner, &at_close->end);
    }
}

void endings_begin_round(void)
{
    __atomic_store_n(&is_round_requested, false, __ATOMIC_RELAXED);
    round_now.number += round_now.number == UINT32_MAX ? 2 : 1;
    round_now.now_ns = clock_monotonic_ns();
    take_over_closed();
    for (size_t i = 0; i < closeds_end; i++) { /* the others were empty when it closed */
        if (closeds[i].is_new)
            endings_queue_forget_before(closeds[i].owner.serial, closeds[i].closed_ns);
        closeds[i].is_new = false;
    }
}

void endings_prepare(struct registry_socket *socket, struct pipe_target *target)
{
    struct state *endings = state_of(socket);
    struct endings_owner *owner = &owners[socket->index];
    const uint64_t *words = socket->words;
    if (!is_watched_type(socket) || segment_word_get(&words[SEGMENT_OPTION_CONFLATE]) == 1)
        return;
    endings->n_before = endings->n_last;
    endings->n_last = endings->n_ends;
    *owner = (struct endings_owner){
        .serial = socket->serial,
        .index = socket->index,
        .n_before = endings->n_before,
        .n_last = endings->n_last,
        .is_immediate = segment_word_get(&words[SEGMENT_OPTION_IMMEDIATE]) == 1,
    };
    target->visit = observe;
    target->data = owner;
}

size_t endings_add_closed(struct pipe_target *targets)
{
    size_t n = 0;
    for (size_t i = 0; i < closeds_end; i++) {
        if (closeds[i].owner.serial == 0)
            continue;
        targets[n] = closeds[i].target;
        targets[n].visit = observe;
        targets[n++].data = &closeds[i].owner;
    }
    return n;
}

/* Whose receiver is closed: the sender is known by its pipes' owner, once its pipes were read. */
static void take_over_receiverless(const struct pipe_target *targets, size_t n)
{
    for (size_t i = 0; i < n_taken; i++) {
        const struct handed_queue *at_close = &handed[i];
        for (size_t j = 0; j < n && !at_close->closed; j++) {
            struct endings_owner *owner = targets[j].data;
            if (targets[j].context != at_close->context ||
                targets[j].memo.owner != at_close->owner || !owner || owner->is_closed)
                continue;
            struct endings_queue *queue = endings_queue_find(at_close->end.pipe, owner->serial);
            if (!queue)
                endings_queue_observe(&round_now, owner, &at_close->end);
            else
                queue->n_read = at_close->end.n_read;
            if (queue)
                queue->is_unread = true;
            break;
        }
    }
    n_handed -= n_taken;
    memmove(handed, handed + n_taken, n_handed * sizeof(handed[0]));
}

/*
 * What is lost
 */
static bool has_lingered(const struct closed *closed, const struct endings_queue *queue)
{
    uint64_t still_ns = queue->seen_ns - queue->still_ns;
    uint64_t end_ns = closed->closed_ns + (uint64_t)closed->linger_ms * CLOCK_NS_PER_MS;
    if (closed->linger_ms < 0)
        return false;
    if (!closed->has_peers)
        return true;
    return still_ns >= STILL_NS && queue->seen_ns + STILL_NS >= end_ns;
}

static bool settle_closed(const struct endings_queue *queue)
{
    struct closed *closed = &closeds[queue->index];
    uint64_t n = queue->n_written - queue->n_read;
    if (closed->owner.serial != queue->serial)
        return true;
    if (queue->is_network && (queue->is_unread || has_lingered(closed, queue)))
        segment_word_add(&closed->words[SEGMENT_DROPPED_LINGER], n);
    return true;
}

/* Nothing was read after the connection's end, which came before the last round if no end was told
 * since. */
static bool is_lost(const struct registry_socket *socket, const struct endings_queue *queue)
{
    const struct state *endings = state_of(socket);
    if (queue->is_unread || queue->n_thrown > 0)
        return true;
    return queue->is_network && !endings->is_cutting && queue->n_last != queue->n_before &&
           endings->n_ends == queue->n_last;
}

static bool settle_queue(const struct endings_queue *queue, void *unused)
{
    (void)unused;
    struct registry_socket *socket = registry_socket_at(queue->index);
    const struct endings_owner *owner = &owners[queue->index % REGISTRY_MAX_SOCKETS];
    uint64_t n = queue->n_thrown ? queue->n_thrown : queue->n_written - queue->n_read;
    if (queue->is_closed)
        return settle_closed(queue);
    if (!socket || !socket->is_used || socket->serial != queue->serial)
        return true;
    if (!socket->slot || state_of(socket)->is_being_cut || owner->serial != queue->serial ||
        owner->valid_round != round_now.number)
        return false; /* being closed, or it could not be read */
    if (is_lost(socket, queue))
        segment_word_add(&socket->words[SEGMENT_DROPPED_DISCONNECT], n);
    return true;
}

struct contexts {
    struct registry_context *last;
};

static struct registry_context *context_of(const struct endings_queue *queue)
{
    if (queue->is_closed)
        return registry_find_context(closeds[queue->index].target.context);
    struct registry_socket *socket = registry_socket_at(queue->index);
    return socket && socket->is_used && socket->serial == queue->serial ? socket->context : NULL;
}

/* Handles the events that libzmq raised before these queues were gone. */
static bool drain_events(const struct endings_queue *queue, void *data)
{
    struct contexts *contexts = data;
    struct guard guard;
    registry_lock(&guard);
    struct registry_context *context = context_of(queue);
    registry_unlock(&guard);
    if (context && context != contexts->last)
        monitor_drain_context(context);
    contexts->last = context ? context : contexts->last;
    return false;
}

static void free_closed(void)
{
    next_round_ns = UINT64_MAX;
    for (size_t i = 0; i < closeds_end; i++) {
        struct closed *closed = &closeds[i];
        uint64_t end_ns = closed->closed_ns + (uint64_t)closed->linger_ms * CLOCK_NS_PER_MS;
        if (closed->owner.serial != 0 && !closed->is_new &&
            !endings_queue_has(closed->owner.serial))
            closed->owner.serial = 0;
        if (closed->owner.serial == 0 || closed->linger_ms <= 0)
            continue;
        uint64_t last_ns = end_ns - STILL_NS / 2;
        if (last_ns > round_now.now_ns && last_ns < next_round_ns)
            next_round_ns = last_ns;
    }
    while (closeds_end > 0 && closeds[closeds_end - 1].owner.serial == 0)
        closeds_end--;
}

static void note_target(const struct pipe_target *target)
{
    struct endings_owner *owner = target->data;
    if (!owner)
        return;
    owner->valid_round = target->sample.is_valid ? round_now.number : 0;
    struct registry_socket *socket = owner->is_closed ? NULL : registry_socket_at(owner->index);
    if (socket && socket->serial == owner->serial)
        __atomic_store_n(&state_of(socket)->n_queues, owner->n_queues, __ATOMIC_RELAXED);
}

void endings_settle(const struct pipe_target *targets, size_t n)
{
    struct guard guard;
    struct contexts contexts = {NULL};
    registry_lock(&guard);
    take_over_receiverless(targets, n);
    for (size_t i = 0; i < n; i++)
        note_target(&targets[i]);
    registry_unlock(&guard);
    if (endings_queue_has_any())
        endings_queue_each_gone(&round_now, drain_events, &contexts);
    registry_lock(&guard);
    endings_queue_each_gone(&round_now, settle_queue, NULL);
    free_closed();
    registry_unlock(&guard);
}

uint64_t endings_next_round_ns(void)
{
    return __atomic_load_n(&is_round_requested, __ATOMIC_RELAXED) ? 0 : next_round_ns;
}

void endings_forked(void)
{
    endings_queue_forget_all();
    for (size_t i = 0; i < closeds_end; i++)
        closeds[i].owner.serial = 0;
    closeds_end = 0;
    n_handed = 0;
    next_round_ns = UINT64_MAX;
}
