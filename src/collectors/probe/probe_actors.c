/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/probe/probe_actors.h"

#include <errno.h>

int probe_actors_place(struct probe_actors *self, struct probe_shared *shared,
                       struct probe_actor **ret)
{
    size_t best = 0;
    for (size_t i = 1; i < self->n; i++) {
        if (self->items[i].n_endpoints < self->items[best].n_endpoints)
            best = i;
    }
    if (self->n == 0 || self->items[best].n_endpoints >= PROBE_ACTOR_ENDPOINTS_MAX) {
        if (self->n == PROBE_ACTORS_MAX)
            return -ENOSPC;
        int r = probe_actor_new(shared, &self->items[self->n].actor);
        if (r < 0)
            return r;
        best = self->n++;
        self->items[best].n_endpoints = 0;
    }
    self->items[best].n_endpoints++;
    *ret = self->items[best].actor;
    return 0;
}

void probe_actors_leave(struct probe_actors *self, const struct probe_actor *actor)
{
    for (size_t i = 0; i < self->n; i++) {
        if (self->items[i].actor == actor)
            self->items[i].n_endpoints--;
    }
}

void probe_actors_settle(struct probe_actors *self)
{
    for (size_t i = 0; i < self->n; i++)
        probe_actor_wait(self->items[i].actor);
    size_t n = 0;
    for (size_t i = 0; i < self->n; i++) {
        if (self->items[i].n_endpoints == 0)
            probe_actor_destroy(&self->items[i].actor);
        else
            self->items[n++] = self->items[i];
    }
    self->n = n;
}

struct probe_actor *probe_actors_get(const struct probe_actors *self, size_t index)
{
    return index < self->n ? self->items[index].actor : NULL;
}

void probe_actors_finish(struct probe_actors *self)
{
    for (size_t i = 0; i < self->n; i++)
        probe_actor_destroy(&self->items[i].actor);
    self->n = 0;
}
