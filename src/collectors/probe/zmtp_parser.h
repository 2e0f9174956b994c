/* SPDX-License-Identifier: MPL-2.0 */
/*
 * zmtp_parser - what a peer says of itself: its ZMTP greeting and its READY.
 *
 * Pure: bytes in, facts out. The bytes come from anybody who listens at a port, so every length
 * is checked before use, and ZMTP_INPUT_MAX bytes are the most that is ever kept.
 * Sources: rfc.zeromq.org/spec/23 (ZMTP 3.0), 15 (2.0), 13 (1.0); libzmq 4.3.5 zmtp_engine.cpp.
 *
 * Thread: any.   Blocks: no.   Owns: its buffer, embedded.
 */
#ifndef COLLECTORS_PROBE_ZMTP_PARSER_H
#define COLLECTORS_PROBE_ZMTP_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ZMTP_SIGNATURE_SIZE 10u
#define ZMTP_GREETING_SIZE  64u
#define ZMTP_MECHANISM_MAX  20u
#define ZMTP_IDENTITY_MAX   255u
#define ZMTP_COMMAND_MAX    4096u /* the longest command that is taken from a peer */
#define ZMTP_INPUT_MAX      (ZMTP_GREETING_SIZE + 9u + ZMTP_COMMAND_MAX)

struct zmtp_peer {
    unsigned major, minor;
    char mechanism[ZMTP_MECHANISM_MAX + 1]; /* empty before ZMTP 3 */
    bool is_server;                         /* as-server of ZMTP 3 */
    bool has_socket_type;
    int socket_type; /* enum probe_peer; -1: a name that is none of them */
    bool has_identity;
    uint8_t identity[ZMTP_IDENTITY_MAX];
    size_t identity_size;
};

enum zmtp_progress {
    ZMTP_MORE,    /* more bytes are needed */
    ZMTP_GREETED, /* told once: the greeting is whole; before ZMTP 3 nothing follows */
    ZMTP_READY,   /* told once: the peer's READY, of the mechanism NULL */
    ZMTP_REFUSED, /* the peer's ERROR: see `zap_status` */
    ZMTP_BROKEN,  /* not ZMTP: see `protocol_error` */
};

struct zmtp_parser {
    uint8_t input[ZMTP_INPUT_MAX]; /* the caller appends at `size` */
    size_t size;
    bool is_greeted, is_ready;
    struct zmtp_peer peer;
    int protocol_error; /* ZMQ_PROTOCOL_ERROR_* */
    int zap_status;     /* 300, 400, 500; 0: a reason that is no status */
};

/* Looks at what has arrived. */
enum zmtp_progress zmtp_parser_advance(struct zmtp_parser *self);

/* Before ZMTP 3.1; what such a library may do to a connection is in probe_peers.h. */
bool zmtp_peer_is_old(const struct zmtp_peer *peer);

#endif
