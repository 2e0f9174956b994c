/* SPDX-License-Identifier: MPL-2.0 */
#include "agent/agent_sockets.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "metrics/json_writer.h"

#include <errno.h>
#include <inttypes.h>

#define PATIENCE_NS (5 * CLOCK_NS_PER_SECOND)

static void append_head(struct string_buffer *json)
{
    uint64_t now_ms = clock_realtime_ns() / CLOCK_NS_PER_MS;
    string_buffer_append_text(json, "{\"version\":");
    json_writer_text(json, AGENT_VERSION);
    string_buffer_append_format(json, ",\"time\":%" PRIu64 ".%03u,", now_ms / 1000,
                                (unsigned)(now_ms % 1000));
}

void agent_sockets_handle(void *state, const struct http_request *request,
                          struct http_response *response)
{
    (void)request;
    cleanup(scrape_destroy) struct scrape *scrape = NULL;
    int r = runner_collect(state, RUNNER_ALL, clock_monotonic_ns() + PATIENCE_NS, &scrape);
    if (r < 0) {
        http_response_text(response, 503,
                           r == -ECANCELED ? "the exporter is stopping\n" : "out of memory\n");
        return;
    }
    size_t n_parts;
    const struct samples *const *parts = scrape_parts(scrape, &n_parts);
    struct string_buffer json = {0};
    append_head(&json);
    if (json_writer_write(parts, n_parts, &json) < 0)
        json.has_failed = true;
    string_buffer_append_text(&json, "}\n");
    http_response_take(response, "application/json", &json);
}
