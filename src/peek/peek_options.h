/* SPDX-License-Identifier: MPL-2.0 */
/*
 * peek_options - how a socket is set up, as far as its libzmq's options are laid out in a known
 * way.
 *
 * Three layouts stand for 4.2.5 to master (options.hpp). One is believed of a socket where all that
 * lies between the options agrees: the socket's type, texts, sets and flags. Of keys, passwords and
 * user names no byte is read.
 *
 * Thread: one.
 */
#ifndef PEEK_PEEK_OPTIONS_H
#define PEEK_PEEK_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct peek_target;

/* As zmq_getsockopt has them, signed ones in two's complement; PIPE_UNKNOWN: not known. */
struct peek_options {
    uint64_t linger, maxmsgsize, rcvtimeo, sndtimeo, immediate, tcp_keepalive;
    uint64_t mechanism, is_server;
    uint64_t conflate, handshake_ivl, heartbeat_ivl;
};

extern const struct peek_options peek_options_unknown;

/* False: they are not known, and `ret_options` says so. */
bool peek_options_read(struct peek_target *target, uintptr_t socket, int type,
                       struct peek_options *ret_options);

#endif
