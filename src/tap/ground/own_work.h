/* SPDX-License-Identifier: MPL-2.0 */
/*
 * own_work - whether this thread makes sockets of the tap's own.
 *
 * libzmq calls rand() for some sockets. A program that has called srand() expects its own numbers,
 * so the tap's sockets have others: hooks/hooks_random.c.
 */
#ifndef TAP_OWN_WORK_H
#define TAP_OWN_WORK_H

extern _Thread_local unsigned own_work_depth __attribute__((tls_model("initial-exec")));

static inline void own_work_begin(void)
{
    own_work_depth++;
}

static inline void own_work_end(void)
{
    own_work_depth--;
}

#endif
