/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/probe/probe_link.h"

#include "base/clock.h"
#include "collectors/probe/local_endpoint.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define FRAMES_PER_TURN      1000       /* of one stream, before the others have their turn */
#define SUBSCRIBED_BYTES_MAX (1u << 20) /* each costs libzmq some fifty bytes of memory */

/* A connection that brings more than that without a message for us is given up. */
#define UNASKED_BYTES_MAX     (1u << 20)
#define PING_BYTES_PER_SECOND 128u /* a peer's pings ten times a second */
#define CHECK_MS              250u

/* The address that was greeted, as libzmq takes it without asking a resolver. */
static int format_endpoint(const struct probe_endpoint *self, char *ret, size_t size)
{
    const struct resolver_address *address = &self->answer.answer.addresses[self->i_address];
    char host[NI_MAXHOST];
    if (self->address->transport == ENDPOINT_IPC)
        return snprintf(ret, size, "%s", self->address->text) < (int)size ? 0 : -ENAMETOOLONG;
    if (getnameinfo((const struct sockaddr *)&address->address, address->size, host, sizeof(host),
                    NULL, 0, NI_NUMERICHOST) != 0)
        return -EINVAL;
    bool is_v6 = address->address.ss_family == AF_INET6;
    int n = snprintf(ret, size, "tcp://%s%s%s:%u", is_v6 ? "[" : "", host, is_v6 ? "]" : "",
                     self->address->port);
    return n < (int)size ? 0 : -ENAMETOOLONG;
}

static int watch(struct probe_endpoint *self, struct probe_loop *loop)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &self->socket_source};
    return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, self->socket.fd, &event) == 0 ? 0 : -errno;
}

static const struct probe_outcome goes_on = {.result = PROBE_GOES_ON};

static struct probe_outcome failed_to_connect(int error)
{
    return probe_outcome_failed(PROBE_PHASE_CONNECT, PROBE_CAUSE_TRANSPORT, error);
}

/* From now on the socket's descriptor tells; of what came before that it tells no more. */
static void start_telling(struct probe_endpoint *self)
{
    self->is_busy = probe_socket_has_input(&self->socket);
}

struct probe_outcome probe_link_connect(struct probe_endpoint *self, struct probe_loop *loop)
{
    char endpoint[NI_MAXHOST + 32];
    /* Before ZMTP 3.1 not every library answers a PING. */
    int r = format_endpoint(self, endpoint, sizeof(endpoint));
    if (r == 0)
        r = probe_socket_open(&self->socket, self->settings, !zmtp_peer_is_old(&self->status.peer),
                              loop->events);
    if (r == 0)
        r = watch(self, loop);
    if (r == 0)
        r = probe_socket_connect(&self->socket, endpoint);
    if (r < 0)
        return failed_to_connect(-r);
    /* Events carry no time and may be read late, so the socket's own connect is in its handshake.
     */
    self->phase_ns = clock_monotonic_ns();
    self->state = PROBE_LINKING;
    start_telling(self);
    return goes_on;
}

struct probe_outcome probe_link_bind(struct probe_endpoint *self, struct probe_loop *loop)
{
    self->peers = calloc(1, sizeof(*self->peers));
    int r = self->peers ? 0 : -ENOMEM;
    if (r == 0)
        r = probe_socket_open(&self->socket, self->settings, false, loop->events);
    if (r == 0)
        r = watch(self, loop);
    if (r == 0 && self->address->transport == ENDPOINT_IPC)
        r = local_endpoint_check_free(self->address->path);
    if (r == 0)
        r = probe_socket_bind(&self->socket, self->address->text);
    if (r < 0)
        return failed_to_connect(-r);
    start_telling(self);
    self->state = PROBE_LINKED;
    self->due_ns = PROBE_NEVER;
    self->status.has_result = true;
    self->status.has_failure = false;
    self->status.is_success = false; /* until a peer comes */
    return goes_on;
}

