/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/hooks/options.h"

#include <zmq.h>

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
};

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

void options_read_all(const struct registry_socket *socket)
{
    int error = errno;
    for (size_t i = 0; i < N_OPTIONS; i++)
        read_option(socket, &options[i]);
    errno = error;
}

/* The mechanism follows from keys, names and roles, set one by one. */
void options_read_changed(const struct registry_socket *socket, int option)
{
    int error = errno;
    if (option == ZMQ_SUBSCRIBE || option == ZMQ_UNSUBSCRIBE)
        return;
    for (size_t i = 0; i < N_OPTIONS; i++) {
        if (options[i].number == option || options[i].number == ZMQ_MECHANISM)
            read_option(socket, &options[i]);
    }
    errno = error;
}
