/* SPDX-License-Identifier: MPL-2.0 */
/*
 * http_dispatch - from a request to its answer, inside http/ only: the guard, then the route.
 *
 * http_dispatch_target(), _request() and _completed() are the library's callbacks, with a struct
 * http_dispatch as their state.
 *
 * Thread:  that of the daemon, never two for one connection.   Blocks: http_dispatch_stop(), and
 *          http_dispatch_request() for 10 ms at most and a twentieth of the time.
 */
#ifndef HTTP_HTTP_DISPATCH_H
#define HTTP_HTTP_DISPATCH_H

#include "http/http_connections.h"
#include "http/http_guard.h"
#include "http/http_route.h"
#include "http/http_stats.h"
#include "http/http_workers.h"

#include <microhttpd.h>
#include <pthread.h>

struct http_dispatch {
    const struct http_route *routes; /* borrowed, as all is */
    size_t n_routes;
    struct http_workers *workers;
    struct http_guard *guard;
    struct http_connections *connections;
    struct http_stats *stats;
    unsigned max_requests; /* slow handlers at once */
    unsigned max_running;  /* and asynchronous ones, so that a crowd of them leaves connections */
    pthread_mutex_t lock;  /* of what follows */
    pthread_cond_t is_quieter;
    pthread_cond_t is_ready; /* an exchange that a thread of the server may wait for */
    unsigned n_running;      /* handlers, of which */
    unsigned n_slow;         /* such */
    uint64_t rests_until_ns; /* no thread waits for one that starts before */
    bool is_stopping;
};

void http_dispatch_init(struct http_dispatch *self);
void http_dispatch_finish(struct http_dispatch *self);

/* No handler is started from now on. Waits for those that run; false: one still does. */
bool http_dispatch_stop(struct http_dispatch *self, uint64_t patience_ms);

void *http_dispatch_target(void *state, const char *text, struct MHD_Connection *connection);

enum MHD_Result http_dispatch_request(void *state, struct MHD_Connection *connection,
                                      const char *url, const char *method, const char *version,
                                      const char *upload, size_t *upload_size, void **exchange_p);

void http_dispatch_completed(void *state, struct MHD_Connection *connection, void **exchange_p,
                             enum MHD_RequestTerminationCode code);

#endif
