/* SPDX-License-Identifier: MPL-2.0 */
/*
 * http_dispatch - from a request to its answer, inside http/ only: the guard, then the route.
 *
 * Both functions are the library's callbacks, with a struct http_dispatch as their state.
 *
 * Thread:  that of the daemon, never two for one connection.   Blocks: no.
 */
#ifndef HTTP_HTTP_DISPATCH_H
#define HTTP_HTTP_DISPATCH_H

#include "http/http_guard.h"
#include "http/http_route.h"
#include "http/http_stats.h"
#include "http/http_workers.h"

#include <microhttpd.h>

struct http_dispatch {
    const struct http_route *routes; /* borrowed, as all is */
    size_t n_routes;
    struct http_workers *workers;
    struct http_guard *guard;
    struct http_stats stats;
};

enum MHD_Result http_dispatch_request(void *state, struct MHD_Connection *connection,
                                      const char *url, const char *method, const char *version,
                                      const char *upload, size_t *upload_size, void **exchange_p);

void http_dispatch_completed(void *state, struct MHD_Connection *connection, void **exchange_p,
                             enum MHD_RequestTerminationCode code);

#endif
