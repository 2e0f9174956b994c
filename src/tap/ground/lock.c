/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/ground/lock.h"

#include "base/clock.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WAIT_MS 100u

enum { FREE, TAKEN, WAITED_FOR };

/* Its address is unlike that of every other living thread's. */
static _Thread_local char self;

static uintptr_t this_thread(void)
{
    return (uintptr_t)&self;
}

static void futex_wait(const uint32_t *word, uint32_t seen, uint64_t ns)
{
    const struct timespec timeout = clock_timespec(ns);
    int error = errno;
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, &timeout, NULL, 0);
    errno = error;
}

static void futex_wake(const uint32_t *word, int n)
{
    int error = errno;
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
    errno = error;
}

void lock_wait_for_word(const uint32_t *word, uint32_t seen, uint64_t deadline_ns)
{
    uint64_t now = clock_monotonic_ns();
    if (now < deadline_ns)
        futex_wait(word, seen, deadline_ns - now);
}

void lock_wake_word(const uint32_t *word)
{
    futex_wake(word, INT32_MAX);
}

static bool is_mine(const struct lock *lock)
{
    return __atomic_load_n(&lock->owner, __ATOMIC_RELAXED) == this_thread();
}

static bool take_free(struct lock *lock)
{
    uint32_t expected = FREE;
    return __atomic_compare_exchange_n(&lock->state, &expected, TAKEN, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

/* Patience is counted in waits, not by the clock: a process that was stopped goes on as before. */
static bool wait_for_lock(struct lock *lock, uint32_t patience_ms)
{
    uint32_t n_left = patience_ms / WAIT_MS;
    while (__atomic_exchange_n(&lock->state, WAITED_FOR, __ATOMIC_ACQUIRE) != FREE) {
        uint64_t deadline = clock_monotonic_ns() + WAIT_MS * CLOCK_NS_PER_MS;
        lock_wait_for_word(&lock->state, WAITED_FOR, deadline);
        if (clock_monotonic_ns() >= deadline && n_left-- == 0)
            return false;
    }
    return true;
}

static void own(struct lock *lock)
{
    lock->depth = 1;
    __atomic_store_n(&lock->owner, this_thread(), __ATOMIC_RELAXED);
}

bool lock_acquire_within(struct lock *lock, uint32_t patience_ms)
{
    if (is_mine(lock)) {
        lock->depth++;
        return true;
    }
    if (!take_free(lock) && !wait_for_lock(lock, patience_ms))
        return false;
    own(lock);
    return true;
}

void lock_acquire(struct lock *lock)
{
    if (!lock_acquire_within(lock, LOCK_PATIENCE_MS))
        own(lock);
}

void lock_release(struct lock *lock)
{
    if (!is_mine(lock) || --lock->depth > 0)
        return;
    __atomic_store_n(&lock->owner, 0, __ATOMIC_RELAXED);
    if (__atomic_exchange_n(&lock->state, FREE, __ATOMIC_RELEASE) == WAITED_FOR)
        futex_wake(&lock->state, 1);
}
