/* SPDX-License-Identifier: MPL-2.0 */
/*
 * thread - the tap's one thread.
 *
 * It reads the monitors' events as they come, and each 100 ms samples and publishes. All signals
 * are blocked in it, its name is zmqtap, and it is the only one that writes the file while it runs.
 *
 * Thread: any, one starter or stopper at a time. Waiting is bounded: a file system that hangs
 *         costs the program at most THREAD_PATIENCE_MS, once.
 */
#ifndef TAP_THREAD_H
#define TAP_THREAD_H

#include "segment/segment_writer.h"
#include "tap/guard.h"

#include <stdbool.h>

#define THREAD_TICK_MS     100
#define THREAD_PATIENCE_MS 1000

/* Starts it if it is not running. 0 or a negative errno. */
int thread_start(struct segment_writer *writer);

/* It looks again at what it waits for. */
void thread_wake(void);

/* Publishes now, and waits for it. */
void thread_publish(void);

/* A last round, then the thread ends. */
void thread_stop(void);

/* Gives back its one descriptor; from then on it looks for work at each tick. False: had none. */
bool thread_shed(void);

/* Between the two the tap's thread has no file open, which it has for moments, each a descriptor
 * that the program may miss. False, and nothing to release: it has hung in one for too long. */
bool thread_hold_files(struct guard *guard);
void thread_release_files(const struct guard *guard);

/* False once a filter of system calls has come over the tap's thread or the caller. */
bool thread_may_open_files(void);

bool thread_is_running(void);

/* In a forked child: there is no thread. */
void thread_forked(void);

#endif
