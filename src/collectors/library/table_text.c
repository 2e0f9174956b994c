/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/library/table_text.h"

#include "base/array.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BLANKS " \t\r"

int table_text_error(const struct table_text *self, struct error *err, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return error_set(err, -EINVAL, "%s:%u: %s", self->name, self->number, text);
}

static bool has_controls(const char *line)
{
    for (; *line; line++) {
        if ((unsigned char)*line < ' ' && !strchr(BLANKS, *line))
            return true;
    }
    return false;
}

/* Goes to the next line that is not empty: 1, 0 at the end, -EINVAL with `err` set. */
static int next_line(struct table_text *self, struct error *err)
{
    while (self->next < self->end) {
        const char *newline = memchr(self->next, '\n', (size_t)(self->end - self->next));
        const char *line_end = newline ? newline : self->end;
        size_t size = (size_t)(line_end - self->next);
        self->number++;
        if (self->number > TABLE_TEXT_LINES_MAX)
            return table_text_error(self, err, "a table has at most %u lines",
                                    TABLE_TEXT_LINES_MAX);
        if (size > TABLE_TEXT_LINE_MAX)
            return table_text_error(self, err, "a line has at most %zu bytes", TABLE_TEXT_LINE_MAX);
        if (memchr(self->next, '\0', size))
            return table_text_error(self, err, "a NUL is no text");
        memcpy(self->line, self->next, size);
        self->line[size] = '\0';
        self->next = newline ? newline + 1 : self->end;
        self->line[strcspn(self->line, "#")] = '\0';
        if (has_controls(self->line))
            return table_text_error(self, err, "a control character is no text");
        self->at = self->line + strspn(self->line, BLANKS);
        if (*self->at)
            return 1;
    }
    return 0;
}

bool table_text_word(struct table_text *self, char *ret_word, size_t size)
{
    size_t n = strcspn(self->at, BLANKS);
    if (n == 0 || n >= size)
        return false;
    memcpy(ret_word, self->at, n);
    ret_word[n] = '\0';
    self->at += n;
    self->at += strspn(self->at, BLANKS);
    return true;
}

const char *table_text_rest(struct table_text *self)
{
    size_t n = strlen(self->at);
    while (n && strchr(BLANKS, self->at[n - 1]))
        n--;
    self->at[n] = '\0';
    return self->at;
}

bool table_text_day(const char *text, int64_t *ret_seconds)
{
    unsigned year, month, day;
    int used = 0;
    if (strlen(text) != 10 || sscanf(text, "%4u-%2u-%2u%n", &year, &month, &day, &used) != 3 ||
        text[used] || month < 1 || month > 12 || day < 1 || day > 31)
        return false;
    struct tm date = {.tm_year = (int)year - 1900, .tm_mon = (int)month - 1, .tm_mday = (int)day};
    time_t seconds = timegm(&date);
    if (date.tm_mday != (int)day || seconds < 0)
        return false;
    *ret_seconds = seconds;
    return true;
}

static int take_day(struct table_text *line, int64_t *ret_day, struct error *err)
{
    char day[16];
    return table_text_word(line, day, sizeof(day)) && table_text_day(day, ret_day) &&
                   !*table_text_rest(line)
               ? 0
               : table_text_error(line, err, "expected: checked YEAR-MONTH-DAY");
}

static int take_row(struct table_text *line, const struct table_form *form, struct table_rows *rows,
                    struct error *err)
{
    if (rows->n == form->rows_max)
        return table_text_error(line, err, "at most %u %s", form->rows_max, form->rows_name);
    if (!array_make_room(&rows->items, &rows->capacity, rows->n, form->row_size))
        return error_set(err, -ENOMEM, "%s", strerror(ENOMEM));
    void *row = (char *)rows->items + rows->n * form->row_size;
    memset(row, 0, form->row_size);
    int r = form->parse_row(line, row, err);
    if (r == TABLE_TEXT_E_FORM)
        return table_text_error(line, err, "expected: %s", form->row);
    rows->n += r == 0;
    return r;
}

int table_text_read(const char *name, const char *text, size_t size, const struct table_form *form,
                    struct table_rows *ret_rows, struct error *err)
{
    struct table_rows rows = {.n = 0};
    struct table_text line = {
        .name = name, .next = text, .end = text + size, .rows = &rows, .context = form->context};
    int r;
    while ((r = next_line(&line, err)) > 0) {
        if (!table_text_word(&line, line.first, sizeof(line.first)))
            r = table_text_error(&line, err, "expected: %s", form->row);
        else if (strcmp(line.first, "checked") == 0)
            r = take_day(&line, &rows.checked, err);
        else
            r = take_row(&line, form, &rows, err);
        if (r < 0)
            break;
    }
    if (r == 0 && !rows.checked)
        r = error_set(err, -EINVAL, "%s: no line `checked YEAR-MONTH-DAY`", name);
    if (r < 0)
        free(rows.items);
    else
        *ret_rows = rows;
    return r;
}
