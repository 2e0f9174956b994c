/* SPDX-License-Identifier: MPL-2.0 */
#include "http/http_server.h"

#include "http/http_exchange.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Design. Each listening socket has a daemon of libmicrohttpd with one thread and epoll. That
 * thread parses, answers what needs no waiting, and sends. A slow handler runs on a thread of
 * the pool while its connection is suspended, so one that waits delays nobody else; when it is
 * done the connection is resumed and the library calls in again for the response.
 */

#define CONNECTION_MEMORY     ((size_t)16 << 10)
#define CONNECTION_TIMEOUT_S  15u
#define MAX_METHODS_TEXT_SIZE 32

struct http_listener {
    struct http_listen listen;
    struct MHD_Daemon *daemon;
};

struct http_server {
    struct http_server_options options;
    struct http_listener listeners[HTTP_MAX_LISTENERS];
    size_t n_listeners;
    struct http_workers *workers;
    struct http_stats stats;
};

static void count_status(struct http_server *self, unsigned status)
{
    static const unsigned codes[HTTP_N_STATUS] = {
#define X(code) code,
        HTTP_STATUS_CODES(X)
#undef X
    };
    size_t i = 0;
    while (i < HTTP_N_STATUS - 1 && codes[i] != status)
        i++;
    http_stats_add(&self->stats.responses[i], 1);
}

static enum MHD_Result respond(struct http_server *self, struct http_exchange *exchange)
{
    count_status(self, exchange->response.status);
    return http_exchange_send(exchange);
}

static enum MHD_Result refuse(struct http_server *self, struct http_exchange *exchange,
                              unsigned status, const char *text)
{
    http_response_text(&exchange->response, status, text);
    return respond(self, exchange);
}

static const struct http_route *find_route(const struct http_server *self, const char *path)
{
    for (size_t i = 0; i < self->options.n_routes; i++) {
        if (strcmp(self->options.routes[i].path, path) == 0)
            return &self->options.routes[i];
    }
    return NULL;
}

static unsigned method_of(const char *name)
{
    if (strcmp(name, "GET") == 0 || strcmp(name, "HEAD") == 0)
        return HTTP_GET;
    return strcmp(name, "POST") == 0 ? HTTP_POST : 0;
}

static bool has_body(struct MHD_Connection *connection)
{
    const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
                                                     MHD_HTTP_HEADER_CONTENT_LENGTH);
    return (length && strcmp(length, "0") != 0) ||
           MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
                                       MHD_HTTP_HEADER_TRANSFER_ENCODING);
}

/* On a thread of the pool, with the connection suspended. */
static void run_handler(struct http_job *job)
{
    struct http_exchange *exchange = (struct http_exchange *)job;
    exchange->route->handle(exchange->route->state, &exchange->request, &exchange->response);
    exchange->state = HTTP_EXCHANGE_READY;
    MHD_resume_connection(exchange->request.connection);
}

static enum MHD_Result start_handler(struct http_server *self, struct http_exchange *exchange)
{
    const struct http_route *route = exchange->route;
    if (route->pace == HTTP_QUICK) {
        route->handle(route->state, &exchange->request, &exchange->response);
        return respond(self, exchange);
    }

    MHD_suspend_connection(exchange->request.connection);
    exchange->state = HTTP_EXCHANGE_WAITING;
    exchange->job.run = run_handler;
    if (http_workers_submit(self->workers, &exchange->job) < 0) {
        http_response_text(&exchange->response, 503, "too many requests at once\n");
        http_response_header(&exchange->response, "Retry-After", "1");
        exchange->state = HTTP_EXCHANGE_READY;
        MHD_resume_connection(exchange->request.connection);
    }
    return MHD_YES;
}

static enum MHD_Result begin(struct http_server *self, struct http_exchange *exchange)
{
    const struct http_route *route = find_route(self, exchange->request.path);
    if (!route)
        return refuse(self, exchange, 404, "no such page\n");
    if (!(route->methods & method_of(exchange->request.method))) {
        const char *allow = route->methods == HTTP_POST  ? "POST"
                            : route->methods == HTTP_GET ? "GET, HEAD"
                                                         : "GET, HEAD, POST";
        http_response_header(&exchange->response, MHD_HTTP_HEADER_ALLOW, allow);
        return refuse(self, exchange, 405, "method not allowed here\n");
    }
    exchange->route = route;
    return start_handler(self, exchange);
}

