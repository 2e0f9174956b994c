/* SPDX-License-Identifier: MPL-2.0 */
/*
 * http_route - what answers a path: one row, one handler.
 *
 *     static void sockets_handle(void *state, const struct http_request *request,
 *                                struct http_response *response)
 *
 * A handler reads the request and fills in the response, which comes as status 200 without a
 * body. It knows nothing of the HTTP library. Requests carry no body.
 *
 * Thread:  HTTP_SLOW   on a thread of the server's pool; may block, several run at a time
 *          HTTP_QUICK  on the server's own thread; may not wait for anything
 *          HTTP_ASYNC  as quick, but returns with the response to come: keeps both pointers and
 *                      calls http_request_finish() once, from any thread, perhaps before it
 *                      returns
 */
#ifndef HTTP_HTTP_ROUTE_H
#define HTTP_HTTP_ROUTE_H

#include "base/string_buffer.h"

#include <stdbool.h>
#include <stddef.h>

struct http_request;

enum http_method { HTTP_GET = 1, HTTP_POST = 2 }; /* GET is HEAD as well */
enum http_pace { HTTP_SLOW, HTTP_QUICK, HTTP_ASYNC };

#define HTTP_MAX_HEADERS 8u
#define HTTP_PIECE_SIZE  ((size_t)64 << 10) /* each answer on its way has one */

struct http_header {
    const char *name;
    const char *value;
};

struct http_response {
    unsigned status;
    const char *content_type; /* a literal; NULL: none */
    const char *body;         /* borrowed until free_body(owner), for ever if that is NULL */
    size_t size;
    /* Instead of `body`: writes the next of the `size` bytes at `at`, at most `room`, which is
     * HTTP_PIECE_SIZE or what remains; returns how many. Called on the server's own thread.
     * Needs a free_body. */
    size_t (*read_body)(void *owner, char *at, size_t room);
    void (*free_body)(void *owner);
    void *owner;
    struct http_header headers[HTTP_MAX_HEADERS]; /* literals */
    size_t n_headers;
};

typedef void (*http_handler)(void *state, const struct http_request *request,
                             struct http_response *response);

struct http_route {
    const char *path;
    unsigned methods; /* enum http_method, or-ed */
    enum http_pace pace;
    http_handler handle;
    void *state;
};

/* The value of a header or, percent-decoded, of the first such query parameter; NULL if there is
 * none, "" if it has no value. Borrowed for the time of the handler. */
const char *http_request_header(const struct http_request *self, const char *name);
const char *http_request_query(const struct http_request *self, const char *name);

/* All values of a header that may come in several lines, as one list; nothing if there is none. */
void http_request_join_header(const struct http_request *self, const char *name,
                              struct string_buffer *ret_text);

/* Whether it came over TLS. */
bool http_request_uses_tls(const struct http_request *self);

/* Calls `see` with each value of a query parameter that may be repeated. */
void http_request_each_query(const struct http_request *self, const char *name,
                             void (*see)(void *state, const char *value), void *state);

/* Of an HTTP_ASYNC handler: the response is filled in. The request is gone when it returns. */
void http_request_finish(const struct http_request *self);

/* Of an HTTP_ASYNC handler: goes on with `run` on a thread of the pool, where it may take time.
 * Errors: -EAGAIN all are busy; then `run` is not called. */
int http_request_offload(const struct http_request *self, void (*run)(void *state), void *state);

/* A literal body. */
void http_response_text(struct http_response *self, unsigned status, const char *text);

/* Gives the buffer's bytes away; `body` is empty afterwards. A buffer that failed is a 500. */
void http_response_take(struct http_response *self, const char *content_type,
                        struct string_buffer *body);

void http_response_header(struct http_response *self, const char *name, const char *value);

/* Frees the body, as the server does when it was sent; for tests and for throwing it away. */
void http_response_finish(struct http_response *self);

#endif
