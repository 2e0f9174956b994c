/* SPDX-License-Identifier: MPL-2.0 */
/*
 * agent_open_sockets - answers /api/v1/sockets/open: single sockets of processes, one by one.
 *
 *     ?program=feed&type=PUB&address=ipc://feed     each may be left out
 *     ?pid=4711&serial=3                            a process, and a socket of it
 *
 *     {"open": [{"pid": 4711, "command": "feed", "program": "feed", "type": "PUB",
 *                "address": "tcp://…", "library": "4.3.4", "fields": {"peers": 2, …},
 *                "events": {"connected": 2, …}, …     agent_events.h
 *                "peers": [{"pid": 4712, …}, …],      see agent_peers.h
 *                "not_measured": [{"capability": "…", "state": "off", "reason": "…"}, …]}, …],
 *      "is_complete": true}
 *
 * For people: what may not be series. pid is the number that the process has for itself.
 */
#ifndef AGENT_AGENT_OPEN_SOCKETS_H
#define AGENT_AGENT_OPEN_SOCKETS_H

#include "base/string_buffer.h"
#include "http/http_route.h"

#define AGENT_OPEN_SOCKETS_PATH "/api/v1/sockets/open"
#define AGENT_OPEN_SOCKETS_MAX  1000u /* in one answer; is_complete is false beyond */

struct peek_link;
struct peers_watch;
struct problem_watch;

struct agent_open_sockets {
    const char *directory;          /* of the segments; borrowed */
    struct peek_link *peek;         /* borrowed; NULL: none */
    struct peers_watch *peers;      /* borrowed; NULL: none */
    struct problem_watch *problems; /* borrowed; tells what peers are called; NULL: none */
};

/* Filters of the request; NULL: any. Numbers are texts. */
struct agent_open_sockets_query {
    const char *program, *type, *address, *pid, *serial;
};

/* Sets `ret_json`, also after an error, to the object above and the end of its line. Errors:
 * -ENOMEM, -errno of opening the directory; one that is not there has no sockets. */
int agent_open_sockets_list(const struct agent_open_sockets *self,
                            const struct agent_open_sockets_query *query,
                            struct string_buffer *ret_json);

/* An http_handler, HTTP_SLOW; `state` is a struct agent_open_sockets. */
void agent_open_sockets_handle(void *state, const struct http_request *request,
                               struct http_response *response);

#endif
