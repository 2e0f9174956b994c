/* SPDX-License-Identifier: MPL-2.0 */
#include "peek/peek_pipes.h"

#include "base/clock.h"

#include <stdlib.h>

/* Of the current process: the reader has one thread. */
static struct peek_pipes *current;
static struct peek_full *now_full;
static size_t n_now_full, now_capacity;
static struct peek_pipe seen[PEEK_MAX_PIPES];
static size_t n_seen, n_more;

static int compare_full(const void *a, const void *b)
{
    const struct peek_full *one = a, *other = b;
    return one->pipe < other->pipe ? -1 : one->pipe > other->pipe;
}

void peek_pipes_finish(struct peek_pipes *self)
{
    free(self->full);
    *self = (struct peek_pipes){.n_full = 0};
}

void peek_pipes_begin(struct peek_pipes *self)
{
    current = self;
    n_now_full = n_seen = n_more = 0;
}

static struct peek_full *append_full(void)
{
    if (n_now_full == now_capacity) {
        size_t capacity = now_capacity ? 2 * now_capacity : 64;
        struct peek_full *items = capacity <= PEEK_MAX_FULL
                                      ? reallocarray(now_full, capacity, sizeof(*items))
                                      : NULL;
        if (!items)
            return NULL;
        now_full = items;
        now_capacity = capacity;
    }
    return &now_full[n_now_full++];
}

static uint64_t note_full(const struct pipe_end *end)
{
    const struct peek_full *former = NULL;
    struct peek_full *full = append_full();
    if (!full)
        return 0;
    if (current->n_full > 0)
        former = bsearch(&(struct peek_full){.pipe = end->pipe}, current->full, current->n_full,
                         sizeof(*former), compare_full);
    bool is_known = former && former->peer == end->peer;
    *full = (struct peek_full){.pipe = end->pipe,
                               .peer = end->peer,
                               .since_ns = is_known ? former->since_ns : clock_realtime_ns()};
    return full->since_ns;
}

void peek_pipes_note(void *socket, const struct pipe_end *end)
{
    uint64_t full_since_ns = end->is_full ? note_full(end) : 0;
    if (n_seen == PEEK_MAX_PIPES) {
        n_more++;
        return;
    }
    seen[n_seen++] = (struct peek_pipe){socket, *end, full_since_ns};
}

void peek_pipes_end(void)
{
    struct peek_pipes *self = current;
    struct peek_full *items = self->full;
    size_t capacity = self->capacity;
    if (n_now_full > 1)
        qsort(now_full, n_now_full, sizeof(*now_full), compare_full);
    self->full = now_full;
    self->n_full = n_now_full;
    self->capacity = now_capacity;
    now_full = items;
    now_capacity = capacity;
    n_now_full = 0;
}

const struct peek_pipe *peek_pipes_seen(size_t *ret_n, size_t *ret_n_left_out)
{
    *ret_n = n_seen;
    *ret_n_left_out = n_more;
    return seen;
}
