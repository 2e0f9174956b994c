/* SPDX-License-Identifier: MPL-2.0 */
#include "http/rate_limit.h"

bool rate_limit_take(struct rate_limit *self, int64_t interval_ns, int64_t burst, int64_t now_ns)
{
    int64_t depth_ns;
    if (interval_ns <= 0)
        return true;
    if (burst <= 0)
        return false;
    if (__builtin_mul_overflow(interval_ns, burst, &depth_ns))
        depth_ns = INT64_MAX;

    int64_t full_ns = __atomic_load_n(&self->full_ns, __ATOMIC_RELAXED);
    for (;;) {
        int64_t next_ns = full_ns > now_ns ? full_ns : now_ns;
        if (next_ns - now_ns > depth_ns - interval_ns)
            return false;
        if (__builtin_add_overflow(next_ns, interval_ns, &next_ns))
            next_ns = INT64_MAX;
        if (__atomic_compare_exchange_n(&self->full_ns, &full_ns, next_ns, true, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED))
            return true;
    }
}
