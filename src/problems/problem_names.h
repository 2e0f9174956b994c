/* SPDX-License-Identifier: MPL-2.0 */
/*
 * problem_names - what the processes of this host are called on the page.
 *
 * The reader sees of a process what the kernel tells. What a tapped program calls itself stands in
 * its segment alone (ZMQ_EXPORTER_PROGRAM); this finds it by the number that the process has on
 * this host, which in a pid namespace of its own is not the one that it knows: there the reader's
 * connections say which process it is (peer_table.h).
 *
 * Thread: one at a time. Errors: -ENOMEM.
 */
#ifndef PROBLEMS_PROBLEM_NAMES_H
#define PROBLEMS_PROBLEM_NAMES_H

#include "collectors/peers/peer_table.h"
#include "problems/problem_view.h"

struct problem_name {
    struct peer_process process; /* as this host numbers it */
    const char *program;         /* of the view */
};

struct problem_names {
    struct problem_name *items; /* by process */
    size_t n;
};

/* Borrows the texts of `view`; `table` is locked meanwhile. */
int problem_names_init(struct problem_names *self, const struct problem_view *view,
                       const struct peer_table *table);
void problem_names_finish(struct problem_names *self);

/* NULL: no tap tells of the process. */
const char *problem_names_find(const struct problem_names *self, uint64_t pid,
                               uint64_t start_ticks);

#endif
