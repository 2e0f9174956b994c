/* SPDX-License-Identifier: MPL-2.0 */
#include "agent/agent_metrics.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "metrics/gzip.h"
#include "metrics/negotiate.h"
#include "metrics/text_writer.h"

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

/* collect[]=a&collect[]=b, or exclude[]=c. */
struct filter {
    const struct runner *runner;
    uint64_t named;
    bool has_unknown;
};

static void see_name(void *state, const char *name)
{
    struct filter *filter = state;
    unsigned index;
    if (runner_find(filter->runner, name, &index) == 0)
        filter->named |= UINT64_C(1) << index;
    else
        filter->has_unknown = true;
}

static bool select_collectors(const struct runner *runner, const struct http_request *request,
                              uint64_t *ret_selected, struct http_response *response)
{
    struct filter collect = {.runner = runner}, exclude = {.runner = runner};
    http_request_each_query(request, "collect[]", see_name, &collect);
    http_request_each_query(request, "exclude[]", see_name, &exclude);
    if (collect.has_unknown || exclude.has_unknown) {
        struct string_buffer text = {0};
        string_buffer_append_text(&text, "no such collector; there are:");
        for (unsigned i = 0; runner_name(runner, i); i++)
            string_buffer_append_format(&text, " %s", runner_name(runner, i));
        string_buffer_append(&text, "\n", 1);
        http_response_take(response, "text/plain; charset=utf-8", &text);
        response->status = response->status == 200 ? 400 : response->status;
        return false;
    }
    if (collect.named && exclude.named) {
        http_response_text(response, 400, "collect[] and exclude[] cannot be used together\n");
        return false;
    }
    *ret_selected = collect.named ? collect.named : RUNNER_ALL & ~exclude.named;
    return true;
}

struct wanted {
    struct negotiated negotiated;
    enum negotiate_coding coding;
};

static bool negotiate(const struct http_request *request, struct wanted *ret_wanted,
                      struct http_response *response)
{
    cleanup(string_buffer_finish) struct string_buffer accept = {0}, encoding = {0};
    http_request_join_header(request, "Accept", &accept);
    http_request_join_header(request, "Accept-Encoding", &encoding);
    ret_wanted->coding = negotiate_coding(encoding.data);
    if (!negotiate_format(accept.data, &ret_wanted->negotiated)) {
        http_response_text(response, 406,
                           "there is text/plain; version=0.0.4 and "
                           "application/openmetrics-text; version=1.0.0\n");
        return false;
    }
    if (ret_wanted->coding == NEGOTIATE_NEITHER) {
        http_response_text(response, 406, "there is gzip and identity\n");
        return false;
    }
    return true;
}

static void give(struct http_response *response, struct page *page, const char *content_type)
{
    if (page->text.has_failed) {
        page_pool_give(page);
        http_response_text(response, 500, "out of memory\n");
        return;
    }
    response->content_type = content_type;
    response->body = page->text.data ? page->text.data : "";
    response->size = page->text.size;
    response->free_body = page_pool_give;
    response->owner = page;
}

static void respond(struct agent_metrics *self, const struct wanted *wanted, struct page *page,
                    struct http_response *response)
{
    http_response_header(response, "Vary", "Accept, Accept-Encoding");
    bool is_worth = wanted->coding == NEGOTIATE_EITHER && page->text.size >= GZIP_WORTH_BYTES;
    struct page *coded = is_worth || wanted->coding == NEGOTIATE_GZIP ? page_pool_take(self->pages)
                                                                      : NULL;
    if (coded && gzip_append(page->text.data, page->text.size, &coded->text) == 0) {
        http_response_header(response, "Content-Encoding", "gzip");
        page_pool_give(page);
        page = coded;
    } else if (coded) {
        page_pool_give(coded);
    }
    give(response, page, wanted->negotiated.content_type);
}

void agent_metrics_handle(void *state, const struct http_request *request,
                          struct http_response *response)
{
    struct agent_metrics *self = state;
    struct wanted wanted;
    uint64_t selected;
    uint64_t deadline_ns = clock_monotonic_ns() +
                           agent_metrics_patience_ns(http_request_header(request, TIMEOUT_HEADER));
    if (!negotiate(request, &wanted, response) ||
        !select_collectors(self->runner, request, &selected, response))
        return;

    cleanup(scrape_destroy) struct scrape *scrape = NULL;
    struct page *page = page_pool_take(self->pages);
    int r = page ? runner_collect(self->runner, selected, deadline_ns, &scrape) : -ENOMEM;
    if (r < 0) {
        if (page)
            page_pool_give(page);
        http_response_text(response, 503,
                           r == -ECANCELED ? "the exporter is stopping\n" : "out of memory\n");
        return;
    }
    size_t n_parts;
    const struct samples *const *parts = scrape_parts(scrape, &n_parts);
    if (text_format_write(wanted.negotiated.format, parts, n_parts, &page->text) < 0)
        page->text.has_failed = true;
    respond(self, &wanted, page, response);
}
