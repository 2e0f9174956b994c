/* SPDX-License-Identifier: MPL-2.0 */
/*
 * agent_sockets - answers /api/v1/sockets: what a scrape would say now, as JSON for the live page.
 *
 *     {"version": "0.1.0", "time": 1795200000.123, "sockets": […], …}     see json_writer.h
 */
#ifndef AGENT_AGENT_SOCKETS_H
#define AGENT_AGENT_SOCKETS_H

#include "collectors/runner.h"
#include "http/http_route.h"

#define AGENT_SOCKETS_PATH "/api/v1/sockets"

/* An http_handler, HTTP_SLOW; `state` is the struct runner. */
void agent_sockets_handle(void *state, const struct http_request *request,
                          struct http_response *response);

#endif
