/* SPDX-License-Identifier: MPL-2.0 */
/*
 * tap_quota - how much of the agent's limits the segments of each user take.
 *
 * Any user can make files for free, and each segment, group and lane costs the agent memory, and
 * time in every scrape. So there are limits for all users together, and no user but root may take
 * more than half of one: then the files of one user cannot displace those of others.
 *
 * Thread: one.
 */
#ifndef COLLECTORS_TAP_TAP_QUOTA_H
#define COLLECTORS_TAP_TAP_QUOTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*  PLACES      segments that are, or were, read
 *  CANDIDATES  files that are not segments, or not yet: they take no place, a few are remembered
 *  OPENED      files that are opened to find out what they are, of one listing
 *  GROUPS      of each process; LANES likewise */
#define TAP_SHARES(X)                                                                              \
    X(PLACES, 4096u)                                                                               \
    X(CANDIDATES, 1024u)                                                                           \
    X(OPENED, 32768u)                                                                              \
    X(GROUPS, 32768u)                                                                              \
    X(LANES, 131072u)

enum tap_share {
#define X(name, limit) TAP_SHARE_##name,
    TAP_SHARES(X)
#undef X
        TAP_N_SHARES
};

enum {
#define X(name, limit) TAP_MAX_##name = (limit),
    TAP_SHARES(X)
#undef X
};

struct tap_quota_user {
    uid_t uid;
    uint32_t taken[TAP_N_SHARES];
};

struct tap_quota {
    struct tap_quota_user *items;
    size_t n, capacity;
    uint32_t taken[TAP_N_SHARES]; /* by all */
};

void tap_quota_finish(struct tap_quota *self);

/* Nothing is taken. */
void tap_quota_clear(struct tap_quota *self);
void tap_quota_clear_share(struct tap_quota *self, enum tap_share share);

/* Whether the user may take `n` more. */
bool tap_quota_allows(const struct tap_quota *self, uid_t uid, enum tap_share share, uint32_t n);

/* Takes `n` of it, even beyond the limit. Short of memory, it counts for all users only.
 */
void tap_quota_add(struct tap_quota *self, uid_t uid, enum tap_share share, uint32_t n);

/* Takes `n` if the user may. */
bool tap_quota_take(struct tap_quota *self, uid_t uid, enum tap_share share, uint32_t n);

/* Gives `n` back that were taken. */
void tap_quota_return(struct tap_quota *self, uid_t uid, enum tap_share share, uint32_t n);

#endif
