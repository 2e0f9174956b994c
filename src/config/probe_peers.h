/* SPDX-License-Identifier: MPL-2.0 */
/*
 * probe_peers - how a program's socket may be probed, by its type.
 *
 * A socket that a probe connects must never get a message that was meant for somebody. So a probe
 * has a socket of its own only where libzmq itself refuses the pairing if the peer is not of the
 * type that was configured and where the peer never sends to such a socket unasked. All other
 * types are probed by greeting: TCP connect, ZMTP greeting both ways, the peer's READY, close.
 * Sources: check_socket_type() in libzmq 4.3.5 mechanism.cpp, rfc.zeromq.org/spec/23.
 */
#ifndef CONFIG_PROBE_PEERS_H
#define CONFIG_PROBE_PEERS_H

#include "config/config_keys.h"

/* The numbers of zmq.h and of ZMTP 2.0's socket type byte. */
enum probe_peer {
    PROBE_PEER_PAIR = 0,
    PROBE_PEER_PUB = 1,
    PROBE_PEER_SUB = 2,
    PROBE_PEER_REQ = 3,
    PROBE_PEER_REP = 4,
    PROBE_PEER_DEALER = 5,
    PROBE_PEER_ROUTER = 6,
    PROBE_PEER_PULL = 7,
    PROBE_PEER_PUSH = 8,
    PROBE_PEER_XPUB = 9,
    PROBE_PEER_XSUB = 10,
    PROBE_PEER_STREAM = 11,
    PROBE_PEER_SERVER = 12,
    PROBE_PEER_CLIENT = 13,
    PROBE_PEER_RADIO = 14,
    PROBE_PEER_DISH = 15,
    PROBE_PEER_GATHER = 16,
    PROBE_PEER_SCATTER = 17,
    PROBE_PEER_DGRAM = 18,
    PROBE_PEER_PEER = 19,
    PROBE_PEER_CHANNEL = 20,
    PROBE_PEER_N,
    PROBE_PEER_ANY = -1, /* whatever answers; by greeting only */
};

struct probe_pairing {
    const char *peer_name;    /* as ZMTP's READY has it */
    int own_type;             /* the socket that a probe may connect to it, or -1 */
    const char *why_not;      /* own_type is -1: what would happen */
    bool is_refused;          /* not even a greeting is harmless */
    bool may_queue_on_accept; /* libzmq before 4.3.3 gives an accepted connection messages */
};

/* The row of a peer type, PROBE_PEER_ANY included. Never NULL for 0..PROBE_PEER_N - 1. */
const struct probe_pairing *probe_pairing_get(int peer);

/* The number of a socket type's name, or -1. */
int probe_peer_find(const char *name);

/* What the key `peer` takes. */
extern const struct config_choice probe_peer_choices[];

#endif
