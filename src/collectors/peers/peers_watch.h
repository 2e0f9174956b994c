/* SPDX-License-Identifier: MPL-2.0 */
/*
 * peers_watch - a table of who is at the other end of each connection, made anew again and again.
 *
 * Every second while somebody asks, else every quarter of a minute, for the worst of a group's
 * connections on the page; and never more often than that it costs a hundredth of a core. A scrape
 * takes what is there.
 *
 * Thread: any; one of its own looks. Owns: the table. Locks: the link's may be taken while the
 * table is locked, not the other way round.
 */
#ifndef COLLECTORS_PEERS_PEERS_WATCH_H
#define COLLECTORS_PEERS_PEERS_WATCH_H

#include "collectors/peers/peer_table.h"

#define PEERS_WATCH_ASKED_NS UINT64_C(1000000000)
#define PEERS_WATCH_IDLE_NS  UINT64_C(15000000000)
#define PEERS_WATCH_HEARD_NS UINT64_C(10000000000) /* how long a question lasts */

struct peek_link;
struct peers_watch;

/* Borrows the link. Errors: -ENOMEM, -errno. */
int peers_watch_new(struct peek_link *link, struct peers_watch **ret_watch);
void peers_watch_destroy(struct peers_watch **self_p);

/* Somebody wants to see it now: waits until it was looked within `max_age_ns`, but not beyond
 * `patience_ns`; 0: does not wait. */
void peers_watch_ask(struct peers_watch *self, uint64_t max_age_ns, uint64_t patience_ns);

/* The table, to be used until it is unlocked. */
const struct peer_table *peers_watch_lock(struct peers_watch *self);
void peers_watch_unlock(struct peers_watch *self);

#endif
