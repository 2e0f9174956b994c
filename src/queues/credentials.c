/* SPDX-License-Identifier: MPL-2.0 */
#include "queues/credentials.h"

#include "queues/yqueue.h"

#define N_MESSAGES 256u /* in a chunk (config.hpp: message_pipe_granularity) */

/* Of a message (msg.hpp): its type, its flags, and their values. */
#define TYPE_AT    42u
#define FLAGS_AT   43u
#define TYPE_SHORT 101u
#define TYPE_LONG  102u
#define CREDENTIAL 32u
#define ROUTING_ID 64u
#define SIZE       64u

static uint64_t n_read_of(const struct pipe_pair *pair)
{
    return pipe_u64_at(pair->pipe, pair->target->layout->n_read);
}

static uint64_t n_written_of(const struct pipe_pair *pair)
{
    return pipe_u64_at(pair->peer, pair->target->layout->n_written);
}

/* What was taken from a chunk stays in it until the whole chunk is given back. In a first chunk as
 * many were taken as `begin` says, so no more messages than that were read. */
uintptr_t credentials_front(const struct credentials *self, const struct pipe_pair *pair,
                            const unsigned char *queue)
{
    struct yqueue items = yqueue_at(queue, PIPE_POINTER);
    if (!yqueue_is_valid(&items, N_MESSAGES) || yqueue_is_empty(&items) ||
        n_read_of(pair) > items.begin ||
        (self->is_front_known &&
         self->queue == pipe_pointer_at(pair->pipe, pair->target->layout->in_queue)))
        return 0;
    return items.begin_chunk;
}

static bool is_flagged(const unsigned char *message, unsigned char flags)
{
    return (message[TYPE_AT] == TYPE_SHORT || message[TYPE_AT] == TYPE_LONG) &&
           message[FLAGS_AT] == flags;
}

/* The second place of a chunk holds anything until a message is there. */
static void note_front(struct credentials *self, const struct yqueue *items,
                       const unsigned char *front)
{
    bool is_id = is_flagged(front, ROUTING_ID);
    bool has_second = items->begin_chunk != items->back_chunk || items->back > 1;
    self->is_front_known = !is_id || has_second;
    if (self->n == 0 && (is_flagged(front, CREDENTIAL) ||
                         (is_id && has_second && is_flagged(front + SIZE, CREDENTIAL))))
        self->n = 1;
}

/* A message may have been taken from the queue and not be counted yet; so what is not read has to
 * stay for a while. */
static void note_empty(struct credentials *self, uint64_t n_written, uint64_t n_read)
{
    if (self->was_empty && self->n_written == n_written && self->n_read == n_read)
        self->n = n_written - n_read;
    self->was_empty = true;
    self->n_written = n_written;
    self->n_read = n_read;
}

void credentials_note(struct credentials *self, struct pipe_pair *pair, const unsigned char *queue,
                      const unsigned char *front)
{
    if (!queue) {
        *self = (struct credentials){.n = 0};
        return;
    }
    struct yqueue items = yqueue_at(queue, PIPE_POINTER);
    uintptr_t address = pipe_pointer_at(pair->pipe, pair->target->layout->in_queue);
    uint64_t n_written = n_written_of(pair), n_read = n_read_of(pair);
    if (self->queue != address || n_read < self->n_read)
        *self = (struct credentials){.queue = address};
    if (!yqueue_is_valid(&items, N_MESSAGES))
        return;
    pair->is_in_empty = yqueue_is_empty(&items);
    if (pair->is_in_empty)
        note_empty(self, n_written, n_read);
    else
        self->was_empty = false;
    if (front)
        note_front(self, &items, front);
    if (self->n > n_written - n_read)
        self->n = n_written - n_read;
    pair->n_credentials = self->n;
}
