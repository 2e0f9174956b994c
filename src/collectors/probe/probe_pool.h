/* SPDX-License-Identifier: MPL-2.0 */
/*
 * probe_pool - all probes: actors, the configuration they follow, and probes on demand.
 *
 * Thread:  any; applying, collecting and probing on demand exclude each other only for moments.
 * Blocks:  probe_pool_apply() until every actor follows the new configuration;
 *          probe_pool_probe() until the probe is done or its time is over.
 * Errors:  -errno with `err` set.
 */
#ifndef COLLECTORS_PROBE_PROBE_POOL_H
#define COLLECTORS_PROBE_PROBE_POOL_H

#include "base/error.h"
#include "collectors/probe/probe_query.h"
#include "collectors/probe/resolver.h"
#include "config/exporter_config.h"
#include "metrics/samples.h"

struct probe_pool;

/* `lookup` NULL: the system's resolver. */
int probe_pool_new(resolver_lookup lookup, struct probe_pool **ret, struct error *err);
void probe_pool_destroy(struct probe_pool **self_p);

/* Follows `config` from now on, or, on an error, the old one as before. Probes whose settings are
 * the same keep their connections, those with the same name and endpoint their counters. */
int probe_pool_apply(struct probe_pool *self, struct exporter_config *config, struct error *err);

void probe_pool_collect(struct probe_pool *self, struct samples *out);

/* One probe on demand: PROBE_E_* with `err` set. Adds the result to `out`, and to `log` (NULL:
 * none) what happened, for people. */
int probe_pool_probe(struct probe_pool *self, const struct probe_query *query, struct samples *out,
                     struct string_buffer *log, struct error *err);

/* Ends every probe on demand, now and from now on. */
void probe_pool_cancel(struct probe_pool *self);

#endif
