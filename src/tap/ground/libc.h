/* SPDX-License-Identifier: MPL-2.0 */
/*
 * libc - the C library of the process, which may be another one than the tap was built with.
 *
 * One libzmqtap.so is loaded into every process: it works with glibc from 2.28 on, and stays out
 * of a process with an older one or another. So it names no version of any function (versions that
 * the process does not have would keep it from starting), and only functions that glibc 2.17 and
 * musl have, too: tests/checks/tap_preload.py has the list. What is younger, or lies in libpthread
 * of older days, libc.c makes of system calls or finds when the tap starts.
 *
 * Thread: any.
 */
#ifndef TAP_LIBC_H
#define TAP_LIBC_H

#include <stdbool.h>

/* Whether the tap can work with it. */
bool libc_is_fit(void);

/* Finds what is not there everywhere. False: something is missing, the tap stays out. */
bool libc_start(void);

#endif
