/* SPDX-License-Identifier: MPL-2.0 */
/*
 * http_stats - what the server counts. Any thread adds and reads, relaxed.
 */
#ifndef HTTP_HTTP_STATS_H
#define HTTP_HTTP_STATS_H

#include <stdint.h>

/* The codes that the server can answer with; anything else is counted as the last. */
#define HTTP_STATUS_CODES(X)                                                                       \
    X(200)                                                                                         \
    X(400)                                                                                         \
    X(401)                                                                                         \
    X(403)                                                                                         \
    X(404)                                                                                         \
    X(405)                                                                                         \
    X(406)                                                                                         \
    X(413)                                                                                         \
    X(414)                                                                                         \
    X(429)                                                                                         \
    X(431)                                                                                         \
    X(500)                                                                                         \
    X(503)                                                                                         \
    X(0)

enum http_status_index {
#define X(code) HTTP_STATUS_##code,
    HTTP_STATUS_CODES(X)
#undef X
        HTTP_N_STATUS
};

/* What was refused or ended because of a limit, and its label. */
#define HTTP_LIMITS(X)                                                                             \
    X(HANDSHAKES, "handshakes")     /* too many a second: closed before a byte was read */         \
    X(CONNECTIONS, "connections")   /* too many: the slowest was shut down */                      \
    X(ANSWERS, "answers")           /* too many large ones: the slowest was shut down */           \
    X(REQUESTS, "requests")         /* too many at once: 503 */                                    \
    X(REQUEST_TIME, "request_time") /* headers did not come in time */                             \
    X(IDLE_TIME, "idle_time")       /* no further request came in time */                          \
    X(ANSWER_TIME, "answer_time")   /* the answer was not taken in time */

enum http_limit {
#define X(name, text) HTTP_LIMIT_##name,
    HTTP_LIMITS(X)
#undef X
        HTTP_N_LIMITS
};

struct http_stats {
    uint64_t responses[HTTP_N_STATUS];
    uint64_t limits[HTTP_N_LIMITS];
    uint64_t connections;        /* opened, ever */
    uint64_t closed_connections; /* of these */
};

static inline void http_stats_add(uint64_t *counter, uint64_t n)
{
    __atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

static inline uint64_t http_stats_get(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

#endif
