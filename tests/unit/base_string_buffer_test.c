/* SPDX-License-Identifier: MPL-2.0 */
#include "base/string_buffer.h"

#include "support/cmocka.h"

static void append__many_pieces__keeps_every_byte(void **state)
{
    (void)state;
    struct string_buffer text = {0};
    for (int i = 0; i < 10000; i++)
        string_buffer_append_format(&text, "%04d", i);
    assert_int_equal(text.size, 40000);
    assert_memory_equal(text.data, "000000010002", 12);
    assert_string_equal(text.data + 39996, "9999");
    string_buffer_finish(&text);
    assert_null(text.data);
}

static void append_u64__extremes__are_decimal(void **state)
{
    (void)state;
    struct string_buffer text = {0};
    string_buffer_append_u64(&text, 0);
    string_buffer_append(&text, " ", 1);
    string_buffer_append_u64(&text, UINT64_MAX);
    assert_string_equal(text.data, "0 18446744073709551615");
    string_buffer_finish(&text);
}

static void reserve__impossible_size__fails_once_and_for_all(void **state)
{
    (void)state;
    struct string_buffer text = {0};
    assert_null(string_buffer_reserve(&text, SIZE_MAX));
    string_buffer_append_text(&text, "x");
    assert_true(text.has_failed);
    assert_int_equal(text.size, 0);
    string_buffer_finish(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(append__many_pieces__keeps_every_byte),
        cmocka_unit_test(append_u64__extremes__are_decimal),
        cmocka_unit_test(reserve__impossible_size__fails_once_and_for_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
