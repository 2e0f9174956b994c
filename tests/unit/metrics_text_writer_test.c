/* SPDX-License-Identifier: MPL-2.0 */
#include "metrics/text_writer.h"

#include "base/cleanup.h"
#include "support/cmocka.h"

#include <ctype.h>
#include <string.h>

static const struct label_text group = {"program=\"a\",type=\"PUB\"", 22};

static struct string_buffer write_page(enum text_format format, const struct samples *samples)
{
    struct string_buffer page = {0};
    assert_int_equal(text_format_write(format, &samples, 1, &page), 0);
    return page;
}

static void fill(struct samples *samples)
{
    static const char *const bounds[] = {"0.5", "+Inf"};
    const uint64_t counts[] = {3, 5};
    const struct sample_histogram histogram = {2, bounds, counts, 1.25};
    struct label_text build = {"version=\"1\"", 11};
    samples_init(samples);
    samples_add_u64(samples, FAMILY_SOCKETS, group, NULL, 2);
    samples_add_u64(samples, FAMILY_SOCKET_SENT_BYTES, group, NULL, UINT64_MAX);
    samples_add_created(samples, FAMILY_SOCKET_SENT_BYTES, text_number_of_real(1.5));
    samples_add_u64(samples, FAMILY_SOCKET_HANDSHAKE_FAILURES, group, "cause=\"auth\"", 1);
    samples_add_histogram(samples, FAMILY_SOCKET_SEND_FILL, group, &histogram);
    samples_add_created(samples, FAMILY_SOCKET_SEND_FILL, text_number_of_real(2));
    samples_add_u64(samples, FAMILY_EXPORTER_BUILD_INFO, build, NULL, 1);
    samples_add_real(samples, FAMILY_PROCESS_CPU_SECONDS, LABEL_TEXT_NONE, NULL, 0.5);
    samples_add_u64(samples, FAMILY_PROCESSES, LABEL_TEXT_NONE, "state=\"x\"", 3);
}

/* The page without its comment lines. */
static void strip_comments(struct string_buffer *page)
{
    char *to = page->data;
    for (char *line = page->data, *next; *line; line = next) {
        next = strchr(line, '\n') + 1;
        if (*line == '#')
            continue;
        memmove(to, line, (size_t)(next - line));
        to += next - line;
    }
    *to = '\0';
}

static void write__prometheus__has_each_kind(void **state)
{
    (void)state;
    struct samples samples;
    fill(&samples);
    cleanup(string_buffer_finish) struct string_buffer page = write_page(TEXT_FORMAT_PROMETHEUS,
                                                                         &samples);
    const char *help = strstr(page.data, "# HELP zmq_sockets Open sockets. ");
    assert_non_null(help);
    assert_ptr_equal(strchr(help, '\n'),
                     strstr(page.data, "\n# TYPE zmq_sockets gauge\n"
                                       "zmq_sockets{program=\"a\",type=\"PUB\"} 2\n"));
    assert_non_null(strstr(page.data, "# TYPE zmq_socket_sent_bytes_total counter\n"));
    assert_non_null(strstr(page.data, "# TYPE zmq_exporter_build_info gauge\n"));
    assert_null(strstr(page.data, "# UNIT"));
    assert_null(strstr(page.data, "# EOF"));
    strip_comments(&page);
    assert_string_equal(
        page.data,
        "zmq_sockets{program=\"a\",type=\"PUB\"} 2\n"
        "zmq_socket_sent_bytes_total{program=\"a\",type=\"PUB\"} 18446744073709551615\n"
        "zmq_socket_send_queue_fill_ratio_bucket{program=\"a\",type=\"PUB\",le=\"0.5\"} 3\n"
        "zmq_socket_send_queue_fill_ratio_bucket{program=\"a\",type=\"PUB\",le=\"+Inf\"} 5\n"
        "zmq_socket_send_queue_fill_ratio_sum{program=\"a\",type=\"PUB\"} 1.25\n"
        "zmq_socket_send_queue_fill_ratio_count{program=\"a\",type=\"PUB\"} 5\n"
        "zmq_socket_handshake_failures_total{program=\"a\",type=\"PUB\",cause=\"auth\"} 1\n"
        "zmq_processes{state=\"x\"} 3\n"
        "zmq_exporter_build_info{version=\"1\"} 1\n"
        "process_cpu_seconds_total 0.5\n");
    samples_finish(&samples);
}

