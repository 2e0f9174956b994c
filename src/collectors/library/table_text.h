/* SPDX-License-Identifier: MPL-2.0 */
/*
 * table_text - a table of one row a line: words separated by blanks, '#' begins a comment.
 *
 *     struct table_text text = {.name = path, .next = data, .end = data + size};
 *     while ((r = table_text_line(&text, err)) > 0)
 *         … table_text_word(&text, word, sizeof(word)) …
 *
 * The text may be anything: a line has TABLE_TEXT_LINE_MAX bytes at most and no control
 * characters, a table TABLE_TEXT_LINES_MAX lines.
 */
#ifndef COLLECTORS_LIBRARY_TABLE_TEXT_H
#define COLLECTORS_LIBRARY_TABLE_TEXT_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TABLE_TEXT_LINE_MAX  ((size_t)1000)
#define TABLE_TEXT_LINES_MAX 20000u

struct table_text {
    const char *name; /* for messages */
    const char *next, *end;
    unsigned number;                    /* of the line at hand, from 1 */
    char line[TABLE_TEXT_LINE_MAX + 1]; /* without its comment */
    char *at;                           /* what was not taken of it yet */
};

/* Goes to the next line that is not empty: 1, 0 at the end, -EINVAL with `err` set. */
int table_text_line(struct table_text *self, struct error *err);

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
