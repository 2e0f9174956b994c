/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/library/library_rows.h"

#include "base/fnv.h"

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

/* Of several releases that share a file the package tells which one it is. */
static bool take_package(struct library_row *row, const struct release *oldest,
                         const struct release *newest)
{
    struct release_version version;
    if (!library_tables_package_version(row->package, &version) ||
        (oldest && release_version_compare(version, oldest->version) < 0) ||
        (newest && release_version_compare(version, newest->version) > 0))
        return false;
    library_row_from_version(row, version);
    return true;
}

void library_row_from_file(struct library_row *row, const struct release_table *releases)
{
    const char *slash = strrchr(row->path, '/');
    const struct release *oldest = NULL, *newest = NULL;
    bool is_told = release_table_find_file(releases, slash ? slash + 1 : row->path, &oldest,
                                           &newest);
    if (take_package(row, oldest, newest))
        return;
    if (!is_told) {
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

static uint32_t hash_text(uint32_t hash, const char *text)
{
    return fnv_text_32(hash, text) * 31 + 1;
}

static uint32_t hash_row(const struct library_row *row)
{
    uint32_t hash = hash_text(FNV_BASIS_32, row->program);
    hash = hash_text(hash, row->path);
    return hash_text(hash_text(hash, row->build_id), row->version);
}

static bool is_same(const struct library_row *a, const struct library_row *b)
{
    return a->hash == b->hash && strcmp(a->path, b->path) == 0 &&
           strcmp(a->program, b->program) == 0 && strcmp(a->build_id, b->build_id) == 0 &&
           strcmp(a->version, b->version) == 0 &&
           strcmp(a->package->version, b->package->version) == 0 &&
           strcmp(a->package->name, b->package->name) == 0;
}

void library_rows_add(struct library_rows *self, const struct library_row *given)
{
    struct library_row with_hash = *given, *row = &with_hash;
    row->hash = hash_row(row);
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
