/* SPDX-License-Identifier: MPL-2.0 */
/*
 * http_gate - how many new TLS connections a client may begin.
 *
 * A handshake costs the server a hundred times what asking for one costs the client, and all of
 * them are done on the thread that serves the scrapes. So each address has a number of them a
 * second, and all addresses together have another; a connection beyond that is closed before a
 * byte of it is read. Connections that are open are not concerned: a scraper that keeps its own
 * does not notice.
 *
 * Thread: any.
 */
#ifndef HTTP_HTTP_GATE_H
#define HTTP_HTTP_GATE_H

#include "http/rate_limit.h"

struct http_rate {
    int64_t a_second;
    int64_t burst;
};

#define HTTP_GATE_CLIENT ((struct http_rate){100, 100})
#define HTTP_GATE_ALL    ((struct http_rate){400, 400})

#define HTTP_GATE_SLOTS 1024u /* addresses that share one share its number */

struct http_gate {
    struct rate_limit all;
    struct rate_limit clients[HTTP_GATE_SLOTS];
    uint64_t key; /* so that nobody can choose to share a slot with another */
};

/* Errors: -EIO no random number. */
int http_gate_init(struct http_gate *self);

/* `client` is of http_client_of(). */
bool http_gate_admits(struct http_gate *self, uint64_t client, int64_t now_ns);

#endif
