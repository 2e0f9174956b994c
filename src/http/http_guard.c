/* SPDX-License-Identifier: MPL-2.0 */
#include "http/http_guard.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "http/http_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct http_guard {
    struct web_live *live;
    struct web_live *own_live; /* where none was given */
    struct auth *auth;
    bool uses_tls;
};

int http_guard_new(struct web_live *live, struct http_guard **ret_guard, struct error *err)
{
    cleanup(http_guard_destroy) struct http_guard *self = calloc(1, sizeof(*self));
    int r = self ? auth_new(&self->auth) : -ENOMEM;
    if (r < 0)
        return error_set(err, r, "cannot prepare authentication: %s", strerror(-r));
    if (!live) {
        r = web_live_new(NULL, &self->own_live, err);
        if (r < 0)
            return r;
    }
    self->live = live ? live : self->own_live;
    struct web_settings *settings = web_live_get(self->live);
    self->uses_tls = settings->tls != NULL;
    web_settings_release(settings);
    *ret_guard = self;
    self = NULL;
    return 0;
}

bool http_guard_stop(struct http_guard *self, uint64_t patience_ms)
{
    return !self->auth || auth_stop(self->auth, patience_ms);
}

void http_guard_destroy(struct http_guard **self_p)
{
    struct http_guard *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    auth_destroy(&self->auth);
    web_live_destroy(&self->own_live);
    free(self);
}

bool http_guard_uses_tls(const struct http_guard *self)
{
    return self->uses_tls;
}

struct http_guard_connection *http_guard_accept(struct http_guard *self, gnutls_session_t session)
{
    struct http_guard_connection *connection = calloc(1, sizeof(*connection));
    if (!connection)
        return NULL;
    connection->settings = web_live_get(self->live);
    bool is_good = !self->uses_tls;
    if (session && connection->settings->tls)
        is_good = tls_peer_begin(&connection->peer, connection->settings->tls, session) == 0;
    if (is_good)
        return connection;
    http_guard_release(connection);
    return NULL;
}

void http_guard_release(struct http_guard_connection *connection)
{
    if (!connection)
        return;
    web_settings_release(connection->settings);
    free(connection);
}

static void on_verified(struct auth_job *job)
{
    struct http_pass *pass = (struct http_pass *)(void *)((char *)job -
                                                          offsetof(struct http_pass, job));
    pass->verdict = job->verdict == AUTH_ALLOWED ? HTTP_GUARD_PASS : HTTP_GUARD_UNAUTHORIZED;
    pass->ready(pass);
}

static void authenticate(struct http_guard *self, const struct http_guard_request *request,
                         struct http_pass *pass)
{
    const struct web_config *config = pass->settings->config;
    if (config->n_users == 0) {
        pass->verdict = HTTP_GUARD_PASS;
        return;
    }
    pass->verdict = HTTP_GUARD_UNAUTHORIZED;
    if (!request->authorization ||
        !auth_header_parse(request->authorization, &pass->job.credentials))
        return;

    enum auth_verdict verdict = auth_check(self->auth, config, &pass->job.credentials);
    if (verdict == AUTH_UNKNOWN) {
        pass->job.config = config;
        pass->job.client = http_client_of(request->address);
        pass->job.done = on_verified;
        pass->verdict = HTTP_GUARD_VERIFY;
        return;
    }
    if (verdict == AUTH_ALLOWED)
        pass->verdict = HTTP_GUARD_PASS;
    auth_credentials_wipe(&pass->job.credentials);
}

bool http_guard_verify(struct http_guard *self, struct http_pass *pass)
{
    if (auth_submit(self->auth, &pass->job) == 0)
        return true; /* another thread may have it by now */
    auth_credentials_wipe(&pass->job.credentials);
    pass->verdict = HTTP_GUARD_BUSY;
    return false;
}

void http_guard_begin(struct http_guard *self, const struct http_guard_request *request,
                      struct http_pass *pass)
{
    pass->settings = web_live_get(self->live);
    if (self->uses_tls &&
        (!request->connection || !tls_peer_is_accepted(&request->connection->peer)))
        pass->verdict = HTTP_GUARD_CLOSE;
    else if (!web_settings_admit(pass->settings, (int64_t)clock_monotonic_ns()))
        pass->verdict = HTTP_GUARD_LIMITED;
    else
        authenticate(self, request, pass);
}

bool http_guard_header(const struct http_pass *pass, const char *name, const char **ret_value)
{
    for (unsigned i = 0; pass->settings && i < WEB_N_HEADERS; i++) {
        const char *value = pass->settings->config->headers[i];
        if (value && strcasecmp(web_config_header_names[i], name) == 0) {
            *ret_value = *value ? value : NULL;
            return true;
        }
    }
    return false;
}

void http_guard_end(struct http_pass *pass)
{
    web_settings_release(pass->settings);
    pass->settings = NULL;
}
