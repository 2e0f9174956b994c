/* SPDX-License-Identifier: MPL-2.0 */
/*
 * thread_state - what other parts need to know of the tap's thread (thread.h): whether it runs,
 * and whether it may make system calls now.
 *
 * The thread's *round* lock is held around all system calls of it that libzmq does not make as
 * well. Whoever holds the lock knows that the thread is in none of them and has no file open,
 * which is a descriptor that the program may need.
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

/* In a forked child: there is no thread. */
void thread_state_forked(void);

#endif
