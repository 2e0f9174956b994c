/* SPDX-License-Identifier: MPL-2.0 */
/*
 * http_connections - who is connected, since when in which state; slow clients lose, not fast ones.
 *
 * A connection has so much time for its request's headers, between requests and for taking an
 * answer; whoever exceeds it is shut down. When there are too many connections a new one is let in
 * and one goes: of those in the state that most are in, the one that has not moved for longest. So
 * a crowd of one kind drives out its own, not a scraper that waits for its next scrape. When too
 * many large answers are under way, those go that nobody has taken a byte of for HTTP_STALL_MS, and
 * at four times as many the slowest. A connection whose handler works is never shut down.
 *
 * Thread:  any.   Blocks: no.
 */
#ifndef HTTP_HTTP_CONNECTIONS_H
#define HTTP_HTTP_CONNECTIONS_H

#include "http/http_stats.h"

#include <stdbool.h>
#include <stddef.h>

struct http_connections;
struct http_connection;

/* Seconds from the moment the state began. */
struct http_patience {
    unsigned request_s; /* from connecting, or a later request's first bytes, to its headers' end */
    unsigned idle_s;    /* from an answer to the next request's first bytes */
    unsigned answer_s;  /* from an answer's first byte to its last */
};

struct http_connections_options {
    unsigned max_open;
    unsigned max_large; /* answers of more than HTTP_LARGE_ANSWER bytes under way */
    struct http_patience patience;
    struct http_stats *stats; /* borrowed */
};

#define HTTP_LARGE_ANSWER ((size_t)64 << 10)
#define HTTP_STALL_MS     250u

/* Starts a thread that looks once a second. Errors: -ENOMEM, -errno no thread. */
int http_connections_new(const struct http_connections_options *options,
                         struct http_connections **ret_connections);

/* After the last connection was closed. */
void http_connections_destroy(struct http_connections **self_p);

/* `fd` is borrowed until http_connection_closed(). NULL: out of memory. */
struct http_connection *http_connection_opened(struct http_connections *self, int fd);
void http_connection_closed(struct http_connection *connection); /* accepts NULL */

/* Its request's first line is here; its headers are; an answer of `size` bytes begins; the answer
 * is through. */
void http_connection_begins(struct http_connection *connection);
void http_connection_works(struct http_connection *connection);
void http_connection_answers(struct http_connection *connection, size_t size);
void http_connection_rests(struct http_connection *connection);

#endif
