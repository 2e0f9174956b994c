/* SPDX-License-Identifier: MPL-2.0 */
#include "http/http_workers.h"

#include "base/condition.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#define IDLE_NS    (30 * CLOCK_NS_PER_SECOND)
#define STACK_SIZE ((size_t)512 << 10)

struct http_workers {
    pthread_mutex_t lock;
    pthread_cond_t has_job;
    pthread_cond_t is_quiet; /* fewer busy, or fewer threads */
    struct http_job *queue;  /* each has an idle thread on its way */
    struct http_job **queue_end;
    unsigned n_queued;
    unsigned n_threads;
    unsigned n_busy;
    unsigned max_threads;
    bool is_stopping;
};

/* With the lock held. NULL: nothing came, the thread is to end. */
static struct http_job *wait_job(struct http_workers *self)
{
    uint64_t until_ns = clock_monotonic_ns() + IDLE_NS;
    while (!self->queue) {
        if (self->is_stopping)
            return NULL;
        if (condition_wait_until(&self->has_job, &self->lock, until_ns) == ETIMEDOUT &&
            !self->queue) {
            if (self->n_threads > 1)
                return NULL;
            until_ns = clock_monotonic_ns() + IDLE_NS;
        }
    }
    struct http_job *job = self->queue;
    self->queue = job->next;
    if (!self->queue)
        self->queue_end = &self->queue;
    self->n_queued--;
    return job;
}

static void *worker_main(void *arg)
{
    struct http_workers *self = arg;
    pthread_mutex_lock(&self->lock);
    for (struct http_job *job = wait_job(self); job; job = wait_job(self)) {
        self->n_busy++;
        pthread_mutex_unlock(&self->lock);
        job->run(job);
        pthread_mutex_lock(&self->lock);
        self->n_busy--;
        pthread_cond_broadcast(&self->is_quiet);
    }
    self->n_threads--;
    pthread_cond_broadcast(&self->is_quiet);
    pthread_mutex_unlock(&self->lock);
    return NULL;
}

static int start_thread(struct http_workers *self)
{
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    int r = -pthread_create(&thread, &attributes, worker_main, self);
    pthread_attr_destroy(&attributes);
    if (r == 0) {
        pthread_setname_np(thread, "http worker");
        self->n_threads++;
    }
    return r;
}

int http_workers_new(unsigned max_threads, struct http_workers **ret_workers)
{
    struct http_workers *self = calloc(1, sizeof(*self));
    if (!self)
        return -ENOMEM;
    self->max_threads = max_threads;
    self->queue_end = &self->queue;
    pthread_mutex_init(&self->lock, NULL);
    condition_init(&self->has_job);
    condition_init(&self->is_quiet);

    pthread_mutex_lock(&self->lock);
    int r = start_thread(self);
    pthread_mutex_unlock(&self->lock);
    if (r < 0) {
        http_workers_destroy(&self);
        return r;
    }
    *ret_workers = self;
    return 0;
}

int http_workers_submit(struct http_workers *self, struct http_job *job)
{
    int r = 0;
    pthread_mutex_lock(&self->lock);
    if (self->is_stopping)
        r = -EAGAIN;
    else if (self->n_busy + self->n_queued >= self->n_threads)
        r = self->n_threads < self->max_threads ? start_thread(self) : -EAGAIN;
    if (r == 0) {
        job->next = NULL;
        *self->queue_end = job;
        self->queue_end = &job->next;
        self->n_queued++;
        pthread_cond_signal(&self->has_job);
    }
    pthread_mutex_unlock(&self->lock);
    return r;
}

void http_workers_destroy(struct http_workers **self_p)
{
    struct http_workers *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;

    pthread_mutex_lock(&self->lock);
    self->is_stopping = true;
    pthread_cond_broadcast(&self->has_job);
    while (self->n_threads > 0)
        pthread_cond_wait(&self->is_quiet, &self->lock);
    pthread_mutex_unlock(&self->lock);
    pthread_cond_destroy(&self->has_job);
    pthread_cond_destroy(&self->is_quiet);
    pthread_mutex_destroy(&self->lock);
    free(self);
}
