/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/counting/options.h"

#include <errno.h>
#include <string.h>
#include <zmq.h>

#define DOMAIN_SIZE 256u /* the most that libzmq takes, and the NUL */

struct option {
    int number;
    uint32_t word;
    size_t size;
};

static const struct option options[] = {
    {ZMQ_SNDHWM, SEGMENT_SEND_HWM, sizeof(int)},
    {ZMQ_RCVHWM, SEGMENT_RECEIVE_HWM, sizeof(int)},
    {ZMQ_LINGER, SEGMENT_OPTION_LINGER, sizeof(int)},
    {ZMQ_SNDTIMEO, SEGMENT_OPTION_SNDTIMEO, sizeof(int)},
    {ZMQ_RCVTIMEO, SEGMENT_OPTION_RCVTIMEO, sizeof(int)},
    {ZMQ_MAXMSGSIZE, SEGMENT_OPTION_MAXMSGSIZE, sizeof(int64_t)},
    {ZMQ_HEARTBEAT_IVL, SEGMENT_OPTION_HEARTBEAT_IVL, sizeof(int)},
    {ZMQ_IMMEDIATE, SEGMENT_OPTION_IMMEDIATE, sizeof(int)},
    {ZMQ_CONFLATE, SEGMENT_OPTION_CONFLATE, sizeof(int)},
    {ZMQ_MECHANISM, SEGMENT_OPTION_MECHANISM, sizeof(int)},
    {ZMQ_RECONNECT_IVL, SEGMENT_OPTION_RECONNECT_IVL, sizeof(int)},
    {ZMQ_RECONNECT_IVL_MAX, SEGMENT_OPTION_RECONNECT_IVL_MAX, sizeof(int)},
    {ZMQ_TCP_KEEPALIVE, SEGMENT_OPTION_TCP_KEEPALIVE, sizeof(int)},
    {ZMQ_BACKLOG, SEGMENT_OPTION_BACKLOG, sizeof(int)},
    {ZMQ_HANDSHAKE_IVL, SEGMENT_OPTION_HANDSHAKE_IVL, sizeof(int)},
    {ZMQ_CURVE_SERVER, SEGMENT_OPTION_CURVE_SERVER, sizeof(int)},
    {ZMQ_PLAIN_SERVER, SEGMENT_OPTION_PLAIN_SERVER, sizeof(int)},
    {ZMQ_IPV6, SEGMENT_OPTION_IPV6, sizeof(int)},
    {ZMQ_HEARTBEAT_TIMEOUT, SEGMENT_OPTION_HEARTBEAT_TIMEOUT, sizeof(int)},
    {ZMQ_HEARTBEAT_TTL, SEGMENT_OPTION_HEARTBEAT_TTL, sizeof(int)},
};

/* What zmq_getsockopt does not tell, from the calls seen. */
static struct calls {
    bool is_mandatory, is_nodrop;
    uint32_t n_binds, n_connects;
} calls[REGISTRY_MAX_SOCKETS];

static struct calls *calls_of(const struct registry_socket *socket)
{
    return &calls[socket->index];
}

void options_reset(struct registry_socket *socket)
{
    *calls_of(socket) = (struct calls){0};
}

#define N_OPTIONS (sizeof(options) / sizeof(*options))

static void read_option(const struct registry_socket *socket, const struct option *option)
{
    union {
        int number;
        int64_t wide;
    } value = {0};
    size_t size = option->size;
    if (socket->library->getsockopt(socket->handle, option->number, &value, &size) != 0)
        return;
    int64_t number = option->size == sizeof(int) ? value.number : value.wide;
    segment_word_set(&socket->words[option->word], (uint64_t)number);
}

/* Whether there is one; which one is private. */
static void read_zap_domain(const struct registry_socket *socket)
{
    char domain[DOMAIN_SIZE];
    size_t size = sizeof(domain);
    if (socket->library->getsockopt(socket->handle, ZMQ_ZAP_DOMAIN, domain, &size) == 0)
        segment_word_set(&socket->words[SEGMENT_OPTION_ZAP_DOMAIN], size > 1);
}

/* No call of a socket that was attached was seen. */
static void write_calls(const struct registry_socket *socket)
{
    const struct calls *seen = calls_of(socket);
    if (socket->is_attached)
        return;
    if (socket->type == ZMQ_ROUTER)
        segment_word_set(&socket->words[SEGMENT_OPTION_ROUTER_MANDATORY], seen->is_mandatory);
    if (socket->type == ZMQ_PUB || socket->type == ZMQ_XPUB)
        segment_word_set(&socket->words[SEGMENT_OPTION_XPUB_NODROP], seen->is_nodrop);
    segment_word_set(&socket->words[SEGMENT_BINDS], seen->n_binds);
    segment_word_set(&socket->words[SEGMENT_CONNECTS], seen->n_connects);
}

void options_read_all(struct registry_socket *socket)
{
    int error = errno;
    for (size_t i = 0; i < N_OPTIONS; i++)
        read_option(socket, &options[i]);
    read_zap_domain(socket);
    write_calls(socket);
    errno = error;
}

static void note_call(struct registry_socket *socket, const struct registry_option *option)
{
    int number = 0;
    if (option->size != sizeof(number))
        return;
    memcpy(&number, option->value, sizeof(number));
    if (option->number == ZMQ_ROUTER_MANDATORY)
        calls_of(socket)->is_mandatory = number != 0;
    else if (option->number == ZMQ_XPUB_NODROP)
        calls_of(socket)->is_nodrop = number != 0;
    else
        return;
    write_calls(socket);
}

/* Mechanism and roles follow from keys, names and roles, set one by one. */
static bool follows_from_others(int option)
{
    return option == ZMQ_MECHANISM || option == ZMQ_CURVE_SERVER || option == ZMQ_PLAIN_SERVER;
}

void options_changed(struct registry_socket *socket, const struct registry_option *option)
{
    int error = errno;
    if (option->number == ZMQ_SUBSCRIBE || option->number == ZMQ_UNSUBSCRIBE)
        return;
    for (size_t i = 0; i < N_OPTIONS; i++) {
        if (options[i].number == option->number || follows_from_others(options[i].number))
            read_option(socket, &options[i]);
    }
    if (option->number == ZMQ_ZAP_DOMAIN)
        read_zap_domain(socket);
    note_call(socket, option);
    errno = error;
}

void options_count_endpoint(struct registry_socket *socket, bool is_connect, int change)
{
    uint32_t *n = is_connect ? &calls_of(socket)->n_connects : &calls_of(socket)->n_binds;
    if (change > 0 || *n > 0)
        *n += (uint32_t)change;
    write_calls(socket);
}
