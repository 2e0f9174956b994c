/* SPDX-License-Identifier: MPL-2.0 */
/*
 * probe_endpoint - one probed endpoint: its settings, what it is doing, what is known of it.
 *
 *     idle ─► resolving ─► greeting ─► (by greeting) idle
 *                             └──────► (by socket)   linking ─► linked ─► idle
 *
 * Every attempt greets first, also for a socket: so the peer's type and protocol are known before
 * a socket of ours is connected, the address is resolved without libzmq's blocking resolver, and
 * the socket is given a numeric address.
 *
 * probe_endpoint.c has the life and the outcome of attempts, probe_attempt.c their way from the
 * name to the greeting, probe_link.c the socket.
 *
 * Thread:  the actor's, with its lock held; the status may be read by anybody with the lock.
 * Blocks:  no.
 */
#ifndef COLLECTORS_PROBE_PROBE_ENDPOINT_H
#define COLLECTORS_PROBE_PROBE_ENDPOINT_H

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

/* A standing probe. Takes a reference of `config`, in which `definition` is. */
int probe_endpoint_new(struct exporter_config *config, const struct probe_definition *definition,
                       struct probe_endpoint **ret);

/* One attempt at `address` with the settings of a module in `config`. */
int probe_endpoint_new_once(struct exporter_config *config, const struct probe_settings *settings,
                            const struct endpoint_address *address, struct probe_endpoint **ret);

/* The attempt in hand has run out of time. */
void probe_endpoint_time_out(struct probe_endpoint *self, struct probe_loop *loop);

/* After probe_endpoint_stop(). */
void probe_endpoint_destroy(struct probe_endpoint **self_p);

/* The same probe in a new configuration; false if its settings changed, so that it has to be
 * stopped and started again. Counters stay. */
bool probe_endpoint_retarget(struct probe_endpoint *self, struct exporter_config *config,
                             const struct probe_definition *definition);

void probe_endpoint_start(struct probe_endpoint *self, struct probe_loop *loop, uint64_t due_ns);
void probe_endpoint_stop(struct probe_endpoint *self, struct probe_loop *loop);

/* At or after due_ns. */
void probe_endpoint_on_due(struct probe_endpoint *self, struct probe_loop *loop);

/* Outcomes, for the files of this group. */
void probe_endpoint_succeed(struct probe_endpoint *self, struct probe_loop *loop);
void probe_endpoint_fail(struct probe_endpoint *self, struct probe_loop *loop,
                         struct probe_failure failure);
void probe_endpoint_lose(struct probe_endpoint *self, struct probe_loop *loop,
                         struct probe_failure failure);
void probe_endpoint_count_failure(struct probe_endpoint *self, const struct probe_failure *failure);

/* The time since the phase began, as its duration; begins the next. */
void probe_endpoint_end_phase(struct probe_endpoint *self, struct probe_loop *loop,
                              enum probe_phase phase);

#endif
