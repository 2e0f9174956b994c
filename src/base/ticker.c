/* SPDX-License-Identifier: MPL-2.0 */
#include "base/ticker.h"

#include "base/condition.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

struct ticker {
    uint64_t interval_ns, started_ns;
    ticker_func *func;
    void *state;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t stopped;
    bool is_stopping;
};

static void *run(void *state)
{
    struct ticker *self = state;
    uint64_t done = 0;
    pthread_mutex_lock(&self->lock);
    while (!self->is_stopping) {
        uint64_t n = (clock_monotonic_ns() - self->started_ns) / self->interval_ns;
        if (n + 1 == done) {
            condition_wait_until(&self->stopped, &self->lock,
                                 self->started_ns + done * self->interval_ns);
            continue;
        }
        done = n + 1;
        pthread_mutex_unlock(&self->lock);
        self->func(self->state, done);
        pthread_mutex_lock(&self->lock);
    }
    pthread_mutex_unlock(&self->lock);
    return NULL;
}

static void release(struct ticker *self)
{
    pthread_cond_destroy(&self->stopped);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

int ticker_new(const char *name, uint64_t interval_ns, ticker_func *func, void *state,
               struct ticker **ret_ticker)
{
    struct ticker *self = calloc(1, sizeof(*self));
    if (!self)
        return -ENOMEM;
    self->interval_ns = interval_ns;
    self->started_ns = clock_monotonic_ns();
    self->func = func;
    self->state = state;
    pthread_mutex_init(&self->lock, NULL);
    condition_init(&self->stopped);
    int r = -pthread_create(&self->thread, NULL, run, self);
    if (r < 0) {
        release(self);
        return r;
    }
    pthread_setname_np(self->thread, name);
    *ret_ticker = self;
    return 0;
}

void ticker_destroy(struct ticker **self_p)
{
    struct ticker *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    pthread_mutex_lock(&self->lock);
    self->is_stopping = true;
    pthread_cond_signal(&self->stopped);
    pthread_mutex_unlock(&self->lock);
    pthread_join(self->thread, NULL);
    release(self);
}
