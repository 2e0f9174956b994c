/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/peers/peers_watch.h"

#include "base/clock.h"
#include "base/condition.h"
#include "collectors/peek/peek_link.h"
#include "collectors/peers/peer_join.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define TELLING_NS (3 * CLOCK_NS_PER_SECOND) /* in which the reader tells connections */
#define OWNERS_NS  (3 * CLOCK_NS_PER_SECOND) /* and owners, or they are in the next round */
#define SLICE_NS   (CLOCK_NS_PER_SECOND / 5) /* of a wait, after which it may have been stopped */
#define COST_SHARE 100u
#define STALE_NS   (60 * CLOCK_NS_PER_SECOND) /* after which a table is no news */

struct peers_watch {
    pthread_t thread;
    struct peek_link *link;
    atomic_bool is_stopped;
    pthread_mutex_t lock; /* of what follows, up to the thread's own */
    pthread_cond_t changed;
    uint64_t asked_ns;           /* 0: never */
    uint64_t began_ns, ended_ns; /* of the last round that is over */
    bool has_failed;             /* it, as when the reader has only just begun */
    struct peer_table table;
    /* The thread's own. */
    uint64_t made_ns; /* the last table */
    struct peer_join join;
    uint64_t wanted[PEEK_MAX_WANTED];
};

static void publish(struct peers_watch *self, struct peer_table *table)
{
    pthread_mutex_lock(&self->lock);
    struct peer_table former = self->table;
    self->table = *table;
    pthread_mutex_unlock(&self->lock);
    peer_table_finish(&former);
    *table = (struct peer_table){.n = 0};
}

/* What the reader tells from now on. -EAGAIN: it does not. */
static int take_connections(struct peers_watch *self)
{
    uint64_t until_ns = clock_monotonic_ns() + TELLING_NS;
    struct peek_model *model = peek_link_lock(self->link);
    uint64_t n_tellings = model->told.n_tellings;
    peek_link_ask(self->link);
    while (model->told.n_tellings == n_tellings && clock_monotonic_ns() < until_ns &&
           !self->is_stopped)
        peek_link_wait(self->link, clock_monotonic_ns() + SLICE_NS);
    int r = model->told.n_tellings == n_tellings ? -EAGAIN : 0;
    if (r == 0) {
        peer_join_take_owners(&self->join, model);
        r = peer_join_take_connections(&self->join, model);
    }
    peek_link_unlock(self->link);
    return r;
}

static bool take_owners(struct peers_watch *self)
{
    uint64_t until_ns = clock_monotonic_ns() + OWNERS_NS;
    size_t n = peer_join_wanted(&self->join, clock_monotonic_ns(), self->wanted, PEEK_MAX_WANTED);
    if (n == 0)
        return false;
    struct peek_model *model = peek_link_lock(self->link);
    peek_link_want(self->link, self->wanted, n);
    do {
        peek_link_wait(self->link, clock_monotonic_ns() + SLICE_NS);
        peer_join_take_owners(&self->join, model);
    } while (!peer_join_has_all(&self->join) && clock_monotonic_ns() < until_ns &&
             !self->is_stopped);
    peek_link_unlock(self->link);
    return true;
}

/* Of a round that failed, as where the reader is new or has no processor, the table before stays
 * for a while. */
static int make_table(struct peers_watch *self)
{
    struct peer_table table = {.n = 0};
    int r = take_connections(self);
    if (r == 0)
        r = peer_join_take_kernel(&self->join);
    if (r == 0)
        r = peer_join_make(&self->join, &table);
    if (r == 0)
        self->made_ns = clock_monotonic_ns();
    if (r == 0 || clock_monotonic_ns() - self->made_ns > STALE_NS)
        publish(self, &table);
    if (r == 0 && take_owners(self) && peer_join_make(&self->join, &table) == 0)
        publish(self, &table);
    return r;
}

static uint64_t due_ns(const struct peers_watch *self, uint64_t cost_ns)
{
    bool is_asked = self->asked_ns != 0 &&
                    clock_monotonic_ns() - self->asked_ns < PEERS_WATCH_HEARD_NS;
    uint64_t pause_ns = is_asked || self->has_failed ? PEERS_WATCH_ASKED_NS : PEERS_WATCH_IDLE_NS;
    if (pause_ns < cost_ns * COST_SHARE)
        pause_ns = cost_ns * COST_SHARE;
    return self->began_ns + pause_ns;
}

static void *run(void *data)
{
    struct peers_watch *self = data;
    uint64_t cost_ns = 0;
    (void)pthread_setname_np(pthread_self(), "peers watch");
    pthread_mutex_lock(&self->lock);
    while (!self->is_stopped) {
        uint64_t begin_ns = clock_monotonic_ns(), until_ns = due_ns(self, cost_ns);
        if (begin_ns < until_ns) {
            (void)condition_wait_until(&self->changed, &self->lock, until_ns);
            continue;
        }
        pthread_mutex_unlock(&self->lock);
        uint64_t cpu_ns = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
        int r = make_table(self);
        cost_ns = clock_read_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_ns;
        pthread_mutex_lock(&self->lock);
        self->has_failed = r < 0;
        self->began_ns = begin_ns;
        self->ended_ns = clock_monotonic_ns();
        pthread_cond_broadcast(&self->changed);
    }
    pthread_mutex_unlock(&self->lock);
    return NULL;
}

void peers_watch_ask(struct peers_watch *self, uint64_t max_age_ns, uint64_t patience_ns)
{
    uint64_t now_ns = clock_monotonic_ns();
    pthread_mutex_lock(&self->lock);
    self->asked_ns = now_ns;
    pthread_cond_broadcast(&self->changed);
    while (patience_ns > 0 && !self->is_stopped && self->ended_ns + max_age_ns < now_ns &&
           condition_wait_until(&self->changed, &self->lock, now_ns + patience_ns) == 0)
        ;
    pthread_mutex_unlock(&self->lock);
}

const struct peer_table *peers_watch_lock(struct peers_watch *self)
{
    pthread_mutex_lock(&self->lock);
    return &self->table;
}

void peers_watch_unlock(struct peers_watch *self)
{
    pthread_mutex_unlock(&self->lock);
}

static void free_watch(struct peers_watch *self)
{
    peer_join_finish(&self->join);
    peer_table_finish(&self->table);
    pthread_cond_destroy(&self->changed);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

int peers_watch_new(struct peek_link *link, struct peers_watch **ret_watch)
{
    struct peers_watch *self = calloc(1, sizeof(*self));
    if (!self)
        return -ENOMEM;
    self->link = link;
    pthread_mutex_init(&self->lock, NULL);
    condition_init(&self->changed);
    int r = -pthread_create(&self->thread, NULL, run, self);
    if (r < 0) {
        free_watch(self);
        return r;
    }
    *ret_watch = self;
    return 0;
}

void peers_watch_destroy(struct peers_watch **self_p)
{
    struct peers_watch *self = *self_p;
    if (!self)
        return;
    pthread_mutex_lock(&self->lock);
    self->is_stopped = true;
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->lock);
    pthread_join(self->thread, NULL);
    free_watch(self);
    *self_p = NULL;
}
