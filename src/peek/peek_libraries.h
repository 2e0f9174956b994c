/* SPDX-License-Identifier: MPL-2.0 */
/*
 * peek_libraries - which libzmq each process of the host runs, for the exporter, which may not look
 * at other users' processes itself.
 *
 * Libraries by the names of mapped files (libraries/library_scan.h); and files that have libzmq
 * linked in, an executable or an add-on, where the process was seen by its threads.
 *
 * Thread: one. Errors: -ENOMEM.
 */
#ifndef PEEK_PEEK_LIBRARIES_H
#define PEEK_PEEK_LIBRARIES_H

#include "libraries/library_scan.h"
#include "peek/peek_host.h"

#define PEEK_LIBRARIES_BUDGET_NS UINT64_C(100000000)

struct peek_libraries {
    struct library_scan *scan;
    struct library_scan_totals totals;
    uint64_t next_ns;
    uint64_t n_changes; /* that were told */
    bool is_told;
};

int peek_libraries_init(struct peek_libraries *self, int procfs_fd,
                        bool (*may_open)(void *data, pid_t pid, uint64_t start_ticks), void *data);
void peek_libraries_finish(struct peek_libraries *self);

/* Looks where it is time to. False: nothing is new. */
bool peek_libraries_update(struct peek_libraries *self, const struct peek_host *host,
                           struct peek_record_libraries *ret_head);

/* As many as the head says. */
void peek_libraries_each(const struct peek_libraries *self, const struct peek_host *host,
                         void (*visit)(void *data, const struct peek_record_library *library),
                         void *data);

#endif
