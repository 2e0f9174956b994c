/* SPDX-License-Identifier: MPL-2.0 */
#include "http/http_server.h"

#include "base/clock.h"
#include "http/http_client.h"
#include "http/http_dispatch.h"
#include "http/http_exchange.h"
#include "http/http_gate.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Design. Each listening socket has a daemon of libmicrohttpd with one thread and epoll. That
 * thread parses, answers what needs no waiting, and sends. A slow handler runs on a thread of
 * the pool while its connection is suspended, so one that waits delays nobody else; when it is
 * done the connection is resumed and the library calls in again for the response. It is the same
 * while a password is computed.
 *
 * With TLS the thread uses poll: libmicrohttpd (0.9.75) forgets to wait for the rest of a handshake
 * that came in part, and with epoll it asks the TLS library again and again until the client goes
 * on; one byte from anybody would keep a core busy.
 */

#define CONNECTION_TIMEOUT_S 300u /* http_connections is stricter */
#define CONNECTION_SLACK     64u  /* let in before those that have to go are gone */

static const struct http_patience patience = {.request_s = 10, .idle_s = 90, .answer_s = 30};

struct http_listener {
    struct http_listen listen;
    struct MHD_Daemon *daemon;
};

struct http_server {
    struct http_server_options options;
    struct http_listener listeners[HTTP_MAX_LISTENERS];
    size_t n_listeners;
    struct http_dispatch dispatch;
    struct http_gate gate;
};

/* Of TLS only. */
static enum MHD_Result admit(void *state, const struct sockaddr *address, socklen_t size)
{
    struct http_server *self = state;
    (void)size;
    if (http_gate_admits(&self->gate, http_client_of(address), (int64_t)clock_monotonic_ns()))
        return MHD_YES;
    http_stats_add(&self->options.stats->limits[HTTP_LIMIT_HANDSHAKES], 1);
    return MHD_NO;
}

static void on_connection(void *state, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http_server *self = state;
    struct http_peer *peer = *context;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (peer) {
            http_connection_closed(peer->connection);
            http_guard_release(peer->guard);
            free(peer);
        }
        *context = NULL;
        return;
    }
    peer = calloc(1, sizeof(*peer));
    *context = peer;
    if (!peer)
        return; /* every request will be refused */
    const union MHD_ConnectionInfo *fd = MHD_get_connection_info(connection,
                                                                 MHD_CONNECTION_INFO_CONNECTION_FD);
    const union MHD_ConnectionInfo *tls = MHD_get_connection_info(
        connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (fd)
        peer->connection = http_connection_opened(self->dispatch.connections, fd->connect_fd);
    peer->guard = http_guard_accept(self->dispatch.guard, tls ? tls->tls_session : NULL);
}

/* The library asks for a certificate at start; each session has its own from the guard. */
static int give_no_certificate(gnutls_session_t session, const gnutls_datum_t *issuers,
                               int n_issuers, const gnutls_pk_algorithm_t *algorithms,
                               int n_algorithms, gnutls_pcert_st **certificate, unsigned *ret_n,
                               gnutls_privkey_t *key)
{
    (void)session, (void)issuers, (void)n_issuers, (void)algorithms, (void)n_algorithms;
    (void)certificate, (void)ret_n, (void)key;
    return -1;
}

int http_server_new(const struct http_server_options *options, struct http_server **ret_server,
                    struct error *err)
{
    struct http_server *self = calloc(1, sizeof(*self));
    if (!self)
        return error_set(err, -ENOMEM, "%s", strerror(ENOMEM));
    self->options = *options;
    self->dispatch.routes = options->routes;
    self->dispatch.n_routes = options->n_routes;
    self->dispatch.max_requests = options->max_requests;
    self->dispatch.max_running = (options->max_connections + 1) / 2;
    self->dispatch.stats = options->stats;
    http_dispatch_init(&self->dispatch);
    int r = http_workers_new(options->max_requests, &self->dispatch.workers);
    const struct http_connections_options connections = {.max_open = options->max_connections,
                                                         .max_large = options->max_requests,
                                                         .patience = patience,
                                                         .stats = options->stats};
    if (r == 0)
        r = http_gate_init(&self->gate);
    if (r == 0)
        r = http_connections_new(&connections, &self->dispatch.connections);
    if (r < 0)
        (void)error_set(err, r, "cannot start the server: %s", strerror(-r));
    if (r == 0)
        r = http_guard_new(options->web, &self->dispatch.guard, err);
    if (r < 0) {
        http_server_destroy(&self);
        return r;
    }
    *ret_server = self;
    return 0;
}

