/* SPDX-License-Identifier: MPL-2.0 */
#include "problems/problem_watch.h"

#include "base/clock.h"
#include "base/ticker.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define INTERVAL_NS (5 * CLOCK_NS_PER_SECOND)
#define N_LOOKS     13 /* a minute */

/* A socket's counters at the looks of the last minute, the oldest at `n_looks` % N_LOOKS once
 * there are so many. `key` has no texts. */
struct tracked {
    struct problem_socket key;
    uint64_t looks[N_LOOKS][PROBLEM_N_COUNTERS];
    unsigned n_looks;
};

struct problem_watch {
    const char *directory;
    struct peek_link *peek;
    struct ticker *ticker;
    pthread_mutex_t lock;
    struct tracked *tracked; /* sorted as a view */
    size_t n_tracked;
    uint64_t looks_ns[N_LOOKS]; /* when they were, as `looks` of a socket */
    unsigned n_looks;
};

static unsigned oldest_of(unsigned n_looks)
{
    return n_looks < N_LOOKS ? 0 : n_looks % N_LOOKS;
}

static struct tracked *find(const struct problem_watch *self, const struct problem_socket *socket)
{
    return self->n_tracked ? bsearch(socket, self->tracked, self->n_tracked, sizeof(*self->tracked),
                                     problem_socket_compare)
                           : NULL;
}

static void remember_one(struct tracked *to, const struct tracked *before,
                         const struct problem_socket *socket)
{
    if (before) {
        *to = *before;
    } else {
        to->key.pid = socket->pid;
        to->key.start_ticks = socket->start_ticks;
        to->key.serial = socket->serial;
    }
    memcpy(to->looks[to->n_looks++ % N_LOOKS], socket->counters, sizeof(socket->counters));
}

/* Sockets that are gone are forgotten. Without memory the former looks stay. */
static void remember(struct problem_watch *self, const struct problem_view *view)
{
    struct tracked *tracked = calloc(view->n ? view->n : 1, sizeof(*tracked));
    if (!tracked)
        return;
    for (size_t i = 0; i < view->n; i++)
        remember_one(&tracked[i], find(self, &view->sockets[i]), &view->sockets[i]);
    free(self->tracked);
    self->tracked = tracked;
    self->n_tracked = view->n;
    self->looks_ns[self->n_looks++ % N_LOOKS] = view->now_ns;
}

/* A counter that is less than before is that of another process which took over its number. */
static void fill_recent(const struct problem_watch *self, struct problem_view *view)
{
    for (size_t i = 0; i < view->n; i++) {
        struct problem_socket *socket = &view->sockets[i];
        const struct tracked *tracked = find(self, socket);
        if (!tracked)
            continue;
        const uint64_t *oldest = tracked->looks[oldest_of(tracked->n_looks)];
        for (unsigned c = 0; c < PROBLEM_N_COUNTERS; c++)
            socket->recent[c] = socket->counters[c] > oldest[c] ? socket->counters[c] - oldest[c]
                                                                : 0;
    }
    uint64_t oldest_ns = self->looks_ns[oldest_of(self->n_looks)];
    view->recent_ns = self->n_looks && view->now_ns > oldest_ns ? view->now_ns - oldest_ns : 0;
}

static void look(void *state, uint64_t tick)
{
    struct problem_watch *self = state;
    struct problem_view view;
    (void)tick;
    if (problem_view_take(self->directory, self->peek, &view) < 0)
        return;
    pthread_mutex_lock(&self->lock);
    remember(self, &view);
    pthread_mutex_unlock(&self->lock);
    problem_view_finish(&view);
}

int problem_watch_new(const char *directory, struct peek_link *peek,
                      struct problem_watch **ret_watch)
{
    struct problem_watch *self = calloc(1, sizeof(*self));
    if (!self)
        return -ENOMEM;
    self->directory = directory;
    self->peek = peek;
    pthread_mutex_init(&self->lock, NULL);
    int r = ticker_new("problems", INTERVAL_NS, look, self, &self->ticker);
    if (r < 0)
        problem_watch_destroy(&self);
    else
        *ret_watch = self;
    return r;
}

void problem_watch_destroy(struct problem_watch **self_p)
{
    struct problem_watch *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    ticker_destroy(&self->ticker);
    pthread_mutex_destroy(&self->lock);
    free(self->tracked);
    free(self);
}

int problem_watch_take(struct problem_watch *self, struct problem_view *ret_view)
{
    int r = problem_view_take(self->directory, self->peek, ret_view);
    if (r < 0)
        return r;
    pthread_mutex_lock(&self->lock);
    fill_recent(self, ret_view);
    pthread_mutex_unlock(&self->lock);
    return 0;
}
