/* SPDX-License-Identifier: MPL-2.0 */
/*
 * runner - asks the collectors for their samples, each on its own thread, within a deadline.
 *
 * A collector that fails or is not back in time is reported by zmq_exporter_collector_success 0,
 * and the rest is served. One that is still busy with a call that an earlier scrape gave up on
 * is left out at once, so that a hung source costs one scrape its deadline, not every scrape.
 * Scrapes are independent, but those that wait for the same collector to begin share what it then
 * gives: it is as fresh for each of them, and a crowd costs no more than two scrapes in turn.
 *
 * Thread:  any.   Blocks: runner_collect, to its deadline; runner_destroy, see there.
 * Errors:  -ENOMEM, -ENOSPC (too many collectors), -ENOENT (no collector of that name),
 *          -ECANCELED (runner_cancel was called)
 */
#ifndef COLLECTORS_RUNNER_H
#define COLLECTORS_RUNNER_H

#include "collectors/collector.h"

#define RUNNER_MAX_COLLECTORS 16u
#define RUNNER_ALL            UINT64_MAX

struct runner;
struct scrape;

int runner_new(struct runner **ret_runner);

/* Starts the collector's thread. Takes the collector, also on failure. Before any scrape. */
int runner_add(struct runner *self, const struct collector *collector);

/* The collectors that are not optional, as bits. */
uint64_t runner_usual(const struct runner *self);

/* Index and name of the collectors, in the order they were added. */
int runner_find(const struct runner *self, const char *name, unsigned *ret_index);
const char *runner_name(const struct runner *self, unsigned index); /* NULL beyond the last */

/* Called once: with 0 and a scrape that is now the callee's, or with an error and NULL. From a
 * thread of the runner, which the next scrape may be waiting for: it should not take long. */
typedef void (*runner_done)(void *state, int r, struct scrape *scrape);

/* Asks the collectors whose bit is in `selected`; calls `done` when all have answered, at
 * `deadline_ns` (monotonic) at the latest, possibly before this returns. */
void runner_start(struct runner *self, uint64_t selected, uint64_t deadline_ns, runner_done done,
                  void *state);

/* The same, waiting for it. */
int runner_collect(struct runner *self, uint64_t selected, uint64_t deadline_ns,
                   struct scrape **ret_scrape);

/* The samples, one part a collector and one of the runner's own; borrowed. */
const struct samples *const *scrape_parts(const struct scrape *self, size_t *ret_n);
void scrape_destroy(struct scrape **self_p);

/* Ends every scrape that waits, now and from now on, with -ECANCELED. */
void runner_cancel(struct runner *self);

/* Ends the threads and destroys the collectors. All scrapes are destroyed by then. A collector
 * that does not come back within RUNNER_PATIENCE_MS is left behind with its thread. */
#define RUNNER_PATIENCE_MS 3000u
void runner_destroy(struct runner **self_p);

#endif
