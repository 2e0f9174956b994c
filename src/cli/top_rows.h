/* SPDX-License-Identifier: MPL-2.0 */
/*
 * top_rows - the sockets of this host's tapped programs in a terminal, the problems first.
 *
 * The lines are the same on the screen and in `--once`; top_screen.c shows
 * them with ncurses.
 */
#ifndef CLI_TOP_ROWS_H
#define CLI_TOP_ROWS_H

#include "base/error.h"
#include "base/string_buffer.h"
#include "problems/problem.h"

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
    struct problem_watch *watch;
    struct problem_view view, former; /* of this moment and of the look before, for the rates */
    struct problems problems;
    const struct problem_socket **rows; /* of the view, in order, those that fit the filter */
    size_t n_rows;
    enum top_order order;
    char filter[64]; /* words, each of which must be in program, type or address */
};

/* Looks anew and makes the rows. Errors: -ENOMEM, -errno of opening the directory. */
int top_look(struct top *self);
void top_finish(struct top *self);

/* One line each, without its end, at most `width` columns. */
void top_head_line(const struct top *self, size_t width, struct string_buffer *line);
void top_problem_line(const struct top *self, size_t i, size_t width, struct string_buffer *line);
void top_column_line(size_t width, struct string_buffer *line);
void top_row_line(const struct top *self, size_t i, size_t width, struct string_buffer *line);

/* The whole as one JSON object. */
void top_json(const struct top *self, struct string_buffer *json);

/* Shows it until q is pressed. Errors: -EINVAL with `err`: the terminal is of no use. */
int top_screen_run(struct top *self, unsigned seconds, struct error *err);

#endif
