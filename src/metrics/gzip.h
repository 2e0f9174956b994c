/* SPDX-License-Identifier: MPL-2.0 */
/*
 * gzip - a page in gzip's coding (RFC 1952).
 *
 * Thread: any. Errors: -ENOMEM.
 */
#ifndef METRICS_GZIP_H
#define METRICS_GZIP_H

#include "base/string_buffer.h"

/* Below this many bytes the coding costs more than it saves. */
#define GZIP_WORTH_BYTES 1400u

/* Appends the coded `size` bytes at `data` to `out`. */
int gzip_append(const char *data, size_t size, struct string_buffer *out);

#endif
