/* SPDX-License-Identifier: MPL-2.0 */
/*
 * peers - how many peers of a socket have finished their handshake, from the events.
 *
 * libzmq's events of a connection carry its address, and those of its beginning and end its
 * descriptor; many connections of a bound socket share one address. So connections are counted
 * by address: opened, of these with a handshake, of these failed and not yet ended. The end of a
 * connection is set against a failure first, as each failure is followed by its own end.
 *
 * libzmq tells nothing of connections that the program itself ends with zmq_disconnect or
 * zmq_unbind: these are dropped there (peers_drop), and what was still under way is ignored until
 * the program gives the address again.
 *
 * Thread: the registry's lock is held.
 * Limits: PEERS_MAX_ADDRESSES for all sockets; beyond, a socket's peers are unknown.
 */
#ifndef TAP_PEERS_H
#define TAP_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PEERS_MAX_ADDRESSES 16384u
#define PEERS_N_RECENT      8u

/* Of one socket; embedded, all zero is empty. */
struct peers {
    uint32_t first;            /* index + 1 of its first address */
    bool is_without_handshake; /* ZMQ_STREAM: a connection is a peer */
    bool is_unknown;
};

enum peers_end {
    PEERS_END_NORMAL,  /* of a peer, or told as a failure before */
    PEERS_END_REFUSED, /* in the handshake, without a word why */
};

void peers_opened(struct peers *self, const char *address, int fd);
/* The event does not say which connection's handshake it is: it is taken to be the youngest that
 * has not finished, as one that stands still gets older. */
void peers_succeeded(struct peers *self, const char *address);

/* False if another event has reported the same failure of this connection. */
bool peers_failed(struct peers *self, const char *address);

enum peers_end peers_ended(struct peers *self, const char *address, int fd);

/* The program ends what it has at `address`, in its own words, or begins it anew: a connection
 * of its own, or a place that others connect to. */
void peers_drop(struct peers *self, const char *address);
void peers_expect_connection(struct peers *self, const char *address);
void peers_expect_others(struct peers *self, const char *address);

/* Whether there was an event of the address, or a connection is expected. */
bool peers_knows(const struct peers *self, const char *address);

/* Peers now; -1: unknown. */
int64_t peers_count(const struct peers *self);

/* Whether there is a connection, be it without a handshake yet. */
bool peers_has_connection(const struct peers *self);

/* The socket is gone. */
void peers_finish(struct peers *self);

/* In a forked child: no socket is left. */
void peers_forked(void);

#endif
