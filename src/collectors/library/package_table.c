/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/library/package_table.h"

#include "collectors/library/package_version.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    if (*row->before && package_version_compare(row->manager, row->from, row->before) >= 0)
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

static int parse_row(struct table_text *line, void *ret_row, struct error *err)
{
    char versions[2 * PACKAGE_VERSION_SIZE + 2], ids[512];
    struct package_fix *row = ret_row;
    if (!package_manager_parse(line->first, &row->manager))
        return table_text_error(line, err, "manager is dpkg, rpm or apk");
    if (!table_text_word(line, row->source, sizeof(row->source)) ||
        !table_text_word(line, versions, sizeof(versions)))
        return TABLE_TEXT_E_FORM;
    int r = parse_versions(line, versions, row, err);
    if (r < 0)
        return r;
    if (!table_text_word(line, ids, sizeof(ids)) ||
        !table_text_word(line, row->by, sizeof(row->by)) || *table_text_rest(line))
        return TABLE_TEXT_E_FORM;
    row->fixed = parse_ids(ids, line->context);
    return 0;
}

int package_table_parse(const char *name, const char *text, size_t size,
                        const struct advisory_table *advisories, struct package_table *ret_table,
                        struct error *err)
{
    const struct table_form form = {sizeof(struct package_fix),
                                    PACKAGE_TABLE_MAX,
                                    "rows",
                                    "MANAGER SOURCE FROM..[BEFORE] ADVISORIES BY",
                                    parse_row,
                                    advisories};
    struct table_rows rows;
    int r = table_text_read(name, text, size, &form, &rows, err);
    if (r == 0)
        *ret_table = (struct package_table){rows.checked, rows.items, rows.n};
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
           package_version_compare(fix->manager, package->source_version, fix->from) >= 0 &&
           (!*fix->before ||
            package_version_compare(fix->manager, package->source_version, fix->before) < 0);
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
