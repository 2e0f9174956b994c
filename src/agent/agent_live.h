/* SPDX-License-Identifier: MPL-2.0 */
/*
 * agent_live - answers what the live page asks each second.
 *
 * /api/v1/live?since=REVISION is what changed since an answer with that revision, and what is wrong
 * right now; without `since`, everything:
 *
 *     {"version": "0.1.0", "time": 1795200000.123, "recent_seconds": 60, "problems": […],
 *      "is_complete": true, "revision": "18e2f-42", "is_whole": false,
 *      "sockets": [{"id": 7, "values": {…}}, …], "programs": […], …, "gone": [3]}
 *
 * agent_problems.h has the problems, live/live_rows.h the rest. A row's labels come with it once.
 *
 * /api/v1/history?rows=7,8&since=TICK is the history of these rows after that point, and
 * /api/v1/history?program=feed&type=PUB&address=ipc://feed of one group of sockets, with `socket`
 * where it has such a name:
 *
 *     {"interval_seconds": 5, "tick": 120, "rows": [{"id": 7, "first": 1,
 *      "send_hwm_proximity_ratio": [0.5, null, …], …}]}
 *
 * A point is of every five seconds, at most 120; null is not known. live/live_history.h has the
 * names.
 */
#ifndef AGENT_AGENT_LIVE_H
#define AGENT_AGENT_LIVE_H

#include "http/http_route.h"
#include "live/live.h"
#include "problems/problem_watch.h"

#define AGENT_LIVE_PATH    "/api/v1/live"
#define AGENT_HISTORY_PATH "/api/v1/history"

struct agent_live {
    struct live *live;
    struct problem_watch *problems;
}; /* both borrowed */

/* http_handlers, HTTP_SLOW; `state` is a struct agent_live. */
void agent_live_handle(void *state, const struct http_request *request,
                       struct http_response *response);
void agent_history_handle(void *state, const struct http_request *request,
                          struct http_response *response);

#endif
