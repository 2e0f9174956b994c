/* SPDX-License-Identifier: MPL-2.0 */
/*
 * filter - puts a seccomp filter on this process that refuses a few system calls.
 *
 * FILTER_SERVICE refuses what systemd's @system-service leaves out, reading another process's
 * memory among it; FILTER_STRICT also refuses to open files.
 */
#ifndef TESTS_FILTER_H
#define TESTS_FILTER_H

enum filter_kind { FILTER_SERVICE, FILTER_STRICT };

/* `is_fatal`: a refused call kills the process, else it fails with EPERM. All threads get it.
 * Exits with 77, for a skipped test, where the kernel has no such filters. */
void filter_apply(enum filter_kind kind, int is_fatal);

#endif
