/* SPDX-License-Identifier: MPL-2.0 */
#include "metrics/gzip.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#define LEVEL       1 /* a page's lines are so alike that more effort saves little */
#define WINDOW_GZIP (15 + 16)
#define MEMORY      8
#define STEP        ((size_t)16 << 10)

struct gzip {
    z_stream stream;
};

int gzip_new(struct gzip **ret_gzip)
{
    struct gzip *self = calloc(1, sizeof(*self));
    if (!self || deflateInit2(&self->stream, LEVEL, Z_DEFLATED, WINDOW_GZIP, MEMORY,
                              Z_DEFAULT_STRATEGY) != Z_OK) {
        free(self);
        return -ENOMEM;
    }
    *ret_gzip = self;
    return 0;
}

void gzip_destroy(struct gzip **self_p)
{
    struct gzip *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    deflateEnd(&self->stream);
    free(self);
}

void gzip_begin(struct gzip *self, struct string_buffer *out)
{
    (void)out;
    deflateReset(&self->stream);
}

static void run(struct gzip *self, int flush, struct string_buffer *out)
{
    int r = Z_OK;
    do {
        char *place = string_buffer_reserve(out, STEP);
        if (!place)
            return;
        self->stream.next_out = (Bytef *)place;
        self->stream.avail_out = (uInt)STEP;
        r = deflate(&self->stream, flush);
        out->size += STEP - self->stream.avail_out;
        out->data[out->size] = '\0';
    } while (r == Z_OK && (self->stream.avail_in || flush == Z_FINISH));
}

void gzip_add(struct gzip *self, const char *data, size_t size, struct string_buffer *out)
{
    union {
        const char *text;
        Bytef *bytes; /* zlib does not write there */
    } input = {data};
    self->stream.next_in = input.bytes;
    self->stream.avail_in = (uInt)size;
    run(self, Z_NO_FLUSH, out);
}

void gzip_end(struct gzip *self, struct string_buffer *out)
{
    self->stream.avail_in = 0;
    run(self, Z_FINISH, out);
}
