/* SPDX-License-Identifier: MPL-2.0 */
/*
 * probe_demand - one probe for /probe: from the query to its samples.
 *
 * Thread:  any.   Blocks: until the probe is done or its time is over.
 * Errors:  PROBE_E_QUERY, PROBE_E_TARGET (see probe_query.h); -ENOMEM, -ECANCELED.
 */
#ifndef COLLECTORS_PROBE_PROBE_DEMAND_H
#define COLLECTORS_PROBE_PROBE_DEMAND_H

#include "collectors/probe/probe_actor.h"
#include "collectors/probe/probe_query.h"

struct probe_demand {
    struct probe_actor *actor;
    struct exporter_config *config;
    const struct probe_query *query;
    struct samples *out;
    struct string_buffer *log; /* NULL: none */
};

int probe_demand_run(const struct probe_demand *self, struct error *err);

#endif
