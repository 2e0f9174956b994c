/* SPDX-License-Identifier: MPL-2.0 */
/*
 * advisory_table - the security advisories of libzmq, as advisories.txt lists them.
 *
 * It says which upstream versions have a flaw. Whether a distribution's package of such a version
 * has the fix all the same is another statement: package_table.h.
 */
#ifndef COLLECTORS_LIBRARY_ADVISORY_TABLE_H
#define COLLECTORS_LIBRARY_ADVISORY_TABLE_H

#include "collectors/library/release_table.h"

#define ADVISORY_TABLE_MAX  64u /* one bit each in an advisory_set */
#define ADVISORY_ID_SIZE    32u
#define ADVISORY_RANGES_MAX 8u
#define ADVISORY_FIXED_SIZE 64u
#define ADVISORY_TEXT_SIZE  160u

/* Bit i stands for row i of a table. */
typedef uint64_t advisory_set;

enum advisory_severity {
    ADVISORY_LOW,
    ADVISORY_MEDIUM,
    ADVISORY_HIGH,
    ADVISORY_CRITICAL,
    ADVISORY_N_SEVERITIES
};

struct advisory_range {
    struct release_version from, before;
};

struct advisory {
    char id[ADVISORY_ID_SIZE];
    enum advisory_severity severity;
    struct advisory_range affected[ADVISORY_RANGES_MAX];
    size_t n_affected;
    char fixed[ADVISORY_FIXED_SIZE]; /* "4.0.9,4.1.7,4.3.2" */
    char source[ADVISORY_TEXT_SIZE];
    char text[ADVISORY_TEXT_SIZE];
};

struct advisory_table {
    int64_t checked; /* seconds since the Unix epoch */
    struct advisory *advisories;
    size_t n;
};

/* "low", "medium", "high", "critical". */
const char *advisory_severity_name(enum advisory_severity severity);
bool advisory_severity_parse(const char *name, enum advisory_severity *ret_severity);

/* `name` stands for the file in messages. Errors: -EINVAL with `err` set, -ENOMEM. */
int advisory_table_parse(const char *name, const char *text, size_t size,
                         struct advisory_table *ret_table, struct error *err);
void advisory_table_finish(struct advisory_table *self);

/* The number of the row with that id, or -1. */
int advisory_table_find(const struct advisory_table *self, const char *id);

/* The advisories that upstream's release of this version is affected by. */
advisory_set advisory_table_affecting(const struct advisory_table *self,
                                      struct release_version version);

#endif