int http_server_add(struct http_server *self, struct http_listen *listener)
{
    if (self->n_listeners == HTTP_MAX_LISTENERS) {
        http_listen_close(listener);
        return -ENOSPC;
    }
    self->listeners[self->n_listeners++].listen = *listener;
    *listener = (struct http_listen){.fd = -1};
    return 0;
}

const char *http_server_address(const struct http_server *self, size_t index)
{
    return index < self->n_listeners ? self->listeners[index].listen.address : NULL;
}

static void ignore_message(void *state, const char *format, va_list args)
{
    (void)state;
    (void)format;
    (void)args;
}

static int start_listener(struct http_server *self, struct http_listener *listener,
                          struct error *err)
{
    bool uses_tls = http_guard_uses_tls(self->dispatch.guard);
    struct MHD_OptionItem no_items[] = {{MHD_OPTION_END, 0, NULL}};
    struct MHD_OptionItem tls_items[] = {
        {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)(intptr_t)give_no_certificate},
        {MHD_OPTION_END, 0, NULL},
    };
    listener->daemon = MHD_start_daemon(
        MHD_USE_TURBO | MHD_USE_ERROR_LOG | MHD_ALLOW_SUSPEND_RESUME |
            (uses_tls ? MHD_USE_TLS | MHD_USE_POLL_INTERNAL_THREAD : MHD_USE_EPOLL_INTERNAL_THREAD),
        0, uses_tls ? admit : NULL, self, http_dispatch_request, &self->dispatch,
        MHD_OPTION_EXTERNAL_LOGGER, ignore_message, NULL, MHD_OPTION_LISTEN_SOCKET,
        listener->listen.fd, MHD_OPTION_NOTIFY_COMPLETED, http_dispatch_completed, &self->dispatch,
        MHD_OPTION_URI_LOG_CALLBACK, http_dispatch_target, &self->dispatch,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, self, MHD_OPTION_ARRAY,
        uses_tls ? tls_items : no_items, MHD_OPTION_CONNECTION_LIMIT,
        self->options.max_connections + CONNECTION_SLACK, MHD_OPTION_CONNECTION_TIMEOUT,
        CONNECTION_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, HTTP_CONNECTION_MEMORY,
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
    if (!listener->daemon)
        return error_set(err, -EIO, "cannot serve on '%s': the HTTP library refused",
                         listener->listen.address);
    listener->listen.fd = -1; /* the daemon closes it */
    return 0;
}

int http_server_start(struct http_server *self, struct error *err)
{
    for (size_t i = 0; i < self->n_listeners; i++) {
        int r = start_listener(self, &self->listeners[i], err);
        if (r < 0)
            return r;
    }
    return 0;
}

int http_server_stop(struct http_server *self, uint64_t patience_ms)
{
    for (size_t i = 0; i < self->n_listeners; i++) {
        if (self->listeners[i].daemon) {
            MHD_socket fd = MHD_quiesce_daemon(self->listeners[i].daemon);
            if (fd != MHD_INVALID_SOCKET)
                self->listeners[i].listen.fd = fd;
        }
    }
    /* A daemon must not be stopped while one of its connections is suspended. */
    if (!http_guard_stop(self->dispatch.guard, patience_ms) ||
        !http_dispatch_stop(&self->dispatch, patience_ms))
        return -EBUSY;
    for (size_t i = 0; i < self->n_listeners; i++) {
        if (self->listeners[i].daemon)
            MHD_stop_daemon(self->listeners[i].daemon);
        self->listeners[i].daemon = NULL;
    }
    return 0;
}

void http_server_destroy(struct http_server **self_p)
{
    struct http_server *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    for (size_t i = 0; i < self->n_listeners; i++) {
        if (self->listeners[i].daemon)
            MHD_stop_daemon(self->listeners[i].daemon);
        http_listen_close(&self->listeners[i].listen);
    }
    http_workers_destroy(&self->dispatch.workers);
    http_guard_destroy(&self->dispatch.guard);
    http_connections_destroy(&self->dispatch.connections);
    http_dispatch_finish(&self->dispatch);
    free(self);
}
