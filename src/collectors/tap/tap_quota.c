/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/tap/tap_quota.h"

#include <stdlib.h>
#include <string.h>

#define ROOT 0 /* who could end every program does not need to hide one */

static const uint32_t limits[TAP_N_SHARES] = {
#define X(name, limit) limit,
    TAP_SHARES(X)
#undef X
};

void tap_quota_finish(struct tap_quota *self)
{
    free(self->items);
    *self = (struct tap_quota){0};
}

void tap_quota_clear(struct tap_quota *self)
{
    self->n = 0;
    memset(self->taken, 0, sizeof(self->taken));
}

void tap_quota_clear_share(struct tap_quota *self, enum tap_share share)
{
    for (size_t i = 0; i < self->n; i++)
        self->items[i].taken[share] = 0;
    self->taken[share] = 0;
}

static struct tap_quota_user *find(const struct tap_quota *self, uid_t uid)
{
    for (size_t i = 0; i < self->n; i++) {
        if (self->items[i].uid == uid)
            return &self->items[i];
    }
    return NULL;
}

static struct tap_quota_user *find_or_append(struct tap_quota *self, uid_t uid)
{
    struct tap_quota_user *found = find(self, uid);
    if (found)
        return found;
    if (self->n == self->capacity) {
        size_t capacity = self->capacity ? self->capacity * 2 : 8;
        struct tap_quota_user *items = reallocarray(self->items, capacity, sizeof(*items));
        if (!items)
            return NULL;
        self->items = items;
        self->capacity = capacity;
    }
    found = &self->items[self->n++];
    *found = (struct tap_quota_user){.uid = uid};
    return found;
}

bool tap_quota_allows(const struct tap_quota *self, uid_t uid, enum tap_share share, uint32_t n)
{
    const struct tap_quota_user *owner = uid == ROOT ? NULL : find(self, uid);
    uint32_t own = owner ? owner->taken[share] : 0;
    uint32_t own_limit = uid == ROOT ? limits[share] : limits[share] / 2;
    return n <= own_limit && own <= own_limit - n && self->taken[share] <= limits[share] - n;
}

void tap_quota_add(struct tap_quota *self, uid_t uid, enum tap_share share, uint32_t n)
{
    struct tap_quota_user *owner = find_or_append(self, uid);
    if (owner)
        owner->taken[share] += n;
    self->taken[share] += n;
}

bool tap_quota_take(struct tap_quota *self, uid_t uid, enum tap_share share, uint32_t n)
{
    if (!tap_quota_allows(self, uid, share, n))
        return false;
    tap_quota_add(self, uid, share, n);
    return true;
}

void tap_quota_return(struct tap_quota *self, uid_t uid, enum tap_share share, uint32_t n)
{
    struct tap_quota_user *owner = find(self, uid);
    if (owner)
        owner->taken[share] -= owner->taken[share] < n ? owner->taken[share] : n;
    self->taken[share] -= self->taken[share] < n ? self->taken[share] : n;
}
