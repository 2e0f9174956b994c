/* SPDX-License-Identifier: MPL-2.0 */
/*
 * agent_probe - answers /probe?target=ENDPOINT&module=NAME[&debug=true].
 *
 * One attempt within the scrape's timeout; the page has that probe's metrics and nothing else.
 * 400: the query is wrong; 403: `probe_targets` does not allow the target; 503: too many at once.
 */
#ifndef AGENT_AGENT_PROBE_H
#define AGENT_AGENT_PROBE_H

#include "collectors/probe/probe_pool.h"
#include "http/http_route.h"

#define AGENT_PROBE_PATH "/probe"

/* An http_handler, HTTP_SLOW; `state` is the struct probe_pool. */
void agent_probe_handle(void *state, const struct http_request *request,
                        struct http_response *response);

#endif
