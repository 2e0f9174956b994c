/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/library/advisory_table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const severities[ADVISORY_N_SEVERITIES] = {"low", "medium", "high", "critical"};

const char *advisory_severity_name(enum advisory_severity severity)
{
    return severities[severity];
}

bool advisory_severity_parse(const char *name, enum advisory_severity *ret_severity)
{
    for (unsigned i = 0; i < ADVISORY_N_SEVERITIES; i++) {
        if (strcmp(severities[i], name) == 0) {
            *ret_severity = i;
            return true;
        }
    }
    return false;
}

/* "4.0.0..4.0.5" */
static bool parse_range(char *text, struct advisory_range *ret_range)
{
    char *dots = strstr(text, "..");
    if (!dots)
        return false;
    *dots = '\0';
    return release_version_parse(text, &ret_range->from) &&
           release_version_parse(dots + 2, &ret_range->before) &&
           release_version_compare(ret_range->from, ret_range->before) < 0;
}

static int parse_ranges(struct table_text *text, char *word, struct advisory *row,
                        struct error *err)
{
    for (char *save, *range = strtok_r(word, ",", &save); range;
         range = strtok_r(NULL, ",", &save)) {
        if (row->n_affected == ADVISORY_RANGES_MAX)
            return table_text_error(text, err, "at most %u ranges", ADVISORY_RANGES_MAX);
        if (!parse_range(range, &row->affected[row->n_affected++]))
            return table_text_error(text, err, "expected ranges FROM..BEFORE, as 4.2.0..4.3.1");
    }
    return row->n_affected ? 0 : TABLE_TEXT_E_FORM;
}

static bool has_id(const struct table_rows *rows, const char *id)
{
    const struct advisory_table table = {.advisories = rows->items, .n = rows->n};
    return advisory_table_find(&table, id) >= 0;
}

static int parse_row(struct table_text *line, void *ret_row, struct error *err)
{
    char severity[16], affected[256];
    struct advisory *row = ret_row;
    if (strlen(line->first) >= sizeof(row->id) ||
        !table_text_word(line, severity, sizeof(severity)))
        return TABLE_TEXT_E_FORM;
    memcpy(row->id, line->first, strlen(line->first) + 1);
    if (!advisory_severity_parse(severity, &row->severity))
        return table_text_error(line, err, "severity is low, medium, high or critical");
    if (!table_text_word(line, affected, sizeof(affected)))
        return TABLE_TEXT_E_FORM;
    int r = parse_ranges(line, affected, row, err);
    if (r != 0)
        return r;
    if (!table_text_word(line, row->fixed, sizeof(row->fixed)) ||
        !table_text_word(line, row->source, sizeof(row->source)))
        return TABLE_TEXT_E_FORM;
    const char *rest = table_text_rest(line);
    if (!*rest || strlen(rest) >= sizeof(row->text))
        return table_text_error(line, err, "expected a text of at most %zu bytes at the end",
                                sizeof(row->text) - 1);
    memcpy(row->text, rest, strlen(rest) + 1);
    return has_id(line->rows, row->id) ? table_text_error(line, err, "%s is there twice", row->id)
                                       : 0;
}

int advisory_table_parse(const char *name, const char *text, size_t size,
                         struct advisory_table *ret_table, struct error *err)
{
    static const struct table_form form = {sizeof(struct advisory),
                                           ADVISORY_TABLE_MAX,
                                           "advisories",
                                           "ID SEVERITY AFFECTED FIXED SOURCE TEXT",
                                           parse_row,
                                           NULL};
    struct table_rows rows;
    int r = table_text_read(name, text, size, &form, &rows, err);
    if (r == 0)
        *ret_table = (struct advisory_table){rows.checked, rows.items, rows.n};
    return r;
}

void advisory_table_finish(struct advisory_table *self)
{
    free(self->advisories);
    *self = (struct advisory_table){0};
}

int advisory_table_find(const struct advisory_table *self, const char *id)
{
    for (size_t i = 0; i < self->n; i++) {
        if (strcmp(self->advisories[i].id, id) == 0)
            return (int)i;
    }
    return -1;
}

static bool is_affected(const struct advisory *self, struct release_version version)
{
    for (size_t i = 0; i < self->n_affected; i++) {
        if (release_version_compare(self->affected[i].from, version) <= 0 &&
            release_version_compare(version, self->affected[i].before) < 0)
            return true;
    }
    return false;
}

advisory_set advisory_table_affecting(const struct advisory_table *self,
                                      struct release_version version)
{
    advisory_set set = 0;
    for (size_t i = 0; i < self->n; i++)
        set |= (advisory_set)is_affected(&self->advisories[i], version) << i;
    return set;
}
