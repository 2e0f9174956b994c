/* SPDX-License-Identifier: MPL-2.0 */
#include "agent/agent_routes.h"

#include "agent/agent_checks.h"
#include "agent/agent_probe.h"
#include "agent/agent_problems.h"
#include "agent/agent_runbooks.h"
#include "agent/agent_sockets.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PATH_CHARACTERS                                                                            \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_-.~" /* need no escaping */

static void say_healthy(void *state, const struct http_request *request,
                        struct http_response *response)
{
    (void)state;
    (void)request;
    http_response_text(response, 200, "zmq_exporter is healthy\n");
}

static void say_ready(void *state, const struct http_request *request,
                      struct http_response *response)
{
    (void)state;
    (void)request;
    http_response_text(response, 200, "zmq_exporter is ready\n");
}

static void show_page(void *state, const struct http_request *request,
                      struct http_response *response)
{
    const struct http_page *page = state;
    (void)request;
    response->content_type = page->content_type;
    response->body = page->data;
    response->size = page->size;
}

/* To add a path, add a row. */
static const struct http_route table[] = {
    {"/-/healthy", HTTP_GET, HTTP_QUICK, say_healthy, NULL},
    {"/-/ready", HTTP_GET, HTTP_QUICK, say_ready, NULL},
};

static int add_route(struct agent_routes *self, struct http_route row, struct error *err)
{
    for (size_t i = 0; i < self->n; i++) {
        if (strcmp(self->rows[i].path, row.path) == 0)
            return error_set(err, -EINVAL, "--web.telemetry-path: '%s' is taken by another page",
                             row.path);
    }
    assert(self->n < AGENT_MAX_ROUTES);
    self->rows[self->n++] = row;
    return 0;
}

static void append_replaced(struct string_buffer *text, const char *page, const char *path)
{
    const struct http_header words[] = {{"@TELEMETRY_PATH@", path}, {"@VERSION@", AGENT_VERSION}};
    const size_t n_words = sizeof(words) / sizeof(*words);
    while (*page) {
        size_t i = 0;
        while (i < n_words && strncmp(page, words[i].name, strlen(words[i].name)) != 0)
            i++;
        if (i < n_words) {
            string_buffer_append_text(text, words[i].value);
            page += strlen(words[i].name);
        } else {
            size_t n = 1 + strcspn(page + 1, "@");
            string_buffer_append(text, page, n);
            page += n;
        }
    }
}

static int add_pages(struct agent_routes *self, const char *telemetry_path, struct error *err)
{
    self->pages = calloc(http_n_pages, sizeof(*self->pages));
    if (!self->pages)
        return error_set(err, -ENOMEM, "%s", strerror(ENOMEM));
    for (size_t i = 0; i < http_n_pages; i++) {
        struct string_buffer text = {0};
        append_replaced(&text, http_pages[i].data, telemetry_path);
        if (text.has_failed) {
            string_buffer_finish(&text);
            return error_set(err, -ENOMEM, "%s", strerror(ENOMEM));
        }
        self->pages[i] = http_pages[i];
        self->pages[i].data = text.data;
        self->pages[i].size = text.size;
        self->n_pages++;
        int r = add_route(self,
                          (struct http_route){http_pages[i].path, HTTP_GET, HTTP_QUICK, show_page,
                                              &self->pages[i]},
                          err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* A page for each check. */
static int add_checks(struct agent_routes *self, const struct agent_route_parts *parts,
                      struct error *err)
{
    int r = 0;
    if (parts->policy)
        r = add_route(self,
                      (struct http_route){AGENT_AUDIT_PATH, HTTP_GET, HTTP_SLOW, agent_audit_handle,
                                          parts->policy},
                      err);
    for (size_t i = 0; r == 0 && i < agent_checks_n(); i++) {
        struct http_route row;
        agent_checks_route(i, &row);
        r = add_route(self, row, err);
    }
    return r;
}

/* A page for each alert. */
static int add_runbooks(struct agent_routes *self, struct error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < agent_runbooks_n(); i++) {
        struct http_route row;
        agent_runbooks_route(i, &row);
        r = add_route(self, row, err);
    }
    return r;
}

/* The rows that need a part of the agent. */
static int add_parts(struct agent_routes *self, const struct agent_route_parts *parts,
                     struct error *err)
{
    const struct http_route rows[] = {
        {"/-/reload", HTTP_POST, HTTP_SLOW, agent_config_handle, parts->config},
        {AGENT_PROBE_PATH, HTTP_GET, HTTP_SLOW, agent_probe_handle, parts->config->pool},
        {AGENT_OPEN_SOCKETS_PATH, HTTP_GET, HTTP_SLOW, agent_open_sockets_handle,
         &self->open_sockets},
        {AGENT_SOCKETS_PATH, HTTP_GET, HTTP_SLOW, agent_sockets_handle, parts->runner},
        {AGENT_LIVE_PATH, HTTP_GET, HTTP_SLOW, agent_live_handle, &self->live},
        {AGENT_HISTORY_PATH, HTTP_GET, HTTP_SLOW, agent_history_handle, &self->live},
        {AGENT_PROBLEMS_PATH, HTTP_GET, HTTP_SLOW, agent_problems_handle, parts->problems},
        {parts->telemetry_path, HTTP_GET, HTTP_ASYNC, agent_metrics_handle, &self->metrics},
    };
    int r = 0;
    for (size_t i = 0; r == 0 && i < sizeof(rows) / sizeof(*rows); i++)
        r = add_route(self, rows[i], err);
    return r;
}

int agent_routes_init(struct agent_routes *self, const struct agent_route_parts *parts,
                      struct error *err)
{
    const char *telemetry_path = parts->telemetry_path;
    *self = (struct agent_routes){
        .metrics = {.runner = parts->runner, .has_created = parts->has_created},
        .live = {.live = parts->live, .problems = parts->problems},
        .open_sockets = {.directory = parts->directory,
                         .peek = parts->peek,
                         .peers = parts->peers,
                         .problems = parts->problems}};
    if (page_pool_new(&self->metrics.pages) < 0)
        return error_set(err, -ENOMEM, "%s", strerror(ENOMEM));
    if (telemetry_path[0] != '/' ||
        strspn(telemetry_path, PATH_CHARACTERS) != strlen(telemetry_path))
        return error_set(err, -EINVAL,
                         "--web.telemetry-path: '%s' is not a path; write for example '/metrics'",
                         telemetry_path);

    int r = 0;
    for (size_t i = 0; r == 0 && i < sizeof(table) / sizeof(*table); i++)
        r = add_route(self, table[i], err);
    if (r == 0)
        r = add_pages(self, telemetry_path, err);
    if (r == 0)
        r = add_checks(self, parts, err);
    if (r == 0)
        r = add_runbooks(self, err);
    return r == 0 ? add_parts(self, parts, err) : r;
}

static void free_text(const char *text)
{
    union {
        const char *borrowed;
        void *given;
    } pointer = {text};
    free(pointer.given);
}

void agent_routes_finish(struct agent_routes *self)
{
    for (size_t i = 0; i < self->n_pages; i++)
        free_text(self->pages[i].data);
    free(self->pages);
    page_pool_destroy(&self->metrics.pages);
    *self = (struct agent_routes){0};
}
