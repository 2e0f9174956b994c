/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/library/release_table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int release_version_compare(struct release_version a, struct release_version b)
{
    if (a.major != b.major)
        return a.major < b.major ? -1 : 1;
    if (a.minor != b.minor)
        return a.minor < b.minor ? -1 : 1;
    if (a.patch != b.patch)
        return a.patch < b.patch ? -1 : 1;
    return 0;
}

static bool parse_triple(const char *text, struct release_version *ret_version)
{
    int used = 0;
    struct release_version version;
    if (strspn(text, "0123456789.") != strlen(text) ||
        sscanf(text, "%4u.%4u.%4u%n", &version.major, &version.minor, &version.patch, &used) != 3 ||
        text[used] != '\0')
        return false;
    *ret_version = version;
    return true;
}

bool release_version_parse(const char *text, struct release_version *ret_version)
{
    return parse_triple(text, ret_version);
}

static bool is_before(const struct table_rows *rows, const struct release *row)
{
    const struct release *releases = rows->items;
    return rows->n == 0 || release_version_compare(releases[rows->n - 1].version, row->version) < 0;
}

static int parse_row(struct table_text *line, void *ret_row, struct error *err)
{
    static const char prefix[] = "libzmq.so.";
    char day[16], file[64], flag[16];
    struct release *row = ret_row;
    if (!release_version_parse(line->first, &row->version) ||
        !table_text_word(line, day, sizeof(day)) || !table_text_day(day, &row->released) ||
        !table_text_word(line, file, sizeof(file)) || strncmp(file, prefix, strlen(prefix)) != 0 ||
        !parse_triple(file + strlen(prefix), &row->file))
        return TABLE_TEXT_E_FORM;
    if (*table_text_rest(line)) {
        row->is_candidate = table_text_word(line, flag, sizeof(flag)) &&
                            strcmp(flag, "candidate") == 0;
        if (!row->is_candidate || *table_text_rest(line))
            return TABLE_TEXT_E_FORM;
    }
    return is_before(line->rows, row)
               ? 0
               : table_text_error(line, err, "versions must rise from line to line");
}

int release_table_parse(const char *name, const char *text, size_t size,
                        struct release_table *ret_table, struct error *err)
{
    static const struct table_form form = {sizeof(struct release),
                                           RELEASE_TABLE_MAX,
                                           "releases",
                                           "VERSION DATE libzmq.so.A.B.C [candidate]",
                                           parse_row,
                                           NULL};
    struct table_rows rows;
    int r = table_text_read(name, text, size, &form, &rows, err);
    if (r < 0)
        return r;
    struct release_table self = {rows.checked, rows.items, rows.n};
    if (!release_table_latest(&self)) {
        release_table_finish(&self);
        return error_set(err, -EINVAL, "%s: no stable release", name);
    }
    *ret_table = self;
    return 0;
}

void release_table_finish(struct release_table *self)
{
    free(self->releases);
    *self = (struct release_table){0};
}

const struct release *release_table_latest(const struct release_table *self)
{
    const struct release *latest = NULL;
    for (size_t i = 0; i < self->n; i++) {
        if (!self->releases[i].is_candidate)
            latest = &self->releases[i];
    }
    return latest;
}

const struct release *release_table_find(const struct release_table *self,
                                         struct release_version version)
{
    for (size_t i = 0; i < self->n; i++) {
        if (release_version_compare(self->releases[i].version, version) == 0)
            return &self->releases[i];
    }
    return NULL;
}

unsigned release_table_behind(const struct release_table *self, struct release_version version)
{
    unsigned n = 0;
    for (size_t i = 0; i < self->n; i++)
        n += !self->releases[i].is_candidate &&
             release_version_compare(self->releases[i].version, version) > 0;
    return n;
}

bool release_table_find_file(const struct release_table *self, const char *name,
                             const struct release **ret_oldest, const struct release **ret_newest)
{
    struct release_version file;
    const char *suffix = strstr(name, ".so.");
    if (!suffix || !parse_triple(suffix + strlen(".so."), &file))
        return false;

    const struct release *oldest = NULL, *newest = NULL;
    for (size_t i = 0; i < self->n; i++) {
        const struct release *release = &self->releases[i];
        if (release->is_candidate || release_version_compare(release->file, file) != 0)
            continue;
        if (!oldest)
            oldest = release;
        newest = release;
    }
    if (!oldest)
        return false;
    *ret_oldest = oldest;
    *ret_newest = newest;
    return true;
}
