/* SPDX-License-Identifier: MPL-2.0 */
/*
 * thread - the tap's one thread.
 *
 * It samples and publishes each 100 ms, and drains what monitors have. All signals are blocked in
 * it, its name is zmqtap, and it is the only one that writes the file while it runs. It waits on a
 * futex: it holds no descriptor, whose number the program could close and use for something else.
 *
 * Thread: any, one starter or stopper at a time (tap.c's lock). Waiting is bounded: a file system
 *         that hangs costs the program at most THREAD_PATIENCE_MS, once.
 */
#ifndef TAP_THREAD_H
#define TAP_THREAD_H

#include "segment/segment_writer.h"
#include "tap/ground/guard.h"

#include <stdbool.h>

#define THREAD_TICK_MS     100
#define THREAD_PATIENCE_MS 1000

/* Starts it if it is not running. 0 or a negative errno. */
int thread_start(void);

/* Runs `work` in a thread of its own with a stack of half a megabyte, and waits for its end. 0 or a
 * negative errno; -ETIMEDOUT: it may still be under way, so the tap is to give up. */
int thread_run(void (*work)(void *data), void *data);

/* For a signal handler that has come in the middle of thread_run: waits THREAD_PATIENCE_MS at most.
 * False: it is still under way. */
bool thread_await_work(void);

/* What it publishes in its rounds; NULL: nothing. */
void thread_set_writer(struct segment_writer *writer);

/* It looks again at what it waits for. */
void thread_wake(void);

/* Publishes now, and waits for it. */
void thread_publish(void);

/* A last round, then the thread ends. */
void thread_stop(void);

/* Between the two the tap's thread is in no system call that libzmq does not make as well, and
 * has no file open, which is a descriptor that the program may miss. False, and nothing to
 * release: it has hung in one for too long. */
bool thread_hold(struct guard *guard);
void thread_release(const struct guard *guard);

bool thread_is_running(void);

/* Whether the calling thread is it. */
bool thread_is_this(void);

/* In a forked child: there is no thread. */
void thread_forked(void);

#endif
