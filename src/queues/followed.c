/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: pipes are remembered by address in a table with linear probing. A pipe that a round does
 * not show may only have been missed by it, as where the vector was moved while it was read. So it
 * is taken for gone after some rounds only: forgotten at once, it would come back as a new one,
 * and all that it ever moved would be counted again. An address that another pipe has taken
 * meanwhile shows another peer or queue, or fewer messages read.
 *
 * Fewer messages written, by the same pipe, is what a reconnected subscriber's pipe shows: libzmq
 * takes its unread subscriptions back and sends all again (pipe.cpp: process_hiccup).
 */
#include "queues/followed.h"

#include "queues/pipe_bytes.h"

#include <stdlib.h>

#define FIRST_SLOTS 64    /* a power of two */
#define MAX_SLOTS   65536 /* half of them pipes */
#define N_PATIENT   3     /* rounds for which a pipe that is not shown is remembered */
#define MAX_MOVED   (UINT64_C(1) << 40) /* more is not a count */

struct followed_pipe {
    uintptr_t pipe; /* 0: the slot is free */
    uintptr_t peer, in_queue;
    uint64_t n_written, n_read;
    uint32_t round; /* in which it was seen last */
};

static struct followed_pipe *slot_of(struct followed_pipe *pipes, size_t n_slots, uintptr_t pipe)
{
    size_t i = (size_t)((uint64_t)(pipe >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 32);
    while (pipes[i % n_slots].pipe != 0 && pipes[i % n_slots].pipe != pipe)
        i++;
    return &pipes[i % n_slots];
}

static bool is_fresh(const struct followed *self, const struct followed_pipe *pipe)
{
    return pipe->pipe != 0 && self->round - pipe->round <= N_PATIENT;
}

static size_t count_fresh(const struct followed *self)
{
    size_t n = 0;
    for (size_t i = 0; i < self->n_slots; i++)
        n += is_fresh(self, &self->pipes[i]);
    return n;
}

/* A table with room for more, without the pipes that are long gone. */
static bool make_room(struct followed *self)
{
    size_t n_fresh = count_fresh(self), n_slots = FIRST_SLOTS;
    while (n_slots < 4 * n_fresh)
        n_slots *= 2;
    struct followed_pipe *pipes = n_slots <= MAX_SLOTS ? calloc(n_slots, sizeof(*pipes)) : NULL;
    if (!pipes)
        return false;
    for (size_t i = 0; i < self->n_slots; i++) {
        const struct followed_pipe *old = &self->pipes[i];
        if (is_fresh(self, old))
            *slot_of(pipes, n_slots, old->pipe) = *old;
    }
    free(self->pipes);
    self->pipes = pipes;
    self->n_slots = n_slots;
    self->n_used = n_fresh;
    return true;
}

/* NULL: it is not there, and there is no memory for it. */
static struct followed_pipe *recall(struct followed *self, uintptr_t pipe)
{
    struct followed_pipe *found = self->n_slots ? slot_of(self->pipes, self->n_slots, pipe) : NULL;
    if (found && found->pipe == pipe)
        return found;
    if (2 * (self->n_used + 1) > self->n_slots && !make_room(self))
        return NULL;
    self->n_used++;
    return slot_of(self->pipes, self->n_slots, pipe);
}

/* Whether what is remembered is of the pipe that was seen now. */
static bool is_same(const struct followed *self, const struct followed_pipe *pipe,
                    const struct pipe_count *count)
{
    return is_fresh(self, pipe) && pipe->peer == count->peer && pipe->in_queue == count->in_queue &&
           pipe->n_read <= count->n_read;
}

static uint64_t moved(uint64_t now, uint64_t before)
{
    return now > before && now - before < MAX_MOVED ? now - before : 0;
}

void followed_note(struct followed *self, const struct pipe_count *count)
{
    struct followed_pipe *pipe = recall(self, count->pipe);
    if (!pipe)
        return;
    if (!count->is_readable) {
        if (pipe->pipe == count->pipe)
            pipe->round = self->round;
        return;
    }
    if (!is_same(self, pipe, count))
        *pipe = (struct followed_pipe){
            .pipe = count->pipe, .peer = count->peer, .in_queue = count->in_queue};
    self->n_written += moved(count->n_written, pipe->n_written);
    self->n_read += moved(count->n_read, pipe->n_read);
    pipe->n_written = count->n_written;
    pipe->n_read = count->n_read;
    pipe->round = self->round;
}

void followed_end_round(struct followed *self)
{
    self->round++;
}

void followed_update(struct followed *self, const struct pipe_layout *layout, const void *socket)
{
    const unsigned char *object = socket;
    uintptr_t begin = pipe_pointer_at(object, layout->pipes);
    uintptr_t end = pipe_pointer_at(object, layout->pipes + PIPE_POINTER);
    const unsigned char *const *pipes = (const unsigned char *const *)begin;
    for (size_t i = 0; i < (end - begin) / PIPE_POINTER; i++) {
        if (pipe_pointer_at(pipes[i], 0) != layout->pipe_vtable)
            continue;
        followed_note(self, &(struct pipe_count){
                                .pipe = (uintptr_t)pipes[i],
                                .peer = pipe_pointer_at(pipes[i], layout->peer),
                                .in_queue = pipe_pointer_at(pipes[i], layout->in_queue),
                                .n_written = pipe_u64_at(pipes[i], layout->n_written),
                                .n_read = pipe_u64_at(pipes[i], layout->n_read),
                                .is_readable = true,
                            });
    }
}

void followed_begin(struct followed *self, const struct pipe_layout *layout, const void *socket)
{
    *self = (struct followed){0};
    followed_update(self, layout, socket);
    self->n_written = 0;
    self->n_read = 0;
}

void followed_finish(struct followed *self)
{
    free(self->pipes);
    *self = (struct followed){0};
}
