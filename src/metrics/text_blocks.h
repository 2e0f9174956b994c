/* SPDX-License-Identifier: MPL-2.0 */
/*
 * text_blocks - what a family's lines begin with, rendered once from the family table.
 *
 * Thread: any; made by whoever asks first.
 */
#ifndef METRICS_TEXT_BLOCKS_H
#define METRICS_TEXT_BLOCKS_H

#include "metrics/family.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* text 0.0.4: prometheus.io/docs/instrumenting/exposition_formats.
 * OpenMetrics 1.0: github.com/OpenObservability/OpenMetrics, specification/OpenMetrics.md. */
enum text_format {
    TEXT_FORMAT_PROMETHEUS,
    TEXT_FORMAT_OPENMETRICS,
    TEXT_FORMAT_OPENMETRICS_CREATED, /* with the _created lines: half as many again */
    TEXT_FORMAT_N,
};

static inline bool text_format_is_open_metrics(enum text_format format)
{
    return format != TEXT_FORMAT_PROMETHEUS;
}

const char *text_format_content_type(enum text_format format);

/* The name and the brace of a sample's line. */
#define TEXT_BEGINNING_MAX 64u
struct text_beginning {
    char text[TEXT_BEGINNING_MAX];
    uint32_t size;
};

struct text_block {
    struct text_beginning sample;  /* with _total or _info where the format has it */
    struct text_beginning created; /* empty where the format has no such lines */
    char *header;                  /* comment lines, NUL-terminated */
    char *family;                  /* the name in TYPE: what _bucket and the like are appended to */
    uint32_t header_size;
    uint32_t family_size;
};

/* The blocks of all families by id; NULL: out of memory at the first call, for good. */
const struct text_block *text_blocks_get(enum text_format format);

#endif
