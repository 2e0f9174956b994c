/* SPDX-License-Identifier: MPL-2.0 */
/*
 * table_text - a table of one row a line: words separated by blanks, '#' begins a comment.
 *
 * One line is `checked YEAR-MONTH-DAY`: when the table was last compared with its source. The text
 * may be anything: a line has TABLE_TEXT_LINE_MAX bytes at most and no control characters, a table
 * TABLE_TEXT_LINES_MAX lines.
 */
#ifndef COLLECTORS_LIBRARY_TABLE_TEXT_H
#define COLLECTORS_LIBRARY_TABLE_TEXT_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TABLE_TEXT_LINE_MAX  ((size_t)1000)
#define TABLE_TEXT_LINES_MAX 20000u

/* The rows of a table, all of one size, and when it was last compared with its source. */
struct table_rows {
    void *items;
    size_t n, capacity;
    int64_t checked; /* seconds since the Unix epoch */
};

/* What a row is parsed from. */
struct table_text {
    const char *name; /* for messages */
    const char *next, *end;
    unsigned number;                    /* of the current line, from 1 */
    char line[TABLE_TEXT_LINE_MAX + 1]; /* without its comment */
    char first[64];                     /* its first word */
    char *at;                           /* what was not taken of it yet */
    const struct table_rows *rows;      /* those before it */
    const void *context;                /* the form's */
};

/* What a table is made of. */
struct table_form {
    size_t row_size;
    unsigned rows_max;
    const char *rows_name; /* in messages: "releases" */
    const char *row;       /* what a line should be, for messages */
    /* Takes the words of the current line after its first into a row of zeroes. Returns 0,
     * TABLE_TEXT_E_FORM if the line is not as `row` says, or a negative errno with `err` set. */
    int (*parse_row)(struct table_text *line, void *row, struct error *err);
    const void *context;
};

#define TABLE_TEXT_E_FORM 1

/* Reads a whole table. `name` stands for the file in messages. The caller frees the rows' items.
 * Errors: -EINVAL with `err` set: file, line and why; -ENOMEM. */
int table_text_read(const char *name, const char *text, size_t size, const struct table_form *form,
                    struct table_rows *ret_rows, struct error *err);

/* The next word of the line. False: there is none, or it does not fit. */
bool table_text_word(struct table_text *self, char *ret_word, size_t size);

/* What is left of the line, without blanks around it; empty if nothing. */
const char *table_text_rest(struct table_text *self);

/* Sets `err` to "name:line: " and the message; returns -EINVAL. */
int table_text_error(const struct table_text *self, struct error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A day, as "2026-07-20", in seconds since the Unix epoch. */
bool table_text_day(const char *text, int64_t *ret_seconds);

#endif
