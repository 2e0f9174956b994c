/* SPDX-License-Identifier: MPL-2.0 */
#include "agent/agent_metrics.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "metrics/text_format.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define TIMEOUT_HEADER  "X-Prometheus-Scrape-Timeout-Seconds"
#define DEFAULT_SECONDS 10.0 /* Prometheus's own default */
#define LONGEST_SECONDS 120.0
#define MARGIN_SECONDS  0.5
#define LEAST_FRACTION  0.5 /* of a timeout shorter than twice the margin */

uint64_t agent_metrics_patience_ns(const char *timeout_text)
{
    double seconds = DEFAULT_SECONDS;
    if (timeout_text) {
        char *end;
        double given = strtod(timeout_text, &end);
        if (end != timeout_text && !*end && isfinite(given) && given > 0)
            seconds = fmin(given, LONGEST_SECONDS);
    }
    double patience = fmax(seconds - MARGIN_SECONDS, seconds * LEAST_FRACTION);
    return (uint64_t)(patience * 1e9);
}

void agent_metrics_handle(void *state, const struct http_request *request,
                          struct http_response *response)
{
    struct agent_metrics *self = state;
    uint64_t deadline_ns = clock_monotonic_ns() +
                           agent_metrics_patience_ns(http_request_header(request, TIMEOUT_HEADER));

    cleanup(scrape_destroy) struct scrape *scrape = NULL;
    int r = runner_collect(self->runner, RUNNER_ALL, deadline_ns, &scrape);
    if (r < 0) {
        http_response_text(response, 503,
                           r == -ECANCELED ? "the exporter is stopping\n" : "out of memory\n");
        return;
    }

    size_t n_parts;
    const struct samples *const *parts = scrape_parts(scrape, &n_parts);
    struct string_buffer page = {0};
    (void)text_format_write(parts, n_parts, &page); /* a failed buffer is taken as such */
    http_response_take(response, TEXT_FORMAT_CONTENT_TYPE, &page);
}
