/* SPDX-License-Identifier: MPL-2.0 */
/*
 * zmtp_client - one visit to an endpoint: connect, greetings both ways, the peer's READY.
 *
 * It never sends a READY of its own, so that the peer's library does not tell its program of the
 * connection and queues nothing for it (libzmq 4.3.3 and later). It takes over the mechanism that
 * the peer announces, so that the peer counts no protocol error.
 *
 * The owner waits for `zmtp_client_wants()` on `fd` and keeps the deadline.
 *
 * Thread:  one.   Blocks: no.   Owns: the descriptor, until zmtp_client_finish().
 */
#ifndef COLLECTORS_PROBE_ZMTP_CLIENT_H
#define COLLECTORS_PROBE_ZMTP_CLIENT_H

#include "collectors/probe/zmtp_parser.h"

#include <sys/socket.h>

enum zmtp_client_state {
    ZMTP_CLIENT_IDLE,
    ZMTP_CLIENT_CONNECTING,
    ZMTP_CLIENT_GREETING,  /* connected, the peer's greeting is not whole */
    ZMTP_CLIENT_ANSWERING, /* our own greeting is not out, or the peer's READY not in */
    ZMTP_CLIENT_DONE,
    ZMTP_CLIENT_FAILED,
};

enum zmtp_client_cause { ZMTP_CLIENT_TRANSPORT, ZMTP_CLIENT_PROTOCOL, ZMTP_CLIENT_AUTH };

struct zmtp_client {
    int fd;
    enum zmtp_client_state state;
    struct zmtp_parser parser;
    uint8_t output[ZMTP_GREETING_SIZE];
    size_t output_size, output_sent;
    uint64_t started_ns, connected_ns, done_ns; /* monotonic; 0: not yet */
    enum zmtp_client_cause cause;               /* of a failure */
    int code;                                   /* errno, ZMQ_PROTOCOL_ERROR_* or ZAP status */
};

/* An idle client; finish accepts it. */
#define ZMTP_CLIENT_INIT                                                                           \
    {                                                                                              \
        .fd = -1                                                                                   \
    }

/* Begins to connect. -EAGAIN: a full local socket that has to be tried again later; any other
 * error is final for this address. */
int zmtp_client_start(struct zmtp_client *self, const struct sockaddr *address, socklen_t size);

/* EPOLLIN, EPOLLOUT or both. */
uint32_t zmtp_client_wants(const struct zmtp_client *self);

/* Does what can be done without waiting. */
enum zmtp_client_state zmtp_client_step(struct zmtp_client *self);

/* Closes; also in the middle. The facts in `parser.peer` stay. */
void zmtp_client_finish(struct zmtp_client *self);

#endif
