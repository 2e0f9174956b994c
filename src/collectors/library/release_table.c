/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/library/release_table.h"

#include "collectors/library/release_table_rows.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const struct release releases[] = {RELEASE_TABLE_ROWS};

#define N_RELEASES (sizeof(releases) / sizeof(*releases))

static int compare(struct release_version a, struct release_version b)
{
    if (a.major != b.major)
        return a.major < b.major ? -1 : 1;
    if (a.minor != b.minor)
        return a.minor < b.minor ? -1 : 1;
    if (a.patch != b.patch)
        return a.patch < b.patch ? -1 : 1;
    return 0;
}

int64_t release_table_checked(void)
{
    return RELEASE_TABLE_CHECKED;
}

const struct release *release_table_latest(void)
{
    const struct release *latest = NULL;
    for (size_t i = 0; i < N_RELEASES; i++) {
        if (!releases[i].is_candidate)
            latest = &releases[i];
    }
    return latest;
}

const struct release *release_table_find(struct release_version version)
{
    for (size_t i = 0; i < N_RELEASES; i++) {
        if (compare(releases[i].version, version) == 0)
            return &releases[i];
    }
    return NULL;
}

unsigned release_table_behind(struct release_version version)
{
    unsigned n = 0;
    for (size_t i = 0; i < N_RELEASES; i++)
        n += !releases[i].is_candidate && compare(releases[i].version, version) > 0;
    return n;
}

/* "….so.5.2.4" and nothing after it. */
static bool parse_file_version(const char *name, struct release_version *ret_file)
{
    const char *suffix = strstr(name, ".so.");
    int used = 0;
    struct release_version file;
    if (!suffix ||
        sscanf(suffix, ".so.%4u.%4u.%4u%n", &file.major, &file.minor, &file.patch, &used) != 3 ||
        suffix[used] != '\0')
        return false;
    *ret_file = file;
    return true;
}

bool release_table_find_file(const char *name, const struct release **ret_oldest,
                             const struct release **ret_newest)
{
    struct release_version file;
    if (!parse_file_version(name, &file))
        return false;

    const struct release *oldest = NULL, *newest = NULL;
    for (size_t i = 0; i < N_RELEASES; i++) {
        if (releases[i].is_candidate || compare(releases[i].file, file) != 0)
            continue;
        if (!oldest)
            oldest = &releases[i];
        newest = &releases[i];
    }
    if (!oldest)
        return false;
    *ret_oldest = oldest;
    *ret_newest = newest;
    return true;
}
