/* SPDX-License-Identifier: MPL-2.0 */
#include "metrics/gzip.h"

#include <errno.h>
#include <limits.h>
#include <zlib.h>

#define LEVEL       1 /* a page's lines are so alike that more effort saves little */
#define WINDOW_GZIP (15 + 16)
#define MEMORY      8

int gzip_append(const char *data, size_t size, struct string_buffer *out)
{
    z_stream stream = {0};
    if (size > UINT_MAX / 2 ||
        deflateInit2(&stream, LEVEL, Z_DEFLATED, WINDOW_GZIP, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
        return -ENOMEM;

    size_t bound = deflateBound(&stream, size);
    char *place = string_buffer_reserve(out, bound);
    int r = Z_MEM_ERROR;
    if (place) {
        union {
            const char *text;
            Bytef *bytes; /* zlib does not write there */
        } input = {data};
        stream.next_in = input.bytes;
        stream.avail_in = (uInt)size;
        stream.next_out = (Bytef *)place;
        stream.avail_out = (uInt)bound;
        r = deflate(&stream, Z_FINISH);
        if (r == Z_STREAM_END) {
            out->size += stream.total_out;
            out->data[out->size] = '\0';
        }
    }
    deflateEnd(&stream);
    return r == Z_STREAM_END ? 0 : -ENOMEM;
}
