/* SPDX-License-Identifier: MPL-2.0 */
/*
 * peek_sandbox - the privileges that the reader drops before it reads any process.
 *
 * Who may read other processes' memory can learn every secret of the host; so it keeps that one
 * ability, and none to pass anything on: no capability but CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH
 * (/proc/PID/syscall and pagemap are their owners' alone) and CAP_CHECKPOINT_RESTORE, no file
 * opened for writing, no socket, no program, no process, no signal to others. What it inherits is
 * one end of a socket pair.
 *
 * Errors: -errno of what could not be given up; then it must not go on.
 */
#ifndef PEEK_PEEK_SANDBOX_H
#define PEEK_PEEK_SANDBOX_H

/* A reader that is a program of its own: `fd` is the descriptor that stays, as 3; all others are
 * closed. */
int peek_sandbox_enter(int fd);

/* The same in two steps: of a launcher, which may also make and kill processes and receive a
 * descriptor, and of a reader that it has made. */
int peek_sandbox_enter_launcher(int fd);
int peek_sandbox_enter_launched(int fd);

#endif
