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

static void append__nothing__is_an_empty_text_and_no_failure(void **state)
{
    (void)state;
    struct string_buffer text = {0};
    string_buffer_append_format(&text, "%s", "");
    assert_false(text.has_failed);
    assert_string_equal(text.data, "");
    string_buffer_append_text(&text, "a");
    string_buffer_append(&text, "", 0);
    string_buffer_append_format(&text, "%s", "");
    assert_string_equal(text.data, "a");
    assert_int_equal(text.size, 1);
    string_buffer_finish(&text);
}

/* At each size around those where memory is asked for, the NUL has its place too. */
static void append__byte_by_byte__is_ended_at_every_size(void **state)
{
    (void)state;
    struct string_buffer text = {0};
    for (size_t n = 0; n < 3000; n++) {
        string_buffer_append(&text, "x", 1);
        assert_int_equal(text.size, n + 1);
        assert_int_equal(text.data[n + 1], 0);
        assert_true(text.capacity > text.size);
    }
    string_buffer_clear(&text);
    assert_string_equal(text.data, "");
    for (size_t n = 0; n < 700; n++) {
        assert_non_null(string_buffer_reserve(&text, n));
        assert_true(text.capacity > n);
        string_buffer_finish(&text);
    }
}

static void reserve_exactly__large__takes_no_more_than_was_asked_for(void **state)
{
    (void)state;
    struct string_buffer text = {0};
    string_buffer_append_text(&text, "abc");
    size_t n = ((size_t)4 << 20) + 1; /* doubled, it would be 8 MiB */
    char *place = string_buffer_reserve_exactly(&text, n);
    assert_ptr_equal(place, text.data + 3);
    assert_int_equal(text.capacity, 3 + n + 1);
    assert_memory_equal(text.data, "abc", 3);
    assert_ptr_equal(string_buffer_reserve_exactly(&text, n), place);
    assert_int_equal(text.capacity, 3 + n + 1);
    assert_null(string_buffer_reserve_exactly(&text, SIZE_MAX));
    assert_true(text.has_failed);
    assert_null(string_buffer_reserve_exactly(&text, 1));
    string_buffer_finish(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(append__many_pieces__keeps_every_byte),
        cmocka_unit_test(append__nothing__is_an_empty_text_and_no_failure),
        cmocka_unit_test(append__byte_by_byte__is_ended_at_every_size),
        cmocka_unit_test(append_u64__extremes__are_decimal),
        cmocka_unit_test(reserve__impossible_size__fails_once_and_for_all),
        cmocka_unit_test(reserve_exactly__large__takes_no_more_than_was_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
