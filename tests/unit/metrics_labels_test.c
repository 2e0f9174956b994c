/* SPDX-License-Identifier: MPL-2.0 */
#include "metrics/labels.h"

#include "support/cmocka.h"

#include <stdio.h>
#include <string.h>

static void check(const char *value, const char *expected)
{
    struct string_buffer text = {0};
    labels_append(&text, "l", value);
    assert_string_equal(text.data, expected);
    string_buffer_finish(&text);
}

static void append__special_characters__are_escaped(void **state)
{
    (void)state;
    check("a\"b\\c\nd", "l=\"a\\\"b\\\\c\\nd\"");
    check("tab\there", "l=\"tab\there\"");
    check("", "l=\"\"");
}

static void append__not_utf8__is_replaced(void **state)
{
    (void)state;
    check("\xff", "l=\"\xef\xbf\xbd\"");
    check("a\xc3", "l=\"a\xef\xbf\xbd\"");
    check("\xed\xa0\x80", "l=\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    check("\xe2\x82\xac \xf0\x9f\x98\x80", "l=\"\xe2\x82\xac \xf0\x9f\x98\x80\"");
}

static void append__two__are_parted_by_a_comma(void **state)
{
    (void)state;
    struct string_buffer text = {0};
    labels_append(&text, "a", "1");
    labels_append(&text, "b", "2");
    assert_string_equal(text.data, "a=\"1\",b=\"2\"");
    string_buffer_finish(&text);
}

/* Unicode 15, table 3-7: each limit from both sides. What is none is replaced byte by byte. */
static void append__characters_at_their_limits__stay_or_are_replaced(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        bool is_one;
    } cases[] = {
        {"\x7f", true},
        {"\x80", false},
        {"\xbf", false},
        {"\xc1\xbf", false},
        {"\xc2\x7f", false},
        {"\xc2\x80", true},
        {"\xdf\xbf", true},
        {"\xdf\xc0", false},
        {"\xe0\x9f\xbf", false},
        {"\xe0\xa0\x80", true},
        {"\xe1\x80\x80", true},
        {"\xec\xbf\xbf", true},
        {"\xed\x9f\xbf", true},
        {"\xed\xa0\x80", false},
        {"\xee\x80\x80", true},
        {"\xef\xbf\xbd", true},
        {"\xef\xbf\x7f", false},
        {"\xef\xbf\xc0", false},
        {"\xf0\x8f\xbf\xbf", false},
        {"\xf0\x90\x80\x80", true},
        {"\xf1\x80\x80\x80", true},
        {"\xf3\xbf\xbf\xbf", true},
        {"\xf4\x8f\xbf\xbf", true},
        {"\xf4\x90\x80\x80", false},
        {"\xf5\x80\x80\x80", false},
        {"\xf0\x90\x80\x7f", false},
        {"\xf0\x90\x80\xc0", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const char *c = cases[i].bytes;
        char expected[64] = "l=\"";
        for (const char *at = c; *at; at++) {
            char byte[2] = {*at, '\0'};
            bool is_left = cases[i].is_one || (unsigned char)*at < 0x80;
            strcat(expected, is_left ? byte : "\xef\xbf\xbd");
        }
        check(c, strcat(expected, "\""));
    }
}

/* A value has so many bytes, and no half of a character. */
static void append__longer_than_the_limit__ends_with_an_ellipsis(void **state)
{
    (void)state;
    char value[LABELS_VALUE_MAX + 8], expected[LABELS_VALUE_MAX + 16];
    for (size_t n = LABELS_VALUE_MAX - 3; n <= LABELS_VALUE_MAX + 1; n++) {
        memset(value, 'a', n);
        value[n] = '\0';
        size_t kept = n < LABELS_VALUE_MAX ? n : LABELS_VALUE_MAX;
        (void)snprintf(expected, sizeof(expected), "l=\"%.*s%s\"", (int)kept, value,
                       n > LABELS_VALUE_MAX ? "\xe2\x80\xa6" : "");
        check(value, expected);
        (void)strcpy(value + n, "\xe2\x82\xac");
        (void)snprintf(expected, sizeof(expected), "l=\"%.*s%s\"", (int)kept, value,
                       n + 3 <= LABELS_VALUE_MAX ? "\xe2\x82\xac" : "\xe2\x80\xa6");
        check(value, expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(append__special_characters__are_escaped),
        cmocka_unit_test(append__not_utf8__is_replaced),
        cmocka_unit_test(append__characters_at_their_limits__stay_or_are_replaced),
        cmocka_unit_test(append__longer_than_the_limit__ends_with_an_ellipsis),
        cmocka_unit_test(append__two__are_parted_by_a_comma),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
