/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/probe/zmtp_client.h"

#include "base/clock.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* Signature and major version: the part that libzmq waits for before it tells the rest. */
#define FIRST_PART      11u
#define SERVER_POSITION 32u

static enum zmtp_client_state fail(struct zmtp_client *self, enum zmtp_client_cause cause, int code)
{
    self->cause = cause;
    self->code = code;
    self->state = ZMTP_CLIENT_FAILED;
    return self->state;
}

static void on_connected(struct zmtp_client *self)
{
    static const uint8_t first_part[FIRST_PART] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3};
    self->connected_ns = clock_monotonic_ns();
    self->state = ZMTP_CLIENT_GREETING;
    memcpy(self->output, first_part, sizeof(first_part));
    self->output_size = sizeof(first_part);
    self->output_sent = 0;
}

int zmtp_client_start(struct zmtp_client *self, const struct sockaddr *address, socklen_t size)
{
    *self = (struct zmtp_client)ZMTP_CLIENT_INIT;
    self->started_ns = clock_monotonic_ns();
    self->fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (self->fd < 0)
        return -errno;
    if (address->sa_family != AF_UNIX) {
        int on = 1;
        (void)setsockopt(self->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
    if (connect(self->fd, address, size) == 0) {
        on_connected(self);
        return 0;
    }
    if (errno == EINPROGRESS) {
        self->state = ZMTP_CLIENT_CONNECTING;
        return 0;
    }
    int r = -errno;
    zmtp_client_finish(self);
    return r;
}

uint32_t zmtp_client_wants(const struct zmtp_client *self)
{
    if (self->state == ZMTP_CLIENT_CONNECTING)
        return EPOLLOUT;
    bool has_room = self->parser.size < sizeof(self->parser.input);
    return (has_room ? EPOLLIN : 0u) | (self->output_sent < self->output_size ? EPOLLOUT : 0u);
}

static int finish_connecting(struct zmtp_client *self)
{
    int error = 0;
    socklen_t size = sizeof(error);
    if (getsockopt(self->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        error = errno;
    if (error)
        return error;
    /* SO_ERROR is 0 while the connection is still being made, too. */
    struct sockaddr_storage peer;
    size = sizeof(peer);
    if (getpeername(self->fd, (struct sockaddr *)&peer, &size) < 0)
        return errno == ENOTCONN ? EINPROGRESS : errno;
    on_connected(self);
    return 0;
}

/* Returns 0 or an errno. */
static int write_output(struct zmtp_client *self)
{
    while (self->output_sent < self->output_size) {
        ssize_t n = send(self->fd, self->output + self->output_sent,
                         self->output_size - self->output_sent, MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : errno;
        self->output_sent += (size_t)n;
    }
    return 0;
}

/* The rest of our greeting: minor version, the peer's mechanism, the other role, filler. */
static void answer(struct zmtp_client *self)
{
    const struct zmtp_peer *peer = &self->parser.peer;
    uint8_t rest[ZMTP_GREETING_SIZE] = {0};
    memcpy(rest, self->output, FIRST_PART);
    rest[FIRST_PART] = 0;
    memcpy(rest + FIRST_PART + 1, peer->mechanism, strlen(peer->mechanism));
    bool has_roles = strcmp(peer->mechanism, "NULL") != 0;
    rest[SERVER_POSITION] = has_roles && !peer->is_server;
    memcpy(self->output, rest, sizeof(rest));
    self->output_size = sizeof(rest);
}

static enum zmtp_client_state succeed(struct zmtp_client *self)
{
    self->done_ns = clock_monotonic_ns();
    self->state = ZMTP_CLIENT_DONE;
    return self->state;
}

static enum zmtp_client_state parse_input(struct zmtp_client *self)
{
    switch (zmtp_parser_advance(&self->parser)) {
    case ZMTP_GREETED:
        self->state = ZMTP_CLIENT_ANSWERING;
        if (self->parser.peer.major < 3)
            return succeed(self);
        answer(self);
        return parse_input(self);
    case ZMTP_READY:
        return succeed(self);
    case ZMTP_REFUSED:
        return fail(self, ZMTP_CLIENT_AUTH, self->parser.zap_status);
    case ZMTP_BROKEN:
        return fail(self, ZMTP_CLIENT_PROTOCOL, self->parser.protocol_error);
    default:
        return self->state;
    }
}

/* A peer may close right after its last bytes, so input is parsed before the close. */
static enum zmtp_client_state read_input(struct zmtp_client *self)
{
    struct zmtp_parser *parser = &self->parser;
    while (self->state < ZMTP_CLIENT_DONE && parser->size < sizeof(parser->input)) {
        ssize_t n = recv(self->fd, parser->input + parser->size,
                         sizeof(parser->input) - parser->size, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return self->state;
        if (n <= 0)
            return fail(self, ZMTP_CLIENT_TRANSPORT, n == 0 ? EPIPE : errno);
        parser->size += (size_t)n;
        parse_input(self);
    }
    return self->state;
}

/* With PLAIN and CURVE the peer waits for a HELLO: nothing is sent after our greeting. */
static bool is_complete(const struct zmtp_client *self)
{
    return self->state == ZMTP_CLIENT_ANSWERING && self->output_sent == self->output_size &&
           strcmp(self->parser.peer.mechanism, "NULL") != 0;
}

enum zmtp_client_state zmtp_client_step(struct zmtp_client *self)
{
    if (self->state == ZMTP_CLIENT_CONNECTING) {
        int error = finish_connecting(self);
        if (error == EINPROGRESS)
            return self->state;
        if (error)
            return fail(self, ZMTP_CLIENT_TRANSPORT, error);
    }
    int error = write_output(self);
    if (error)
        return fail(self, ZMTP_CLIENT_TRANSPORT, error);
    if (read_input(self) < ZMTP_CLIENT_DONE) {
        error = write_output(self); /* what the input has led to */
        if (error)
            return fail(self, ZMTP_CLIENT_TRANSPORT, error);
        if (is_complete(self))
            return succeed(self);
    }
    return self->state;
}

void zmtp_client_finish(struct zmtp_client *self)
{
    if (self->fd >= 0)
        close(self->fd);
    self->fd = -1;
}
