/* SPDX-License-Identifier: MPL-2.0 */
#include "queues/pipe_pair.h"

#include "queues/queue_ages.h"

#define MAX_STATE 5
/* Slots 0 and 1 are the context's own, then come its I/O threads, then sockets (ctx.cpp). */
#define FIRST_SOCKET_SLOT 2u
#define MAX_DEPTH         (UINT64_C(1) << 40) /* more is not a count */

struct accounts {
    uint64_t n_read, n_written, n_read_by_peer;
    int32_t hwm, lwm;
    uint32_t owner, state;
    uintptr_t sink;
    bool is_writable;
};

static struct accounts accounts_of(const struct pipe_layout *layout, const unsigned char *bytes)
{
    return (struct accounts){
        .n_read = pipe_u64_at(bytes, layout->n_read),
        .n_written = pipe_u64_at(bytes, layout->n_written),
        .n_read_by_peer = pipe_u64_at(bytes, layout->n_read_by_peer),
        .hwm = (int32_t)pipe_u32_at(bytes, layout->hwm),
        .lwm = (int32_t)pipe_u32_at(bytes, layout->lwm),
        .owner = pipe_u32_at(bytes, layout->owner),
        .state = pipe_u32_at(bytes, layout->state),
        .sink = pipe_pointer_at(bytes, layout->sink),
        .is_writable = bytes[layout->is_writable] != 0,
    };
}

static bool is_pipe(const struct pipe_target *target, const unsigned char *bytes)
{
    const struct pipe_layout *layout = target->layout;
    return pipe_pointer_at(bytes, 0) == layout->pipe_vtable &&
           pipe_pointer_at(bytes, layout->context) == (uintptr_t)target->context &&
           pipe_u32_at(bytes, layout->state) <= MAX_STATE;
}

bool pipe_pair_is_valid(const struct pipe_pair *self)
{
    const struct pipe_layout *layout = self->target->layout;
    return is_pipe(self->target, self->pipe) && is_pipe(self->target, self->peer) &&
           pipe_pointer_at(self->pipe, layout->peer) == self->peer_address &&
           pipe_pointer_at(self->peer, layout->peer) == self->pipe_address &&
           pipe_u32_at(self->pipe, layout->owner) == self->target->memo.owner;
}

bool pipe_pair_is_network(const struct pipe_pair *self)
{
    return pipe_u32_at(self->peer, self->target->layout->owner) <
           FIRST_SOCKET_SLOT + (uint32_t)self->target->n_io_threads;
}

static uint64_t depth_of(uint64_t n_written, uint64_t n_read)
{
    /* The counts are read a moment apart, so the reader may be seen ahead of the writer. */
    uint64_t depth = n_written - n_read;
    return depth < MAX_DEPTH ? depth : 0;
}

static uint64_t out_depth(const struct pipe_pair *self)
{
    const struct pipe_layout *layout = self->target->layout;
    return depth_of(pipe_u64_at(self->pipe, layout->n_written),
                    pipe_u64_at(self->peer, layout->n_read));
}

static uint64_t in_depth(const struct pipe_pair *self)
{
    const struct pipe_layout *layout = self->target->layout;
    if (self->is_in_empty)
        return 0;
    return depth_of(pipe_u64_at(self->peer, layout->n_written),
                    pipe_u64_at(self->pipe, layout->n_read) + self->n_credentials);
}

bool pipe_pair_has_out(const struct pipe_pair *self)
{
    return out_depth(self) != 0;
}

bool pipe_pair_has_in(const struct pipe_pair *self)
{
    return in_depth(self) != 0;
}

/* Whether libzmq takes no message now: the limit is reached, or was reached and the peer has not
 * yet read as much as lets it tell (pipe.cpp: check_write, read, process_activate_write). */
static bool is_full(const struct accounts *pipe, const struct accounts *peer, uint64_t depth)
{
    if (pipe->hwm <= 0 || pipe->state != PIPE_STATE_ACTIVE)
        return false;
    if (depth >= (uint64_t)pipe->hwm)
        return true;
    if (pipe->is_writable || peer->lwm <= 0)
        return false;
    return peer->n_read - peer->n_read % (uint64_t)peer->lwm <= pipe->n_read_by_peer;
}

/* A connect that waits for its bind: both ends are the connecting socket's own, and nobody
 * listens at the other. */
static bool is_pending(const struct accounts *pipe, const struct accounts *peer)
{
    return peer->owner == pipe->owner && peer->sink == 0;
}

static bool is_inproc(const struct accounts *pipe, const struct accounts *peer, int n_io_threads)
{
    return peer->owner >= FIRST_SOCKET_SLOT + (uint32_t)n_io_threads &&
           pipe->state == PIPE_STATE_ACTIVE && peer->state == PIPE_STATE_ACTIVE &&
           !is_pending(pipe, peer);
}

/* Whether the peer still takes what is queued for it (pipe.cpp: check_read). */
static bool is_read_by(const struct accounts *pipe, const struct accounts *peer)
{
    return (pipe->state == PIPE_STATE_ACTIVE || pipe->state == PIPE_STATE_ENDING) &&
           (peer->state == PIPE_STATE_ACTIVE || peer->state == PIPE_STATE_WAITING);
}

