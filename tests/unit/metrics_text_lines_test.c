/* SPDX-License-Identifier: MPL-2.0 */
/* Random pages against what is made line by line: every kind of number, labels of every length,
 * histograms over a piece's edge. */
#include "metrics/text_writer.h"

#include "base/cleanup.h"
#include "support/cmocka.h"

#include <math.h>
#include <stdlib.h>

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

enum { N_RANDOM = 400 };
static const enum family_id random_families[] = {FAMILY_SOCKETS, FAMILY_SOCKET_SENT_BYTES,
                                                 FAMILY_SOCKET_SEND_FILL};

/* What the page should be: a text for each of these families, made without haste. */
struct expected {
    struct string_buffer lines[3];
    bool has_created;
};

static void expect_line(struct string_buffer *lines, const char *name, const char *labels,
                        struct text_number number)
{
    char text[TEXT_NUMBER_ROOM];
    *text_number_write(text, number) = '\0';
    string_buffer_append_text(lines, name);
    if (*labels)
        string_buffer_append_text(lines, "{");
    string_buffer_append_text(lines, labels);
    string_buffer_append_format(lines, "%s %s\n", *labels ? "}" : "", text);
}

static void expect_histogram(struct string_buffer *lines, const char *labels,
                             const struct sample_histogram *histogram)
{
    cleanup(string_buffer_finish) struct string_buffer with_bound = {0};
    for (size_t i = 0; i < histogram->n_buckets; i++) {
        string_buffer_clear(&with_bound);
        string_buffer_append_format(&with_bound, "%s%sle=\"%s\"", labels, *labels ? "," : "",
                                    histogram->bounds[i]);
        expect_line(lines, "zmq_socket_send_queue_fill_ratio_bucket", with_bound.data,
                    text_number_of_u64(histogram->counts[i]));
    }
    expect_line(lines, "zmq_socket_send_queue_fill_ratio_sum", labels,
                text_number_of_real(histogram->sum));
    expect_line(lines, "zmq_socket_send_queue_fill_ratio_count", labels,
                text_number_of_u64(histogram->counts[histogram->n_buckets - 1]));
}

static void add_counter(struct samples *samples, struct expected *expected, uint64_t random,
                        const struct label_text *text, const char *extra, const char *labels)
{
    uint64_t value = random >> random % 64;
    struct text_number created = text_number_of_scaled(random % 2000000000000u, 3);
    samples_add_u64(samples, FAMILY_SOCKET_SENT_BYTES, *text, extra, value);
    samples_add_created(samples, FAMILY_SOCKET_SENT_BYTES, created);
    expect_line(&expected->lines[1], "zmq_socket_sent_bytes_total", labels,
                text_number_of_u64(value));
    if (expected->has_created)
        expect_line(&expected->lines[1], "zmq_socket_sent_bytes_created", labels, created);
}

static void add_gauge(struct samples *samples, struct expected *expected, uint64_t random,
                      const struct label_text *text, const char *extra, const char *labels)
{
    static const double odd[] = {NAN, INFINITY, -INFINITY, -0.0, -1.5, 1e300};
    double value = random % 11 < 6 ? odd[random % 11]
                                   : ((double)random - 9e18) / (double)(1 + random % 99999);
    struct samples_scaled scaled = {random >> random % 64, (unsigned)(random % 10)};
    if (random % 2)
        samples_add_real(samples, FAMILY_SOCKETS, *text, extra, value);
    else
        samples_add_scaled(samples, FAMILY_SOCKETS, *text, extra, scaled);
    expect_line(&expected->lines[0], "zmq_sockets", labels,
                random % 2 ? text_number_of_real(value)
                           : text_number_of_scaled(scaled.digits, scaled.places));
}

