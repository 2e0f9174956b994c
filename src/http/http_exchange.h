/* SPDX-License-Identifier: MPL-2.0 */
/* http_exchange - one request and its response, inside http/ only. */
#ifndef HTTP_HTTP_EXCHANGE_H
#define HTTP_HTTP_EXCHANGE_H

#include "http/http_connections.h"
#include "http/http_form.h"
#include "http/http_guard.h"
#include "http/http_route.h"
#include "http/http_workers.h"

#include <microhttpd.h>

struct http_request {
    struct http_exchange *exchange;
    struct MHD_Connection *connection;
    const char *path;
    const char *method;
};

enum http_exchange_state {
    HTTP_EXCHANGE_NEW,
    HTTP_EXCHANGE_VERIFYING, /* suspended until the password is computed */
    HTTP_EXCHANGE_RUNNING,   /* the handler; the server's thread may wait for it */
    HTTP_EXCHANGE_SUSPENDED, /* until the handler is done */
    HTTP_EXCHANGE_READY,
};

struct http_dispatch;

/* What the server keeps of a connection: the library's socket context. */
struct http_peer {
    struct http_guard_connection *guard;
    struct http_connection *connection;
    struct http_target target; /* of the request that is read */
};

struct http_exchange {
    struct http_job job;
    struct http_dispatch *dispatch;
    struct http_connection *connection;
    void (*run)(void *state); /* offloaded */
    void *run_state;
    struct http_pass pass;
    struct http_request request;
    struct http_response response;
    const struct http_route *route;
    uint64_t started_ns; /* the handler, and while it runs with the dispatch's lock: */
    enum http_exchange_state state;
    bool is_offloaded;
};

/* Gives the response to the library, with the headers that every answer has. Empties it. */
enum MHD_Result http_exchange_send(struct http_exchange *self);

/* An answer without a body, where the library has no memory left for one; then the connection is
 * closed. Nothing else is on its way to the client, so it goes out whole. */
enum MHD_Result http_exchange_send_without_library(struct http_exchange *self);

#endif
