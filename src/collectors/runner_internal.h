/* SPDX-License-Identifier: MPL-2.0 */
/*
 * runner_internal - what runner.c, runner_worker.c and runner_scrape.c share.
 *
 * Design. One lock guards all of it; it is held for pointer work only. A job is one call of a
 * collector. A worker has at most one that runs and one that is next, which every scrape joins
 * that comes before it begins. A scrape is complete when the count of its pending jobs is zero:
 * whoever brings it there reports it. At the deadline a thread of the runner's takes the scrape
 * out of the jobs it still waits for; a job that runs and that nobody waits for any more makes
 * its worker stuck. Whoever is the last to hold a job gives it back to its worker.
 */
#ifndef COLLECTORS_RUNNER_INTERNAL_H
#define COLLECTORS_RUNNER_INTERNAL_H

#include "collectors/runner.h"

#include "base/string_buffer.h"

#include <pthread.h>
#include <time.h>

struct job {
    struct worker *worker;
    struct job *next;       /* in the worker's list of free ones */
    struct scrape *waiting; /* scrapes that wait for it, linked by next_waiting[worker] */
    unsigned n_holders; /* scrapes that have it in `jobs`, and the worker while it is not done */
    struct samples samples;
    int result;
    uint64_t duration_ns;
    struct error err;
};

#define RUNNER_MAX_FREE_JOBS    4u /* of a worker; more are freed */
#define RUNNER_MAX_FREE_SCRAPES 16u

/* Of a collector, in a scrape. */
enum worker_outcome { WORKER_WORKED, WORKER_FAILED, WORKER_SLOW };

struct worker {
    struct runner *runner;
    unsigned index;
    struct collector collector;
    struct string_buffer labels; /* collector="name" */
    pthread_t thread;
    pthread_cond_t wakes;
    struct job *queued;
    struct job *running;
    struct job *free_jobs;
    unsigned n_free_jobs;
    enum worker_outcome logged; /* what was logged last */
};

struct scrape {
    struct runner *runner;
    struct scrape *next; /* in one of the runner's lists */
    struct samples own;
    struct job *jobs[RUNNER_MAX_COLLECTORS]; /* NULL: not asked, refused or too slow */
    struct scrape *next_waiting[RUNNER_MAX_COLLECTORS];
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
    unsigned n_free_scrapes;
    struct scrape *waiting; /* with jobs pending */
    pthread_t deadline_thread;
    pthread_cond_t deadline_moved;
    uint64_t deadline_ns; /* that the thread sleeps to; UINT64_MAX: none */
    bool is_cancelled;
    bool is_stopping;
};

/* runner_worker.c */
int runner_worker_new(struct runner *runner, const struct collector *collector,
                      struct worker **ret_worker);
void runner_worker_free(struct worker *worker);
/* The job that a scrape may join now, with the lock: it is made and queued if there is none, and
 * then the worker must be woken. NULL: out of memory. */
struct job *runner_worker_job(struct worker *worker);
/* One holder less. With the lock. */
void runner_job_release(struct job *job);

/* runner_scrape.c. A scrape that is not in the list any more: puts the samples together and
 * calls `done`, or destroys it and says `r`. Without the lock. */
void runner_scrape_finish(struct scrape *scrape, int r);
/* Takes it out of the list. With the lock. */
void runner_scrape_unlink(struct scrape *scrape);
/* Takes it out of the jobs that it waits for. With the lock. */
void runner_scrape_abandon(struct scrape *scrape);

#endif
