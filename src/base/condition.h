/* SPDX-License-Identifier: MPL-2.0 */
/*
 * condition - condition variables whose deadlines are of clock_monotonic_ns().
 *
 * So no change of the day's time makes a wait longer or shorter.
 */
#ifndef BASE_CONDITION_H
#define BASE_CONDITION_H

#include "base/clock.h"

#include <pthread.h>

static inline void condition_init(pthread_cond_t *self)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(self, &attributes);
    pthread_condattr_destroy(&attributes);
}

/* As pthread_cond_wait(). Returns 0, perhaps without a reason, or ETIMEDOUT. */
static inline int condition_wait_until(pthread_cond_t *self, pthread_mutex_t *lock,
                                       uint64_t until_ns)
{
    const struct timespec until = clock_timespec(until_ns);
    return pthread_cond_timedwait(self, lock, &until);
}

#endif
