/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/probe/link_peers.h"

#include <string.h>

static struct link_peer *find(struct link_peers *self, int fd)
{
    for (size_t i = 0; i < self->n; i++) {
        if (self->items[i].fd == fd)
            return &self->items[i];
    }
    return NULL;
}

static void drop(struct link_peers *self, struct link_peer *peer)
{
    size_t index = (size_t)(peer - self->items);
    memmove(peer, peer + 1, (--self->n - index) * sizeof(*peer));
}

void link_peers_accept(struct link_peers *self, int fd)
{
    struct link_peer *same = find(self, fd);
    if (same)
        drop(self, same); /* its end was not told */
    if (self->n < LINK_PEERS_MAX)
        self->items[self->n++] = (struct link_peer){.fd = fd};
}

void link_peers_succeed(struct link_peers *self)
{
    for (size_t i = self->n; i-- > 0;) {
        if (!self->items[i].is_peer) {
            self->items[i].is_peer = true;
            return;
        }
    }
}

enum link_peers_end link_peers_disconnect(struct link_peers *self, int fd)
{
    struct link_peer *peer = find(self, fd);
    if (!peer)
        return LINK_PEERS_UNKNOWN;
    enum link_peers_end end = peer->is_peer ? LINK_PEERS_PEER : LINK_PEERS_HANDSHAKE;
    drop(self, peer);
    return end;
}

unsigned link_peers_count(const struct link_peers *self)
{
    unsigned n = 0;
    for (size_t i = 0; i < self->n; i++)
        n += self->items[i].is_peer;
    return n;
}
