/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/losses/endings_queue.h"

#include <string.h>

#define N_BUCKETS 1024u /* a power of two */
#define N_WAYS    4u    /* queues that share a bucket; a fifth is not followed */
#define N_GONE    128u
#define MAX_DEPTH (UINT64_C(1) << 40) /* more is not a count */

static struct endings_queue queues[N_BUCKETS * N_WAYS];
static struct endings_queue gone[N_GONE]; /* their places were taken */
static size_t n_queues, n_gone;

static struct endings_queue *bucket_of(uintptr_t pipe)
{
    uint64_t hash = (uint64_t)(pipe >> 4) * UINT64_C(0x9e3779b97f4a7c15);
    return &queues[(hash >> 40) % N_BUCKETS * N_WAYS];
}

static struct endings_queue *find_or_free(uintptr_t pipe, uint32_t serial)
{
    struct endings_queue *bucket = bucket_of(pipe), *free_one = NULL;
    for (size_t i = 0; i < N_WAYS; i++) {
        if (bucket[i].pipe == pipe && bucket[i].serial == serial)
            return &bucket[i];
        if (bucket[i].pipe == 0)
            free_one = &bucket[i];
    }
    return free_one;
}

struct endings_queue *endings_queue_find(uintptr_t pipe, uint32_t serial)
{
    struct endings_queue *queue = find_or_free(pipe, serial);
    return queue && queue->pipe ? queue : NULL;
}

static void forget(struct endings_queue *queue)
{
    n_queues -= queue->pipe != 0;
    *queue = (struct endings_queue){0};
}

static void put_aside(const struct endings_queue *queue)
{
    if (n_gone < N_GONE)
        gone[n_gone++] = *queue;
}

/* Pipes are freed and made anew at the same address. A queue that is not read back to where it
 * was is another; one that has fewer messages written was emptied by libzmq (pipe.cpp,
 * process_hiccup), which a socket with ZMQ_IMMEDIATE then ends. */
static void compare(struct endings_queue *queue, const struct endings_owner *owner,
                    const struct pipe_end *end)
{
    bool is_same = queue->peer == end->peer && end->n_read >= queue->n_read;
    if (is_same && end->n_written >= queue->n_written)
        return;
    if (is_same && !owner->is_immediate)
        is_same = false;
    if (is_same)
        queue->n_thrown = queue->n_written - end->n_written;
    put_aside(queue);
    forget(queue);
}

static void enter(struct endings_queue *queue, const struct endings_round *round,
                  const struct endings_owner *owner, const struct pipe_end *end)
{
    if (queue->pipe == 0 || queue->n_read != end->n_read) {
        queue->still_ns = round->now_ns;
        queue->n_before = owner->n_before;
    }
    n_queues += queue->pipe == 0;
    queue->pipe = end->pipe;
    queue->peer = end->peer;
    queue->n_written = end->n_written;
    queue->n_read = end->n_read;
    queue->seen_ns = round->now_ns;
    queue->n_last = owner->n_last;
    queue->serial = owner->serial;
    queue->index = owner->index;
    queue->round = round->number;
    queue->is_closed = owner->is_closed;
    queue->is_network = end->is_network;
    queue->is_unread = queue->is_unread || !end->is_read_on;
}

void endings_queue_observe(const struct endings_round *round, struct endings_owner *owner,
                           const struct pipe_end *end)
{
    uint64_t depth = end->n_written - end->n_read;
    struct endings_queue *queue = find_or_free(end->pipe, owner->serial);
    if (!queue || depth >= MAX_DEPTH || end->is_conflating)
        return;
    if (queue->pipe)
        compare(queue, owner, end);
    if (depth == 0) {
        forget(queue);
        return;
    }
    owner->n_queues++;
    enter(queue, round, owner, end);
}

void endings_queue_each_gone(const struct endings_round *round,
                             bool (*visit)(const struct endings_queue *queue, void *data),
                             void *data)
{
    for (size_t i = n_gone; i-- > 0;) {
        if (visit(&gone[i], data))
            gone[i] = gone[--n_gone];
    }
    for (size_t i = 0; n_queues > 0 && i < N_BUCKETS * N_WAYS; i++) {
        struct endings_queue *queue = &queues[i];
        if (queue->pipe != 0 && queue->round != round->number && visit(queue, data))
            forget(queue);
    }
}

void endings_queue_close_all(uint32_t serial, const struct endings_owner *owner)
{
    for (size_t i = 0; n_queues > 0 && i < N_BUCKETS * N_WAYS; i++) {
        struct endings_queue *queue = &queues[i];
        if (queue->pipe == 0 || queue->serial != serial)
            continue;
        queue->is_closed = true;
        queue->index = owner->index;
        queue->round = 0;
    }
}

void endings_queue_forget_before(uint32_t serial, uint64_t time_ns)
{
    for (size_t i = 0; n_queues > 0 && i < N_BUCKETS * N_WAYS; i++) {
        if (queues[i].pipe != 0 && queues[i].serial == serial && queues[i].seen_ns < time_ns)
            forget(&queues[i]);
    }
}

bool endings_queue_has_any(void)
{
    return n_queues + n_gone > 0;
}

bool endings_queue_has(uint32_t serial)
{
    for (size_t i = 0; n_queues > 0 && i < N_BUCKETS * N_WAYS; i++) {
        if (queues[i].pipe != 0 && queues[i].serial == serial)
            return true;
    }
    return false;
}

void endings_queue_forget_all(void)
{
    memset(queues, 0, sizeof(queues));
    n_queues = n_gone = 0;
}
