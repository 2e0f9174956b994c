/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/probe/probe_attempt.h"

#include "base/clock.h"
#include "collectors/probe/local_endpoint.h"
#include "collectors/probe/probe_link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define RETRY_MS 50 /* until a full backlog of a local socket is tried again */

static const struct probe_outcome goes_on = {.result = PROBE_GOES_ON};

static struct probe_outcome failed(enum probe_phase phase, int error)
{
    return probe_outcome_failed(phase, PROBE_CAUSE_TRANSPORT, error);
}

/* The one address of an ipc endpoint. */
static void set_local_address(struct probe_endpoint *self)
{
    struct resolver_answer *answer = &self->answer.answer;
    struct sockaddr_un *address = (struct sockaddr_un *)&answer->addresses[0].address;
    answer->addresses[0].size = local_endpoint_address(self->address->path, address);
    answer->n_addresses = 1;
}

static struct probe_outcome resolve(struct probe_endpoint *self, struct probe_loop *loop)
{
    struct resolver_answer *answer = &self->answer.answer;
    const struct endpoint_address *address = self->address;
    self->i_address = 0;
    answer->error = 0;
    if (address->transport == ENDPOINT_IPC) {
        set_local_address(self);
    } else if (address->is_literal) {
        answer->n_addresses = 1;
        answer->error = resolver_parse_literal(address->host, address->port, &answer->addresses[0]);
    } else {
        self->state = PROBE_RESOLVING;
        int r = resolver_submit(loop->resolver, address->host, address->port, self->was_slow,
                                probe_inbox_deliver, &self->answer, &self->request);
        return r < 0 ? failed(PROBE_PHASE_RESOLVE, -r) : goes_on;
    }
    return probe_attempt_on_answer(self, loop);
}

struct probe_outcome probe_attempt_start(struct probe_endpoint *self, struct probe_loop *loop)
{
    probe_link_close(self, loop); /* of a connection that broke */
    self->status.attempts++;
    self->has_greeted = false;
    self->started_ns = self->phase_ns = clock_monotonic_ns();
    self->deadline_ns = loop->now_ns + (uint64_t)self->settings->timeout_ms * CLOCK_NS_PER_MS;
    if (self->is_once && self->last_ns < self->deadline_ns)
        self->deadline_ns = self->last_ns;
    self->due_ns = self->deadline_ns;
    return self->settings->is_bind ? probe_link_bind(self, loop) : resolve(self, loop);
}

struct probe_outcome probe_attempt_on_answer(struct probe_endpoint *self, struct probe_loop *loop)
{
    resolver_abandon(loop->resolver, &self->request);
    self->was_slow = self->answer.answer.was_slow;
    if (self->answer.answer.error)
        return probe_outcome_failed(PROBE_PHASE_RESOLVE, PROBE_CAUSE_RESOLVE,
                                    self->answer.answer.error);
    probe_data_end_phase(self, PROBE_PHASE_RESOLVE);
    return probe_attempt_connect(self, loop);
}

static int watch(struct probe_endpoint *self, struct probe_loop *loop, int operation)
{
    struct epoll_event event = {.events = zmtp_client_wants(self->client),
                                .data.ptr = &self->client_source};
    return epoll_ctl(loop->epoll_fd, operation, self->client->fd, &event) == 0 ? 0 : -errno;
}

/* Begins a visit of the address in turn. */
static int visit(struct probe_endpoint *self, struct probe_loop *loop)
{
    const struct resolver_address *address = &self->answer.answer.addresses[self->i_address];
    self->client = calloc(1, sizeof(*self->client));
    if (!self->client)
        return -ENOMEM;
    int r = zmtp_client_start(self->client, (const struct sockaddr *)&address->address,
                              address->size);
    if (r == 0)
        r = watch(self, loop, EPOLL_CTL_ADD);
    if (r == 0)
        self->state = PROBE_GREETING;
    else
        probe_attempt_end_visit(self, loop);
    return r;
}

struct probe_outcome probe_attempt_connect(struct probe_endpoint *self, struct probe_loop *loop)
{
    self->due_ns = self->deadline_ns;
    for (;;) {
        int r = visit(self, loop);
        if (r == 0)
            return goes_on;
        if (r == -EAGAIN) {
            self->state = PROBE_RETRYING;
            uint64_t retry_ns = loop->now_ns + RETRY_MS * CLOCK_NS_PER_MS;
            self->due_ns = retry_ns < self->deadline_ns ? retry_ns : self->deadline_ns;
            return goes_on;
        }
        if (++self->i_address >= self->answer.answer.n_addresses)
            return failed(PROBE_PHASE_CONNECT, -r);
    }
}

