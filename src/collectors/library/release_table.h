/* SPDX-License-Identifier: MPL-2.0 */
/*
 * release_table - upstream's releases of libzmq, compiled in from releases.txt.
 *
 * A process without the tap shows only the name of its libzmq file, and old releases share one,
 * so a file stands for a range of releases. What is then said of age is said of the newest of
 * them: at least so old.
 */
#ifndef COLLECTORS_LIBRARY_RELEASE_TABLE_H
#define COLLECTORS_LIBRARY_RELEASE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

struct release_version {
    unsigned major, minor, patch;
};

struct release {
    struct release_version version;
    struct release_version file; /* libzmq.so.<major>.<minor>.<patch> */
    int64_t released;            /* day of the tag, seconds since the Unix epoch */
    bool is_candidate;           /* never a stable release */
};

/* When the table was last compared with upstream, seconds since the Unix epoch. */
int64_t release_table_checked(void);

/* The newest stable release. */
const struct release *release_table_latest(void);

/* The row of a version, NULL if the table has none. */
const struct release *release_table_find(struct release_version version);

/* Stable releases with a higher version number; right for versions without a row as well. */
unsigned release_table_behind(struct release_version version);

/* The stable releases that a file of this name can be: from `ret_oldest` to `ret_newest`, in
 * table order. `name` is a base name, as "libzmq.so.5.2.4" or a wheel's
 * "libzmq-0d4b1a6c.so.5.2.5". False if the name does not tell. */
bool release_table_find_file(const char *name, const struct release **ret_oldest,
                             const struct release **ret_newest);

#endif
