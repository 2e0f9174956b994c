/* SPDX-License-Identifier: MPL-2.0 */
/*
 * rate_limit - a bucket of `burst` tokens that gets one more each `interval_ns`.
 *
 * The bucket is one number, the time at which it will be full again, so threads need no lock.
 * That time is of one interval and one burst: with others a new bucket is needed. Begins full.
 *
 * Thread: any.
 */
#ifndef HTTP_RATE_LIMIT_H
#define HTTP_RATE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct rate_limit {
    int64_t full_ns;
};

/* Takes a token; false if there is none. An interval of 0 or less is no limit; a burst of 0 or
 * less lets nothing through. `now_ns` is of the monotonic clock. */
bool rate_limit_take(struct rate_limit *self, int64_t interval_ns, int64_t burst, int64_t now_ns);

#endif
