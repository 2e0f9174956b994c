/* SPDX-License-Identifier: MPL-2.0 */
#include "program.h"

#include <string.h>

#define LAST_OPTION 116

/* Whatever changes by itself, with time, or what the program could not go on with. */
static const int untouched[] = {
    ZMQ_ROUTER_RAW,       ZMQ_USE_FD,
    ZMQ_HANDSHAKE_IVL,    ZMQ_HEARTBEAT_IVL,
    ZMQ_HEARTBEAT_TTL,    ZMQ_HEARTBEAT_TIMEOUT,
    ZMQ_SOCKS_PROXY,      ZMQ_BINDTODEVICE,
    ZMQ_CONFLATE,         ZMQ_LINGER,
    ZMQ_SNDTIMEO,         ZMQ_RCVTIMEO,
    ZMQ_RECONNECT_IVL,    ZMQ_RECONNECT_IVL_MAX,
    ZMQ_PLAIN_SERVER,     ZMQ_PLAIN_USERNAME,
    ZMQ_PLAIN_PASSWORD,   ZMQ_CURVE_SERVER,
    ZMQ_CURVE_SERVERKEY,  ZMQ_CURVE_PUBLICKEY,
    ZMQ_CURVE_SECRETKEY,  ZMQ_GSSAPI_SERVER,
    ZMQ_GSSAPI_PRINCIPAL, ZMQ_ZAP_DOMAIN,
    ZMQ_AFFINITY,         ZMQ_CONNECT_ROUTING_ID,
    ZMQ_REQ_CORRELATE,
};

static bool is_untouched(const struct program *self, const struct program_socket *socket,
                         int option)
{
    if (option == ZMQ_ROUTER_MANDATORY && socket->type == ZMQ_REP)
        return true; /* libzmq aborts */
    if (self->transports == 1 && option >= ZMQ_PLAIN_SERVER && option <= ZMQ_CURVE_SERVERKEY)
        return false;
    for (unsigned i = 0; i < sizeof untouched / sizeof *untouched; i++) {
        if (untouched[i] == option)
            return true;
    }
    return false;
}

static void set_wait(struct program *self, struct program_socket *socket)
{
    int option = program_chance(self, 2) ? ZMQ_SNDTIMEO : ZMQ_RCVTIMEO;
    int value = (int)program_random(self, 4);
    program_log(self, "zmq_setsockopt s%u %d %d", socket->number, option, value);
    int rc = zmq_setsockopt(socket->handle, option, &value, sizeof value);
    program_result(self, rc, rc != 0);
}

static const int interesting[] = {
    ZMQ_SNDHWM,           ZMQ_RCVHWM,          ZMQ_SUBSCRIBE,       ZMQ_UNSUBSCRIBE,
    ZMQ_ROUTER_MANDATORY, ZMQ_XPUB_NODROP,     ZMQ_XPUB_VERBOSE,    ZMQ_XPUB_VERBOSER,
    ZMQ_XPUB_MANUAL,      ZMQ_INVERT_MATCHING, ZMQ_ROUTER_HANDOVER, ZMQ_PROBE_ROUTER,
    ZMQ_REQ_RELAXED,      ZMQ_IMMEDIATE,       ZMQ_ROUTING_ID,      ZMQ_XPUB_WELCOME_MSG,
    ZMQ_STREAM_NOTIFY,    ZMQ_MAXMSGSIZE,
};

void options_set(struct program *self)
{
    static const long long values[] = {-2, -1, 0, 1, 2, 3, 7, 1000, 1LL << 33};
    static const size_t sizes[] = {sizeof(int), sizeof(int), sizeof(int), sizeof(int), 0,
                                   1,           3,           8,           255,         256};
    struct program_socket *socket = program_some_socket(self);
    unsigned char value[300];
    if (!socket || socket->is_monitor)
        return;
    if (program_chance(self, 6)) {
        set_wait(self, socket);
        return;
    }
    int option = program_chance(self, 3)
                     ? (int)program_random(self, LAST_OPTION)
                     : interesting[program_random(self, sizeof interesting / sizeof *interesting)];
    size_t size = sizes[program_random(self, 10)];
    long long number = values[program_random(self, 9)];
    if (is_untouched(self, socket, option) || (option == ZMQ_MAXMSGSIZE && number >= 0))
        return;
    memset(value, 't', sizeof value);
    if (size == sizeof(int) || size == 8)
        memcpy(value, &number, 8);
    if (option == ZMQ_PROBE_ROUTER && socket->is_network)
        return;
    if (option == ZMQ_ROUTING_ID)
        socket->routing_id = PROGRAM_N_IDS - 1;
    program_synchronise(self, socket);
    program_log(self, "zmq_setsockopt s%u %d %lld of %zu", socket->number, option, number, size);
    int rc = zmq_setsockopt(socket->handle, option, size == 0 ? NULL : value, size);
    program_result(self, rc, rc != 0);
    program_settle(self);
}

/* Descriptors are numbers like others where the tap holds none. */
static bool is_shown(const struct program *self, int option)
{
    return option != ZMQ_FD || self->shows_descriptors;
}

void options_get(struct program *self)
{
    static const size_t sizes[] = {4, 8, 256, 256, 0, 1, 3, 255, 41, 32};
    struct program_socket *socket = program_some_socket(self);
    unsigned char value[300] = {0};
    if (!socket)
        return;
    int option = (int)program_random(self, LAST_OPTION);
    size_t size = sizes[program_random(self, 10)];
    program_log(self, "zmq_getsockopt s%u %d of %zu", socket->number, option, size);
    int rc = zmq_getsockopt(socket->handle, option, value, &size);
    if (program_result(self, rc, rc != 0))
        return;
    if (option == ZMQ_LAST_ENDPOINT && memcmp(value, "tcp", 3) == 0)
        return;
    if (is_shown(self, option))
        program_log(self, "  size %zu %016llx", size,
                    (unsigned long long)program_hash(value, size));
}
