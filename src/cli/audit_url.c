/* SPDX-License-Identifier: MPL-2.0 */
/* audit_url - the report of an exporter, by one plain HTTP request. */
#include "agent/agent_checks.h"
#include "base/cleanup.h"
#include "cli/audit.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define PATIENCE_S 30
#define ANSWER_MAX ((size_t)64 << 20)

struct address {
    char host[256], port[16], prefix[256];
};

/* "http://host:port/prefix", as a person writes it. */
static int parse(const char *url, struct address *ret_address, struct error *err)
{
    static const char scheme[] = "http://";
    if (strncmp(url, "https://", 8) == 0)
        return error_set(err, -EINVAL,
                         "--url: TLS is not spoken here; use curl with '%s%s?format=text'", url,
                         AGENT_AUDIT_PATH);
    const char *at = strncmp(url, scheme, strlen(scheme)) == 0 ? url + strlen(scheme) : url;
    size_t n = strcspn(at, "/");
    const char *colon = memrchr(at, ':', n), *bracket = memchr(at, ']', n);
    if (colon && bracket && colon < bracket)
        colon = NULL;
    size_t host_size = colon ? (size_t)(colon - at) : n;
    bool has_brackets = host_size > 2 && *at == '[' && at[host_size - 1] == ']';
    if (host_size == 0 || host_size >= sizeof(ret_address->host) || memchr(at, '@', n))
        return error_set(err, -EINVAL, "--url: '%s' is not http://HOST:PORT", url);
    (void)snprintf(ret_address->host, sizeof(ret_address->host), "%.*s",
                   (int)(host_size - 2 * has_brackets), at + has_brackets);
    (void)snprintf(ret_address->port, sizeof(ret_address->port), "%.*s",
                   colon ? (int)(at + n - colon - 1) : 5, colon ? colon + 1 : "10556");
    size_t prefix_size = strcspn(at + n, "?# \t\r\n");
    while (prefix_size && at[n + prefix_size - 1] == '/')
        prefix_size--;
    (void)snprintf(ret_address->prefix, sizeof(ret_address->prefix), "%.*s", (int)prefix_size,
                   at + n);
    return 0;
}

static int dial(const struct address *address, int *ret_fd, struct error *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    struct addrinfo *found = NULL;
    int problem = getaddrinfo(address->host, address->port, &hints, &found);
    if (problem)
        return error_set(err, -EHOSTUNREACH, "--url: %s: %s", address->host, gai_strerror(problem));
    int fd = -1, error = 0;
    for (const struct addrinfo *at = found; at && fd < 0; at = at->ai_next) {
        fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);
        if (fd < 0)
            continue;
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
        if (connect(fd, at->ai_addr, at->ai_addrlen) == 0)
            break;
        error = errno;
        close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    if (fd < 0)
        return error_set(err, -error, "--url: %s:%s: %s", address->host, address->port,
                         strerror(error));
    *ret_fd = fd;
    return 0;
}

static void append_encoded(struct string_buffer *out, const char *text)
{
    for (; *text; text++)
        string_buffer_append_format(out, "%%%02X", (unsigned char)*text);
}

static void write_request(const struct audit *self, const struct address *address,
                          struct string_buffer *out)
{
    bool has_colon = strchr(address->host, ':');
    string_buffer_append_format(out, "GET %s%s?format=%s&fail_on=%s&colours=%d", address->prefix,
                                AGENT_AUDIT_PATH, self->format, self->fail_on,
                                self->report.has_colours);
    if (self->report.program) {
        string_buffer_append_text(out, "&program=");
        append_encoded(out, self->report.program);
    }
    string_buffer_append_format(out, " HTTP/1.1\r\nHost: %s%s%s:%s\r\nConnection: close\r\n\r\n",
                                has_colon ? "[" : "", address->host, has_colon ? "]" : "",
                                address->port);
}

static int exchange(int fd, const struct string_buffer *request, struct string_buffer *answer,
                    struct error *err)
{
    for (size_t sent = 0; sent < request->size;) {
        ssize_t n = send(fd, request->data + sent, request->size - sent, MSG_NOSIGNAL);
        if (n < 0)
            return error_set(err, -errno, "--url: %s", strerror(errno));
        sent += (size_t)n;
    }
    for (;;) {
        char *place = string_buffer_reserve(answer, 65536);
        ssize_t n = place && answer->size < ANSWER_MAX ? recv(fd, place, 65536, 0) : -1;
        if (n < 0)
            return error_set(err, -EIO, "--url: the answer did not come whole: %s",
                             place ? strerror(errno) : "not enough memory");
        if (n == 0)
            return 0;
        answer->size += (size_t)n;
        answer->data[answer->size] = '\0';
    }
}

static int take_answer(const struct string_buffer *answer, struct error *err)
{
    unsigned status = 0;
    const char *head = answer->data ? answer->data : "";
    const char *end = strstr(head, "\r\n\r\n");
    if (!end || sscanf(head, "HTTP/1.%*1u %3u", &status) != 1)
        return error_set(err, -EPROTO, "--url: what answers there speaks no HTTP");
    const char *header = strcasestr(head, "\r\n" AGENT_AUDIT_HEADER ": ");
    if (status != 200 || !header || header > end)
        return error_set(err, -EPROTO, "--url: status %u; is it an exporter, of this release?",
                         status);
    const char *body = end + 4;
    size_t size = answer->size - (size_t)(body - head);
    if (fwrite(body, 1, size, stdout) != size || fflush(stdout) != 0)
        return error_set(err, -EIO, "cannot write the report: %s", strerror(errno));
    header += strlen("\r\n" AGENT_AUDIT_HEADER ": ");
    return strncmp(header, AGENT_AUDIT_NONE "\r", strlen(AGENT_AUDIT_NONE) + 1) != 0;
}

int audit_url(const struct audit *self, struct error *err)
{
    struct address address;
    cleanup(string_buffer_finish) struct string_buffer request = {0};
    cleanup(string_buffer_finish) struct string_buffer answer = {0};
    int opened = -1;
    int r = parse(self->url, &address, err);
    if (r == 0)
        r = dial(&address, &opened, err);
    cleanup_fd int fd = opened;
    if (r < 0)
        return r;
    write_request(self, &address, &request);
    if (request.has_failed)
        return error_set(err, -ENOMEM, "%s", strerror(ENOMEM));
    r = exchange(fd, &request, &answer, err);
    return r < 0 ? r : take_answer(&answer, err);
}
