/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/tap/tap_owners.h"

#include <stdlib.h>
#include <string.h>

#define ROOT 0 /* who could end every program does not need to hide one */

static const uint32_t limits[TAP_N_SHARES] = {
#define X(name, limit) limit,
    TAP_SHARES(X)
#undef X
};

void tap_owners_finish(struct tap_owners *self)
{
    free(self->items);
    *self = (struct tap_owners){0};
}

void tap_owners_clear(struct tap_owners *self)
{
    self->n = 0;
    memset(self->taken, 0, sizeof(self->taken));
}

void tap_owners_clear_share(struct tap_owners *self, enum tap_share share)
{
    for (size_t i = 0; i < self->n; i++)
        self->items[i].taken[share] = 0;
    self->taken[share] = 0;
}

static struct tap_owner *find(const struct tap_owners *self, uid_t uid)
{
    for (size_t i = 0; i < self->n; i++) {
        if (self->items[i].uid == uid)
            return &self->items[i];
    }
    return NULL;
}

static struct tap_owner *find_or_append(struct tap_owners *self, uid_t uid)
{
    struct tap_owner *found = find(self, uid);
    if (found)
        return found;
    if (self->n == self->capacity) {
        size_t capacity = self->capacity ? self->capacity * 2 : 8;
        struct tap_owner *items = reallocarray(self->items, capacity, sizeof(*items));
        if (!items)
            return NULL;
        self->items = items;
        self->capacity = capacity;
    }
    found = &self->items[self->n++];
    *found = (struct tap_owner){.uid = uid};
    return found;
}

bool tap_owners_may(const struct tap_owners *self, uid_t uid, enum tap_share share, uint32_t n)
{
    const struct tap_owner *owner = uid == ROOT ? NULL : find(self, uid);
    uint32_t own = owner ? owner->taken[share] : 0;
    uint32_t own_limit = uid == ROOT ? limits[share] : limits[share] / 2;
    return n <= own_limit && own <= own_limit - n && self->taken[share] <= limits[share] - n;
}

void tap_owners_add(struct tap_owners *self, uid_t uid, enum tap_share share, uint32_t n)
{
    struct tap_owner *owner = find_or_append(self, uid);
    if (owner)
        owner->taken[share] += n;
    self->taken[share] += n;
}

bool tap_owners_take(struct tap_owners *self, uid_t uid, enum tap_share share, uint32_t n)
{
    if (!tap_owners_may(self, uid, share, n))
        return false;
    tap_owners_add(self, uid, share, n);
    return true;
}

void tap_owners_return(struct tap_owners *self, uid_t uid, enum tap_share share, uint32_t n)
{
    struct tap_owner *owner = find(self, uid);
    if (owner)
        owner->taken[share] -= owner->taken[share] < n ? owner->taken[share] : n;
    self->taken[share] -= self->taken[share] < n ? self->taken[share] : n;
}
