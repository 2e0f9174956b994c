/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/runner_internal.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* With the lock held, as all up to the next such line. */

static struct scrape *take_scrape(struct runner *runner)
{
    struct scrape *scrape = runner->free_scrapes;
    if (scrape) {
        runner->free_scrapes = scrape->next;
        runner->n_free_scrapes--;
    } else {
        scrape = calloc(1, sizeof(*scrape));
        if (!scrape)
            return NULL;
    }
    scrape->runner = runner;
    scrape->n_parts = scrape->n_pending = 0;
    memset(scrape->jobs, 0, sizeof(scrape->jobs));
    scrape->started_ns = clock_monotonic_ns();
    return scrape;
}

static bool is_stuck(const struct worker *worker)
{
    return worker->running && !worker->running->waiting;
}

/* Adds the worker to `woken` if it has to be. */
static int join_job(struct scrape *scrape, struct worker *worker, uint64_t *woken)
{
    if (is_stuck(worker))
        return 0;
    *woken |= (uint64_t)!worker->queued << worker->index;
    struct job *job = runner_worker_job(worker);
    if (!job)
        return -ENOMEM;
    scrape->next_waiting[worker->index] = job->waiting;
    job->waiting = scrape;
    job->n_holders++;
    scrape->jobs[worker->index] = job;
    scrape->n_pending++;
    return 0;
}

static int start_jobs(struct scrape *scrape, uint64_t *woken)
{
    int r = scrape->runner->is_cancelled ? -ECANCELED : 0;
    for (unsigned i = 0; r == 0 && i < scrape->runner->n_workers; i++) {
        if (scrape->selected & UINT64_C(1) << i)
            r = join_job(scrape, scrape->runner->workers[i], woken);
    }
    return r;
}

void runner_scrape_unlink(struct scrape *scrape)
{
    struct scrape **link = &scrape->runner->waiting;
    while (*link && *link != scrape)
        link = &(*link)->next;
    if (*link)
        *link = scrape->next;
}

/* Whether it waited for the job; it does no more. */
static bool leave_job(struct scrape *scrape, struct job *job)
{
    unsigned index = job->worker->index;
    struct scrape **link = &job->waiting;
    while (*link && *link != scrape)
        link = &(*link)->next_waiting[index];
    if (!*link)
        return false;
    *link = scrape->next_waiting[index];
    return true;
}

void runner_scrape_abandon(struct scrape *scrape)
{
    for (unsigned i = 0; i < scrape->runner->n_workers; i++) {
        struct job *job = scrape->jobs[i];
        if (!job || !leave_job(scrape, job))
            continue;
        scrape->n_pending--;
        scrape->jobs[i] = NULL;
        if (job->worker->queued == job && !job->waiting) {
            job->worker->queued = NULL;
            runner_job_release(job);
        }
        runner_job_release(job);
    }
}

static bool note_change(struct worker *worker, enum worker_outcome outcome)
{
    bool is_change = outcome != worker->logged;
    worker->logged = outcome;
    return is_change;
}

/* Without the lock from here on, except where it is taken. */

static enum worker_outcome outcome_of(const struct job *job)
{
    if (!job)
        return WORKER_SLOW;
    return job->result < 0 ? WORKER_FAILED : WORKER_WORKED;
}

static void log_change(const struct worker *worker, const struct job *job)
{
    const char *name = worker->collector.name;
    if (outcome_of(job) == WORKER_WORKED)
        log_info("collector works again", "collector", name);
    else if (job)
        log_warn("collector failed", "collector", name, "error",
                 job->err.message[0] ? job->err.message : strerror(-job->result));
    else
        log_warn("collector is too slow and is left out", "collector", name);
}

static void report_worker(struct scrape *scrape, unsigned index, uint64_t elapsed_ns)
{
    struct worker *worker = scrape->runner->workers[index];
    const struct job *job = scrape->jobs[index];
    enum worker_outcome outcome = outcome_of(job);
    double seconds = (double)(job ? job->duration_ns : elapsed_ns) / 1e9;
    struct label_text labels = {worker->labels.data, (uint32_t)worker->labels.size};

    samples_add_u64(&scrape->own, FAMILY_EXPORTER_COLLECTOR_SUCCESS, labels, NULL,
                    outcome == WORKER_WORKED);
    samples_add_real(&scrape->own, FAMILY_EXPORTER_COLLECTOR_DURATION, labels, NULL, seconds);
    if (job)
        scrape->parts[scrape->n_parts++] = &job->samples;

    pthread_mutex_lock(&scrape->runner->lock);
    bool is_change = note_change(worker, outcome);
    pthread_mutex_unlock(&scrape->runner->lock);
    if (is_change)
        log_change(worker, job);
}

static void report(struct scrape *scrape)
{
    uint64_t elapsed_ns = clock_monotonic_ns() - scrape->started_ns;
    samples_clear(&scrape->own);
    for (unsigned i = 0; i < scrape->runner->n_workers; i++) {
        if (scrape->selected & UINT64_C(1) << i)
            report_worker(scrape, i, elapsed_ns);
    }
    scrape->parts[scrape->n_parts++] = &scrape->own;
}

void runner_scrape_finish(struct scrape *scrape, int r)
{
    runner_done done = scrape->done;
    void *state = scrape->state;
    if (r == 0)
        report(scrape);
    else
        scrape_destroy(&scrape);
    done(state, r, scrape);
}

/* One that is woken under the lock may run at once, and then waits for the lock. */
static void wake(struct runner *runner, uint64_t woken)
{
    for (unsigned i = 0; woken >> i; i++) {
        if (woken >> i & 1)
            pthread_cond_signal(&runner->workers[i]->wakes);
    }
}

void runner_start(struct runner *self, uint64_t selected, uint64_t deadline_ns, runner_done done,
                  void *state)
{
    pthread_mutex_lock(&self->lock);
    struct scrape *scrape = take_scrape(self);
    if (!scrape) {
        pthread_mutex_unlock(&self->lock);
        done(state, -ENOMEM, NULL);
        return;
    }
    scrape->selected = selected;
    scrape->deadline_ns = deadline_ns;
    scrape->done = done;
    scrape->state = state;
    uint64_t woken = 0;
    int r = start_jobs(scrape, &woken);
    if (r < 0)
        runner_scrape_abandon(scrape);
    bool is_waiting = r == 0 && scrape->n_pending > 0;
    if (is_waiting) {
        scrape->next = self->waiting;
        self->waiting = scrape;
        if (deadline_ns < self->deadline_ns)
            pthread_cond_signal(&self->deadline_moved);
    }
    pthread_mutex_unlock(&self->lock);
    wake(self, woken);
    if (!is_waiting)
        runner_scrape_finish(scrape, r);
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
        if (self->jobs[i])
            runner_job_release(self->jobs[i]);
    }
    bool is_kept = runner->n_free_scrapes < RUNNER_MAX_FREE_SCRAPES;
    if (is_kept) {
        self->next = runner->free_scrapes;
        runner->free_scrapes = self;
        runner->n_free_scrapes++;
    }
    pthread_mutex_unlock(&runner->lock);
    if (!is_kept) {
        samples_finish(&self->own);
        free(self);
    }
}
