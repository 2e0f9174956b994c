/* SPDX-License-Identifier: MPL-2.0 */
/*
 * probe_actors - the actors of standing probes, as many as their endpoints need.
 *
 * Thread: the one that has the pool's lock.
 */
#ifndef COLLECTORS_PROBE_PROBE_ACTORS_H
#define COLLECTORS_PROBE_PROBE_ACTORS_H

#include "collectors/probe/probe_actor.h"

/* Twice what a configuration needs: while one follows another, both have their places. */
#define PROBE_ACTORS_MAX (2 * (EXPORTER_PROBES_MAX / PROBE_ACTOR_ENDPOINTS_MAX + 1))

struct probe_actors {
    struct {
        struct probe_actor *actor;
        unsigned n_endpoints; /* places that are taken */
    } items[PROBE_ACTORS_MAX];
    size_t n;
};

/* Takes a place for an endpoint; starts an actor if all are full. */
int probe_actors_place(struct probe_actors *self, struct probe_shared *shared,
                       struct probe_actor **ret);
void probe_actors_leave(struct probe_actors *self, const struct probe_actor *actor);

/* Waits until all commands are done, then ends the actors that have nothing left. */
void probe_actors_settle(struct probe_actors *self);

struct probe_actor *probe_actors_get(const struct probe_actors *self, size_t index); /* or NULL */
void probe_actors_finish(struct probe_actors *self);

#endif
