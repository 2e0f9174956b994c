/* SPDX-License-Identifier: MPL-2.0 */
/*
 * library_scan - which processes of the host have which libzmq mapped.
 *
 * Reading the maps of every process at every scrape would cost a core on a busy host, so what
 * was read is kept by pid and start time. A process is looked at again after 1 s, 2 s, 4 s, …
 * up to LIBRARY_SCAN_INTERVAL_S, at first only whether its address space changed size (a library
 * loaded later changes it) and every LIBRARY_SCAN_FULL_S in any case. A run that takes longer
 * than its budget stops and the next goes on from there.
 *
 * A process of another user cannot be read without CAP_SYS_PTRACE; such processes are counted.
 *
 * Thread:  one at a time.   Blocks: on /proc, for about the budget.
 * Owns:    what it found; pointers are good until the next run.
 */
#ifndef LIBRARIES_LIBRARY_SCAN_H
#define LIBRARIES_LIBRARY_SCAN_H

#include "libraries/library_process.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIBRARY_SCAN_INTERVAL_S    60
#define LIBRARY_SCAN_FULL_S        600
#define LIBRARY_SCAN_MAX_PROCESSES 65536u /* those beyond are counted as unreadable */

struct library_scan_totals {
    size_t n_processes;  /* seen in /proc */
    size_t n_unreadable; /* of these, maps not readable: what they have loaded is not known */
    size_t n_pending;    /* of these, not looked at yet because the budget ended before */
};

struct library_scan;

/* `root_fd` is an open directory, /proc or a fixture; borrowed. Errors: -ENOMEM. */
int library_scan_new(int root_fd, struct library_scan **ret_scan);
void library_scan_destroy(struct library_scan **self_p);

/* One run at time `now_ns` (monotonic). Errors: -errno if /proc itself cannot be read. */
int library_scan_run(struct library_scan *self, uint64_t now_ns, uint64_t budget_ns,
                     struct library_scan_totals *ret_totals);

/* See struct library_sources. */
void library_scan_ask_before_opening(struct library_scan *self,
                                     bool (*may_open)(void *data, pid_t pid, uint64_t start_ticks),
                                     void *data);

/* Whether the process was looked at and may not be read. */
bool library_scan_is_refused(const struct library_scan *self, pid_t pid);

/* Grows with each run that found something new of a process with a libzmq. */
uint64_t library_scan_n_changes(const struct library_scan *self);

/* How often a package database was read: once for each library file while nothing changes. */
uint64_t library_scan_n_databases_read(const struct library_scan *self);

/* Calls `visit` for each process that has a libzmq. */
void library_scan_each(const struct library_scan *self,
                       void (*visit)(const struct library_process *process, void *data),
                       void *data);

#endif
