/* SPDX-License-Identifier: MPL-2.0 */
/*
 * peek_threads - libzmq's own threads in a process, and where their stacks are.
 *
 * I/O and reaper threads have "ZMQbg" in their names (thread.cpp, 4.2.5 to master). The stack
 * pointer is known of a thread that waits in a system call.
 *
 * Thread: any. Errors: -errno of /proc; -ESRCH: the process is gone (normal).
 */
#ifndef PEEK_PEEK_THREADS_H
#define PEEK_PEEK_THREADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PEEK_MAX_THREADS 64u   /* of libzmq in one process, of which stacks are looked at */
#define PEEK_MAX_TASKS   4096u /* that are listed */

struct peek_threads {
    pid_t ids[PEEK_MAX_THREADS];
    size_t n;            /* 0: the process runs no context */
    bool is_without_tap; /* all threads are listed, and none is a tap's */
};

int peek_threads_find(int process_fd, struct peek_threads *ret_threads);

/* 0: it does not wait now. */
uintptr_t peek_threads_stack_pointer(int process_fd, pid_t thread);

#endif
