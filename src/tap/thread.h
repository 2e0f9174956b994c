/* SPDX-License-Identifier: MPL-2.0 */
/*
 * thread - the tap's one thread.
 *
 * It samples and publishes each 100 ms, and drains what monitors have; each 200 ms while no message
 * has moved for two seconds, since waking up is most of what an idle process costs. All signals are
 * blocked in it, its name is zmqtap, and it is the only one that writes the file while it runs. It
 * waits on a futex: it holds no descriptor, whose number the program could close and use for
 * something else.
 *
 * Thread: any, one starter or stopper at a time (tap.c's lock). Waiting is bounded: a file system
 *         that hangs costs the program at most THREAD_PATIENCE_MS, once.
 */
#ifndef TAP_THREAD_H
#define TAP_THREAD_H

#include "segment/segment_writer.h"
#include "tap/ground/thread_state.h"

#include <stdbool.h>

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

/* Publishes now, and waits for it. */
void thread_publish(void);

/* A last round, then the thread ends. */
void thread_stop(void);

/* In a forked child: there is no thread. */
void thread_forked(void);

#endif
