/* SPDX-License-Identifier: MPL-2.0 */
/* peek_model_lane - what the reader told of a socket, as a tap would have written it. */
#include "collectors/peek/peek_model.h"

#include <string.h>

#define MECHANISM_PLAIN 1u /* zmq.h */
#define MECHANISM_CURVE 2u

/* As zmq_getsockopt(ZMQ_CURVE_SERVER): whether it is the server of that mechanism. */
static uint64_t server_of(const struct peek_options *options, uint64_t mechanism)
{
    if (options->mechanism == PEEK_RECORD_UNKNOWN || options->is_server == PEEK_RECORD_UNKNOWN)
        return SEGMENT_UNKNOWN;
    return options->mechanism == mechanism && options->is_server == 1;
}

static void fill_options(uint64_t *words, const struct peek_options *options)
{
    words[SEGMENT_OPTION_LINGER] = options->linger;
    words[SEGMENT_OPTION_MAXMSGSIZE] = options->maxmsgsize;
    words[SEGMENT_OPTION_RCVTIMEO] = options->rcvtimeo;
    words[SEGMENT_OPTION_SNDTIMEO] = options->sndtimeo;
    words[SEGMENT_OPTION_IMMEDIATE] = options->immediate;
    words[SEGMENT_OPTION_TCP_KEEPALIVE] = options->tcp_keepalive;
    words[SEGMENT_OPTION_CONFLATE] = options->conflate;
    words[SEGMENT_OPTION_HANDSHAKE_IVL] = options->handshake_ivl;
    words[SEGMENT_OPTION_HEARTBEAT_IVL] = options->heartbeat_ivl;
    words[SEGMENT_OPTION_MECHANISM] = options->mechanism;
    words[SEGMENT_OPTION_CURVE_SERVER] = server_of(options, MECHANISM_CURVE);
    words[SEGMENT_OPTION_PLAIN_SERVER] = server_of(options, MECHANISM_PLAIN);
}

void peek_model_fill_lane(struct segment_lane *ret_lane, const struct peek_record_socket *socket)
{
    uint64_t *words = ret_lane->words;
    memset(ret_lane, 0, sizeof(*ret_lane));
    for (size_t i = SEGMENT_FIRST_GAUGE; i < SEGMENT_LANE_WORDS_MAX; i++)
        words[i] = SEGMENT_UNKNOWN;
    if (socket->is_closed)
        return;
    bool is_valid = socket->is_valid;
    /* Where there are only sockets of this process at the other ends, these are peers. */
    bool are_peers = is_valid && socket->n_pipes == socket->n_inproc && socket->n_pipes > 0;
    words[SEGMENT_STATE] = SEGMENT_LANE_OPEN;
    words[SEGMENT_HANDLE] = socket->handle;
    words[SEGMENT_CONTEXT] = socket->context;
    words[SEGMENT_PEERS] = are_peers ? socket->n_pipes : SEGMENT_UNKNOWN;
    words[SEGMENT_SEND_QUEUE] = is_valid ? socket->send_queue : SEGMENT_UNKNOWN;
    words[SEGMENT_RECEIVE_QUEUE] = is_valid ? socket->receive_queue : SEGMENT_UNKNOWN;
    words[SEGMENT_SEND_FULLEST] = is_valid ? socket->send_fullest : SEGMENT_UNKNOWN;
    words[SEGMENT_RECEIVE_FULLEST] = is_valid ? socket->receive_fullest : SEGMENT_UNKNOWN;
    words[SEGMENT_SEND_AGE_NS] = is_valid ? socket->send_age_ns : SEGMENT_UNKNOWN;
    words[SEGMENT_RECEIVE_AGE_NS] = is_valid ? socket->receive_age_ns : SEGMENT_UNKNOWN;
    words[SEGMENT_SEND_HWM] = socket->send_hwm;
    words[SEGMENT_RECEIVE_HWM] = socket->receive_hwm;
    fill_options(words, &socket->options);
}
