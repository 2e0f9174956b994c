/* SPDX-License-Identifier: MPL-2.0 */
#include "metrics/labels.h"

#include "support/cmocka.h"

#include <stdbool.h>
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

/* Unicode 15, table 3-7: each limit from both sides; every byte that is none is replaced by itself.
 */
static void append__characters_at_their_limits__are_kept_or_replaced(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        bool is_one;
    } cases[] = {
        {"\x01", true},
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
        {"\xed\x9f\xbf", true},
        {"\xed\xa0\x80", false},
        {"\xee\x80\x80", true},
        {"\xef\xbf\xbf", true},
        {"\xe1\x80\x7f", false},
        {"\xe1\x80\xc0", false},
        {"\xf0\x8f\xbf\xbf", false},
        {"\xf0\x90\x80\x80", true},
        {"\xf4\x8f\xbf\xbf", true},
        {"\xf4\x90\x80\x80", false},
        {"\xf5\x80\x80\x80", false},
        {"\xf1\x80\x80", false},
        {"\xf1\x80\x80\x7f", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct string_buffer text = {0};
        labels_append(&text, "l", cases[i].bytes);
        bool is_kept = text.size == 4 + strlen(cases[i].bytes) &&
                       memcmp(text.data + 3, cases[i].bytes, strlen(cases[i].bytes)) == 0;
        if (is_kept != cases[i].is_one ||
            (strstr(text.data, "\xef\xbf\xbd") == NULL) != cases[i].is_one)
            fail_msg("case %zu: %s", i, text.data);
        string_buffer_finish(&text);
    }
}

/* A value ends before the character that would be beyond the limit, and says so. */
static void append__value_at_its_limit__is_whole_or_cut(void **state)
{
    (void)state;
    char value[LABELS_VALUE_MAX + 4];
    for (size_t size = LABELS_VALUE_MAX - 1; size <= LABELS_VALUE_MAX + 1; size++) {
        struct string_buffer text = {0};
        size_t kept = size > LABELS_VALUE_MAX ? LABELS_VALUE_MAX + 3 : size;
        memset(value, 'v', sizeof(value));
        value[size] = '\0';
        labels_append(&text, "l", value);
        bool is_cut = strcmp(text.data + text.size - 4, "\xe2\x80\xa6\"") == 0;
        assert_int_equal(is_cut, size > LABELS_VALUE_MAX);
        assert_int_equal(text.size, 4 + kept);
        string_buffer_finish(&text);
    }
    struct string_buffer text = {0};
    memset(value, 'v', sizeof(value));
    memcpy(value + LABELS_VALUE_MAX - 1, "\xc3\xa9", 3);
    labels_append(&text, "l", value);
    assert_int_equal(text.size, 4 + LABELS_VALUE_MAX - 1 + 3);
    string_buffer_finish(&text);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(append__special_characters__are_escaped),
        cmocka_unit_test(append__not_utf8__is_replaced),
        cmocka_unit_test(append__characters_at_their_limits__are_kept_or_replaced),
        cmocka_unit_test(append__value_at_its_limit__is_whole_or_cut),
        cmocka_unit_test(append__two__are_parted_by_a_comma),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
