/* SPDX-License-Identifier: MPL-2.0 */
#include "http/http_dispatch.h"

#include "base/condition.h"
#include "http/http_exchange.h"
#include "http/http_form.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* See wait_or_suspend. The patience is longer than the tick of any kernel, for a timer that comes
 * before that costs as much as the wait saves. */
#define PROMPT_NS   (CLOCK_NS_PER_MS / 8)
#define PATIENCE_NS (10 * CLOCK_NS_PER_MS)
#define REST_TIMES  20u

static void count_status(struct http_dispatch *self, unsigned status)
{
    static const unsigned codes[HTTP_N_STATUS] = {
#define X(code) code,
        HTTP_STATUS_CODES(X)
#undef X
    };
    size_t i = 0;
    while (i < HTTP_N_STATUS - 1 && codes[i] != status)
        i++;
    http_stats_add(&self->stats->responses[i], 1);
}

static enum MHD_Result respond(struct http_dispatch *self, struct http_exchange *exchange)
{
    count_status(self, exchange->response.status);
    return http_exchange_send(exchange);
}

static enum MHD_Result refuse(struct http_dispatch *self, struct http_exchange *exchange,
                              unsigned status, const char *text)
{
    http_response_text(&exchange->response, status, text);
    return respond(self, exchange);
}

