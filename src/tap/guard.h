/* SPDX-License-Identifier: MPL-2.0 */
/*
 * guard - a mutex that the program cannot leave locked.
 *
 * While one of the tap's locks is held by a thread of the program, that thread takes no signal
 * and is not cancelled: a handler that exits, forks, jumps or calls ZeroMQ, or a pthread_cancel,
 * would otherwise leave the lock behind and block the program for ever.
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

#include <errno.h>
#include <pthread.h>
#include <signal.h>

struct guard {
    sigset_t signals;
    int cancel_state;
};

/* Without a lock: for a few lines that must not be left half done. */
static inline void guard_enter(struct guard *guard)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &guard->signals);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &guard->cancel_state);
}

static inline void guard_leave(const struct guard *guard)
{
    int ignored;
    pthread_setcancelstate(guard->cancel_state, &ignored);
    pthread_sigmask(SIG_SETMASK, &guard->signals, NULL);
}

static inline void guard_lock(struct guard *guard, pthread_mutex_t *lock)
{
    int error = errno;
    guard_enter(guard);
    pthread_mutex_lock(lock);
    errno = error;
}

static inline void guard_unlock(const struct guard *guard, pthread_mutex_t *lock)
{
    int error = errno;
    pthread_mutex_unlock(lock);
    guard_leave(guard);
    errno = error;
}

#endif
