/* SPDX-License-Identifier: MPL-2.0 */
#include "http/http_gate.h"

#include "base/clock.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <string.h>

#define SLOT_BITS 10u

_Static_assert(HTTP_GATE_SLOTS == 1u << SLOT_BITS, "a slot for each value of its bits");

int http_gate_init(struct http_gate *self)
{
    memset(self, 0, sizeof(*self));
    if (gnutls_rnd(GNUTLS_RND_NONCE, &self->key, sizeof(self->key)) < 0)
        return -EIO;
    self->key |= 1;
    return 0;
}

static bool take(struct rate_limit *limit, struct http_rate rate, int64_t now_ns)
{
    return rate_limit_take(limit, (int64_t)CLOCK_NS_PER_SECOND / rate.a_second, rate.burst, now_ns);
}

/* The client's own number first: what one client has too many of takes nothing from the others. */
bool http_gate_admits(struct http_gate *self, uint64_t client, int64_t now_ns)
{
    uint64_t slot = client * self->key >> (64 - SLOT_BITS);
    return take(&self->clients[slot], HTTP_GATE_CLIENT, now_ns) &&
           take(&self->all, HTTP_GATE_ALL, now_ns);
}
