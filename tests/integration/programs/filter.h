/* SPDX-License-Identifier: MPL-2.0 */
/*
 * filter - puts a seccomp filter on this process.
 *
 * FILTER_SERVICE refuses what systemd's @system-service leaves out, reading another process's
 * memory among it; FILTER_STRICT also refuses to open files. FILTER_LIBZMQ allows nothing but the
 * calls that libzmq and libc make for the program's own use of sockets, contexts and threads;
 * FILTER_LIBZMQ_START also those with which they begin.
 */
#ifndef TESTS_FILTER_H
#define TESTS_FILTER_H

enum filter_kind { FILTER_SERVICE, FILTER_STRICT, FILTER_LIBZMQ, FILTER_LIBZMQ_START };

/* `is_fatal`: a refused call kills the process, else it fails with EPERM. All threads get it.
 * Exits with 77, for a skipped test, where the kernel has no such filters. */
void filter_apply(enum filter_kind kind, int is_fatal);

#endif
