/* SPDX-License-Identifier: MPL-2.0 */
/*
 * agent_metrics - answers the telemetry path: asks the collectors, writes the page.
 *
 * The deadline is X-Prometheus-Scrape-Timeout-Seconds less a margin for writing and the network.
 */
#ifndef AGENT_AGENT_METRICS_H
#define AGENT_AGENT_METRICS_H

#include "agent/page_pool.h"
#include "collectors/runner.h"
#include "http/http_route.h"

struct agent_metrics {
    struct runner *runner;
    struct page_pool *pages;
    bool has_created; /* OpenMetrics has the _created lines */
};

/* An http_handler, HTTP_ASYNC; `state` is a struct agent_metrics. */
void agent_metrics_handle(void *state, const struct http_request *request,
                          struct http_response *response);

/* Nanoseconds that the collectors have, from the header's text (NULL: none). */
uint64_t agent_metrics_patience_ns(const char *timeout_text);

#endif
