/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/library/package_table.h"

#include "collectors/library/package_version.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORM "expected: MANAGER SOURCE FROM..[BEFORE] ADVISORIES BY"

static int parse_versions(struct table_text *text, char *word, struct package_fix *row,
                          struct error *err)
{
    char *dots = strstr(word, "..");
    if (!dots || dots == word)
        return table_text_error(text, err, "expected versions FROM..BEFORE or FROM..");
    *dots = '\0';
    if (strlen(word) >= sizeof(row->from) || strlen(dots + 2) >= sizeof(row->before))
        return table_text_error(text, err, "a version has at most %zu bytes",
                                sizeof(row->from) - 1);
    memcpy(row->from, word, strlen(word) + 1);
    memcpy(row->before, dots + 2, strlen(dots + 2) + 1);
    if (*row->before && package_version_compare(row->from, row->before) >= 0)
        return table_text_error(text, err, "%s is not before %s", row->from, row->before);
    return 0;
}

static advisory_set parse_ids(char *word, const struct advisory_table *advisories)
{
    advisory_set set = 0;
    for (char *save, *id = strtok_r(word, ",", &save); id; id = strtok_r(NULL, ",", &save)) {
        int row = advisory_table_find(advisories, id);
        if (row >= 0)
            set |= (advisory_set)1 << row;
    }
    return set;
}

static int parse_row(struct table_text *text, const char *manager,
                     const struct advisory_table *advisories, struct package_fix *row,
                     struct error *err)
{
    char versions[2 * PACKAGE_VERSION_SIZE + 2], ids[512];
    if (strcmp(manager, "dpkg") != 0)
        return table_text_error(text, err, "manager is dpkg");
    row->manager = PACKAGE_DPKG;
    if (!table_text_word(text, row->source, sizeof(row->source)) ||
        !table_text_word(text, versions, sizeof(versions)))
        return table_text_error(text, err, FORM);
    int r = parse_versions(text, versions, row, err);
    if (r < 0)
        return r;
    if (!table_text_word(text, ids, sizeof(ids)) ||
        !table_text_word(text, row->by, sizeof(row->by)) || *table_text_rest(text))
        return table_text_error(text, err, FORM);
    row->fixed = parse_ids(ids, advisories);
    return 0;
}

static int parse_line(struct package_table *self, struct table_text *text,
                      const struct advisory_table *advisories, struct error *err)
{
    char first[16], day[16];
    if (!table_text_word(text, first, sizeof(first)))
        return table_text_error(text, err, FORM);
    if (strcmp(first, "checked") == 0) {
        if (!table_text_word(text, day, sizeof(day)) || !table_text_day(day, &self->checked) ||
            *table_text_rest(text))
            return table_text_error(text, err, "expected: checked YEAR-MONTH-DAY");
        return 0;
    }
    struct package_fix row = {0};
    int r = parse_row(text, first, advisories, &row, err);
    if (r < 0)
        return r;
    if (self->n == PACKAGE_TABLE_MAX)
        return table_text_error(text, err, "at most %u rows", PACKAGE_TABLE_MAX);
    struct package_fix *fixes = reallocarray(self->fixes, self->n + 1, sizeof(*fixes));
    if (!fixes)
        return error_set(err, -ENOMEM, "%s", strerror(ENOMEM));
    self->fixes = fixes;
    fixes[self->n++] = row;
    return 0;
}

int package_table_parse(const char *name, const char *text, size_t size,
                        const struct advisory_table *advisories, struct package_table *ret_table,
                        struct error *err)
{
    struct package_table self = {0};
    struct table_text lines = {.name = name, .next = text, .end = text + size};
    int r;
    while ((r = table_text_line(&lines, err)) > 0) {
        r = parse_line(&self, &lines, advisories, err);
        if (r < 0)
            break;
    }
    if (r == 0 && !self.checked)
        r = error_set(err, -EINVAL, "%s: no line `checked YEAR-MONTH-DAY`", name);
    if (r < 0)
        package_table_finish(&self);
    else
        *ret_table = self;
    return r;
}

void package_table_finish(struct package_table *self)
{
    free(self->fixes);
    *self = (struct package_table){0};
}

static bool holds(const struct package_fix *fix, const struct library_package *package)
{
    return fix->manager == package->manager && strcmp(fix->source, package->source) == 0 &&
           package_version_compare(package->source_version, fix->from) >= 0 &&
           (!*fix->before || package_version_compare(package->source_version, fix->before) < 0);
}

advisory_set package_table_fixed(const struct package_table *self,
                                 const struct library_package *package)
{
    advisory_set set = 0;
    for (size_t i = 0; i < self->n; i++) {
        if (holds(&self->fixes[i], package))
            set |= self->fixes[i].fixed;
    }
    return set;
}
