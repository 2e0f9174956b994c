/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/probe/probe_shared.h"

#include "base/clock.h"

#define START_STEP_NS (CLOCK_NS_PER_MS / 2) /* 2,000 a second */

uint64_t probe_shared_take_start(struct probe_shared *self, uint64_t now_ns)
{
    uint64_t *next = &self->next_start_ns;
    uint64_t found = __atomic_load_n(next, __ATOMIC_RELAXED), start;
    do
        start = found > now_ns ? found : now_ns;
    while (!__atomic_compare_exchange_n(next, &found, start + START_STEP_NS, false,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return start;
}
