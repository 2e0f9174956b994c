/* SPDX-License-Identifier: MPL-2.0 */
/* top_details - one socket: its peers, the last looks, and all that is known of it. */
#ifndef CLI_TOP_DETAILS_H
#define CLI_TOP_DETAILS_H

#include "cli/top_rows.h"

/* Which socket. */
struct top_key {
    uint64_t pid, start_ticks, serial;
};

/* Appends lines of at most `width` columns, each with its end. Errors: -ENOMEM, and as
 * top_source_socket(). */
int top_details_append(struct top *top, const struct top_key *key, size_t width,
                       struct string_buffer *text, struct error *err);

#endif
