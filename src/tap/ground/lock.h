/* SPDX-License-Identifier: MPL-2.0 */
/*
 * lock - a recursive mutex made of a futex, which nobody waits for without end.
 *
 * The tap's locks make no system call but futex, which libzmq makes as well, so that they may be
 * taken inside a sandbox. A signal handler that comes while its thread has the lock, and uses
 * ZeroMQ, goes on as if it had taken it. A handler that jumps out leaves the lock behind: whoever
 * waits for it takes it over in the end.
 *
 * Thread: any. errno is kept. All zero is unlocked; a forked child stores LOCK_INIT.
 */
#ifndef TAP_LOCK_H
#define TAP_LOCK_H

#include <stdbool.h>
#include <stdint.h>

struct lock {
    uint32_t state;  /* 0: free, 1: taken, 2: taken and waited for */
    uint32_t depth;  /* of the owner's calls */
    uintptr_t owner; /* names the thread that has it; 0: none */
};

#define LOCK_INIT ((struct lock){0})

/* Waits LOCK_PATIENCE_MS of the waiter's own time at most, then takes the lock over. */
#define LOCK_PATIENCE_MS 5000
void lock_acquire(struct lock *lock);

/* False: it was not free within `patience_ms`. */
bool lock_acquire_within(struct lock *lock, uint32_t patience_ms);

/* Does nothing where another thread has taken the lock over. */
void lock_release(struct lock *lock);

/* Waits until `*word` is no longer `seen`, at most until `deadline_ns` of CLOCK_MONOTONIC. May
 * return early. */
void lock_wait_for_word(const uint32_t *word, uint32_t seen, uint64_t deadline_ns);

/* Wakes all that wait for the word. */
void lock_wake_word(const uint32_t *word);

#endif
