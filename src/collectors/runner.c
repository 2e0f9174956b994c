/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/runner.h"

#include "base/clock.h"
#include "base/log.h"
#include "metrics/labels.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Design. One lock guards the queues of all workers; it is held for pointer work only. A scrape
 * makes one job for each collector and waits for the jobs' count to reach zero. At the deadline
 * a job that has not begun is taken back, one that is running is orphaned: its worker recycles
 * it when the collector returns, and until then the worker counts as stuck.
 */

#define TICK_NS CLOCK_NS_PER_SECOND

enum job_state { JOB_QUEUED, JOB_RUNNING, JOB_DONE, JOB_REFUSED };

struct job {
    struct job *next;
    struct scrape *scrape; /* NULL: orphaned */
    struct samples samples;
    enum job_state state;
    int result;
    uint64_t duration_ns;
    struct error err;
};

struct worker {
    struct runner *runner;
    struct collector collector;
    struct string_buffer labels; /* collector="name" */
    pthread_t thread;
    pthread_cond_t wakes;
    struct job *queue; /* oldest first */
    struct job *running;
    struct job *free_jobs;
    bool has_failed; /* as last logged */
};

struct scrape {
    struct runner *runner;
    struct scrape *next; /* in the list of free ones */
    struct samples own;
    struct job *jobs[RUNNER_MAX_COLLECTORS];
    const struct samples *parts[RUNNER_MAX_COLLECTORS + 1];
    size_t n_parts;
    unsigned n_pending;
    uint64_t started_ns;
    pthread_cond_t is_complete;
};

struct runner {
    pthread_mutex_t lock;
    struct worker *workers[RUNNER_MAX_COLLECTORS];
    unsigned n_workers;
    struct scrape *free_scrapes;
    struct scrape *waiting; /* scrapes in runner_collect, for runner_cancel */
    bool is_cancelled;
    bool is_stopping;
};

static void condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

static struct timespec timespec_of(uint64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / CLOCK_NS_PER_SECOND),
                             .tv_nsec = (long)(ns % CLOCK_NS_PER_SECOND)};
}

/* The worker's thread. */

static void run_job(struct worker *worker, struct job *job)
{
    struct runner *runner = worker->runner;
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
        pthread_cond_signal(&job->scrape->is_complete);
    }
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
        struct timespec until = timespec_of(tick_at_ns);
        if (pthread_cond_timedwait(&worker->wakes, &runner->lock, &until) == ETIMEDOUT)
            return NULL;
    }
    struct job *job = worker->queue;
    if (job)
        worker->queue = job->next;
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
        if (job) {
            job->state = JOB_RUNNING;
            worker->running = job;
            pthread_mutex_unlock(&runner->lock);
            run_job(worker, job);
        }
        if (worker->collector.tick && clock_monotonic_ns() >= tick_at_ns) {
            pthread_mutex_unlock(&runner->lock);
            worker->collector.tick(worker->collector.state);
            tick_at_ns = clock_monotonic_ns() + TICK_NS;
            pthread_mutex_lock(&runner->lock);
        }
    }
    pthread_mutex_unlock(&runner->lock);
    return NULL;
}

/* Making and ending. */

int runner_new(struct runner **ret_runner)
{
    struct runner *self = calloc(1, sizeof(*self));
    if (!self)
        return -ENOMEM;
    pthread_mutex_init(&self->lock, NULL);
    *ret_runner = self;
    return 0;
}

static void job_free(struct job *job)
{
    samples_finish(&job->samples);
    free(job);
}

static void worker_free(struct worker *worker)
{
    if (worker->collector.destroy)
        worker->collector.destroy(worker->collector.state);
    while (worker->free_jobs) {
        struct job *next = worker->free_jobs->next;
        job_free(worker->free_jobs);
        worker->free_jobs = next;
    }
    string_buffer_finish(&worker->labels);
    pthread_cond_destroy(&worker->wakes);
    free(worker);
}

