/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Any label values and numbers: the page is as long as announced, has as many lines as samples,
 * and comes out of gzip as it went in.
 */
#include "metrics/gzip.h"
#include "metrics/labels.h"
#include "metrics/text_writer.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define MAX_SAMPLES 64u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int is_true)
{
    if (!is_true)
        abort();
}

/* Pieces of the input between bytes 0: a label each, whose first bytes are also a number. */
static size_t fill(struct samples *samples, struct string_buffer *labels, const uint8_t *data,
                   size_t size)
{
    size_t n = 0;
    while (size && n < MAX_SAMPLES) {
        const uint8_t *end = memchr(data, 0, size);
        size_t length = end ? (size_t)(end - data) : size;
        char *value = strndup((const char *)data, length);
        double real = 0;
        check(value != NULL);
        memcpy(&real, data, length < sizeof(real) ? length : sizeof(real));
        labels_append(&labels[n], "address", value);
        struct label_text text = {labels[n].data, (uint32_t)labels[n].size};
        samples_add_real(samples, FAMILY_SOCKETS, text, n % 2 ? "a=\"b\"" : NULL, real);
        free(value);
        n++;
        data += length + (end ? 1 : 0);
        size -= length + (end ? 1 : 0);
    }
    return n;
}

static void check_lines(const struct string_buffer *page, size_t n)
{
    size_t n_lines = 0, n_comments = 0;
    for (const char *line = page->data; line < page->data + page->size; n_lines++) {
        n_comments += *line == '#';
        line = strchr(line, '\n');
        check(line != NULL);
        line++;
    }
    check(n_lines - n_comments == n);
}

static void check_gzip(const struct string_buffer *page)
{
    static struct gzip *gzip;
    if (!gzip)
        check(gzip_new(&gzip) == 0);
    struct string_buffer coded = {0};
    size_t half = page->size / 2;
    gzip_begin(gzip, &coded);
    gzip_add(gzip, page->data, half, &coded);
    gzip_add(gzip, page->data + half, page->size - half, &coded);
    gzip_end(gzip, &coded);

    char *plain = malloc(page->size + 1);
    z_stream stream = {.next_in = (Bytef *)coded.data,
                       .avail_in = (uInt)coded.size,
                       .next_out = (Bytef *)plain,
                       .avail_out = (uInt)page->size + 1};
    check(plain && inflateInit2(&stream, 31) == Z_OK);
    check(inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.total_out == page->size);
    check(memcmp(plain, page->data, page->size) == 0);
    inflateEnd(&stream);
    free(plain);
    string_buffer_finish(&coded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct samples samples;
    struct string_buffer labels[MAX_SAMPLES] = {0}, page = {0};
    const struct samples *part = &samples;
    struct text_writer writer;
    static char piece[TEXT_WRITER_PIECE_MIN];

    samples_init(&samples);
    size_t n = fill(&samples, labels, data, size);
    check(text_writer_init(&writer, TEXT_FORMAT_OPENMETRICS_CREATED, &part, 1) == 0);
    check(text_format_write(TEXT_FORMAT_OPENMETRICS_CREATED, &part, 1, &page) == 0);
    check(page.size == text_writer_measure(&writer, piece, sizeof(piece)));
    check_lines(&page, n);
    check_gzip(&page);
    string_buffer_finish(&page);
    samples_finish(&samples);
    for (size_t i = 0; i < n; i++)
        string_buffer_finish(&labels[i]);
    return 0;
}
