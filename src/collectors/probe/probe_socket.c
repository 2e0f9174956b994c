/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/probe/probe_socket.h"

#include "collectors/probe/monitor_event.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ID_MARK              1 /* first byte: libzmq keeps ids that begin with 0 for itself */
#define SILENT_HWM           1
#define BACKLOG              100
#define SILENT_BYTES         65536 /* MAXMSGSIZE of a socket that gets no messages at all */
#define KEEPALIVE_IDLE_S     15
#define KEEPALIVE_INTERVAL_S 5
#define TIMEOUT_MARGIN_MS    1000
#define KEEPALIVE_COUNT      3

static int set_int(void *handle, int option, int value)
{
    return zmq_setsockopt(handle, option, &value, sizeof(value)) == 0 ? 0 : -errno;
}

static int set_text(void *handle, int option, const char *text)
{
    return zmq_setsockopt(handle, option, text, strlen(text)) == 0 ? 0 : -errno;
}

int probe_socket_events_new(zsock_t **ret)
{
    zsock_t *events = zsock_new(ZMQ_ROUTER);
    if (!events)
        return -errno;
    void *handle = zsock_resolve(events);
    int r = set_int(handle, ZMQ_RCVHWM, 0);
    if (r == 0)
        r = set_int(handle, ZMQ_LINGER, 0);
    if (r < 0) {
        zsock_destroy(&events);
        return r;
    }
    *ret = events;
    return 0;
}

static int set_limits(void *handle, const struct probe_settings *settings)
{
    bool has_input = settings->n_subscriptions > 0;
    /* One, also for the subscriptions that an XPUB hears: libzmq takes in all that come meanwhile.
     */
    int receive_hwm = has_input ? (int)settings->receive_hwm : SILENT_HWM;
    /* libzmq drops a subscription that has no room in the pipe: xsub.cpp, send_subscription(). */
    int send_hwm = SILENT_HWM + (int)settings->n_subscriptions;
    int64_t max_bytes = has_input ? settings->max_message_bytes : SILENT_BYTES;
    const int options[][2] = {
        {ZMQ_LINGER, 0},   {ZMQ_SNDHWM, send_hwm}, {ZMQ_RCVHWM, receive_hwm}, {ZMQ_SNDTIMEO, 0},
        {ZMQ_RCVTIMEO, 0}, {ZMQ_BACKLOG, BACKLOG}, {ZMQ_IMMEDIATE, 1},
    };
    for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
        int r = set_int(handle, options[i][0], options[i][1]);
        if (r < 0)
            return r;
    }
    return zmq_setsockopt(handle, ZMQ_MAXMSGSIZE, &max_bytes, sizeof(max_bytes)) == 0 ? 0 : -errno;
}

