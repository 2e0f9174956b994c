/* SPDX-License-Identifier: MPL-2.0 */
/*
 * guard - holding one of the tap's locks in a thread of the program.
 *
 * While a lock is held the thread is not cancelled. Signals are not blocked: that would be system
 * calls that a sandbox may forbid. What a handler meets that comes meanwhile: see lock.h.
 *
 *     struct guard guard;
 *     guard_lock(&guard, &lock);
 *     ...
 *     guard_unlock(&guard, &lock);
 *
 * errno is kept. Locks nest in one order, see README.md.
 */
#ifndef TAP_GUARD_H
#define TAP_GUARD_H

#include "tap/ground/lock.h"

#include <errno.h>
#include <pthread.h>

struct guard {
    int cancel_state;
};

/* Without a lock: for a few lines between which the thread must not be cancelled. */
static inline void guard_disable_cancel(struct guard *guard)
{
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &guard->cancel_state);
}

static inline void guard_restore_cancel(const struct guard *guard)
{
    int ignored;
    pthread_setcancelstate(guard->cancel_state, &ignored);
}

static inline void guard_lock(struct guard *guard, struct lock *lock)
{
    guard_disable_cancel(guard);
    lock_acquire(lock);
}

static inline void guard_unlock(const struct guard *guard, struct lock *lock)
{
    lock_release(lock);
    guard_restore_cancel(guard);
}

#endif
