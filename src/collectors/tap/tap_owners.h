/* SPDX-License-Identifier: MPL-2.0 */
/*
 * tap_owners - how much of what the agent has each user's segments take.
 *
 * Files cost nothing whoever makes them, and a place, a group or a lane costs the agent memory and
 * every scrape time. So there are limits for all together, and no user but root may take more than
 * half of any: nobody's files keep those of others off the page.
 *
 * Thread: one.
 */
#ifndef COLLECTORS_TAP_TAP_OWNERS_H
#define COLLECTORS_TAP_TAP_OWNERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*  PLACES  segments that are, or were, read
 *  GUESTS  files that are none yet or never: they take no places, and a few are remembered
 *  LOOKS   files that are opened to see what they are, of one listing
 *  GROUPS  each process's own; LANES likewise */
#define TAP_SHARES(X)                                                                              \
    X(PLACES, 4096u)                                                                               \
    X(GUESTS, 1024u)                                                                               \
    X(LOOKS, 32768u)                                                                               \
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

struct tap_owner {
    uid_t uid;
    uint32_t taken[TAP_N_SHARES];
};

struct tap_owners {
    struct tap_owner *items;
    size_t n, capacity;
    uint32_t taken[TAP_N_SHARES]; /* by all */
};

void tap_owners_finish(struct tap_owners *self);

/* Nothing is taken. */
void tap_owners_clear(struct tap_owners *self);
void tap_owners_clear_share(struct tap_owners *self, enum tap_share share);

/* Whether the user may take `n` more. */
bool tap_owners_may(const struct tap_owners *self, uid_t uid, enum tap_share share, uint32_t n);

/* Takes `n` of it, whether there is as much or not. Short of memory, it counts against all alone.
 */
void tap_owners_add(struct tap_owners *self, uid_t uid, enum tap_share share, uint32_t n);

/* Takes `n` if the user may. */
bool tap_owners_take(struct tap_owners *self, uid_t uid, enum tap_share share, uint32_t n);

/* Gives `n` back that were taken. */
void tap_owners_return(struct tap_owners *self, uid_t uid, enum tap_share share, uint32_t n);

#endif
