/* SPDX-License-Identifier: MPL-2.0 */
#include "metrics/labels.h"

#include "support/cmocka.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(append__special_characters__are_escaped),
        cmocka_unit_test(append__not_utf8__is_replaced),
        cmocka_unit_test(append__two__are_parted_by_a_comma),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
