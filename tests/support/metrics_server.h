/* SPDX-License-Identifier: MPL-2.0 */
/*
 * metrics_server - /metrics of collectors of the test, through the whole server, on a port that is
 * free. What fails fails the test.
 */
#ifndef TESTS_SUPPORT_METRICS_SERVER_H
#define TESTS_SUPPORT_METRICS_SERVER_H

#include "agent/agent_metrics.h"
#include "http/http_server.h"
#include "support/cmocka.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

struct metrics_server {
    struct agent_metrics metrics;
    struct http_stats stats;
    struct http_route routes[2]; /* the second is the test's own, if its path is set before */
    struct http_server *server;
    struct sockaddr_in address;
};

static inline void metrics_server_start(struct metrics_server *self,
                                        const struct collector *collectors, size_t n,
                                        unsigned max_connections)
{
    struct http_listen listener;
    struct error err;
    socklen_t size = sizeof(self->address);
    assert_int_equal(runner_new(&self->metrics.runner), 0);
    assert_int_equal(page_pool_new(&self->metrics.pages), 0);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(runner_add(self->metrics.runner, &collectors[i]), 0);
    self->routes[0] = (struct http_route){"/metrics", HTTP_GET, HTTP_ASYNC, agent_metrics_handle,
                                          &self->metrics};
    const struct http_server_options options = {.routes = self->routes,
                                                .n_routes = self->routes[1].path ? 2 : 1,
                                                .max_connections = max_connections,
                                                .max_requests = max_connections / 4,
                                                .stats = &self->stats};
    assert_int_equal(http_server_new(&options, &self->server, &err), 0);
    assert_int_equal(http_listen_open("127.0.0.1:0", &listener, &err), 0);
    assert_int_equal(getsockname(listener.fd, (struct sockaddr *)&self->address, &size), 0);
    assert_int_equal(http_server_add(self->server, &listener), 0);
    assert_int_equal(http_server_start(self->server, &err), 0);
}

static inline void metrics_server_stop(struct metrics_server *self)
{
    runner_cancel(self->metrics.runner);
    assert_int_equal(http_server_stop(self->server, 30000), 0);
    http_server_destroy(&self->server);
    page_pool_destroy(&self->metrics.pages);
    runner_destroy(&self->metrics.runner);
}

/* A connection on which the request was sent. */
static inline int metrics_server_ask(const struct metrics_server *self, const char *request)
{
    size_t size = strlen(request);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&self->address, sizeof(self->address)),
                     0);
    assert_int_equal(send(fd, request, size, MSG_NOSIGNAL), size);
    return fd;
}

#endif
