/* SPDX-License-Identifier: MPL-2.0 */
/*
 * self - the collector of the exporter's own process: build, CPU, memory, descriptors.
 *
 * Other parts of the agent put their own counters on the page through a source: a function that
 * adds samples, called from the collector's thread.
 */
#ifndef COLLECTORS_SELF_H
#define COLLECTORS_SELF_H

#include "collectors/collector.h"

struct self_source {
    void (*add)(void *state, struct samples *out);
    void *state; /* borrowed */
};

#define SELF_MAX_SOURCES 8u

struct self_options {
    const char *build_labels; /* rendered with labels_append; copied */
    const struct self_source *sources;
    size_t n_sources; /* at most SELF_MAX_SOURCES */
};

/* Errors: -ENOMEM, or -errno of opening /proc. */
int self_collector_new(const struct self_options *options, struct collector *ret_collector);

#endif
