/* SPDX-License-Identifier: MPL-2.0 */
/*
 * text_lines - the lines of samples.
 *
 * A line is a copy of the family's name, of the labels that its group rendered once, and of a few
 * digits. It is moved in wide steps, so a line needs more room than it has bytes.
 *
 * Thread: any.
 */
#ifndef METRICS_TEXT_LINES_H
#define METRICS_TEXT_LINES_H

#include "metrics/samples.h"
#include "metrics/text_blocks.h"

/* Of a line, beyond its labels: the name, braces, le="", a number, and what moves touch. */
#define TEXT_LINE_EXTRA (TEXT_BEGINNING_MAX + 96u)
#define TEXT_LINE_MAX   (SAMPLES_LABELS_MAX + TEXT_LINE_EXTRA)

/* Room for all the lines of a list. */
static inline size_t text_lines_room(const struct sample_list *list)
{
    return list->labels_size + (sample_list_n(list) + list->n_further_lines) * TEXT_LINE_EXTRA;
}

/* Writes the lines of the samples from `first` on, before `last` and before the first histogram,
 * for which there is room. Returns the first that it left. */
const struct sample *text_lines_put(char **at, const struct text_block *block,
                                    const struct sample *first, const struct sample *last);

/* The line `index` of a histogram: buckets, sum, count. Returns its end, NULL: there are no more.
 */
char *text_lines_put_histogram(char *at, const struct text_block *block,
                               const struct sample *sample, size_t index);

#endif
