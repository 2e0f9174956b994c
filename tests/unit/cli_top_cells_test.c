/* SPDX-License-Identifier: MPL-2.0 */
/* What the lines of `top` are made of: texts and numbers in columns, histories, members of JSON. */
#include "cli/top_cells.h"
#include "cli/top_history.h"
#include "cli/top_json.h"

#include "support/cmocka.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

#define SECOND  UINT64_C(1000000000)
#define UNKNOWN SEGMENT_UNKNOWN

static struct string_buffer out;
static struct error err;

static const char *text(void)
{
    return out.data ? out.data : "";
}

static const char *cells(const char *bytes, size_t width)
{
    string_buffer_clear(&out);
    top_cells_append(&out, bytes, width);
    return text();
}

static void cells__text__has_its_width(void **state)
{
    (void)state;
    assert_string_equal(cells("abc", 5), "abc  ");
    assert_string_equal(cells("abc", 3), "abc");
    assert_string_equal(cells("abc", 2), "ab");
    assert_string_equal(cells("abc", 0), "");
    assert_string_equal(cells("ä日x", 5), "ä日x ");
    assert_string_equal(cells("ä日x", 3), "ä日");
    assert_string_equal(cells("ä日x", 2), "ä "); /* there is half of the room for the second */
    assert_string_equal(cells("e\xcc\x81x", 2), "e\xcc\x81x");
}

static void cells__what_would_write_elsewhere__is_a_question_mark(void **state)
{
    static const char *const hidden[] = {"\x1b",         "\n",           "\x7f",
                                         "\xd8\x9c",     "\xe2\x80\x8e", "\xe2\x80\x8f",
                                         "\xe2\x80\xa8", "\xe2\x80\xae", "\xe2\x81\xa6",
                                         "\xe2\x81\xa9", "\xef\xbb\xbf", "\xff"};
    static const char *const shown[] = {"\xd8\x9b", "\xe2\x80\x90", "\xe2\x80\xa7", "\xe2\x81\xb0"};
    char expected[64], given[32];
    (void)state;
    for (size_t i = 0; i < sizeof(hidden) / sizeof(*hidden); i++) {
        (void)snprintf(given, sizeof(given), "a%sb", hidden[i]);
        assert_string_equal(cells(given, 4), "a?b ");
    }
    for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++) {
        (void)snprintf(given, sizeof(given), "a%sb", shown[i]);
        (void)snprintf(expected, sizeof(expected), "%s ", given);
        assert_string_equal(cells(given, 4), expected);
    }
    assert_string_equal(cells("a\xe2\x80", 4), "a?? ");
    assert_string_equal(cells("\xe2\xc3\xa4", 3), "?\xc3\xa4 "); /* goes on behind what is none */
}

static void history__column__is_as_high_as_the_queue_is_full(void **state)
{
    uint8_t looks[TOP_HISTORY_LOOKS];
    (void)state;
    memset(looks, 255, sizeof(looks));
    static const uint8_t some[] = {0, 1, 29, 30, 58, 86, 115, 143, 144, 172, 200};
    memcpy(looks, some, sizeof(some));
    string_buffer_clear(&out);
    top_history_append(&out, looks);
    char expected[256];
    (void)snprintf(expected, sizeof(expected), "▁▂▂▃▃▄▅▆▇▇█%*s",
                   (int)(TOP_HISTORY_LOOKS - sizeof(some)), "");
    assert_string_equal(text(), expected);
}

static void json__members__are_numbers_or_not_known(void **state)
{
    static const char yaml[] =
        "{a: [1, 2], n: 5, s: '-5', p: +5, e: '', u: 18446744073709551615, "
        "v: 18446744073709551616, x: 5x, r: 0.25, t: 0.0000000006, "
        "z: 0.0000000004, big: 9000000000, less: 8999999999, c: ':', o: '/'}";
    struct config_document *document = NULL;
    const struct config_node *list;
    (void)state;
    assert_int_equal(top_json_parse("it", yaml, strlen(yaml), "a", &document, &list, &err), 0);
    assert_string_equal(list->first->text, "1");
    const struct config_node *root = config_document_root(document);
    assert_string_equal(top_json_text(root, "x"), "5x");
    assert_string_equal(top_json_text(root, "a"), "");
    assert_string_equal(top_json_text(root, "none"), "");
    static const struct {
        const char *key;
        uint64_t whole, billionths;
    } rows[] = {{"n", 5, 5 * SECOND},       {"s", UNKNOWN, UNKNOWN}, {"p", UNKNOWN, UNKNOWN},
                {"e", UNKNOWN, UNKNOWN},    {"a", UNKNOWN, UNKNOWN}, {"none", UNKNOWN, UNKNOWN},
                {"u", UINT64_MAX, UNKNOWN}, {"v", UNKNOWN, UNKNOWN}, {"x", UNKNOWN, UNKNOWN},
                {"r", UNKNOWN, 250000000},  {"t", UNKNOWN, 1},       {"z", UNKNOWN, 0},
                {"c", UNKNOWN, UNKNOWN},    {"o", UNKNOWN, UNKNOWN}, {"big", 9000000000, UNKNOWN}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        assert_true(top_json_whole(root, rows[i].key) == rows[i].whole);
        assert_true(top_json_billionths(root, rows[i].key) == rows[i].billionths);
    }
    assert_true(top_json_billionths(root, "less") < 9000000000 * SECOND);
    config_document_destroy(&document);
}

static int tear_down(void **state)
{
    (void)state;
    string_buffer_finish(&out);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells__text__has_its_width),
        cmocka_unit_test(cells__what_would_write_elsewhere__is_a_question_mark),
        cmocka_unit_test(history__column__is_as_high_as_the_queue_is_full),
        cmocka_unit_test(json__members__are_numbers_or_not_known),
    };
    if (!setlocale(LC_ALL, "C.UTF-8"))
        return 77;
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
