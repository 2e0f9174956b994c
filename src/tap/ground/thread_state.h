/* SPDX-License-Identifier: MPL-2.0 */
/*
 * thread_state - what other parts need to know of the tap's thread (thread.h): whether it runs,
 * whether it may make system calls now, and how it is woken.
 *
 * The thread's *round* lock is held around all system calls of it that libzmq does not make as
 * well. Whoever holds the lock knows that the thread is in none of them and has no file open,
 * which is a descriptor that the program may need.
 *
 * While nothing moves the thread *rests*: its rounds are a second apart. Whatever the program does
 * that a round would see rouses it, in the thread that does it: the first call with a socket since
 * the last round (watched.h), sockets made, set and closed, endpoints, events. What comes into a
 * queue from the network while the program makes no call is seen with the next round.
 *
 * Thread: any. errno is kept.
 */
#ifndef TAP_THREAD_STATE_H
#define TAP_THREAD_STATE_H

#include "tap/ground/guard.h"

#include <stdbool.h>

#define THREAD_PATIENCE_MS 1000 /* how long the program waits for the thread at most */

bool thread_state_is_running(void);

/* By the thread's starter and stopper alone. */
void thread_state_set_running(bool is_running);

/* The thread, around a round. */
void thread_state_begin_round(void);
void thread_state_end_round(void);

/* The program, to keep the thread from beginning a round. False, and nothing to release: a system
 * call of the round hangs. */
bool thread_state_hold_rounds(struct guard *guard);
void thread_state_release_rounds(const struct guard *guard);

/* The thread, and who wants something of it: it waits until it is woken, at most until
 * `deadline_ns`, and not at all if it was since `seen`. */
uint32_t thread_state_n_woken(void);
void thread_state_wait(uint32_t seen, uint64_t deadline_ns);
void thread_state_wake(void);

/* By the thread alone, before it looks whether anything moves. */
void thread_state_set_resting(bool is_resting);

extern uint32_t thread_state_rest __attribute__((visibility("hidden"))); /* 1: it rests */

static inline bool thread_state_is_resting(void)
{
    return __atomic_load_n(&thread_state_rest, __ATOMIC_SEQ_CST) != 0;
}

/* Something is about to move. */
void thread_state_end_rest(void);

static inline void thread_state_rouse(void)
{
    if (__builtin_expect(thread_state_is_resting(), 0))
        thread_state_end_rest();
}

/* In a forked child: there is no thread. */
void thread_state_forked(void);

#endif