static const struct http_route *find_route(const struct http_dispatch *self, const char *path)
{
    for (size_t i = 0; i < self->n_routes; i++) {
        if (strcmp(self->routes[i].path, path) == 0)
            return &self->routes[i];
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

/* False: there are enough already, or the server is stopping. */
static bool admit(struct http_dispatch *self, struct http_exchange *exchange)
{
    bool is_slow = exchange->route->pace == HTTP_SLOW;
    pthread_mutex_lock(&self->lock);
    bool has_room = !self->is_stopping && self->n_running < self->max_running &&
                    (!is_slow || self->n_slow < self->max_requests);
    self->n_running += has_room;
    self->n_slow += has_room && is_slow;
    pthread_mutex_unlock(&self->lock);
    exchange->state = HTTP_EXCHANGE_RUNNING;
    exchange->started_ns = clock_monotonic_ns();
    return has_room;
}

/* With the lock held. */
static void count_out(struct http_dispatch *self, bool is_slow)
{
    self->n_running--;
    self->n_slow -= is_slow;
    pthread_cond_signal(&self->is_quieter);
}

void http_request_finish(const struct http_request *request)
{
    struct http_exchange *exchange = request->exchange;
    struct http_dispatch *self = exchange->dispatch;
    struct MHD_Connection *connection = request->connection;
    bool is_slow = exchange->route->pace == HTTP_SLOW;

    pthread_mutex_lock(&self->lock);
    bool is_suspended = exchange->state == HTTP_EXCHANGE_SUSPENDED;
    exchange->state = HTTP_EXCHANGE_READY;
    pthread_mutex_unlock(&self->lock); /* and the exchange may be gone */
    if (is_suspended)
        MHD_resume_connection(connection);
    else
        pthread_cond_broadcast(&self->is_ready);
    pthread_mutex_lock(&self->lock);
    count_out(self, is_slow);
    pthread_mutex_unlock(&self->lock);
}

static void run_offloaded(struct http_job *job)
{
    struct http_exchange *exchange = (struct http_exchange *)job;
    exchange->run(exchange->run_state);
}

int http_request_offload(const struct http_request *request, void (*run)(void *state), void *state)
{
    struct http_exchange *exchange = request->exchange;
    struct http_dispatch *self = exchange->dispatch;
    pthread_mutex_lock(&self->lock);
    exchange->is_offloaded = true;
    pthread_mutex_unlock(&self->lock);
    pthread_cond_broadcast(&self->is_ready);
    exchange->run = run;
    exchange->run_state = state;
    exchange->job.run = run_offloaded;
    return http_workers_submit(self->workers, &exchange->job);
}

/* For an asynchronous handler, or what it does before it goes to the pool. With the lock held. */
static void wait_for(struct http_dispatch *self, const struct http_exchange *exchange)
{
    int r = 0;
    while (exchange->state == HTTP_EXCHANGE_RUNNING && !exchange->is_offloaded && r == 0)
        r = condition_wait_until(&self->is_ready, &self->lock, exchange->started_ns + PATIENCE_NS);
    uint64_t now_ns = clock_monotonic_ns(), taken_ns = now_ns - exchange->started_ns;
    if (taken_ns > PROMPT_NS)
        self->rests_until_ns = now_ns + REST_TIMES * taken_ns;
}

/*
 * Whether the handler is done. Else the connection is suspended, and goes on when it is.
 *
 * Design. To suspend a connection and to be woken for it takes the thread through its event loop
 * several times; a page of what is in memory is made in less. So the thread waits for it. Where
 * that took longer than it saves, no thread waits again for many times as long: a collector that is
 * slow or hangs takes a twentieth of the others' time at most, and of a crowd that comes meanwhile
 * all share its next pass.
 */
static bool wait_or_suspend(struct http_dispatch *self, struct http_exchange *exchange)
{
    pthread_mutex_lock(&self->lock);
    if (exchange->route->pace == HTTP_ASYNC && exchange->started_ns >= self->rests_until_ns)
        wait_for(self, exchange);
    bool is_done = exchange->state == HTTP_EXCHANGE_READY;
    if (!is_done) {
        exchange->state = HTTP_EXCHANGE_SUSPENDED;
        MHD_suspend_connection(exchange->request.connection);
    }
    pthread_mutex_unlock(&self->lock);
    return is_done;
}

/* On a thread of the pool. */
static void run_handler(struct http_job *job)
{
    struct http_exchange *exchange = (struct http_exchange *)job;
    exchange->route->handle(exchange->route->state, &exchange->request, &exchange->response);
    http_request_finish(&exchange->request);
}

static enum MHD_Result start_handler(struct http_dispatch *self, struct http_exchange *exchange)
{
    const struct http_route *route = exchange->route;
    if (route->pace == HTTP_QUICK) {
        route->handle(route->state, &exchange->request, &exchange->response);
        return respond(self, exchange);
    }
    if (!admit(self, exchange)) {
        http_stats_add(&self->stats->limits[HTTP_LIMIT_REQUESTS], 1);
        http_response_header(&exchange->response, "Retry-After", "1");
        return refuse(self, exchange, 503, "too many requests at once\n");
    }
    exchange->job.run = run_handler;
    if (route->pace == HTTP_ASYNC) {
        route->handle(route->state, &exchange->request, &exchange->response);
    } else if (http_workers_submit(self->workers, &exchange->job) < 0) {
        http_response_text(&exchange->response, 503, "no thread for this request\n");
        http_request_finish(&exchange->request);
    }
    return wait_or_suspend(self, exchange) ? respond(self, exchange) : MHD_YES;
}

static enum MHD_Result begin(struct http_dispatch *self, struct http_exchange *exchange)
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

/* What the guard does not let through; of the toolkit's words. */
static enum MHD_Result turn_away(struct http_dispatch *self, struct http_exchange *exchange)
{
    switch (exchange->pass.verdict) {
    case HTTP_GUARD_UNAUTHORIZED:
        http_response_header(&exchange->response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Basic");
        return refuse(self, exchange, 401, "Unauthorized\n");
    case HTTP_GUARD_LIMITED:
        return refuse(self, exchange, 429, "Too Many Requests\n");
    case HTTP_GUARD_BUSY:
        http_response_header(&exchange->response, "Retry-After", "1");
        return refuse(self, exchange, 503, "too many passwords to verify at once\n");
    default:
        return MHD_NO;
    }
}

/* On the guard's thread, with the connection suspended. */
static void on_verified(struct http_pass *pass)
{
    struct http_exchange *exchange =
        (struct http_exchange *)(void *)((char *)pass - offsetof(struct http_exchange, pass));
    exchange->state = HTTP_EXCHANGE_NEW;
    MHD_resume_connection(exchange->request.connection);
}

static enum MHD_Result verify(struct http_dispatch *self, struct http_exchange *exchange)
{
    struct MHD_Connection *connection = exchange->request.connection;
    MHD_suspend_connection(connection);
    exchange->state = HTTP_EXCHANGE_VERIFYING;
    exchange->pass.ready = on_verified;
    if (!http_guard_verify(self->guard, &exchange->pass)) {
        exchange->state = HTTP_EXCHANGE_NEW;
        MHD_resume_connection(connection);
    }
    return MHD_YES;
}

static struct http_peer *peer_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *context = MHD_get_connection_info(
        connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return context ? context->socket_context : NULL;
}

void *http_dispatch_target(void *state, const char *text, struct MHD_Connection *connection)
{
    struct http_peer *peer = peer_of(connection);
    (void)state;
    if (peer) {
        peer->target = http_form_target(text);
        http_connection_begins(peer->connection);
    }
    return NULL; /* the exchange begins when the headers are here */
}

static enum MHD_Result refuse_form(struct http_dispatch *self, struct http_exchange *exchange,
                                   const struct http_refusal *refusal)
{
    if (!refusal->lacks_room)
        return refuse(self, exchange, refusal->status, refusal->text);
    exchange->response.status = refusal->status;
    count_status(self, refusal->status);
    return http_exchange_send_without_library(exchange);
}

/* The headers are here, a body would follow. What is answered now is the connection's last: the
 * library closes it after an answer that did not wait for the body. */
static enum MHD_Result meet(struct http_dispatch *self, struct http_exchange *exchange,
                            const char *version)
{
    struct MHD_Connection *connection = exchange->request.connection;
    const union MHD_ConnectionInfo *address = MHD_get_connection_info(
        connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct http_peer *peer = peer_of(connection);
    struct http_guard_request request = {
        .connection = peer ? peer->guard : NULL,
        .authorization = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
                                                     MHD_HTTP_HEADER_AUTHORIZATION),
        .address = address ? address->client_addr : NULL,
    };
    exchange->connection = peer ? peer->connection : NULL;
    http_connection_works(exchange->connection);
    const struct http_form_request form = {
        connection, peer ? peer->target : (struct http_target){0}, exchange->request.method,
        exchange->request.path, version};
    http_guard_begin(self->guard, &request, &exchange->pass);
    struct http_refusal refusal = http_form_check(&form);
    if (refusal.status && exchange->pass.verdict != HTTP_GUARD_CLOSE)
        return refuse_form(self, exchange, &refusal);
    if (exchange->pass.verdict != HTTP_GUARD_PASS && exchange->pass.verdict != HTTP_GUARD_VERIFY)
        return turn_away(self, exchange);
    if (has_body(connection))
        return refuse(self, exchange, 413, "a request has no body here\n");
    return MHD_YES;
}

enum MHD_Result http_dispatch_request(void *state, struct MHD_Connection *connection,
                                      const char *url, const char *method, const char *version,
                                      const char *upload, size_t *upload_size, void **exchange_p)
{
    struct http_dispatch *self = state;
    struct http_exchange *exchange = *exchange_p;
    (void)upload;

    if (!exchange) {
        exchange = calloc(1, sizeof(*exchange));
        if (!exchange)
            return MHD_NO;
        *exchange_p = exchange;
        exchange->dispatch = self;
        exchange->request = (struct http_request){exchange, connection, url, method};
        exchange->response.status = 200;
        return meet(self, exchange, version);
    }
    *upload_size = 0;
    if (exchange->state == HTTP_EXCHANGE_READY)
        return respond(self, exchange);
    if (exchange->state != HTTP_EXCHANGE_NEW)
        return MHD_YES;
    if (exchange->pass.verdict == HTTP_GUARD_VERIFY)
        return verify(self, exchange);
    return exchange->pass.verdict == HTTP_GUARD_PASS ? begin(self, exchange)
                                                     : turn_away(self, exchange);
}

void http_dispatch_completed(void *state, struct MHD_Connection *connection, void **exchange_p,
                             enum MHD_RequestTerminationCode code)
{
    struct http_exchange *exchange = *exchange_p;
    (void)state;
    (void)connection;
    (void)code;
    if (!exchange)
        return;
    http_connection_rests(exchange->connection);
    http_response_finish(&exchange->response);
    http_guard_end(&exchange->pass);
    free(exchange);
    *exchange_p = NULL;
}

void http_dispatch_init(struct http_dispatch *self)
{
    pthread_mutex_init(&self->lock, NULL);
    condition_init(&self->is_quieter);
    condition_init(&self->is_ready);
}

void http_dispatch_finish(struct http_dispatch *self)
{
    pthread_cond_destroy(&self->is_ready);
    pthread_cond_destroy(&self->is_quieter);
    pthread_mutex_destroy(&self->lock);
}

bool http_dispatch_stop(struct http_dispatch *self, uint64_t patience_ms)
{
    uint64_t until_ns = clock_monotonic_ns() + patience_ms * CLOCK_NS_PER_MS;
    int r = 0;
    pthread_mutex_lock(&self->lock);
    self->is_stopping = true;
    while (self->n_running && r != ETIMEDOUT)
        r = condition_wait_until(&self->is_quieter, &self->lock, until_ns);
    bool is_quiet = self->n_running == 0;
    pthread_mutex_unlock(&self->lock);
    return is_quiet;
}
