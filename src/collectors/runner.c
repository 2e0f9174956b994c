/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/runner.h"

#include "base/condition.h"
#include "collectors/runner_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One scrape whose time has come, out of the list; NULL: none. Sets deadline_ns to that of the
 * next one. With the lock. */
static struct scrape *take_expired(struct runner *self, int *ret_result)
{
    uint64_t now_ns = clock_monotonic_ns();
    self->deadline_ns = UINT64_MAX;
    for (struct scrape *scrape = self->waiting; scrape; scrape = scrape->next) {
        if (self->is_cancelled || scrape->deadline_ns <= now_ns) {
            *ret_result = self->is_cancelled ? -ECANCELED : 0;
            runner_scrape_unlink(scrape);
            runner_scrape_abandon(scrape);
            return scrape;
        }
        if (scrape->deadline_ns < self->deadline_ns)
            self->deadline_ns = scrape->deadline_ns;
    }
    return NULL;
}

static void *deadline_main(void *arg)
{
    struct runner *self = arg;
    pthread_mutex_lock(&self->lock);
    while (!self->is_stopping) {
        int r = 0;
        struct scrape *scrape = take_expired(self, &r);
        if (scrape) {
            pthread_mutex_unlock(&self->lock);
            runner_scrape_finish(scrape, r);
            pthread_mutex_lock(&self->lock);
        } else if (self->deadline_ns == UINT64_MAX) {
            pthread_cond_wait(&self->deadline_moved, &self->lock);
        } else {
            condition_wait_until(&self->deadline_moved, &self->lock, self->deadline_ns);
        }
    }
    pthread_mutex_unlock(&self->lock);
    return NULL;
}

int runner_new(struct runner **ret_runner)
{
    struct runner *self = calloc(1, sizeof(*self));
    if (!self)
        return -ENOMEM;
    pthread_mutex_init(&self->lock, NULL);
    condition_init(&self->deadline_moved);
    self->deadline_ns = UINT64_MAX;
    int r = -pthread_create(&self->deadline_thread, NULL, deadline_main, self);
    if (r < 0) {
        free(self);
        return r;
    }
    pthread_setname_np(self->deadline_thread, "scrape deadline");
    *ret_runner = self;
    return 0;
}

int runner_add(struct runner *self, const struct collector *collector)
{
    if (self->n_workers == RUNNER_MAX_COLLECTORS) {
        if (collector->destroy)
            collector->destroy(collector->state);
        return -ENOSPC;
    }
    int r = runner_worker_new(self, collector, &self->workers[self->n_workers]);
    if (r == 0)
        self->n_workers++;
    return r;
}

uint64_t runner_usual(const struct runner *self)
{
    uint64_t usual = 0;
    for (unsigned i = 0; i < self->n_workers; i++)
        usual |= (uint64_t)!self->workers[i]->collector.is_optional << i;
    return usual;
}

int runner_find(const struct runner *self, const char *name, unsigned *ret_index)
{
    for (unsigned i = 0; i < self->n_workers; i++) {
        if (strcmp(self->workers[i]->collector.name, name) == 0) {
            *ret_index = i;
            return 0;
        }
    }
    return -ENOENT;
}

const char *runner_name(const struct runner *self, unsigned index)
{
    return index < self->n_workers ? self->workers[index]->collector.name : NULL;
}

/* runner_collect's: on its stack. */
struct answer {
    pthread_mutex_t lock;
    pthread_cond_t is_here;
    struct scrape *scrape;
    int result;
    bool is_done;
};

static void take_answer(void *state, int r, struct scrape *scrape)
{
    struct answer *answer = state;
    pthread_mutex_lock(&answer->lock);
    answer->scrape = scrape;
    answer->result = r;
    answer->is_done = true;
    pthread_cond_signal(&answer->is_here);
    pthread_mutex_unlock(&answer->lock);
}

int runner_collect(struct runner *self, uint64_t selected, uint64_t deadline_ns,
                   struct scrape **ret_scrape)
{
    struct answer answer = {.lock = PTHREAD_MUTEX_INITIALIZER, .is_here = PTHREAD_COND_INITIALIZER};
    runner_start(self, selected, deadline_ns, take_answer, &answer);
    pthread_mutex_lock(&answer.lock);
    while (!answer.is_done)
        pthread_cond_wait(&answer.is_here, &answer.lock);
    pthread_mutex_unlock(&answer.lock);
    pthread_cond_destroy(&answer.is_here);
    pthread_mutex_destroy(&answer.lock);
    if (answer.result == 0)
        *ret_scrape = answer.scrape;
    return answer.result;
}

void runner_cancel(struct runner *self)
{
    pthread_mutex_lock(&self->lock);
    self->is_cancelled = true;
    pthread_cond_signal(&self->deadline_moved);
    pthread_mutex_unlock(&self->lock);
}

static void free_scrapes(struct runner *self)
{
    while (self->free_scrapes) {
        struct scrape *scrape = self->free_scrapes;
        self->free_scrapes = scrape->next;
        samples_finish(&scrape->own);
        free(scrape);
    }
}

void runner_destroy(struct runner **self_p)
{
    struct runner *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;

    pthread_mutex_lock(&self->lock);
    self->is_stopping = true;
    pthread_cond_signal(&self->deadline_moved);
    for (unsigned i = 0; i < self->n_workers; i++)
        pthread_cond_signal(&self->workers[i]->wakes);
    pthread_mutex_unlock(&self->lock);
    pthread_join(self->deadline_thread, NULL);

    struct timespec until = clock_timespec(clock_realtime_ns() +
                                           RUNNER_PATIENCE_MS * CLOCK_NS_PER_MS);
    unsigned n_left = 0;
    /* The last first: a collector may ask those that were added before it. */
    for (unsigned i = self->n_workers; i-- > 0;) {
        bool is_over = pthread_timedjoin_np(self->workers[i]->thread, NULL, &until) == 0;
        if (is_over && n_left == 0)
            runner_worker_free(self->workers[i]);
        n_left += !is_over;
    }
    free_scrapes(self);
    if (n_left)
        return; /* their threads still use the lock */
    pthread_cond_destroy(&self->deadline_moved);
    pthread_mutex_destroy(&self->lock);
    free(self);
}
