/* SPDX-License-Identifier: MPL-2.0 */
/*
 * policy_findings - who breaks which check: the facts, seen through the table and the settings.
 *
 * A finding is a check and a group of sockets (program, type, endpoint) of which at least one
 * breaks it, or a process, or a library; then type and endpoint are empty. `n_looked_at` counts
 * the groups for which the check could be decided, so that "none breaks it" and "nobody could be
 * looked at" differ.
 *
 * Owns: all texts. Thread: one at a time.
 */
#ifndef COLLECTORS_POLICY_POLICY_FINDINGS_H
#define COLLECTORS_POLICY_POLICY_FINDINGS_H

#include "collectors/policy/policy_settings.h"
#include "collectors/policy/policy_table.h"

#define POLICY_FINDINGS_MAX  2000u
#define POLICY_FINDING_FIRST 8u

/* A socket, among all of the host. */
struct policy_one {
    uint64_t pid, serial;
};

struct policy_finding {
    const struct policy_check *check;
    enum advisory_severity severity;
    char program[128], type[16], endpoint[760];
    unsigned n;   /* sockets, processes or libraries that break it */
    uint64_t pid; /* of the first, as it sees itself; 0: not known */
    struct policy_one
        first[POLICY_FINDING_FIRST]; /* of n sockets; none of processes and libraries */
    char detail[POLICY_DETAIL_SIZE];
};

struct policy_findings {
    struct policy_finding *items; /* worst first */
    size_t n, capacity;
    size_t n_beyond_limit;
    unsigned n_looked_at[POLICY_CHECKS_MAX]; /* by the number of the check's row */
    size_t n_sockets, n_groups;
    size_t n_untapped; /* of the sockets */
};

/* What is checked; all borrowed. */
struct policy_subjects {
    const struct policy_facts *facts;
    const struct collector *libraries;   /* of the host, the library collector's; NULL: */
    const struct library_tables *tables; /* of the facts' processes alone, by these; NULL: none */
};

/* Errors: -ENOMEM. Finish `ret` in any case. */
int policy_findings_make(const struct policy_subjects *subjects,
                         const struct policy_settings *settings, struct policy_findings *ret);

/* Calls `visit` for each copy of libzmq that the processes told of. */
void policy_libraries_each(const struct policy_facts *facts, const struct library_tables *tables,
                           void (*visit)(const struct library_finding *finding, void *data),
                           void *data);

/* Adds what `self` does not have yet: for several passes over one program, `other` the later one. A
 * socket that was seen before it had an address is told once, with its address. */
int policy_findings_merge(struct policy_findings *self, const struct policy_findings *other);

void policy_findings_finish(struct policy_findings *self);

#endif