/* Label texts of every length that is moved in its own way, and some that fill half a piece. */
static void fill_random(struct samples *samples, struct expected *expected, uint64_t *seed)
{
    static const char *const bounds[] = {"0.1", "1.0", "25.0", "+Inf"};
    static char texts[SAMPLES_LABELS_MAX + 64];
    for (size_t i = 0; i < sizeof(texts); i++)
        texts[i] = (char)('a' + i % 23);
    samples_init(samples);
    for (int i = 0; i < N_RANDOM; i++) {
        uint64_t random = next_random(seed);
        size_t size = random % 7 == 0 ? random % (SAMPLES_LABELS_MAX - 20) : random / 7 % 140;
        struct label_text text = {texts + i % 64, (uint32_t)size};
        const char *extra = i % 3 != 1 && (random & 8) ? "reason=\"hwm\"" : NULL;
        const uint64_t counts[] = {random % 9, random % 99 + 9, random >> 20, UINT64_MAX};
        const struct sample_histogram histogram = {4, bounds, counts, (double)random / 7};
        cleanup(string_buffer_finish) struct string_buffer labels = {0};
        string_buffer_append(&labels, text.text, text.size);
        string_buffer_append_format(&labels, "%s%s", size && extra ? "," : "", extra ? extra : "");
        if (i % 3 == 0) {
            add_counter(samples, expected, random, &text, extra, labels.data);
        } else if (i % 3 == 1) {
            samples_add_histogram(samples, FAMILY_SOCKET_SEND_FILL, text, &histogram);
            expect_histogram(&expected->lines[2], labels.data, &histogram);
        } else {
            add_gauge(samples, expected, random, &text, extra, labels.data);
        }
    }
    assert_false(samples->has_failed);
}

static struct string_buffer join(struct expected *expected, enum text_format format)
{
    struct string_buffer page = {0};
    for (size_t i = 0; i < 3; i++) {
        const struct text_block *block = &text_blocks_get(format)[random_families[i]];
        string_buffer_append(&page, block->header, block->header_size);
        string_buffer_append(&page, expected->lines[i].data, expected->lines[i].size);
        string_buffer_finish(&expected->lines[i]);
    }
    string_buffer_append_text(&page, text_format_is_open_metrics(format) ? "# EOF\n" : "");
    return page;
}

/* Into rooms of exactly that size, so that a sanitizer sees a write beyond one. */
static struct string_buffer write_in_pieces(enum text_format format, const struct samples *samples,
                                            uint64_t *seed)
{
    static char piece[TEXT_WRITER_PIECE_MIN];
    struct string_buffer page = {0};
    struct text_writer writer;
    assert_int_equal(text_writer_init(&writer, format, &samples, 1), 0);
    size_t remaining = text_writer_measure(&writer, piece, sizeof(piece));
    while (remaining) {
        size_t room = TEXT_WRITER_PIECE_MIN + next_random(seed) % 100000;
        room = room < remaining ? room : remaining;
        char *at = malloc(room);
        size_t n = text_writer_fill(&writer, at, room);
        assert_true(n > 0 && n <= room);
        assert_int_equal(at[n - 1], '\n');
        string_buffer_append(&page, at, n);
        free(at);
        remaining -= n;
    }
    assert_int_equal(text_writer_fill(&writer, piece, 0), 0);
    return page;
}

static void write__random_samples__whole_or_in_pieces_is_the_same_page(void **state)
{
    (void)state;
    uint64_t seed = 1234567;
    for (int round = 0; round < 6; round++) {
        enum text_format format = (enum text_format)(round % TEXT_FORMAT_N);
        struct expected expected = {.has_created = format == TEXT_FORMAT_OPENMETRICS_CREATED};
        struct samples samples;
        fill_random(&samples, &expected, &seed);
        cleanup(string_buffer_finish) struct string_buffer page = join(&expected, format);
        cleanup(string_buffer_finish) struct string_buffer whole = {0};
        cleanup(string_buffer_finish) struct string_buffer pieces = write_in_pieces(
            format, &samples, &seed);
        const struct samples *part = &samples;
        assert_int_equal(text_format_write(format, &part, 1, &whole), 0);
        assert_int_equal(whole.size, page.size);
        assert_memory_equal(whole.data, page.data, page.size);
        assert_int_equal(pieces.size, page.size);
        assert_memory_equal(pieces.data, page.data, page.size);
        samples_finish(&samples);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(write__random_samples__whole_or_in_pieces_is_the_same_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
