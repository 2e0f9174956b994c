/* SPDX-License-Identifier: MPL-2.0 */
/*
 * http_guard - checks before every route: TLS, rate limit, basic authentication, headers, as
 * --web.config.file says at this moment.
 *
 *     connection opens   http_guard_accept()       TLS of now is put on the session
 *     request begins     http_guard_begin()        limit and authentication
 *                        HTTP_GUARD_VERIFY: suspend the connection, then http_guard_verify()
 *     answer is made     http_guard_header()       headers of the file go before ours
 *     request ends       http_guard_end()
 *     connection closes  http_guard_release()
 *
 * The order of checks is the toolkit's: limit first, then authentication. Without a file
 * everything passes.
 *
 * Thread:  connection and request: that of their connection; the rest: any.
 * Blocks:  http_guard_stop() only, and on files when they changed.
 */
#ifndef HTTP_HTTP_GUARD_H
#define HTTP_HTTP_GUARD_H

#include "http/auth.h"
#include "http/web_live.h"

struct http_guard;

/* Borrows `live`; NULL stands for an empty file. */
int http_guard_new(struct web_live *live, struct http_guard **ret_guard, struct error *err);

/* False: a computation takes longer; then nothing may be freed. */
bool http_guard_stop(struct http_guard *self, uint64_t patience_ms);

void http_guard_destroy(struct http_guard **self_p);

/* Fixed for the guard's life. */
bool http_guard_uses_tls(const struct http_guard *self);

struct http_guard_connection {
    struct web_settings *settings;
    struct tls_peer peer;
};

/* `session` is NULL without TLS. NULL: no memory, or TLS cannot be set up; with such a connection
 * every request is refused. */
struct http_guard_connection *http_guard_accept(struct http_guard *self, gnutls_session_t session);

/* After the session is gone. Accepts NULL. */
void http_guard_release(struct http_guard_connection *connection);

enum http_guard_verdict {
    HTTP_GUARD_VERIFY = 0, /* the password has to be computed; ask http_guard_verify() */
    HTTP_GUARD_CLOSE = 1,  /* no answer: the TLS rules were not met */
    HTTP_GUARD_PASS = 200,
    HTTP_GUARD_UNAUTHORIZED = 401, /* answered with "WWW-Authenticate: Basic" */
    HTTP_GUARD_LIMITED = 429,
    HTTP_GUARD_BUSY = 503, /* too many unknown passwords wait to be verified */
};

/* One request; zero before http_guard_begin(). */
struct http_pass {
    struct web_settings *settings;
    struct auth_job job;
    enum http_guard_verdict verdict;
    void (*ready)(struct http_pass *pass);
};

struct http_guard_request {
    const struct http_guard_connection *connection;
    const char *authorization; /* the header, or NULL */
    const void *address;       /* of the client, a struct sockaddr, or NULL */
};

/* Sets `pass->verdict`. */
void http_guard_begin(struct http_guard *self, const struct http_guard_request *request,
                      struct http_pass *pass);

/* Has the password computed; `pass->ready` is called on another thread, perhaps before this
 * returns, when the verdict is there. False: there is no place; the verdict is HTTP_GUARD_BUSY. */
bool http_guard_verify(struct http_guard *self, struct http_pass *pass);

/* What the file has for a header that answers carry by default: `*ret_value` is NULL if it is not
 * to be sent. False: nothing, the default stays. */
bool http_guard_header(const struct http_pass *pass, const char *name, const char **ret_value);

void http_guard_end(struct http_pass *pass);

#endif
