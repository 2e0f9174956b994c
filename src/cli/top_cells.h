/* SPDX-License-Identifier: MPL-2.0 */
/* top_cells - texts and numbers in columns. A number that is not known is a dash. */
#ifndef CLI_TOP_CELLS_H
#define CLI_TOP_CELLS_H

#include "base/string_buffer.h"
#include "segment/segment_layout.h"

#include <stdbool.h>

static inline bool top_cells_is_known(uint64_t gauge)
{
    return gauge != SEGMENT_UNKNOWN;
}

/* `text` in exactly `width` columns of the locale's characters, cut or filled up. Characters that
 * would write elsewhere are shown as "?". */
void top_cells_append(struct string_buffer *line, const char *text, size_t width);

/* A blank, and the number to the right in `width` columns. */
void top_cells_append_number(struct string_buffer *line, uint64_t gauge, int width);

/* A blank and "  90%", of a ratio in billionths. */
void top_cells_append_fill(struct string_buffer *line, uint64_t billionths);

#endif
