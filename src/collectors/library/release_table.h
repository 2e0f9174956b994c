/* SPDX-License-Identifier: MPL-2.0 */
/*
 * release_table - upstream's releases of libzmq, as releases.txt lists them.
 *
 * A process without the tap shows only the name of its libzmq file, and old releases share one,
 * so a file stands for a range of releases. What is then said of age is said of the newest of
 * them: at least so old.
 */
#ifndef COLLECTORS_LIBRARY_RELEASE_TABLE_H
#define COLLECTORS_LIBRARY_RELEASE_TABLE_H

#include "collectors/library/table_text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RELEASE_TABLE_MAX 1000u

struct release_version {
    unsigned major, minor, patch;
};

struct release {
    struct release_version version;
    struct release_version file; /* libzmq.so.<major>.<minor>.<patch> */
    int64_t released;            /* day of the tag, seconds since the Unix epoch */
    bool is_candidate;           /* never a stable release */
};

struct release_table {
    int64_t checked; /* when it was last compared with upstream, seconds since the Unix epoch */
    struct release *releases; /* by version, oldest first; one at least is stable */
    size_t n;
};

/* `name` stands for the file in messages. Errors: -EINVAL with `err` set, -ENOMEM. */
int release_table_parse(const char *name, const char *text, size_t size,
                        struct release_table *ret_table, struct error *err);
void release_table_finish(struct release_table *self);

/* Less than, equal to, greater than 0, as a is before b, the same, after it. */
int release_version_compare(struct release_version a, struct release_version b);

/* "4.3.4" and nothing after it. */
bool release_version_parse(const char *text, struct release_version *ret_version);

/* The newest stable release. */
const struct release *release_table_latest(const struct release_table *self);

/* The row of a version, NULL if the table has none. */
const struct release *release_table_find(const struct release_table *self,
                                         struct release_version version);

/* Stable releases with a higher version number; right for versions without a row as well. */
unsigned release_table_behind(const struct release_table *self, struct release_version version);

/* The stable releases that a file of this name can be: from `ret_oldest` to `ret_newest`, in
 * table order. `name` is a base name, as "libzmq.so.5.2.4" or a wheel's
 * "libzmq-0d4b1a6c.so.5.2.5". False if the name does not tell. */
bool release_table_find_file(const struct release_table *self, const char *name,
                             const struct release **ret_oldest, const struct release **ret_newest);

#endif
