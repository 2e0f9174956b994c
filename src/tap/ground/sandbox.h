/* SPDX-License-Identifier: MPL-2.0 */
/*
 * sandbox - the program sandboxes itself: from then on no system call but those that libzmq makes.
 *
 * A program may put a filter of system calls on all its threads that kills it for any other call.
 * Nobody can ask for that afterwards, as the question is a call itself. But a filter comes after
 * prctl(PR_SET_NO_NEW_PRIVS) or with prctl(PR_SET_SECCOMP), and the tap interposes prctl
 * (hooks/hooks_process.c): it waits until the tap's thread is in no call of its own, and lets it
 * make none from then on.
 *
 * What needs such calls is done before: the tap of a program that has libzmq starts then, without
 * a socket. Afterwards counters and events go on where the segment is mapped, and queues are no
 * longer read.
 *
 * Thread: any.
 */
#ifndef TAP_SANDBOX_H
#define TAP_SANDBOX_H

#include <stdbool.h>

bool sandbox_is_closed(void);

/* False in a child of vfork(), which has its parent's memory: what it does to itself is not the
 * parent's. */
bool sandbox_is_of_this_process(void);

/* Waits for the round that is under way; the thread begins no other. */
void sandbox_close(void);

/* At load, and in a forked child: remembers which process this is. */
void sandbox_start(void);

#endif
