/* SPDX-License-Identifier: MPL-2.0 */
/*
 * collector - what a source of samples promises.
 *
 * A collector is one file or folder under collectors/, named as its `collector` label. It gives
 * its samples when asked, from its own sources, and adds nothing to a page by other ways.
 *
 * collect:  called for every scrape, from a thread of the runner, one call at a time for each
 *           collector, never with the runner's lock held. Adds to `out`. Label texts it adds must
 *           live until the samples are cleared: intern them for the collector's life, or use
 *           samples_copy_labels(). It may block, but a call beyond the scrape's deadline is left
 *           out of that page and reported. Returns 0, or a negative errno with `err` filled;
 *           then what it added is still served and success is 0.
 * tick:     optional; called about once a second whether anyone scrapes or not, from the same
 *           thread as collect, for work that must not wait for a scrape. Never fails.
 * destroy:  frees `state`; called once, after the last collect.
 */
#ifndef COLLECTORS_COLLECTOR_H
#define COLLECTORS_COLLECTOR_H

#include "base/error.h"
#include "metrics/samples.h"

#include <stdbool.h>

struct collector {
    const char *name;
    bool is_optional; /* asked only by those who name it */
    void *state;
    int (*collect)(void *state, struct samples *out, struct error *err);
    void (*tick)(void *state);
    void (*destroy)(void *state);
};

#endif
