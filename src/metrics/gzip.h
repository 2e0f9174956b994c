/* SPDX-License-Identifier: MPL-2.0 */
/*
 * gzip - a page in gzip's coding (RFC 1952), piece by piece.
 *
 *     struct gzip *gzip;                       once; it is used again for the next page
 *     gzip_new(&gzip);
 *     gzip_begin(gzip, &out);
 *     gzip_add(gzip, piece, size, &out);       any number of times
 *     gzip_end(gzip, &out);
 *
 * Thread: one at a time. Errors: -ENOMEM; of the others, by out->has_failed.
 */
#ifndef METRICS_GZIP_H
#define METRICS_GZIP_H

#include "base/string_buffer.h"

/* Below this many bytes the coding costs more than it saves. */
#define GZIP_WORTH_BYTES 1400u

struct gzip;

int gzip_new(struct gzip **ret_gzip);
void gzip_destroy(struct gzip **self_p);

void gzip_begin(struct gzip *self, struct string_buffer *out);
void gzip_add(struct gzip *self, const char *data, size_t size, struct string_buffer *out);
void gzip_end(struct gzip *self, struct string_buffer *out);

#endif