static enum MHD_Result on_request(void *state, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **exchange_p)
{
    struct http_server *self = state;
    struct http_exchange *exchange = *exchange_p;
    (void)version;
    (void)upload;

    if (!exchange) { /* the headers are here, a body would follow */
        exchange = calloc(1, sizeof(*exchange));
        if (!exchange)
            return MHD_NO;
        *exchange_p = exchange;
        exchange->request = (struct http_request){connection, url, method};
        exchange->response.status = 200;
        if (has_body(connection))
            return refuse(self, exchange, 413, "a request has no body here\n");
        return MHD_YES;
    }
    *upload_size = 0;
    if (exchange->state == HTTP_EXCHANGE_NEW)
        return begin(self, exchange);
    return exchange->state == HTTP_EXCHANGE_READY ? respond(self, exchange) : MHD_YES;
}

static void on_completed(void *state, struct MHD_Connection *connection, void **exchange_p,
                         enum MHD_RequestTerminationCode code)
{
    struct http_exchange *exchange = *exchange_p;
    (void)state;
    (void)connection;
    (void)code;
    if (!exchange)
        return;
    http_response_finish(&exchange->response);
    free(exchange);
    *exchange_p = NULL;
}

int http_server_new(const struct http_server_options *options, struct http_server **ret_server)
{
    struct http_server *self = calloc(1, sizeof(*self));
    if (!self)
        return -ENOMEM;
    self->options = *options;
    int r = http_workers_new(options->max_requests, &self->workers);
    if (r < 0) {
        free(self);
        return r;
    }
    *ret_server = self;
    return 0;
}

int http_server_add(struct http_server *self, struct http_listen *listener)
{
    if (self->n_listeners == HTTP_MAX_LISTENERS) {
        http_listen_close(listener);
        return -ENOSPC;
    }
    self->listeners[self->n_listeners++].listen = *listener;
    *listener = (struct http_listen){.fd = -1};
    return 0;
}

const char *http_server_address(const struct http_server *self, size_t index)
{
    return index < self->n_listeners ? self->listeners[index].listen.address : NULL;
}

static void ignore_message(void *state, const char *format, va_list args)
{
    (void)state;
    (void)format;
    (void)args;
}

static int start_listener(struct http_server *self, struct http_listener *listener,
                          struct error *err)
{
    listener->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_TURBO | MHD_USE_ERROR_LOG |
            MHD_ALLOW_SUSPEND_RESUME,
        0, NULL, NULL, on_request, self, MHD_OPTION_EXTERNAL_LOGGER, ignore_message, NULL,
        MHD_OPTION_LISTEN_SOCKET, listener->listen.fd, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
        self, MHD_OPTION_CONNECTION_LIMIT, self->options.max_connections,
        MHD_OPTION_CONNECTION_TIMEOUT, CONNECTION_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        CONNECTION_MEMORY, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
    if (!listener->daemon)
        return error_set(err, -EIO, "cannot serve on '%s': the HTTP library refused",
                         listener->listen.address);
    listener->listen.fd = -1; /* the daemon closes it */
    return 0;
}

int http_server_start(struct http_server *self, struct error *err)
{
    for (size_t i = 0; i < self->n_listeners; i++) {
        int r = start_listener(self, &self->listeners[i], err);
        if (r < 0)
            return r;
    }
    return 0;
}

const struct http_stats *http_server_stats(const struct http_server *self)
{
    return &self->stats;
}

int http_server_stop(struct http_server *self, uint64_t patience_ms)
{
    for (size_t i = 0; i < self->n_listeners; i++) {
        if (self->listeners[i].daemon) {
            MHD_socket fd = MHD_quiesce_daemon(self->listeners[i].daemon);
            if (fd != MHD_INVALID_SOCKET)
                self->listeners[i].listen.fd = fd;
        }
    }
    /* A daemon must not be stopped while one of its connections is suspended. */
    if (!http_workers_drain(self->workers, patience_ms))
        return -EBUSY;
    for (size_t i = 0; i < self->n_listeners; i++) {
        if (self->listeners[i].daemon)
            MHD_stop_daemon(self->listeners[i].daemon);
        self->listeners[i].daemon = NULL;
    }
    return 0;
}

void http_server_destroy(struct http_server **self_p)
{
    struct http_server *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    for (size_t i = 0; i < self->n_listeners; i++) {
        if (self->listeners[i].daemon)
            MHD_stop_daemon(self->listeners[i].daemon);
        http_listen_close(&self->listeners[i].listen);
    }
    http_workers_destroy(&self->workers);
    free(self);
}
