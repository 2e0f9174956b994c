/* SPDX-License-Identifier: MPL-2.0 */
/*
 * sqlite_file - the rows of a table in a SQLite 3 database, by its file format alone.
 *
 * For the database of rpm, which belongs to whoever made a container's root and may be anything: no
 * statement is run, nothing is written or locked, no index is used. What is read at most, how deep
 * a tree may be and how large a row are limited. A file that is written meanwhile gives what is in
 * it at that moment, or LIMITED_FILE_E_BROKEN; what waits in a write-ahead log is not seen.
 *
 * Source: https://www.sqlite.org/fileformat2.html
 *
 * Thread: one at a time.   Blocks: on the file.
 * Errors: LIMITED_FILE_E_BROKEN  it is no such file, or not as the format has it
 *         -errno of reading, -ENOMEM
 */
#ifndef LIBRARIES_SQLITE_FILE_H
#define LIBRARIES_SQLITE_FILE_H

#include "base/string_buffer.h"
#include "libraries/limited_file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SQLITE_FILE_READ_MAX  ((size_t)64 << 20)
#define SQLITE_FILE_ROW_MAX   ((size_t)4 << 20)
#define SQLITE_FILE_DEPTH_MAX 16u

struct sqlite_file {
    struct limited_file file;
    uint32_t page_size, usable_size;
    struct string_buffer row;
};

struct sqlite_row {
    int64_t id;
    const uint8_t *data;
    size_t size;
};

/* A column of a row: text, blob, or a number. */
struct sqlite_value {
    const uint8_t *data; /* NULL: it is a number, or NULL */
    size_t size;
    int64_t number;
};

int sqlite_file_open(struct sqlite_file *self, int fd);
void sqlite_file_finish(struct sqlite_file *self);

/* The first page of the table of that name, 0 if there is none. */
int sqlite_file_find_table(struct sqlite_file *self, const char *name, uint32_t *ret_page);

/* Calls `visit` for each row whose id is `from` to `to`, in that order, until it returns false.
 * The row is good until then. */
int sqlite_file_each(struct sqlite_file *self, uint32_t table, int64_t from, int64_t to,
                     bool (*visit)(void *data, const struct sqlite_row *row), void *data);

/* The first `n` columns. False: the row has not so many, or is broken. */
bool sqlite_row_columns(const struct sqlite_row *row, struct sqlite_value *ret_values, size_t n);

#endif