static void write__open_metrics__has_its_own_ways(void **state)
{
    (void)state;
    struct samples samples;
    fill(&samples);
    cleanup(string_buffer_finish) struct string_buffer page = write_page(
        TEXT_FORMAT_OPENMETRICS_CREATED, &samples);
    assert_non_null(strstr(page.data, "# TYPE zmq_socket_sent_bytes counter\n"
                                      "# UNIT zmq_socket_sent_bytes bytes\n"
                                      "# HELP zmq_socket_sent_bytes "));
    assert_non_null(strstr(page.data, "# TYPE zmq_exporter_build info\n# HELP "));
    assert_non_null(strstr(page.data, "\nzmq_exporter_build_info{version=\"1\"} 1\n"));
    assert_non_null(strstr(page.data,
                           "zmq_socket_sent_bytes_total{program=\"a\",type=\"PUB\"} "
                           "18446744073709551615\n"
                           "zmq_socket_sent_bytes_created{program=\"a\",type=\"PUB\"} 1.5\n"));
    assert_non_null(strstr(page.data,
                           "zmq_socket_send_queue_fill_ratio_count{program=\"a\",type=\"PUB\"} 5\n"
                           "zmq_socket_send_queue_fill_ratio_created{program=\"a\","
                           "type=\"PUB\"} 2\n"));
    assert_string_equal(page.data + page.size - 6, "# EOF\n");

    cleanup(string_buffer_finish) struct string_buffer plain = write_page(TEXT_FORMAT_OPENMETRICS,
                                                                          &samples);
    assert_null(strstr(plain.data, "_created{"));
    assert_non_null(strstr(plain.data, "zmq_socket_sent_bytes_total{program=\"a\",type=\"PUB\"} "
                                       "18446744073709551615\n"));
    assert_string_equal(plain.data + plain.size - 6, "# EOF\n");
    samples_finish(&samples);
}

static void write__nothing__is_an_empty_page(void **state)
{
    (void)state;
    struct samples samples;
    samples_init(&samples);
    cleanup(string_buffer_finish) struct string_buffer text = write_page(TEXT_FORMAT_PROMETHEUS,
                                                                         &samples);
    cleanup(string_buffer_finish) struct string_buffer open = write_page(
        TEXT_FORMAT_OPENMETRICS_CREATED, &samples);
    assert_int_equal(text.size, 0);
    assert_string_equal(open.data, "# EOF\n");
    samples_finish(&samples);
}

static void write__two_parts__are_one_family(void **state)
{
    (void)state;
    struct samples a, b;
    fill(&a);
    fill(&b);
    const struct samples *const parts[] = {&a, &b};
    cleanup(string_buffer_finish) struct string_buffer page = {0};
    assert_int_equal(text_format_write(TEXT_FORMAT_PROMETHEUS, parts, 2, &page), 0);
    const char *header = strstr(page.data, "# TYPE zmq_sockets ");
    assert_non_null(header);
    assert_null(strstr(header + 1, "# TYPE zmq_sockets "));
    assert_non_null(strstr(page.data, "zmq_sockets{program=\"a\",type=\"PUB\"} 2\n"
                                      "zmq_sockets{program=\"a\",type=\"PUB\"} 2\n"));
    samples_finish(&a);
    samples_finish(&b);
}

static void add__labels_beyond_the_limit__are_left_out_and_told(void **state)
{
    (void)state;
    struct samples samples;
    static char labels[SAMPLES_LABELS_MAX + 1];
    struct label_text text = {labels, sizeof(labels)};
    samples_init(&samples);
    samples_add_u64(&samples, FAMILY_SOCKETS, text, NULL, 1);
    assert_true(samples.has_failed);
    cleanup(string_buffer_finish) struct string_buffer page = write_page(TEXT_FORMAT_PROMETHEUS,
                                                                         &samples);
    assert_int_equal(page.size, 0);
    samples_finish(&samples);
}

