/* SPDX-License-Identifier: MPL-2.0 */
/*
 * peek_owners - which processes the kernel's sockets belong to.
 *
 * Searches the descriptors of all processes for the sockets that are wanted, a part of them in
 * each pass, so that no pass takes long. A socket that several processes have, as after fork(2), is
 * counted for the lowest pid. A socket that is found in no process, or only in processes that the
 * reader may not read, is reported without an owner once all descriptors were searched.
 *
 * Thread: one.
 */
#ifndef PEEK_PEEK_OWNERS_H
#define PEEK_PEEK_OWNERS_H

#include "peek/peek_host.h"

#include <stdbool.h>

#define PEEK_OWNERS_BUDGET_NS UINT64_C(20000000) /* of CPU, in one pass */

struct peek_owners {
    uint64_t inodes[PEEK_MAX_WANTED]; /* by number */
    bool is_found[PEEK_MAX_WANTED];
    size_t n, n_found;
    pid_t next_pid; /* where to go on */
    uint64_t more[PEEK_MAX_WANTED];
    size_t n_more; /* that came meanwhile */
};

/* What is beyond PEEK_MAX_WANTED is left out. */
void peek_owners_want(struct peek_owners *self, const uint64_t *inodes, size_t n);

/* Continues the search; reports sockets with their owners, or as without one. */
void peek_owners_run(struct peek_owners *self, const struct peek_host *host,
                     void (*tell)(void *data, const struct peek_owner *owner), void *data);

#endif
