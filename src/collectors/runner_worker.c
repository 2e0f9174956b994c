/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/runner_internal.h"

#include "base/condition.h"
#include "metrics/labels.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define TICK_NS CLOCK_NS_PER_SECOND

static void job_free(struct job *job)
{
    samples_finish(&job->samples);
    free(job);
}

void runner_job_release(struct job *job)
{
    struct worker *worker = job->worker;
    if (--job->n_holders > 0)
        return;
    if (worker->n_free_jobs == RUNNER_MAX_FREE_JOBS) {
        job_free(job);
        return;
    }
    samples_clear(&job->samples);
    job->next = worker->free_jobs;
    worker->free_jobs = job;
    worker->n_free_jobs++;
}

struct job *runner_worker_job(struct worker *worker)
{
    if (worker->queued)
        return worker->queued;
    struct job *job = worker->free_jobs;
    if (job) {
        worker->free_jobs = job->next;
        worker->n_free_jobs--;
    } else {
        job = calloc(1, sizeof(*job));
        if (!job)
            return NULL;
        job->worker = worker;
    }
    job->waiting = NULL;
    job->n_holders = 1;
    job->result = 0;
    job->err.message[0] = '\0';
    worker->queued = job;
    return job;
}

/* Tells those that wait; returns the scrapes that this completed, linked by `next`. With the
 * lock. */
static struct scrape *settle(struct worker *worker, struct job *job)
{
    struct scrape *complete = NULL, *scrape = job->waiting;
    while (scrape) {
        struct scrape *next = scrape->next_waiting[worker->index];
        if (--scrape->n_pending == 0) {
            runner_scrape_unlink(scrape);
            scrape->next = complete;
            complete = scrape;
        }
        scrape = next;
    }
    job->waiting = NULL;
    worker->running = NULL;
    runner_job_release(job);
    return complete;
}

/* Called without the lock. */
static void run_job(struct worker *worker, struct job *job)
{
    struct runner *runner = worker->runner;
    uint64_t started_ns = clock_monotonic_ns();
    int r = worker->collector.collect(worker->collector.state, &job->samples, &job->err);
    job->result = r == 0 && job->samples.has_failed ? -ENOMEM : r;
    job->duration_ns = clock_monotonic_ns() - started_ns;

    pthread_mutex_lock(&runner->lock);
    struct scrape *complete = settle(worker, job);
    pthread_mutex_unlock(&runner->lock);
    while (complete) {
        struct scrape *next = complete->next;
        runner_scrape_finish(complete, 0);
        complete = next;
    }
}

/* Waits for a job or the next tick. Called and left with the lock held. */
static struct job *next_job(struct worker *worker, uint64_t tick_at_ns)
{
    struct runner *runner = worker->runner;
    while (!worker->queued && !runner->is_stopping) {
        if (!worker->collector.tick) {
            pthread_cond_wait(&worker->wakes, &runner->lock);
            continue;
        }
        if (condition_wait_until(&worker->wakes, &runner->lock, tick_at_ns) == ETIMEDOUT)
            return NULL;
    }
    struct job *job = worker->queued;
    worker->queued = NULL;
    worker->running = job;
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
        if (job)
            run_job(worker, job);
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
        job_free(job);
    }
    if (worker->queued)
        job_free(worker->queued);
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
    worker->index = runner->n_workers;
    worker->collector = *collector;
    condition_init(&worker->wakes);
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