/* What the two formats and promtool ask of names, over the whole table. */

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), n_end = strlen(end);
    return n > n_end && strcmp(text + n - n_end, end) == 0;
}

static void table__each_family__is_named_as_its_kind_asks(void **state)
{
    (void)state;
    for (int id = 0; id < FAMILY_N; id++) {
        const struct family *family = family_get((enum family_id)id);
        const struct text_block *block = &text_blocks_get(TEXT_FORMAT_OPENMETRICS_CREATED)[id];
        char unit[64] = "_";
        for (const char *c = family->name; *c; c++)
            assert_true(islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '_');
        if (ends_with(family->name, "_total") != (family->type == FAMILY_COUNTER) ||
            ends_with(family->name, "_info") != (family->type == FAMILY_INFO))
            fail_msg("%s: the ending does not fit its type", family->name);
        if (family->unit[0] && !ends_with(block->family, strcat(unit, family->unit)))
            fail_msg("%s does not end in its unit %s", block->family, family->unit);
        if (!family->help[0] || ends_with(family->help, " "))
            fail_msg("%s: no help", family->name);
    }
}

static void table__open_metrics_names__do_not_clash(void **state)
{
    (void)state;
    static const char *const suffixes[] = {"",       "_total", "_created", "_info",
                                           "_count", "_sum",   "_bucket"};
    const struct text_block *blocks = text_blocks_get(TEXT_FORMAT_OPENMETRICS_CREATED);
    for (int a = 0; a < FAMILY_N; a++) {
        for (int b = 0; b < FAMILY_N; b++) {
            for (size_t i = 0; a != b && i < sizeof(suffixes) / sizeof(*suffixes); i++) {
                size_t n = blocks[b].family_size;
                if (strncmp(blocks[a].family, blocks[b].family, n) == 0 &&
                    strcmp(blocks[a].family + n, suffixes[i]) == 0)
                    fail_msg("%s clashes with %s", blocks[a].family, blocks[b].family);
            }
        }
    }
}

/* After an addition that failed, and where it is not wanted, which the next scrape does not know
 * of. */
static void created__without_its_sample__is_not_added(void **state)
{
    (void)state;
    static char much[SAMPLES_LABELS_MAX + 1];
    memset(much, 'x', sizeof(much));
    const struct label_text one = {"a=\"1\"", 5}, long_one = {much, sizeof(much)};
    const struct text_number since = text_number_of_u64(7);
    struct samples samples;
    const struct sample_list *list = &samples.lists[FAMILY_SOCKET_SENT_BYTES];
    samples_init(&samples);
    samples_add_u64(&samples, FAMILY_SOCKET_SENT_BYTES, one, NULL, 1);
    samples_add_u64(&samples, FAMILY_SOCKET_SENT_BYTES, long_one, NULL, 2);
    samples_add_created(&samples, FAMILY_SOCKET_SENT_BYTES, since);
    assert_true(samples.has_failed);
    assert_int_equal(sample_list_n(list), 1);
    samples_clear(&samples);
    samples.leaves_created_out = true;
    for (size_t n = 1; n <= 2; n++) {
        samples_add_u64(&samples, FAMILY_SOCKET_SENT_BYTES, one, NULL, 1);
        samples_add_created(&samples, FAMILY_SOCKET_SENT_BYTES, since);
        assert_int_equal(sample_list_n(list), n);
        samples_clear(&samples);
    }
    samples_finish(&samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(write__prometheus__has_each_kind),
        cmocka_unit_test(write__open_metrics__has_its_own_ways),
        cmocka_unit_test(created__without_its_sample__is_not_added),
        cmocka_unit_test(write__nothing__is_an_empty_page),
        cmocka_unit_test(write__two_parts__are_one_family),
        cmocka_unit_test(add__labels_beyond_the_limit__are_left_out_and_told),
        cmocka_unit_test(table__each_family__is_named_as_its_kind_asks),
        cmocka_unit_test(table__open_metrics_names__do_not_clash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