static int set_times(void *handle, const struct probe_settings *settings, bool use_heartbeats)
{
    bool beats = use_heartbeats && settings->heartbeat_interval_ms > 0;
    int interval = beats ? (int)settings->heartbeat_interval_ms : 0;
    int timeout = beats ? (int)settings->heartbeat_timeout_ms : 0;
    const int options[][2] = {
        {ZMQ_RECONNECT_IVL, -1},
        {ZMQ_RECONNECT_IVL_MAX, 0},
        /* Later than the attempt's own deadline, which knows that it was one. */
        {ZMQ_CONNECT_TIMEOUT, (int)settings->timeout_ms + TIMEOUT_MARGIN_MS},
        {ZMQ_HANDSHAKE_IVL, (int)settings->timeout_ms + TIMEOUT_MARGIN_MS},
        {ZMQ_HEARTBEAT_IVL, interval},
        {ZMQ_HEARTBEAT_TIMEOUT, timeout},
        {ZMQ_HEARTBEAT_TTL, 0},
        {ZMQ_TCP_KEEPALIVE, 1},
        {ZMQ_TCP_KEEPALIVE_IDLE, KEEPALIVE_IDLE_S},
        {ZMQ_TCP_KEEPALIVE_INTVL, KEEPALIVE_INTERVAL_S},
        {ZMQ_TCP_KEEPALIVE_CNT, KEEPALIVE_COUNT},
    };
    for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
        int r = set_int(handle, options[i][0], options[i][1]);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Our own pair of keys: from the configured secret, or made for this connection. */
static int set_own_keys(void *handle, const char *secret_key)
{
    char public_text[CONFIG_SECRET_KEY_SIZE + 1], secret_text[CONFIG_SECRET_KEY_SIZE + 1];
    int r = 0;
    if (secret_key[0]) {
        memcpy(secret_text, secret_key, sizeof(secret_text));
        r = zmq_curve_public(public_text, secret_text);
    } else {
        r = zmq_curve_keypair(public_text, secret_text);
    }
    if (r != 0)
        return -errno;
    r = set_text(handle, ZMQ_CURVE_PUBLICKEY, public_text);
    if (r == 0)
        r = set_text(handle, ZMQ_CURVE_SECRETKEY, secret_text);
    explicit_bzero(secret_text, sizeof(secret_text));
    return r;
}

static int set_security(void *handle, const struct probe_settings *settings)
{
    const struct probe_security *security = &settings->security;
    int r = 0;
    if (security->mechanism == PROBE_PLAIN) {
        r = set_text(handle, ZMQ_PLAIN_USERNAME, security->username);
        return r < 0 ? r : set_text(handle, ZMQ_PLAIN_PASSWORD, security->password);
    }
    if (security->mechanism != PROBE_CURVE)
        return 0;
    if (settings->is_bind) {
        r = set_int(handle, ZMQ_CURVE_SERVER, 1);
        return r < 0 ? r : set_text(handle, ZMQ_CURVE_SECRETKEY, security->secret_key);
    }
    r = set_text(handle, ZMQ_CURVE_SERVERKEY, security->server_key);
    return r < 0 ? r : set_own_keys(handle, security->secret_key);
}

static int subscribe(void *handle, const struct probe_settings *settings)
{
    for (size_t i = 0; i < settings->n_subscriptions; i++) {
        int r = set_text(handle, ZMQ_SUBSCRIBE, settings->subscriptions[i]);
        if (r < 0)
            return r;
    }
    return 0;
}

/* The monitor first, then its reader: no event can come before the socket connects or binds. */
static int attach_monitor(struct probe_socket *self, void *handle, zsock_t *events)
{
    static uint64_t last_serial;
    char name[64], id[PROBE_SOCKET_ID_SIZE] = {ID_MARK};
    self->serial = __atomic_add_fetch(&last_serial, 1, __ATOMIC_RELAXED);
    memcpy(id + 1, &self->serial, sizeof(self->serial));
    (void)snprintf(name, sizeof(name), "inproc://zmq-exporter-probe-%llu",
                   (unsigned long long)self->serial);
    void *router = zsock_resolve(events);
    if (zmq_socket_monitor(handle, name, ZMQ_EVENT_ALL) < 0)
        return -errno;
    if (zmq_setsockopt(router, ZMQ_CONNECT_ROUTING_ID, id, sizeof(id)) < 0 ||
        zmq_connect(router, name) < 0)
        return -errno;
    return 0;
}

int probe_socket_open(struct probe_socket *self, const struct probe_settings *settings,
                      bool use_heartbeats, zsock_t *events)
{
    int own_type = probe_pairing_get(settings->peer)->own_type;
    size_t fd_size = sizeof(self->fd);
    *self = (struct probe_socket)PROBE_SOCKET_INIT;
    self->socket = zsock_new(own_type);
    if (!self->socket)
        return errno ? -errno : -ENOMEM;
    void *handle = zsock_resolve(self->socket);
    int r = set_limits(handle, settings);
    if (r == 0)
        r = set_times(handle, settings, use_heartbeats);
    if (r == 0)
        r = set_security(handle, settings);
    if (r == 0)
        r = subscribe(handle, settings);
    if (r == 0)
        r = attach_monitor(self, handle, events);
    if (r == 0 && zmq_getsockopt(handle, ZMQ_FD, &self->fd, &fd_size) < 0)
        r = -errno;
    if (r < 0)
        probe_socket_close(self);
    return r;
}

int probe_socket_connect(struct probe_socket *self, const char *endpoint)
{
    void *handle = zsock_resolve(self->socket);
    int r = set_int(handle, ZMQ_IPV6, strchr(endpoint, '[') != NULL);
    return r < 0 ? r : zmq_connect(handle, endpoint) == 0 ? 0 : -errno;
}

int probe_socket_bind(struct probe_socket *self, const char *endpoint)
{
    void *handle = zsock_resolve(self->socket);
    int r = set_int(handle, ZMQ_IPV6, strchr(endpoint, '[') != NULL);
    return r < 0 ? r : zmq_bind(handle, endpoint) == 0 ? 0 : -errno;
}

void probe_socket_close(struct probe_socket *self)
{
    if (self->socket) {
        /* Before the socket goes, so that its last events cannot hold up libzmq's reaper. */
        (void)zmq_socket_monitor(zsock_resolve(self->socket), NULL, 0);
        zsock_destroy(&self->socket);
    }
    self->fd = -1;
    self->serial = 0;
}

bool probe_socket_has_input(const struct probe_socket *self)
{
    int events = 0;
    size_t size = sizeof(events);
    if (zmq_getsockopt(zsock_resolve(self->socket), ZMQ_EVENTS, &events, &size) < 0)
        return false;
    return events & ZMQ_POLLIN;
}

/* One frame of a multipart message into `data`; its size, or -1 if there is none. */
static int read_frame(void *router, void *data, size_t size, bool *ret_more)
{
    int more = 0;
    size_t more_size = sizeof(more);
    int n = zmq_recv(router, data, size, ZMQ_DONTWAIT);
    if (n < 0 || zmq_getsockopt(router, ZMQ_RCVMORE, &more, &more_size) < 0)
        return -1;
    *ret_more = more != 0;
    return n;
}

bool probe_socket_next_event(zsock_t *events, uint64_t *ret_serial, uint16_t *ret_event,
                             uint32_t *ret_value)
{
    void *router = zsock_resolve(events);
    char id[PROBE_SOCKET_ID_SIZE], frame[MONITOR_EVENT_SIZE], rest[1];
    for (;;) {
        bool has_more = false;
        struct monitor_event event;
        int id_size = read_frame(router, id, sizeof(id), &has_more);
        if (id_size < 0)
            return false;
        int size = has_more ? read_frame(router, frame, sizeof(frame), &has_more) : -1;
        bool is_good = id_size == (int)sizeof(id) && size >= 0 &&
                       monitor_event_decode(frame, (size_t)size, &event);
        while (has_more && read_frame(router, rest, sizeof(rest), &has_more) >= 0)
            ; /* the address */
        if (!is_good)
            continue;
        memcpy(ret_serial, id + 1, sizeof(*ret_serial));
        *ret_event = event.event;
        *ret_value = event.value;
        return true;
    }
}
