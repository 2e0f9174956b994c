/* SPDX-License-Identifier: MPL-2.0 */
#include "metrics/json_writer.h"

#include "metrics/labels.h"
#include "support/cmocka.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct label_text labels_of(struct string_buffer *text, const char *program)
{
    labels_append(text, "program", program);
    labels_append(text, "type", "PUB");
    return (struct label_text){text->data, (uint32_t)text->size};
}

static void write__two_sets_of_two_parts__are_gathered_by_set(void **state)
{
    (void)state;
    struct samples sockets, self;
    struct string_buffer a = {0}, b = {0}, json = {0};
    samples_init(&sockets);
    samples_init(&self);
    struct label_text feed = labels_of(&a, "feed"), desk = labels_of(&b, "de\"sk\n\x01\\");
    samples_add_u64(&sockets, FAMILY_SOCKETS, feed, NULL, 2);
    samples_add_u64(&sockets, FAMILY_SOCKETS, desk, NULL, 0);
    samples_add_u64(&sockets, FAMILY_SOCKET_HANDSHAKE_FAILURES, feed,
                    "cause=\"auth\",detail=\"400\"", 3);
    samples_add_u64(&sockets, FAMILY_SOCKET_HANDSHAKE_FAILURES, feed,
                    "cause=\"auth\",detail=\"500\"", 0);
    samples_add_u64(&sockets, FAMILY_SOCKET_HANDSHAKE_FAILURES, feed,
                    "cause=\"transport\",detail=\"EPIPE\"", 1);
    samples_add_u64(&sockets, FAMILY_SOCKET_HANDSHAKE_FAILURES, desk,
                    "cause=\"auth\",detail=\"400\"", 0);
    samples_add_real(&self, FAMILY_PROCESS_CPU_SECONDS, LABEL_TEXT_NONE, NULL, 0.25);

    const struct samples *parts[] = {&self, &sockets};
    assert_int_equal(json_writer_write(parts, 2, &json), 0);
    assert_string_equal(
        json.data,
        "\"sockets\":["
        "{\"labels\":{\"program\":\"feed\",\"type\":\"PUB\"},\"values\":{\"zmq_sockets\":2,"
        "\"zmq_socket_handshake_failures_total\":[{\"cause\":\"auth\",\"detail\":\"400\",\"value\":"
        "3},"
        "{\"cause\":\"transport\",\"detail\":\"EPIPE\",\"value\":1}]}},"
        "{\"labels\":{\"program\":\"de\\\"sk\\n\\u0001\\\\\",\"type\":\"PUB\"},\"values\":{"
        "\"zmq_sockets\":0,\"zmq_socket_handshake_failures_total\":[]}}],"
        "\"programs\":[],\"libraries\":[],\"probes\":[],"
        "\"exporter\":[{\"labels\":{},\"values\":{\"process_cpu_seconds_total\":0.25}}]");
    samples_finish(&sockets);
    samples_finish(&self);
    string_buffer_finish(&a);
    string_buffer_finish(&b);
    string_buffer_finish(&json);
}

/* RFC 8259, section 7: all below 0x20 are escaped, no other byte but two need be. */
static void text__each_byte__is_escaped_where_json_wants_it(void **state)
{
    (void)state;
    struct string_buffer json = {0};
    for (int c = 1; c < 256; c++) {
        const char text[] = {(char)c, '\0'};
        char expected[16];
        if (c < 0x20)
            (void)snprintf(expected, sizeof(expected), "\"\\u%04x\"", (unsigned)c);
        else
            (void)snprintf(expected, sizeof(expected), "\"%s%c\"",
                           c == '"' || c == '\\' ? "\\" : "", c);
        string_buffer_clear(&json);
        json_writer_text(&json, text);
        assert_string_equal(json.data, expected);
    }
    string_buffer_finish(&json);
}

static void write__numbers_that_json_has_not__are_null(void **state)
{
    (void)state;
    struct samples samples;
    struct string_buffer json = {0};
    const double values[] = {INFINITY, -INFINITY, NAN};
    const struct samples *parts[] = {&samples};
    for (size_t i = 0; i < 3; i++) {
        samples_init(&samples);
        string_buffer_clear(&json);
        samples_add_real(&samples, FAMILY_PROCESS_CPU_SECONDS, LABEL_TEXT_NONE, NULL, values[i]);
        assert_int_equal(json_writer_write(parts, 1, &json), 0);
        assert_non_null(strstr(json.data, "\"process_cpu_seconds_total\":null}"));
        samples_finish(&samples);
    }
    string_buffer_finish(&json);
}

static void write__nothing__has_the_empty_sections(void **state)
{
    (void)state;
    struct string_buffer json = {0};
    assert_int_equal(json_writer_write(NULL, 0, &json), 0);
    assert_string_equal(
        json.data, "\"sockets\":[],\"programs\":[],\"libraries\":[],\"probes\":[],\"exporter\":[]");
    string_buffer_finish(&json);
}

static void write__many_sets__loses_none(void **state)
{
    (void)state;
    enum { N = 3000 };
    static struct string_buffer texts[N];
    struct samples samples;
    struct string_buffer json = {0};
    samples_init(&samples);
    for (unsigned i = 0; i < N; i++) {
        char program[16];
        (void)snprintf(program, sizeof(program), "s%u", i);
        texts[i] = (struct string_buffer){0};
        struct label_text labels = labels_of(&texts[i], program);
        samples_add_u64(&samples, FAMILY_SOCKETS, labels, NULL, i);
        samples_add_u64(&samples, FAMILY_SOCKET_DISCONNECTS, labels, NULL, i);
    }
    const struct samples *parts[] = {&samples};
    assert_int_equal(json_writer_write(parts, 1, &json), 0);
    const char *at = json.data;
    for (unsigned i = 0; i < N; i++) {
        char expected[160];
        (void)snprintf(expected, sizeof(expected),
                       "{\"labels\":{\"program\":\"s%u\",\"type\":\"PUB\"},\"values\":{"
                       "\"zmq_sockets\":%u,\"zmq_socket_disconnects_total\":%u}}",
                       i, i, i);
        at = strstr(at, expected);
        assert_non_null(at);
        string_buffer_finish(&texts[i]);
    }
    samples_finish(&samples);
    string_buffer_finish(&json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(write__two_sets_of_two_parts__are_gathered_by_set),
        cmocka_unit_test(text__each_byte__is_escaped_where_json_wants_it),
        cmocka_unit_test(write__numbers_that_json_has_not__are_null),
        cmocka_unit_test(write__nothing__has_the_empty_sections),
        cmocka_unit_test(write__many_sets__loses_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
