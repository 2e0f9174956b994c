/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/library/library_rows.h"

#include <stdio.h>
#include <string.h>

static int print_version(char *text, size_t size, struct release_version version)
{
    return snprintf(text, size, "%u.%u.%u", version.major, version.minor, version.patch);
}

void library_row_from_version(struct library_row *row, struct release_version version)
{
    (void)print_version(row->version, sizeof(row->version), version);
    row->newest = version;
    row->has_number = true;
}

void library_row_from_file(struct library_row *row)
{
    const char *slash = strrchr(row->path, '/');
    const struct release *oldest, *newest;
    if (!release_table_find_file(slash ? slash + 1 : row->path, &oldest, &newest)) {
        row->version[0] = '\0';
        row->has_number = false;
        return;
    }
    library_row_from_version(row, newest->version);
    if (oldest == newest)
        return;
    int n = print_version(row->version, sizeof(row->version), oldest->version);
    row->version[n] = '-';
    (void)print_version(row->version + n + 1, sizeof(row->version) - (size_t)n - 1,
                        newest->version);
}

static bool is_same(const struct library_row *a, const struct library_row *b)
{
    return strcmp(a->path, b->path) == 0 && strcmp(a->service, b->service) == 0 &&
           strcmp(a->build_id, b->build_id) == 0 && strcmp(a->version, b->version) == 0;
}

void library_rows_add(struct library_rows *self, const struct library_row *row)
{
    for (size_t i = 0; i < self->n; i++) {
        if (is_same(&self->rows[i], row)) {
            self->rows[i].n_processes += row->n_processes;
            self->rows[i].n_replaced += row->n_replaced;
            return;
        }
    }
    if (self->n == LIBRARY_ROWS_MAX)
        self->n_folded++;
    else
        self->rows[self->n++] = *row;
}
