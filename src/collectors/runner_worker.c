/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/runner_internal.h"

#include "base/clock.h"
#include "metrics/labels.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define TICK_NS CLOCK_NS_PER_SECOND

/* Called without the lock. Returns the scrape that this job completed, or NULL. */
static struct scrape *run_job(struct worker *worker, struct job *job)
{
    struct runner *runner = worker->runner;
    struct scrape *complete = NULL;
    uint64_t started_ns = clock_monotonic_ns();
    int r = worker->collector.collect(worker->collector.state, &job->samples, &job->err);
    uint64_t duration_ns = clock_monotonic_ns() - started_ns;

    pthread_mutex_lock(&runner->lock);
    job->result = r == 0 && job->samples.has_failed ? -ENOMEM : r;
    job->duration_ns = duration_ns;
    job->state = JOB_DONE;
    worker->running = NULL;
    if (!job->scrape) {
        job->next = worker->free_jobs;
        worker->free_jobs = job;
    } else if (--job->scrape->n_pending == 0) {
        complete = job->scrape;
        runner_scrape_unlink(complete);
    }
    pthread_mutex_unlock(&runner->lock);
    return complete;
}

/* Waits for a job or the next tick. Called and left with the lock held. */
static struct job *next_job(struct worker *worker, uint64_t tick_at_ns)
{
    struct runner *runner = worker->runner;
    while (!worker->queue && !runner->is_stopping) {
        if (!worker->collector.tick) {
            pthread_cond_wait(&worker->wakes, &runner->lock);
            continue;
        }
        struct timespec until = runner_timespec(tick_at_ns);
        if (pthread_cond_timedwait(&worker->wakes, &runner->lock, &until) == ETIMEDOUT)
            return NULL;
    }
    struct job *job = worker->queue;
    if (job) {
        worker->queue = job->next;
        job->state = JOB_RUNNING;
        worker->running = job;
    }
    return job;
}

static void *worker_main(void *arg)
{
    struct worker *worker = arg;
    struct runner *runner = worker->runner;
    uint64_t tick_at_ns = clock_monotonic_ns() + TICK_NS;

    pthread_mutex_lock(&runner->lock);
    while (!runner->is_stopping) {
        struct job *job = next_job(worker, tick_at_ns);
        pthread_mutex_unlock(&runner->lock);
        struct scrape *complete = job ? run_job(worker, job) : NULL;
        if (complete)
            runner_scrape_finish(complete, 0);
        if (worker->collector.tick && clock_monotonic_ns() >= tick_at_ns) {
            worker->collector.tick(worker->collector.state);
            tick_at_ns = clock_monotonic_ns() + TICK_NS;
        }
        pthread_mutex_lock(&runner->lock);
    }
    pthread_mutex_unlock(&runner->lock);
    return NULL;
}

void runner_worker_free(struct worker *worker)
{
    if (worker->collector.destroy)
        worker->collector.destroy(worker->collector.state);
    while (worker->free_jobs) {
        struct job *job = worker->free_jobs;
        worker->free_jobs = job->next;
        samples_finish(&job->samples);
        free(job);
    }
    string_buffer_finish(&worker->labels);
    pthread_cond_destroy(&worker->wakes);
    free(worker);
}

int runner_worker_new(struct runner *runner, const struct collector *collector,
                      struct worker **ret_worker)
{
    struct worker *worker = calloc(1, sizeof(*worker));
    if (!worker) {
        if (collector->destroy)
            collector->destroy(collector->state);
        return -ENOMEM;
    }
    worker->runner = runner;
    worker->collector = *collector;
    runner_condition_init(&worker->wakes);
    labels_append(&worker->labels, "collector", collector->name);
    int r = worker->labels.has_failed ? -ENOMEM
                                      : -pthread_create(&worker->thread, NULL, worker_main, worker);
    if (r < 0) {
        runner_worker_free(worker);
        return r;
    }

    char name[16];
    (void)snprintf(name, sizeof(name), "collect %.7s", collector->name);
    pthread_setname_np(worker->thread, name);
    *ret_worker = worker;
    return 0;
}
