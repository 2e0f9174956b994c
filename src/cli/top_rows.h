/* SPDX-License-Identifier: MPL-2.0 */
/*
 * top_rows - the open sockets of a host in a terminal, the problems first.
 *
 * The lines are the same on the screen and in `--once`; top_screen.c shows
 * them with ncurses.
 */
#ifndef CLI_TOP_ROWS_H
#define CLI_TOP_ROWS_H

#include "cli/top_history.h"
#include "cli/top_source.h"

enum top_order {
    TOP_WORST,
    TOP_SEND_QUEUE,
    TOP_RECEIVE_QUEUE,
    TOP_RATE,
    TOP_PROGRAM,
    TOP_N_ORDERS
};

extern const char *const top_order_names[TOP_N_ORDERS];

struct top {
    struct top_source *source;
    struct top_look look;               /* of this moment */
    struct problem_view former;         /* of the look before, for the rates */
    struct top_history *histories;      /* of the look's sockets; NULL: there was no memory */
    const struct problem_socket **rows; /* of the look's, in order, those that fit the filter */
    size_t n_rows;
    enum top_order order;
    char filter[64]; /* words, each of which must be in program, type or address */
};

/* Looks anew and makes the rows. Errors: as top_source_look(); all is as it was then. */
int top_refresh(struct top *self, struct error *err);
void top_finish(struct top *self);

/* One line each, without its end, at most `width` columns. */
void top_head_line(const struct top *self, size_t width, struct string_buffer *line);
void top_problem_line(const struct top *self, size_t i, size_t width, struct string_buffer *line);
void top_column_line(size_t width, struct string_buffer *line);
void top_row_line(const struct top *self, size_t i, size_t width, struct string_buffer *line);

/* The whole as one JSON object. */
void top_json(const struct top *self, struct string_buffer *json);

/* Shows it until q is pressed. An exporter that does not answer any more is waited for. Errors: a
 * negative errno with `err` set: the terminal is of no use, the first look failed. */
int top_screen_run(struct top *self, unsigned seconds, struct error *err);

#endif
