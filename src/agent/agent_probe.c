/* SPDX-License-Identifier: MPL-2.0 */
#include "agent/agent_probe.h"

#include "agent/agent_metrics.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "metrics/negotiate.h"
#include "metrics/text_writer.h"

#include <errno.h>
#include <string.h>

#define TEXT_TYPE      "text/plain; charset=utf-8"
#define TIMEOUT_HEADER "X-Prometheus-Scrape-Timeout-Seconds"

static unsigned status_of(int result)
{
    switch (result) {
    case PROBE_E_QUERY:
        return 400;
    case PROBE_E_TARGET:
        return 403;
    case PROBE_E_BUSY:
    case -ECANCELED:
        return 503;
    default:
        return 500;
    }
}

static void refuse(int result, const struct error *err, struct http_response *response)
{
    struct string_buffer text = {0};
    string_buffer_append_format(&text, "%s\n", err->message);
    http_response_take(response, TEXT_TYPE, &text);
    response->status = status_of(result);
}

/* The page is small: it is not worth compressing. */
static void respond(const struct http_request *request, const struct samples *samples,
                    struct http_response *response)
{
    cleanup(string_buffer_finish) struct string_buffer accept = {0};
    struct negotiated negotiated;
    struct string_buffer page = {0};
    http_request_join_header(request, "Accept", &accept);
    http_response_header(response, "Vary", "Accept");
    if (!negotiate_format(accept.data, &negotiated)) {
        http_response_text(response, 406,
                           "there is text/plain; version=0.0.4 and "
                           "application/openmetrics-text; version=1.0.0\n");
        return;
    }
    if (text_format_write(negotiated.format, &samples, 1, &page) < 0)
        page.has_failed = true;
    http_response_take(response, negotiated.content_type, &page);
}

/* For people: what happened, then the metrics as a scrape would have them. */
static void respond_debug(const struct samples *samples, struct string_buffer *log,
                          struct http_response *response)
{
    string_buffer_append_text(log, "\n");
    if (text_format_write(TEXT_FORMAT_PROMETHEUS, &samples, 1, log) < 0)
        log->has_failed = true;
    http_response_take(response, TEXT_TYPE, log);
}

void agent_probe_handle(void *state, const struct http_request *request,
                        struct http_response *response)
{
    const char *timeout = http_request_header(request, TIMEOUT_HEADER);
    const char *debug = http_request_query(request, "debug");
    bool is_debug = debug && strcmp(debug, "true") == 0;
    const struct probe_query query = {
        .target = http_request_query(request, "target"),
        .module = http_request_query(request, "module"),
        .deadline_ns = clock_monotonic_ns() + agent_metrics_patience_ns(timeout),
    };
    cleanup(samples_finish) struct samples samples;
    struct string_buffer log = {0};
    struct error err;
    samples_init(&samples);
    int r = probe_pool_probe(state, &query, &samples, is_debug ? &log : NULL, &err);
    if (r != 0)
        refuse(r, &err, response);
    else if (is_debug)
        respond_debug(&samples, &log, response);
    else
        respond(request, &samples, response);
    string_buffer_finish(&log);
}
