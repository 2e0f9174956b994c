/* SPDX-License-Identifier: MPL-2.0 */
/*
 * text_format - the Prometheus text exposition format 0.0.4.
 *
 * Source: prometheus.io/docs/instrumenting/exposition_formats. Families come in table order, a
 * family without samples does not appear.
 */
#ifndef METRICS_TEXT_FORMAT_H
#define METRICS_TEXT_FORMAT_H

#include "base/string_buffer.h"
#include "metrics/samples.h"

#define TEXT_FORMAT_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Appends one page made of `n_parts` to `page`; a family's samples come in the order of the
 * parts. Errors: -ENOMEM. */
int text_format_write(const struct samples *const *parts, size_t n_parts,
                      struct string_buffer *page);

#endif
