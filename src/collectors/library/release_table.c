/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/library/release_table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORM "expected: VERSION DATE libzmq.so.A.B.C [candidate]"

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

static int parse_row(struct table_text *text, const char *first, struct release *ret_row,
                     struct error *err)
{
    static const char prefix[] = "libzmq.so.";
    char day[16], file[64], flag[16];
    struct release row = {0};
    bool has_flag = false;
    if (!release_version_parse(first, &row.version) || !table_text_word(text, day, sizeof(day)) ||
        !table_text_day(day, &row.released) || !table_text_word(text, file, sizeof(file)) ||
        strncmp(file, prefix, strlen(prefix)) != 0 ||
        !parse_triple(file + strlen(prefix), &row.file))
        return table_text_error(text, err, FORM);
    if (*table_text_rest(text)) {
        has_flag = table_text_word(text, flag, sizeof(flag)) && strcmp(flag, "candidate") == 0;
        if (!has_flag || *table_text_rest(text))
            return table_text_error(text, err, FORM);
    }
    row.is_candidate = has_flag;
    *ret_row = row;
    return 0;
}

static int add_row(struct release_table *self, struct table_text *text, const struct release *row,
                   struct error *err)
{
    if (self->n && release_version_compare(self->releases[self->n - 1].version, row->version) >= 0)
        return table_text_error(text, err, "versions must rise from line to line");
    if (self->n == RELEASE_TABLE_MAX)
        return table_text_error(text, err, "at most %u releases", RELEASE_TABLE_MAX);
    struct release *releases = reallocarray(self->releases, self->n + 1, sizeof(*releases));
    if (!releases)
        return error_set(err, -ENOMEM, "%s", strerror(ENOMEM));
    self->releases = releases;
    releases[self->n++] = *row;
    return 0;
}

static int parse_line(struct release_table *self, struct table_text *text, struct error *err)
{
    char first[32], day[16];
    if (!table_text_word(text, first, sizeof(first)))
        return table_text_error(text, err, FORM);
    if (strcmp(first, "checked") == 0) {
        if (!table_text_word(text, day, sizeof(day)) || !table_text_day(day, &self->checked) ||
            *table_text_rest(text))
            return table_text_error(text, err, "expected: checked YEAR-MONTH-DAY");
        return 0;
    }
    struct release row;
    int r = parse_row(text, first, &row, err);
    return r < 0 ? r : add_row(self, text, &row, err);
}

int release_table_parse(const char *name, const char *text, size_t size,
                        struct release_table *ret_table, struct error *err)
{
    struct release_table self = {0};
    struct table_text lines = {.name = name, .next = text, .end = text + size};
    int r;
    while ((r = table_text_line(&lines, err)) > 0) {
        r = parse_line(&self, &lines, err);
        if (r < 0)
            break;
    }
    if (r == 0 && !self.checked)
        r = error_set(err, -EINVAL, "%s: no line `checked YEAR-MONTH-DAY`", name);
    if (r == 0 && !release_table_latest(&self))
        r = error_set(err, -EINVAL, "%s: no stable release", name);
    if (r < 0)
        release_table_finish(&self);
    else
        *ret_table = self;
    return r;
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
