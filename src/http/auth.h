/* SPDX-License-Identifier: MPL-2.0 */
/*
 * auth - who may read: basic authentication against bcrypt hashes.
 *
 * auth_check() answers from memory: what was verified once is known by a keyed hash of user,
 * password and bcrypt hash, so that neither passwords nor anything to guess them from is kept.
 * What it does not know is given to auth_submit(): one thread computes bcrypt, one hash at a time,
 * for a bounded queue in which no client has more than a few places. A wrong user costs as much
 * as a wrong password.
 *
 * Good and bad results are remembered apart: a flood of bad ones does not drive out a scraper's.
 *
 * Thread:  any.   Blocks: auth_stop() only.
 * Errors:  -EBUSY the queue, or this client's part of it, is full; -errno no thread.
 */
#ifndef HTTP_AUTH_H
#define HTTP_AUTH_H

#include "http/auth_header.h"
#include "http/web_config.h"

struct auth;

enum auth_verdict { AUTH_UNKNOWN, AUTH_ALLOWED, AUTH_REFUSED };

#define AUTH_PENDING_MAX            64u
#define AUTH_PENDING_PER_CLIENT_MAX 8u

/* Embedded in what waits for it. `done` is called once, on auth's thread. */
struct auth_job {
    struct auth_job *next;
    const struct web_config *config; /* borrowed until done */
    struct auth_credentials credentials;
    uint64_t client; /* whose request: a number made of its address */
    enum auth_verdict verdict;
    void (*done)(struct auth_job *job);
};

int auth_new(struct auth **ret_auth);

enum auth_verdict auth_check(struct auth *self, const struct web_config *config,
                             const struct auth_credentials *credentials);

/* The credentials are wiped before `done`. */
int auth_submit(struct auth *self, struct auth_job *job);

/* Refuses what is queued and new, and waits for the computation in hand. False if it takes longer
 * than `patience_ms`: then nothing may be freed. */
bool auth_stop(struct auth *self, uint64_t patience_ms);

/* After auth_stop() that was true, or without any job ever. */
void auth_destroy(struct auth **self_p);

#endif