static void raise_fullest(uint64_t *fullest, uint64_t depth, int32_t hwm)
{
    if (hwm <= 0)
        return;
    uint64_t limit = (uint64_t)hwm;
    uint64_t ratio = depth >= limit ? 1000000000u : depth * 1000000000u / limit;
    if (*fullest == PIPE_UNKNOWN || ratio > *fullest)
        *fullest = ratio;
}

/* What is left of a limit. */
static int32_t room_of(int32_t hwm, uint64_t n_credentials)
{
    return hwm > 0 && n_credentials < (uint64_t)hwm ? hwm - (int32_t)n_credentials : hwm;
}

static uint64_t age_of(const struct pipe_pair *self, bool is_out)
{
    const struct pipe_layout *layout = self->target->layout;
    const unsigned char *writer = is_out ? self->pipe : self->peer;
    const unsigned char *reader = is_out ? self->peer : self->pipe;
    return queue_ages_note(
        self->target->ages,
        &(struct queue_account){.writer = is_out ? self->pipe_address : self->peer_address,
                                .reader = is_out ? self->peer_address : self->pipe_address,
                                .n_written = pipe_u64_at(writer, layout->n_written),
                                .n_read = pipe_u64_at(reader, layout->n_read) +
                                          (is_out ? 0 : self->n_credentials),
                                .read_ns = self->read_ns});
}

/* Of a queue that holds messages. One that conflates counts those that were replaced as unread,
 * so that the number of the one that waits is not known. */
static void raise_age(const struct pipe_pair *self, bool is_out, bool is_conflating)
{
    struct pipe_sample *sample = &self->target->sample;
    uint64_t *oldest_ns = is_out ? &sample->send_age_ns : &sample->receive_age_ns;
    uint32_t *n_undated = is_out ? &sample->n_send_undated : &sample->n_receive_undated;
    if (!self->target->ages)
        return;
    uint64_t age_ns = is_conflating ? PIPE_UNKNOWN : age_of(self, is_out);
    if (age_ns == PIPE_UNKNOWN)
        ++*n_undated;
    else if (age_ns > *oldest_ns)
        *oldest_ns = age_ns;
}

struct pipe_end pipe_pair_end(const struct pipe_pair *self, int conflated_out, int conflated_in)
{
    const struct pipe_layout *layout = self->target->layout;
    struct accounts pipe = accounts_of(layout, self->pipe), peer = accounts_of(layout, self->peer);
    uint64_t out = conflated_out < 0 ? out_depth(self) : (uint64_t)conflated_out;
    uint64_t in = conflated_in < 0 ? in_depth(self) : (uint64_t)conflated_in;
    bool is_read = pipe.state == PIPE_STATE_ACTIVE || pipe.state == PIPE_STATE_WAITING;
    return (struct pipe_end){
        .pipe = self->pipe_address,
        .peer = self->peer_address,
        .peer_sink = peer.sink,
        .send_queue = is_read_by(&pipe, &peer) ? out : 0,
        .receive_queue = is_read ? in : 0,
        .is_full = conflated_out < 0 && is_full(&pipe, &peer, out),
        .is_conflating = conflated_out >= 0,
        .n_written = pipe.n_written,
        .n_read = peer.n_read,
        .is_read_on = peer.state == PIPE_STATE_ACTIVE || peer.state == PIPE_STATE_WAITING,
        .is_network = pipe_pair_is_network(self),
    };
}

/* What was written and neither read nor is there. */
static uint64_t replaced(uint64_t n_unread, uint64_t n_held)
{
    return n_unread > n_held ? n_unread - n_held : 0;
}

void pipe_pair_add(const struct pipe_pair *self, int conflated_out, int conflated_in)
{
    struct pipe_sample *sample = &self->target->sample;
    struct accounts pipe = accounts_of(self->target->layout, self->pipe);
    struct accounts peer = accounts_of(self->target->layout, self->peer);
    uint64_t out = conflated_out < 0 ? out_depth(self) : (uint64_t)conflated_out;
    uint64_t in = conflated_in < 0 ? in_depth(self) : (uint64_t)conflated_in;
    if (conflated_out >= 0)
        pipe.hwm = 0;
    if (conflated_in >= 0)
        peer.hwm = 0;
    if (conflated_out >= 0)
        sample->n_conflated += replaced(out_depth(self), out);
    if (conflated_in >= 0 && pipe_pair_is_network(self))
        sample->n_conflated += replaced(in_depth(self), in);
    sample->n_pipes++;
    sample->n_inproc += is_inproc(&pipe, &peer, self->target->n_io_threads);
    if (pipe.state == PIPE_STATE_ACTIVE || pipe.state == PIPE_STATE_WAITING) {
        sample->receive_queue += in;
        raise_fullest(&sample->receive_fullest, in, room_of(peer.hwm, self->n_credentials));
        if (in > 0)
            raise_age(self, false, conflated_in >= 0);
    }
    if (is_read_by(&pipe, &peer)) {
        sample->send_queue += out;
        raise_fullest(&sample->send_fullest, out, pipe.hwm);
        if (out > 0)
            raise_age(self, true, conflated_out >= 0);
    }
    sample->n_send_full += is_full(&pipe, &peer, out);
}
