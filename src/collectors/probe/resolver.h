/* SPDX-License-Identifier: MPL-2.0 */
/*
 * resolver - host names to addresses, without holding up whoever asks.
 *
 * getaddrinfo() blocks as long as the slowest name server, so it runs on threads of its own. Names
 * that were slow the last time share a few of them: dead domains, however many, leave the others
 * to the rest. There are more than a host has processors, since they wait: a name of which nothing
 * is known may be dead. Threads are made when needed and end after some idle time.
 *
 * The answer is given to `request->done` on one of those threads. A request may be abandoned: then
 * `done` is not called any more. So neither side waits for the other.
 *
 * Thread:  any.   Blocks: no, but resolver_destroy() does until lookups in progress are back or
 *          RESOLVER_PATIENCE_MS are over; then their threads are left behind with the resolver.
 * Errors:  -ENOMEM, -EAGAIN (no thread), -ENOBUFS (RESOLVER_MAX_REQUESTS are waiting).
 */
#ifndef COLLECTORS_PROBE_RESOLVER_H
#define COLLECTORS_PROBE_RESOLVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define RESOLVER_MAX_ADDRESSES 8u
#define RESOLVER_MAX_THREADS   128u
#define RESOLVER_MAX_SLOW      16u /* threads for names that were slow */
#define RESOLVER_MAX_REQUESTS  20000u
#define RESOLVER_PATIENCE_MS   1000u
#define RESOLVER_SLOW_MS       300u /* a lookup that took longer was slow */

struct resolver_address {
    struct sockaddr_storage address;
    socklen_t size;
};

struct resolver_answer {
    int error; /* 0 or EAI_* */
    struct resolver_address addresses[RESOLVER_MAX_ADDRESSES];
    size_t n_addresses;
    bool was_slow;
};

struct resolver;
struct resolver_request;

typedef void (*resolver_done)(void *owner, const struct resolver_answer *answer);

/* The lookup itself; a test has its own. */
typedef void (*resolver_lookup)(const char *host, uint16_t port, struct resolver_answer *ret);

/* `lookup` NULL: getaddrinfo(). */
int resolver_new(resolver_lookup lookup, struct resolver **ret);

/* `host` is copied. `is_slow` is `was_slow` of the name's last answer, or that there was none in
 * time. */
int resolver_submit(struct resolver *self, const char *host, uint16_t port, bool is_slow,
                    resolver_done done, void *owner, struct resolver_request **ret);

/* `done` has been called or will never be; it is not running when this returns. */
void resolver_abandon(struct resolver *self, struct resolver_request **request_p);

void resolver_destroy(struct resolver **self_p);

/* An address literal, at once, without a resolver. Errors: EAI_* (positive or negative), not 0. */
int resolver_parse_literal(const char *host, uint16_t port, struct resolver_address *ret);

#endif
