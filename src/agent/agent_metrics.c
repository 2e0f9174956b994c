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
#include <string.h>

#define TIMEOUT_HEADER  "X-Prometheus-Scrape-Timeout-Seconds"
#define DEFAULT_SECONDS 10.0 /* Prometheus's own default */
#define LONGEST_SECONDS 120.0
#define MARGIN_SECONDS  0.5
#define WHOLE_PAGE_ROOM ((size_t)8 << 20) /* of which about half is used */
#define LEAST_FRACTION  0.5               /* of a timeout shorter than twice the margin */

uint64_t agent_metrics_patience_ns(const char *timeout_text)
{
    double seconds = DEFAULT_SECONDS;
    if (timeout_text) {
        char *end;
        double given = strtod(timeout_text, &end);
        bool is_number = end != timeout_text && end[strspn(end, " \t")] == '\0';
        if (is_number && isfinite(given) && given > 0)
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
    *ret_selected = collect.named ? collect.named : runner_usual(runner) & ~exclude.named;
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

/* One scrape on its way from the request to the last byte. */
struct answer {
    struct agent_metrics *metrics;
    const struct http_request *request;
    struct http_response *response;
    struct wanted wanted;
    struct scrape *scrape;
    struct text_writer writer;
};

static void answer_free(void *state)
{
    struct answer *self = state;
    scrape_destroy(&self->scrape);
    free(self);
}

static void refuse(struct answer *self, unsigned status, const char *text)
{
    const struct http_request *request = self->request;
    http_response_text(self->response, status, text);
    answer_free(self);
    http_request_finish(request);
}

/* The body is the page's from now on, and the samples can be used again. */
static void respond_with(struct answer *self, struct page *page)
{
    const struct http_request *request = self->request;
    if (page->body.has_failed) {
        page_pool_give(page);
        refuse(self, 500, "out of memory\n");
        return;
    }
    self->response->body = page->body.data;
    self->response->size = page->body.size;
    self->response->free_body = page_pool_give;
    self->response->owner = page;
    answer_free(self);
    http_request_finish(request);
}

/* On a thread of the pool: coding takes its time. */
static void respond_coded(void *state)
{
    struct answer *self = state;
    struct page *page = page_pool_take(self->metrics->pages);
    if (!page || page_prepare_coding(page) < 0) {
        if (page)
            page_pool_give(page);
        refuse(self, 500, "out of memory\n");
        return;
    }
    gzip_begin(page->gzip, &page->body);
    for (size_t n; (n = text_writer_fill(&self->writer, page->piece, PAGE_PIECE)) > 0;)
        gzip_add(page->gzip, page->piece, n, &page->body);
    gzip_end(page->gzip, &page->body);
    http_response_header(self->response, "Content-Encoding", "gzip");
    respond_with(self, page);
}

/* Into memory that was used before, and sent with one call: the fastest. */
static void respond_whole(struct answer *self, struct page *page)
{
    char *place = string_buffer_reserve_exactly(&page->body, self->writer.room);
    if (place)
        page->body.size = text_writer_fill(&self->writer, place, self->writer.room);
    respond_with(self, page);
}

static size_t read_page(void *state, char *at, size_t room)
{
    struct answer *self = state;
    return text_writer_fill(&self->writer, at, room);
}

/* As it is sent, so that no memory holds the whole of it; written once before, for its size. */
static void respond_in_pieces(struct answer *self)
{
    const struct http_request *request = self->request;
    char *piece = malloc(PAGE_PIECE);
    if (!piece) {
        refuse(self, 500, "out of memory\n");
        return;
    }
    self->response->size = text_writer_measure(&self->writer, piece, PAGE_PIECE);
    free(piece);
    self->response->read_body = read_page;
    self->response->free_body = answer_free;
    self->response->owner = self;
    http_request_finish(request);
}

/* In pieces where the page is huge, or one of many on their way. */
static void respond_plain(struct answer *self)
{
    bool is_small = self->writer.room <= WHOLE_PAGE_ROOM;
    struct page *page = is_small ? page_pool_take_spare(self->metrics->pages) : NULL;
    if (page)
        respond_whole(self, page);
    else
        respond_in_pieces(self);
}

static void on_collected(void *state, int r, struct scrape *scrape)
{
    struct answer *self = state;
    self->scrape = scrape;
    if (r == 0) {
        size_t n_parts;
        const struct samples *const *parts = scrape_parts(scrape, &n_parts);
        r = text_writer_init(&self->writer, self->wanted.negotiated.format, parts, n_parts);
    }
    if (r < 0) {
        refuse(self, 503, r == -ECANCELED ? "the exporter is stopping\n" : "out of memory\n");
        return;
    }
    self->response->content_type = self->wanted.negotiated.content_type;
    http_response_header(self->response, "Vary", "Accept, Accept-Encoding");
    bool is_coded = self->wanted.coding == NEGOTIATE_GZIP ||
                    (self->wanted.coding == NEGOTIATE_EITHER &&
                     self->writer.room >= GZIP_WORTH_BYTES);
    if (is_coded && http_request_offload(self->request, respond_coded, self) == 0)
        return;
    if (self->wanted.coding == NEGOTIATE_GZIP)
        refuse(self, 503, "too many requests at once\n");
    else
        respond_plain(self);
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
        !select_collectors(self->runner, request, &selected, response)) {
        http_request_finish(request);
        return;
    }
    struct answer *answer = calloc(1, sizeof(*answer));
    if (!answer) {
        http_response_text(response, 500, "out of memory\n");
        http_request_finish(request);
        return;
    }
    if (self->has_created && wanted.negotiated.format == TEXT_FORMAT_OPENMETRICS)
        wanted.negotiated.format = TEXT_FORMAT_OPENMETRICS_CREATED;
    *answer = (struct answer){
        .metrics = self, .request = request, .response = response, .wanted = wanted};
    runner_start(self->runner, selected, deadline_ns, on_collected, answer);
}