/* Up to a number of frames; true if there are more. */
static bool read_frames(struct probe_endpoint *self)
{
    void *handle = zsock_resolve(self->socket.socket);
    for (int i = 0; i < FRAMES_PER_TURN; i++) {
        zmq_msg_t frame;
        zmq_msg_init(&frame);
        if (zmq_msg_recv(&frame, handle, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(&frame);
            return false;
        }
        bool is_last = !zmq_msg_more(&frame);
        size_t size = zmq_msg_size(&frame);
        if (self->numbers)
            stream_numbers_frame(self->numbers, zmq_msg_data(&frame), size, is_last);
        zmq_msg_close(&frame);
        self->status.received_bytes += size;
        self->status.received_messages += is_last;
    }
    return true;
}

/* The rest of what the peer sends is not waited for. */
static struct probe_outcome give_up(struct probe_endpoint *self, struct probe_loop *loop,
                                    enum probe_policy policy)
{
    probe_link_close(self, loop);
    return (struct probe_outcome){PROBE_LOST,
                                  {PROBE_PHASE_CONNECTION, PROBE_CAUSE_POLICY, (int)policy}};
}

/* Bytes that may come without a message, pings and their like included. */
static uint64_t unasked_max(const struct probe_endpoint *self, const struct probe_loop *loop)
{
    const struct probe_settings *settings = self->settings;
    uint64_t seconds = (loop->now_ns - self->traffic.marked_ns) / CLOCK_NS_PER_SECOND;
    uint64_t message = settings->n_subscriptions ? 2 * (uint64_t)settings->max_message_bytes : 0;
    return UNASKED_BYTES_MAX + message + seconds * PING_BYTES_PER_SECOND;
}

uint64_t probe_link_next_check(const struct probe_endpoint *self, const struct probe_loop *loop)
{
    uint64_t step_ns = CHECK_MS * CLOCK_NS_PER_MS;
    return self->traffic.fd < 0 ? PROBE_NEVER : (loop->now_ns / step_ns + 1) * step_ns;
}

struct probe_outcome probe_link_check(struct probe_endpoint *self, struct probe_loop *loop)
{
    self->due_ns = probe_link_next_check(self, loop);
    /* What has come is not held against it. */
    struct probe_outcome outcome = probe_link_on_ready(self, loop);
    if (outcome.result == PROBE_GOES_ON &&
        link_traffic_since_mark(&self->traffic) > unasked_max(self, loop))
        outcome = give_up(self, loop, PROBE_POLICY_UNASKED);
    return outcome;
}

/* An XPUB receives <1><topic> of each new subscription, <0><topic> of each that nobody has any
 * more. A peer without end of them would fill our memory. */
static struct probe_outcome read_subscriptions(struct probe_endpoint *self, struct probe_loop *loop)
{
    void *handle = zsock_resolve(self->socket.socket);
    for (int i = 0; i < FRAMES_PER_TURN && self->subscribed_bytes <= SUBSCRIBED_BYTES_MAX; i++) {
        zmq_msg_t frame;
        zmq_msg_init(&frame);
        bool is_there = zmq_msg_recv(&frame, handle, ZMQ_DONTWAIT) >= 0;
        uint64_t size = zmq_msg_size(&frame);
        char kind = size ? *(const char *)zmq_msg_data(&frame) : 2;
        zmq_msg_close(&frame);
        self->is_busy = is_there;
        if (!is_there)
            return goes_on;
        link_traffic_mark(&self->traffic, loop->now_ns);
        if (kind == 1)
            self->subscribed_bytes += size;
        else if (kind == 0 && self->subscribed_bytes >= size)
            self->subscribed_bytes -= size;
    }
    return self->subscribed_bytes <= SUBSCRIBED_BYTES_MAX
               ? goes_on
               : give_up(self, loop, PROBE_POLICY_SUBSCRIPTIONS);
}

static void read_messages(struct probe_endpoint *self, struct probe_loop *loop)
{
    uint64_t before = self->status.received_messages;
    self->is_busy = read_frames(self);
    if (self->status.received_messages > before) {
        self->status.last_received_ns = clock_realtime_ns();
        link_traffic_mark(&self->traffic, loop->now_ns);
    }
    if (self->numbers)
        self->status.stream = *stream_numbers_counts(self->numbers);
}

void probe_link_close(struct probe_endpoint *self, struct probe_loop *loop)
{
    free(self->peers);
    self->peers = NULL;
    if (!self->socket.socket)
        return;
    if (self->numbers)
        stream_numbers_reconnect(self->numbers);
    if (self->socket.fd >= 0)
        (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, self->socket.fd, NULL);
    probe_socket_close(&self->socket);
    self->is_busy = false;
    self->subscribed_bytes = 0;
    self->traffic = (struct link_traffic)LINK_TRAFFIC_INIT;
}

struct probe_outcome probe_link_on_ready(struct probe_endpoint *self, struct probe_loop *loop)
{
    self->is_busy = false;
    if (!self->socket.socket || !probe_socket_has_input(&self->socket))
        return goes_on;
    if (self->settings->n_subscriptions > 0)
        read_messages(self, loop);
    else if (probe_pairing_get(self->settings->peer)->own_type == PROBE_PEER_XPUB)
        return read_subscriptions(self, loop);
    return goes_on;
}

static struct probe_outcome on_handshake(struct probe_endpoint *self)
{
    if (self->peers)
        link_peers_succeed(self->peers);
    else
        probe_data_end_phase(self, PROBE_PHASE_HANDSHAKE);
    self->status.n_peers = self->peers ? link_peers_count(self->peers) : 1;
    self->status.is_greeting_only = false;
    self->state = PROBE_LINKED;
    return (struct probe_outcome){.result = PROBE_SUCCEEDED};
}

/* The end of an attempt, also where libzmq leaves the connection as it is: behind an ERROR with the
 * mechanism NULL. Of a bound socket's peers the reason waits for the disconnect, which has the
 * descriptor. */
static struct probe_outcome on_handshake_failed(struct probe_endpoint *self, enum probe_cause cause,
                                                int code)
{
    if (self->has_pending || (!self->peers && self->state != PROBE_LINKING))
        return goes_on;
    if (cause == PROBE_CAUSE_TRANSPORT && code == EAGAIN)
        code = ETIMEDOUT; /* what ZMQ_HANDSHAKE_IVL leaves in errno */
    struct probe_failure failure = {PROBE_PHASE_HANDSHAKE, cause, code};
    if (!self->peers)
        return (struct probe_outcome){PROBE_FAILED, failure};
    self->has_pending = true;
    self->pending = failure;
    return goes_on;
}

/* Without a reason from libzmq: in mechanism_t::parse_metadata of 4.3.4 a socket type that does
 * not fit is a protocol error without an event. All others have one. */
static struct probe_failure take_reason(struct probe_endpoint *self)
{
    struct probe_failure failure = {PROBE_PHASE_HANDSHAKE, PROBE_CAUSE_PROTOCOL,
                                    PROBE_INVALID_METADATA};
    if (self->has_pending)
        failure = self->pending;
    self->has_pending = false;
    return failure;
}

static void on_peer_gone(struct probe_endpoint *self, int fd)
{
    enum link_peers_end end = link_peers_disconnect(self->peers, fd);
    if (end == LINK_PEERS_HANDSHAKE) {
        struct probe_failure failure = take_reason(self);
        probe_data_count_failure(self, &failure);
    }
    if (end != LINK_PEERS_PEER)
        return;
    self->status.disconnects++;
    self->status.n_peers = link_peers_count(self->peers);
    self->status.is_success = self->status.n_peers > 0;
    if (self->numbers)
        stream_numbers_reconnect(self->numbers);
}

static struct probe_outcome on_disconnected(struct probe_endpoint *self, int fd)
{
    if (!self->peers && self->state == PROBE_LINKED)
        return (struct probe_outcome){PROBE_LOST,
                                      {PROBE_PHASE_CONNECTION, PROBE_CAUSE_TRANSPORT, 0}};
    if (!self->peers)
        return (struct probe_outcome){PROBE_FAILED, take_reason(self)};
    on_peer_gone(self, fd);
    return goes_on;
}

struct probe_outcome probe_link_on_event(struct probe_endpoint *self, struct probe_loop *loop,
                                         uint16_t event, uint32_t value)
{
    if (self->state != PROBE_LINKING && self->state != PROBE_LINKED)
        return goes_on; /* the rest of a connection that broke */
    switch (event) {
    case ZMQ_EVENT_CONNECTED:
        link_traffic_open(&self->traffic, (int)value, loop->now_ns);
        break;
    case ZMQ_EVENT_ACCEPTED:
        if (self->peers)
            link_peers_accept(self->peers, (int)value);
        break;
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        return on_handshake(self);
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
        return on_handshake_failed(self, PROBE_CAUSE_TRANSPORT, (int)value);
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
        return on_handshake_failed(self, PROBE_CAUSE_PROTOCOL, (int)value);
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        return on_handshake_failed(self, PROBE_CAUSE_AUTH, (int)value);
    case ZMQ_EVENT_DISCONNECTED:
        return on_disconnected(self, (int)value);
    case ZMQ_EVENT_CLOSED: /* of a connect: the attempt failed, libzmq does not tell why */
        return self->peers ? goes_on : failed_to_connect(0);
    default:
        break;
    }
    return goes_on;
}
