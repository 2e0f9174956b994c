/* SPDX-License-Identifier: MPL-2.0 */
/*
 * package_table - which packages of distributions hold the fix of an advisory, as packages.txt
 * lists them.
 */
#ifndef COLLECTORS_LIBRARY_PACKAGE_TABLE_H
#define COLLECTORS_LIBRARY_PACKAGE_TABLE_H

#include "collectors/library/advisory_table.h"
#include "libraries/package_lookup.h"

#define PACKAGE_TABLE_MAX 2000u
#define PACKAGE_BY_SIZE   64u

struct package_fix {
    enum package_manager manager;
    char source[PACKAGE_NAME_SIZE];
    char from[PACKAGE_VERSION_SIZE], before[PACKAGE_VERSION_SIZE]; /* before empty: all later */
    advisory_set fixed;
    char by[PACKAGE_BY_SIZE];
};

struct package_table {
    int64_t checked; /* seconds since the Unix epoch */
    struct package_fix *fixes;
    size_t n;
};

/* Ids that `advisories` does not have are left out. Errors: -EINVAL with `err` set, -ENOMEM. */
int package_table_parse(const char *name, const char *text, size_t size,
                        const struct advisory_table *advisories, struct package_table *ret_table,
                        struct error *err);
void package_table_finish(struct package_table *self);

/* The advisories whose fix this package holds. */
advisory_set package_table_fixed(const struct package_table *self,
                                 const struct library_package *package);

#endif
