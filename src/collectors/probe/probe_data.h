/* SPDX-License-Identifier: MPL-2.0 */
/*
 * probe_data - what is known of one probed endpoint and what it is doing, for probe_endpoint,
 * probe_attempt and probe_link, and what came of a step of the last two.
 *
 * Thread, blocks: see probe_endpoint.h.
 */
#ifndef COLLECTORS_PROBE_PROBE_DATA_H
#define COLLECTORS_PROBE_PROBE_DATA_H

#include "collectors/probe/link_peers.h"
#include "collectors/probe/link_traffic.h"
#include "collectors/probe/probe_inbox.h"
#include "collectors/probe/probe_socket.h"
#include "collectors/probe/probe_status.h"
#include "collectors/probe/resolver.h"
#include "collectors/probe/zmtp_client.h"
#include "config/exporter_config.h"

#define PROBE_NEVER UINT64_MAX

/* What an actor lends its endpoints. */
struct probe_loop {
    int epoll_fd;
    zsock_t *events; /* monitors of all sockets */
    struct resolver *resolver;
    struct probe_inbox *inbox;
    uint64_t now_ns; /* monotonic, of this turn */
    unsigned random; /* for the spread of attempts */
};

enum probe_state {
    PROBE_IDLE,
    PROBE_RESOLVING,
    PROBE_RETRYING, /* a local socket's backlog is full: connect again in a moment */
    PROBE_GREETING,
    PROBE_LINKING,
    PROBE_LINKED,
    PROBE_PARKED, /* for good: visits would do harm */
};

/* What epoll's data points to. */
struct probe_source {
    struct probe_endpoint *endpoint;
    bool is_client; /* the greeting's connection, else the socket's ZMQ_FD */
};

struct probe_endpoint {
    struct probe_endpoint *next;    /* in the actor's list */
    struct exporter_config *config; /* a reference, which keeps what is borrowed below */
    const char *name;
    const struct endpoint_address *address;
    const struct probe_settings *settings;
    struct string_buffer labels; /* rendered: probe, endpoint */
    bool is_once;                /* for one answer: no second attempt, address is owned */
    bool is_done;
    uint64_t last_ns; /* for one answer: no attempt goes on beyond it */

    enum probe_state state;
    uint64_t due_ns; /* of the next attempt, or the deadline of this one */
    uint64_t started_ns, phase_ns, deadline_ns;
    bool has_greeted; /* in this attempt */

    struct resolver_request *request;
    struct probe_answer answer; /* from the resolver */
    bool was_slow;              /* the name, the last time */
    size_t i_address;
    struct zmtp_client *client; /* NULL: no visit */
    struct probe_source client_source, socket_source;

    struct probe_socket socket;
    bool is_busy;             /* input is left for the next turn */
    struct link_peers *peers; /* of a bound socket, else NULL */
    bool has_pending;         /* of a bound socket: the reason that came before the disconnect */
    struct probe_failure pending;
    struct stream_numbers *numbers; /* NULL: no sequence */
    struct link_traffic traffic;    /* of a socket that connects */
    uint64_t subscribed_bytes;      /* of all subscriptions that peers have at our XPUB now */

    struct probe_status status;
};

enum probe_result {
    PROBE_GOES_ON,   /* the attempt, or the connection that it made */
    PROBE_SUCCEEDED, /* the attempt */
    PROBE_FAILED,
    PROBE_LOST, /* a connection that was made */
};

struct probe_outcome {
    enum probe_result result;
    struct probe_failure failure; /* of PROBE_FAILED and PROBE_LOST */
};

static inline struct probe_outcome probe_outcome_failed(enum probe_phase phase,
                                                        enum probe_cause cause, int code)
{
    return (struct probe_outcome){PROBE_FAILED, {phase, cause, code}};
}

void probe_data_count_failure(struct probe_endpoint *self, const struct probe_failure *failure);

/* The time since the phase began, as its duration; begins the next. */
void probe_data_end_phase(struct probe_endpoint *self, enum probe_phase phase);

#endif
