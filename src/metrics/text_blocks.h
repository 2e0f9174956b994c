/* SPDX-License-Identifier: MPL-2.0 */
/*
 * text_blocks - what a family's lines begin with, rendered once from the family table.
 *
 * Thread: any; made by whoever asks first.
 */
#ifndef METRICS_TEXT_BLOCKS_H
#define METRICS_TEXT_BLOCKS_H

#include "metrics/family.h"

#include <stddef.h>
#include <stdint.h>

/* text 0.0.4: prometheus.io/docs/instrumenting/exposition_formats.
 * OpenMetrics 1.0: github.com/OpenObservability/OpenMetrics, specification/OpenMetrics.md. */
enum text_format { TEXT_FORMAT_PROMETHEUS, TEXT_FORMAT_OPENMETRICS, TEXT_FORMAT_N };

const char *text_format_content_type(enum text_format format);

struct text_block {
    char *header; /* comment lines, NUL-terminated */
    char *sample; /* the name in a sample's line: with _total or _info where the format has it */
    char *family; /* the name in TYPE: what _created and _bucket are appended to */
    uint32_t header_size;
    uint32_t sample_size;
    uint32_t family_size;
};

/* The blocks of all families by id; NULL: out of memory at the first call, for good. */
const struct text_block *text_blocks_get(enum text_format format);

#endif
