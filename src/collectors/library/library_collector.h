/* SPDX-License-Identifier: MPL-2.0 */
/*
 * library_collector - which libzmq the host's processes run, and how old it is.
 *
 * Every process counts, tapped or not. The reader tells of them (peek/peek_libraries.h), as other
 * users' processes are closed to the exporter; without it, the exporter sees those of its own user.
 * A tapped one told its exact version; of any other the version is read from the name of the mapped
 * file, which for old releases is a range, or from the package that the file belongs to.
 */
#ifndef COLLECTORS_LIBRARY_LIBRARY_COLLECTOR_H
#define COLLECTORS_LIBRARY_LIBRARY_COLLECTOR_H

#include "base/handover.h"
#include "collectors/collector.h"
#include "collectors/library/library_tables.h"
#include "collectors/library/untapped_rows.h"

struct peek_link;

struct library_options {
    const char *procfs;       /* NULL: "/proc" */
    struct peek_link *reader; /* reads the libraries of all processes; NULL: none; borrowed */
    const char *segments;     /* the tap's directory, NULL for none; borrowed */
    untapped_tell *tell;      /* of each process that was given the tap and is not heard; or NULL */
    struct handover
        *tables; /* where struct library_tables come from, NULL: compiled in; borrowed */
};

/* One library of the host, for collectors that judge it. Texts are borrowed for the visit. */
struct library_finding {
    const char *program, *path, *version; /* "4.3.4", "4.1.2-4.1.4", empty: not known */
    const struct library_package *package;
    unsigned n_processes, n_replaced;
    bool is_disk_known; /* n_replaced is */
    bool is_judged;     /* the next are valid */
    struct library_verdict verdict;
    const struct advisory_table *advisories;
};

/* Opens `procfs`. Errors: -errno if it is no readable directory; -ENOMEM; -EINVAL. */
int library_collector_new(const struct library_options *options, struct collector *ret_collector,
                          struct error *err);

/* Whether there are processes that no collection has had the time to look at yet; a tick goes on.
 */
bool library_collector_is_pending(const struct collector *collector);

/* What the last collection found, from any thread. False: there was none yet. */
bool library_collector_each(const struct collector *collector,
                            void (*visit)(const struct library_finding *finding, void *data),
                            void *data);

#endif
