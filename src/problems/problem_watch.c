/* SPDX-License-Identifier: MPL-2.0 */
#include "problems/problem_watch.h"

#include "base/clock.h"
#include "base/ticker.h"
#include "collectors/peers/peers_watch.h"

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

/* A look for several, of whom the watch is one while it is the last. */
struct shared {
    struct problem_look look; /* the first member */
    uint64_t begun_ns;        /* monotonic */
    unsigned n_users;
};

struct problem_watch {
    const char *directory;
    struct peek_link *peek;
    struct peers_watch *peers;
    struct ticker *ticker;
    pthread_mutex_t looking; /* held while one looks for all that ask meanwhile; before `lock` */
    pthread_mutex_t lock;
    struct shared *last;     /* NULL: none */
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

/* With `lock`. */
static void release_shared(struct shared *look)
{
    if (!look || --look->n_users > 0)
        return;
    problem_look_finish(&look->look);
    free(look);
}

/* What nobody asked for lately is not kept. */
static void forget_last(struct problem_watch *self)
{
    pthread_mutex_lock(&self->lock);
    if (self->last && self->last->begun_ns + INTERVAL_NS <= clock_monotonic_ns()) {
        release_shared(self->last);
        self->last = NULL;
    }
    pthread_mutex_unlock(&self->lock);
}

static void tick_watch(void *state, uint64_t tick)
{
    struct problem_watch *self = state;
    struct problem_view view;
    (void)tick;
    forget_last(self);
    if (problem_view_take(self->directory, self->peek, &view) < 0)
        return;
    pthread_mutex_lock(&self->lock);
    remember(self, &view);
    pthread_mutex_unlock(&self->lock);
    problem_view_finish(&view);
}

int problem_watch_new(const char *directory, struct peek_link *peek, struct peers_watch *peers,
                      struct problem_watch **ret_watch)
{
    struct problem_watch *self = calloc(1, sizeof(*self));
    if (!self)
        return -ENOMEM;
    self->directory = directory;
    self->peek = peek;
    self->peers = peers;
    pthread_mutex_init(&self->looking, NULL);
    pthread_mutex_init(&self->lock, NULL);
    int r = ticker_new("problems", INTERVAL_NS, tick_watch, self, &self->ticker);
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
    release_shared(self->last);
    pthread_mutex_destroy(&self->lock);
    pthread_mutex_destroy(&self->looking);
    free(self->tracked);
    free(self);
}

/* Where the other ends mattered they are to be known well the next time. */
static int find_problems(struct problem_watch *self, struct problem_look *look)
{
    const struct peer_table *peers = self->peers ? peers_watch_lock(self->peers) : NULL;
    int r = problems_find(&look->view, peers, &look->problems);
    if (self->peers)
        peers_watch_unlock(self->peers);
    if (r == 0 && self->peers && look->problems.have_ends)
        peers_watch_ask(self->peers, 0, 0);
    return r;
}

int problem_watch_take(struct problem_watch *self, struct problem_look *ret_look)
{
    struct problem_look look = {.problems = {.n = 0}};
    int r = problem_view_take(self->directory, self->peek, &look.view);
    if (r < 0)
        return r;
    pthread_mutex_lock(&self->lock);
    fill_recent(self, &look.view);
    pthread_mutex_unlock(&self->lock);
    r = find_problems(self, &look);
    if (r < 0)
        problem_look_finish(&look);
    else
        *ret_look = look;
    return r;
}

void problem_look_finish(struct problem_look *self)
{
    problems_finish(&self->problems);
    problem_view_finish(&self->view);
}

static struct shared *use_last(struct problem_watch *self, uint64_t asked_ns)
{
    struct shared *last = NULL;
    pthread_mutex_lock(&self->lock);
    if (self->last && self->last->begun_ns + PROBLEM_LOOK_AGE_NS > asked_ns) {
        last = self->last;
        last->n_users++;
    }
    pthread_mutex_unlock(&self->lock);
    return last;
}

/* With `looking`. */
static int look_for_all(struct problem_watch *self, struct shared **ret_look)
{
    struct shared *look = calloc(1, sizeof(*look));
    if (!look)
        return -ENOMEM;
    look->begun_ns = clock_monotonic_ns();
    look->n_users = 2;
    int r = problem_watch_take(self, &look->look);
    if (r < 0) {
        free(look);
        return r;
    }
    pthread_mutex_lock(&self->lock);
    release_shared(self->last);
    self->last = look;
    pthread_mutex_unlock(&self->lock);
    *ret_look = look;
    return 0;
}

int problem_watch_share(struct problem_watch *self, struct problem_look **ret_look)
{
    uint64_t asked_ns = clock_monotonic_ns();
    int r = 0;
    pthread_mutex_lock(&self->looking);
    struct shared *look = use_last(self, asked_ns);
    if (!look)
        r = look_for_all(self, &look);
    pthread_mutex_unlock(&self->looking);
    if (r == 0)
        *ret_look = &look->look;
    return r;
}

void problem_watch_release(struct problem_watch *self, struct problem_look *look)
{
    pthread_mutex_lock(&self->lock);
    release_shared((struct shared *)look);
    pthread_mutex_unlock(&self->lock);
}
