/* SPDX-License-Identifier: MPL-2.0 */
/*
 * http_server - serves routes over HTTP. libmicrohttpd stays inside this folder.
 *
 * Answers by itself: 404 for a path without a route, 405 for a method the route does not take,
 * 413 for a request with a body, 503 when too many slow handlers run at once, or more requests than
 * half of the connections wait. Every answer
 * carries headers that keep a browser from guessing, framing and caching. Before all that stands
 * the web configuration: TLS, 401 and 429.
 *
 * Thread:  one calls these functions; handlers run as http_route.h says.
 * Errors:  -errno with `err` filled.
 */
#ifndef HTTP_HTTP_SERVER_H
#define HTTP_HTTP_SERVER_H

#include "base/error.h"
#include "http/http_listen.h"
#include "http/http_route.h"
#include "http/http_stats.h"
#include "http/web_live.h"

struct http_server;

#define HTTP_MAX_LISTENERS 16u

struct http_server_options {
    const struct http_route *routes; /* borrowed for the server's life */
    size_t n_routes;
    unsigned max_connections; /* of all listening sockets */
    unsigned max_requests;    /* slow handlers at once, and large answers under way */
    struct http_stats *stats; /* borrowed; any thread may read it */
    struct web_live *web;     /* borrowed; NULL: no web configuration */
};

int http_server_new(const struct http_server_options *options, struct http_server **ret_server,
                    struct error *err);

/* Takes an open listening socket, also on failure. Before http_server_start. */
int http_server_add(struct http_server *self, struct http_listen *listener);

/* Where it listens; NULL beyond the last. */
const char *http_server_address(const struct http_server *self, size_t index);

int http_server_start(struct http_server *self, struct error *err);

/* Ends the handlers' connections and all others. A handler, or a password's computation, that is
 * not back within `patience_ms` makes it return -EBUSY: then nothing may be freed, the process has
 * to end. */
int http_server_stop(struct http_server *self, uint64_t patience_ms);

void http_server_destroy(struct http_server **self_p);

#endif