void probe_attempt_end_visit(struct probe_endpoint *self, struct probe_loop *loop)
{
    if (!self->client)
        return;
    if (self->client->fd >= 0)
        (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, self->client->fd, NULL);
    zmtp_client_finish(self->client);
    free(self->client);
    self->client = NULL;
}

static bool mechanism_fits(const struct probe_settings *settings, const struct zmtp_peer *peer)
{
    static const char *const names[] = {"NULL", "PLAIN", "CURVE"};
    if (settings->security.mechanism == PROBE_ANY_MECHANISM)
        return true;
    /* There is no security before ZMTP 3. */
    const char *name = peer->major < 3 ? "NULL" : peer->mechanism;
    return strcmp(name, names[settings->security.mechanism]) == 0;
}

/* Whether a peer of that kind may be visited again: see may_queue_on_accept. */
static bool is_harmless(const struct probe_settings *settings, const struct zmtp_peer *peer)
{
    if (settings->greets_old_peers || !zmtp_peer_is_old(peer))
        return true;
    int type = peer->has_socket_type ? peer->socket_type : settings->peer;
    return !probe_pairing_get(type)->may_queue_on_accept;
}

/* What the greeting tells against what was configured. */
static bool check_peer(const struct probe_settings *settings, const struct zmtp_peer *peer,
                       struct probe_failure *ret)
{
    *ret = (struct probe_failure){PROBE_PHASE_HANDSHAKE, PROBE_CAUSE_PROTOCOL, 0};
    if (!is_harmless(settings, peer)) {
        ret->cause = PROBE_CAUSE_POLICY;
        ret->code = PROBE_POLICY_OLD_PEER;
    } else if (!mechanism_fits(settings, peer)) {
        ret->code = PROBE_MECHANISM_MISMATCH;
    } else if (settings->peer != PROBE_PEER_ANY && peer->has_socket_type &&
               peer->socket_type != settings->peer) {
        ret->code = PROBE_INVALID_METADATA; /* as libzmq has it */
    } else {
        return true;
    }
    return false;
}

void probe_attempt_note_visit(struct probe_endpoint *self)
{
    const struct zmtp_client *client = self->client;
    self->status.durations_ns[PROBE_PHASE_CONNECT] = client->connected_ns - client->started_ns;
    if (!client->parser.is_greeted)
        return;
    self->has_greeted = true;
    self->status.has_peer = true;
    self->status.peer = client->parser.peer;
}

/* The visit is over and the peer is known. */
static struct probe_outcome on_greeted(struct probe_endpoint *self, struct probe_loop *loop)
{
    const struct zmtp_client *client = self->client;
    struct probe_failure failure;
    probe_attempt_note_visit(self);
    self->status.durations_ns[PROBE_PHASE_HANDSHAKE] = client->done_ns - client->connected_ns;
    probe_attempt_end_visit(self, loop);
    if (!check_peer(self->settings, &self->status.peer, &failure))
        return (struct probe_outcome){PROBE_FAILED, failure};
    /* libzmq tells of no handshake with a peer before ZMTP 3 and checks no type: see README.md. */
    if (self->settings->method == PROBE_METHOD_SOCKET && self->status.peer.major >= 3)
        return probe_link_connect(self, loop);
    return (struct probe_outcome){.result = PROBE_SUCCEEDED};
}

static struct probe_outcome on_failed(struct probe_endpoint *self, struct probe_loop *loop)
{
    static const enum probe_cause causes[] = {
        [ZMTP_CLIENT_TRANSPORT] = PROBE_CAUSE_TRANSPORT,
        [ZMTP_CLIENT_PROTOCOL] = PROBE_CAUSE_PROTOCOL,
        [ZMTP_CLIENT_AUTH] = PROBE_CAUSE_AUTH,
    };
    bool was_connected = self->client->connected_ns != 0;
    struct probe_failure failure = {was_connected ? PROBE_PHASE_HANDSHAKE : PROBE_PHASE_CONNECT,
                                    causes[self->client->cause], self->client->code};
    if (was_connected)
        probe_attempt_note_visit(self);
    probe_attempt_end_visit(self, loop);
    if (!was_connected && self->i_address + 1 < self->answer.answer.n_addresses) {
        self->i_address++;
        return probe_attempt_connect(self, loop);
    }
    return (struct probe_outcome){PROBE_FAILED, failure};
}

struct probe_outcome probe_attempt_on_ready(struct probe_endpoint *self, struct probe_loop *loop)
{
    if (!self->client)
        return goes_on; /* ended by something earlier in the same turn */
    enum zmtp_client_state state = zmtp_client_step(self->client);
    if (state == ZMTP_CLIENT_DONE)
        return on_greeted(self, loop);
    if (state == ZMTP_CLIENT_FAILED)
        return on_failed(self, loop);
    (void)watch(self, loop, EPOLL_CTL_MOD);
    return goes_on;
}
