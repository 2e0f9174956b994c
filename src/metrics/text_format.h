/* SPDX-License-Identifier: MPL-2.0 */
/*
 * text_format - a page in the text exposition format 0.0.4 or OpenMetrics 1.0.
 *
 * Families come in table order, a family without samples does not appear. Nothing that has no
 * row in the table can be written.
 */
#ifndef METRICS_TEXT_FORMAT_H
#define METRICS_TEXT_FORMAT_H

#include "base/string_buffer.h"
#include "metrics/samples.h"
#include "metrics/text_blocks.h"

/* Appends one page made of `n_parts` to `page`; a family's samples come in the order of the
 * parts. Errors: -ENOMEM. */
int text_format_write(enum text_format format, const struct samples *const *parts, size_t n_parts,
                      struct string_buffer *page);

#endif
