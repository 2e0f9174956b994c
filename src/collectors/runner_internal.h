/* SPDX-License-Identifier: MPL-2.0 */
/*
 * runner_internal - what runner.c, runner_worker.c and runner_scrape.c share.
 *
 * Design. One lock guards the queues of all workers; it is held for pointer work only. A scrape
 * makes one job for each collector and is complete when the count of those pending is zero:
 * whoever brings it there reports it. At the deadline a thread of the runner's takes back the
 * jobs that have not begun and orphans those that run: their worker recycles them when the
 * collector returns, and until then the worker counts as stuck.
 */
#ifndef COLLECTORS_RUNNER_INTERNAL_H
#define COLLECTORS_RUNNER_INTERNAL_H

#include "collectors/runner.h"

#include "base/string_buffer.h"

#include <pthread.h>
#include <time.h>

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
    struct scrape *next; /* in one of the runner's lists */
    struct samples own;
    struct job *jobs[RUNNER_MAX_COLLECTORS];
    const struct samples *parts[RUNNER_MAX_COLLECTORS + 1];
    size_t n_parts;
    unsigned n_pending;
    uint64_t selected;
    uint64_t started_ns;
    uint64_t deadline_ns;
    runner_done done;
    void *state;
};

struct runner {
    pthread_mutex_t lock;
    struct worker *workers[RUNNER_MAX_COLLECTORS];
    unsigned n_workers;
    struct scrape *free_scrapes;
    struct scrape *waiting; /* with jobs pending */
    pthread_t deadline_thread;
    pthread_cond_t deadline_moved;
    uint64_t deadline_ns; /* that the thread sleeps to; UINT64_MAX: none */
    bool is_cancelled;
    bool is_stopping;
};

struct timespec runner_timespec(uint64_t ns);
void runner_condition_init(pthread_cond_t *condition);

/* runner_worker.c */
int runner_worker_new(struct runner *runner, const struct collector *collector,
                      struct worker **ret_worker);
void runner_worker_free(struct worker *worker);

/* runner_scrape.c. A scrape that is not in the list any more: puts the samples together and
 * calls `done`, or destroys it and says `r`. Without the lock. */
void runner_scrape_finish(struct scrape *scrape, int r);
/* Takes it out of the list. With the lock. */
void runner_scrape_unlink(struct scrape *scrape);
/* Takes back or orphans its pending jobs. With the lock. */
void runner_scrape_abandon(struct scrape *scrape);

#endif
