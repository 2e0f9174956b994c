/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Any bytes to the whole server: an answer that comes is one of HTTP.
 *
 * One server runs for all inputs; each has a connection of its own, through a unix socket, because
 * of ports there are not enough.
 */
#include "agent/agent_metrics.h"
#include "http/http_server.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_MS 5

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sockaddr_un address = {.sun_family = AF_UNIX};

static void check(int is_true)
{
    if (!is_true)
        abort();
}

static int collect(void *state, struct samples *out, struct error *err)
{
    (void)state;
    (void)err;
    samples_add_u64(out, FAMILY_PROCESSES, LABEL_TEXT_NONE, NULL, 1);
    return 0;
}

static void say(void *state, const struct http_request *request, struct http_response *response)
{
    (void)state;
    const char *text = http_request_query(request, "text");
    http_response_text(response, text && *text ? 400 : 200, "x\n");
}

static void remove_socket(void)
{
    (void)unlink(address.sun_path);
}

static void start(void)
{
    static struct agent_metrics metrics;
    static struct http_stats stats;
    static const struct http_route routes[] = {
        {"/metrics", HTTP_GET, HTTP_ASYNC, agent_metrics_handle, &metrics},
        {"/slow", HTTP_GET | HTTP_POST, HTTP_SLOW, say, NULL},
        {"/", HTTP_GET, HTTP_QUICK, say, NULL},
    };
    const struct http_server_options options = {.routes = routes,
                                                .n_routes = sizeof(routes) / sizeof(*routes),
                                                .max_connections = 64,
                                                .max_requests = 8,
                                                .stats = &stats};
    const struct collector collector = {.name = "fuzz", .collect = collect};
    struct http_server *server;
    struct http_listen listener;
    struct error err;
    char text[sizeof(address.sun_path)];
    (void)snprintf(text, sizeof(text), "unix:/tmp/zmq_exporter_fuzz.%d", getpid());
    memcpy(address.sun_path, text + strlen("unix:"), strlen(text) - strlen("unix:"));
    atexit(remove_socket);
    check(runner_new(&metrics.runner) == 0 && page_pool_new(&metrics.pages) == 0);
    check(runner_add(metrics.runner, &collector) == 0);
    check(http_server_new(&options, &server, &err) == 0);
    check(http_listen_open(text, &listener, &err) == 0);
    check(http_server_add(server, &listener) == 0 && http_server_start(server, &err) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char buffer[65536];
    if (!address.sun_path[0])
        start();
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    (void)send(fd, data, size, MSG_NOSIGNAL); /* the server may have had enough */
    struct pollfd answer = {.fd = fd, .events = POLLIN};
    bool is_first = true;
    while (poll(&answer, 1, PATIENCE_MS) > 0) { /* half a request gets none */
        ssize_t n = recv(fd, buffer, sizeof(buffer), 0);
        if (n <= 0)
            break;
        check(!is_first || n < 7 || memcmp(buffer, "HTTP/1.", 7) == 0);
        is_first = false;
    }
    close(fd);
    return 0;
}
