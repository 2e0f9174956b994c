/* SPDX-License-Identifier: MPL-2.0 */
/*
 * link_peers - the connections of a bound socket, from its monitor's events.
 *
 * Only ACCEPTED and DISCONNECTED carry the descriptor. A handshake that succeeds is taken to be
 * the youngest unfinished one's, as one that stands still gets older (the tap does the same, see
 * tap/events/peers.h); one that failed is known by its descriptor when the connection ends.
 * libzmq 4.3.4 tells of no failure at all when a peer of the wrong type comes with the mechanism
 * NULL: it only disconnects, which is why the descriptors are followed.
 *
 * Thread: one.   Blocks: no.
 */
#ifndef COLLECTORS_PROBE_LINK_PEERS_H
#define COLLECTORS_PROBE_LINK_PEERS_H

#include <stdbool.h>
#include <stddef.h>

#define LINK_PEERS_MAX 1024u /* connections that are followed; the rest is not counted */

struct link_peer {
    int fd;
    bool is_peer; /* its handshake succeeded */
};

struct link_peers {
    struct link_peer items[LINK_PEERS_MAX]; /* in the order in which they came */
    size_t n;
};

enum link_peers_end { LINK_PEERS_PEER, LINK_PEERS_HANDSHAKE, LINK_PEERS_UNKNOWN };

void link_peers_accept(struct link_peers *self, int fd);
void link_peers_succeed(struct link_peers *self);

/* What the connection was that ended. */
enum link_peers_end link_peers_disconnect(struct link_peers *self, int fd);

/* Peers with a finished handshake. */
unsigned link_peers_count(const struct link_peers *self);

#endif
