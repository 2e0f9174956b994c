/* SPDX-License-Identifier: MPL-2.0 */
/*
 * text_writer - a page in text 0.0.4 or OpenMetrics 1.0, written piece by piece.
 *
 * Families come in table order, a family without samples does not appear. Nothing that has no
 * row in the table can be written. A server that has no room for the whole page can announce its
 * size all the same, at the price of writing it twice.
 *
 * Thread: one at a time. The samples may not change and must live as long as the writer.
 */
#ifndef METRICS_TEXT_WRITER_H
#define METRICS_TEXT_WRITER_H

#include "base/string_buffer.h"
#include "metrics/samples.h"
#include "metrics/text_blocks.h"

/* A piece must have room for the longest line or header. */
#define TEXT_WRITER_PIECE_MIN ((size_t)64 << 10)

struct text_writer {
    enum text_format format;
    const struct text_block *blocks;
    const struct samples *const *parts;
    size_t n_parts;
    size_t room;     /* for any page of these samples */
    unsigned family; /* where the next line is: */
    size_t part;
    size_t item;
    size_t line; /* within a histogram */
    bool has_header;
    bool has_end;
    bool is_full; /* the piece */
};

/* Borrows `parts`. Errors: -ENOMEM. */
int text_writer_init(struct text_writer *self, enum text_format format,
                     const struct samples *const *parts, size_t n_parts);

/* Writes whole lines at `at`, as many as fit; returns their size, 0 at the end of the page.
 * `room` is at least TEXT_WRITER_PIECE_MIN or what remains. */
size_t text_writer_fill(struct text_writer *self, char *at, size_t room);

/* The size of what is left of the page, by writing it: into `piece`, which is as in
 * text_writer_fill(), again and again. */
size_t text_writer_measure(const struct text_writer *self, char *piece, size_t room);

/* Appends a whole page to `page`. Errors: -ENOMEM. */
int text_format_write(enum text_format format, const struct samples *const *parts, size_t n_parts,
                      struct string_buffer *page);

#endif