int runner_add(struct runner *self, const struct collector *collector)
{
    struct worker *worker = calloc(1, sizeof(*worker));
    int r = -ENOMEM;
    if (!worker) {
        collector->destroy(collector->state);
        return r;
    }
    worker->runner = self;
    worker->collector = *collector;
    condition_init(&worker->wakes);
    labels_append(&worker->labels, "collector", collector->name);
    if (self->n_workers == RUNNER_MAX_COLLECTORS)
        r = -ENOSPC;
    else if (!worker->labels.has_failed)
        r = -pthread_create(&worker->thread, NULL, worker_main, worker);
    if (r < 0) {
        worker_free(worker);
        return r;
    }

    char name[16];
    (void)snprintf(name, sizeof(name), "collect %.7s", collector->name);
    pthread_setname_np(worker->thread, name);
    self->workers[self->n_workers++] = worker;
    return 0;
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

void runner_cancel(struct runner *self)
{
    pthread_mutex_lock(&self->lock);
    self->is_cancelled = true;
    for (struct scrape *scrape = self->waiting; scrape; scrape = scrape->next)
        pthread_cond_signal(&scrape->is_complete);
    pthread_mutex_unlock(&self->lock);
}

static void free_scrapes(struct runner *self)
{
    while (self->free_scrapes) {
        struct scrape *scrape = self->free_scrapes;
        self->free_scrapes = scrape->next;
        samples_finish(&scrape->own);
        pthread_cond_destroy(&scrape->is_complete);
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
    for (unsigned i = 0; i < self->n_workers; i++)
        pthread_cond_signal(&self->workers[i]->wakes);
    pthread_mutex_unlock(&self->lock);

    struct timespec until = timespec_of(clock_realtime_ns() + RUNNER_PATIENCE_MS * CLOCK_NS_PER_MS);
    unsigned n_left = 0;
    for (unsigned i = 0; i < self->n_workers; i++) {
        if (pthread_timedjoin_np(self->workers[i]->thread, NULL, &until) == 0)
            worker_free(self->workers[i]);
        else
            n_left++;
    }
    free_scrapes(self);
    if (n_left)
        return; /* their threads still use the lock */
    pthread_mutex_destroy(&self->lock);
    free(self);
}

/* One scrape. All below is called with the lock held unless said otherwise. */

static struct scrape *take_scrape(struct runner *self)
{
    struct scrape *scrape = self->free_scrapes;
    if (scrape) {
        self->free_scrapes = scrape->next;
    } else {
        scrape = calloc(1, sizeof(*scrape));
        if (!scrape)
            return NULL;
        condition_init(&scrape->is_complete);
    }
    scrape->runner = self;
    scrape->n_parts = scrape->n_pending = 0;
    memset(scrape->jobs, 0, sizeof(scrape->jobs));
    scrape->started_ns = clock_monotonic_ns();
    return scrape;
}

static struct job *take_job(struct worker *worker)
{
    struct job *job = worker->free_jobs;
    if (job)
        worker->free_jobs = job->next;
    else
        job = calloc(1, sizeof(*job));
    if (job) {
        samples_clear(&job->samples);
        job->next = NULL;
        job->result = 0;
        job->duration_ns = 0;
        job->err.message[0] = '\0';
    }
    return job;
}

static bool is_stuck(const struct worker *worker)
{
    return worker->running && !worker->running->scrape;
}

static int start_jobs(struct runner *self, struct scrape *scrape, uint64_t selected)
{
    for (unsigned i = 0; i < self->n_workers; i++) {
        struct worker *worker = self->workers[i];
        if (!(selected & UINT64_C(1) << i))
            continue;
        struct job *job = take_job(worker);
        if (!job)
            return -ENOMEM;
        scrape->jobs[i] = job;
        job->scrape = scrape;
        job->state = is_stuck(worker) ? JOB_REFUSED : JOB_QUEUED;
        if (job->state == JOB_REFUSED)
            continue;
        struct job **last = &worker->queue;
        while (*last)
            last = &(*last)->next;
        *last = job;
        scrape->n_pending++;
        pthread_cond_signal(&worker->wakes);
    }
    return 0;
}

static void wait_jobs(struct runner *self, struct scrape *scrape, uint64_t deadline_ns)
{
    struct timespec until = timespec_of(deadline_ns);
    scrape->next = self->waiting;
    self->waiting = scrape;
    while (scrape->n_pending && !self->is_cancelled) {
        if (pthread_cond_timedwait(&scrape->is_complete, &self->lock, &until) == ETIMEDOUT)
            break;
    }
    struct scrape **link = &self->waiting;
    while (*link != scrape)
        link = &(*link)->next;
    *link = scrape->next;
}

/* Takes back what has not begun and orphans what is running. */
static void end_jobs(struct runner *self, struct scrape *scrape)
{
    for (unsigned i = 0; i < self->n_workers; i++) {
        struct job *job = scrape->jobs[i];
        if (!job || job->state == JOB_DONE || job->state == JOB_REFUSED)
            continue;
        scrape->n_pending--;
        if (job->state == JOB_RUNNING) {
            job->scrape = NULL;
            scrape->jobs[i] = NULL;
            continue;
        }
        struct job **link = &self->workers[i]->queue;
        while (*link != job)
            link = &(*link)->next;
        *link = job->next;
        job->state = JOB_REFUSED;
    }
}

static void log_change(struct worker *worker, const struct job *job, bool has_failed)
{
    if (has_failed == worker->has_failed)
        return;
    worker->has_failed = has_failed;
    const char *name = worker->collector.name;
    if (!has_failed)
        log_info("collector works again", "collector", name);
    else if (job && job->state == JOB_DONE)
        log_warn("collector failed", "collector", name, "error",
                 job->err.message[0] ? job->err.message : strerror(-job->result));
    else
        log_warn("collector is too slow and is left out", "collector", name);
}

static void report(struct runner *self, struct scrape *scrape, uint64_t selected)
{
    uint64_t elapsed_ns = clock_monotonic_ns() - scrape->started_ns;

    samples_clear(&scrape->own);
    for (unsigned i = 0; i < self->n_workers; i++) {
        struct worker *worker = self->workers[i];
        if (!(selected & UINT64_C(1) << i))
            continue;
        struct job *job = scrape->jobs[i];
        bool is_done = job && job->state == JOB_DONE;
        bool has_failed = !is_done || job->result < 0;
        double seconds = (double)(is_done ? job->duration_ns : elapsed_ns) / 1e9;
        struct label_text labels = {worker->labels.data, (uint32_t)worker->labels.size};
        samples_add_u64(&scrape->own, FAMILY_EXPORTER_COLLECTOR_SUCCESS, labels, NULL, !has_failed);
        samples_add_real(&scrape->own, FAMILY_EXPORTER_COLLECTOR_DURATION, labels, NULL, seconds);
        if (is_done)
            scrape->parts[scrape->n_parts++] = &job->samples;
        log_change(worker, job, has_failed);
    }
    scrape->parts[scrape->n_parts++] = &scrape->own;
}

int runner_collect(struct runner *self, uint64_t selected, uint64_t deadline_ns,
                   struct scrape **ret_scrape)
{
    pthread_mutex_lock(&self->lock);
    struct scrape *scrape = take_scrape(self);
    int r = scrape ? start_jobs(self, scrape, selected) : -ENOMEM;
    if (r == 0)
        wait_jobs(self, scrape, deadline_ns);
    if (scrape)
        end_jobs(self, scrape);
    if (r == 0 && self->is_cancelled)
        r = -ECANCELED;
    if (r == 0)
        report(self, scrape, selected);
    pthread_mutex_unlock(&self->lock);

    if (r < 0) {
        scrape_destroy(&scrape);
        return r;
    }
    *ret_scrape = scrape;
    return 0;
}

const struct samples *const *scrape_parts(const struct scrape *self, size_t *ret_n)
{
    *ret_n = self->n_parts;
    return self->parts;
}

void scrape_destroy(struct scrape **self_p)
{
    struct scrape *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;

    struct runner *runner = self->runner;
    pthread_mutex_lock(&runner->lock);
    for (unsigned i = 0; i < runner->n_workers; i++) {
        struct job *job = self->jobs[i];
        if (!job)
            continue;
        job->next = runner->workers[i]->free_jobs;
        runner->workers[i]->free_jobs = job;
    }
    self->next = runner->free_scrapes;
    runner->free_scrapes = self;
    pthread_mutex_unlock(&runner->lock);
}
