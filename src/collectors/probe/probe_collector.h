/* SPDX-License-Identifier: MPL-2.0 */
/*
 * probe_collector - the standing probes' metrics.
 *
 * It reads what the actors know and waits for nobody else; the pool outlives it.
 */
#ifndef COLLECTORS_PROBE_PROBE_COLLECTOR_H
#define COLLECTORS_PROBE_PROBE_COLLECTOR_H

#include "collectors/collector.h"
#include "collectors/probe/probe_pool.h"

/* `pool` is borrowed. */
void probe_collector_init(struct probe_pool *pool, struct collector *ret_collector);

#endif
