/* SPDX-License-Identifier: MPL-2.0 */
/* Tables as text: of the operator's own hand, so every line that is wrong is told with its place.
 */
#include "collectors/library/table_text.h"

#include "support/cmocka.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct table_text *begin(const char *text, size_t size)
{
    struct table_text *table = calloc(1, sizeof(*table)); /* so that a sanitizer sees its ends */
    assert_non_null(table);
    *table = (struct table_text){.name = "t.txt", .next = text, .end = text + size};
    return table;
}

static void line__blanks_comments_and_ends__leave_the_words(void **state)
{
    (void)state;
    const char text[] = "\n   \t\n# all of it\n \t one  two # three\nlast three words \t";
    struct table_text *table = begin(text, sizeof(text) - 1);
    struct error err = {0};
    char word[4];
    assert_int_equal(table_text_line(table, &err), 1);
    assert_int_equal(table->number, 4);
    assert_true(table_text_word(table, word, sizeof(word)));
    assert_string_equal(word, "one");
    assert_true(table_text_word(table, word, sizeof(word)));
    assert_string_equal(word, "two");
    assert_false(table_text_word(table, word, sizeof(word)));
    assert_string_equal(table_text_rest(table), "");
    assert_int_equal(table_text_line(table, &err), 1);
    assert_false(table_text_word(table, word, sizeof(word))); /* of four letters and a NUL */
    assert_string_equal(table_text_rest(table), "last three words");
    assert_int_equal(table_text_line(table, &err), 0);
    assert_int_equal(table_text_line(table, &err), 0);
    free(table);
}

static int first_line(const char *text, size_t size, struct error *err)
{
    struct table_text *table = begin(text, size);
    int r = table_text_line(table, err);
    free(table);
    return r;
}

static void line__at_the_limits__is_read_or_refused(void **state)
{
    (void)state;
    static char text[TABLE_TEXT_LINES_MAX + 10];
    struct error err = {0};
    memset(text, 'x', sizeof(text));
    assert_int_equal(first_line(text, TABLE_TEXT_LINE_MAX, &err), 1);
    assert_int_equal(first_line(text, TABLE_TEXT_LINE_MAX + 1, &err), -EINVAL);
    assert_string_equal(err.message, "t.txt:1: a line has at most 1000 bytes");
    memset(text, '\n', sizeof(text));
    text[TABLE_TEXT_LINES_MAX - 1] = 'x';
    assert_int_equal(first_line(text, TABLE_TEXT_LINES_MAX, &err), 1);
    text[TABLE_TEXT_LINES_MAX - 1] = '\n';
    text[TABLE_TEXT_LINES_MAX] = 'x';
    assert_int_equal(first_line(text, TABLE_TEXT_LINES_MAX + 1, &err), -EINVAL);
    assert_string_equal(err.message, "t.txt:20001: a table has at most 20000 lines");
}

static void line__no_text__is_refused(void **state)
{
    (void)state;
    struct error err = {0};
    assert_int_equal(first_line("a\0b", 3, &err), -EINVAL);
    assert_string_equal(err.message, "t.txt:1: a NUL is no text");
    assert_int_equal(first_line("\n\x1b[1m", 5, &err), -EINVAL);
    assert_string_equal(err.message, "t.txt:2: a control character is no text");
    assert_int_equal(first_line("a\tb", 3, &err), 1);
}

static void day__dates__are_seconds_or_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",           "2026",       "2026-13-01", "2026-00-01",
                                        "2026-07-32", "2026-07-00", "2026-7-20x", "x2026-07-20"};
    int64_t seconds = 7;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        if (table_text_day(wrong[i], &seconds))
            fail_msg("'%s' is a day", wrong[i]);
        assert_int_equal(seconds, 7);
    }
    assert_true(table_text_day("1970-01-01", &seconds));
    assert_int_equal(seconds, 0);
    assert_true(table_text_day("2026-07-20", &seconds));
    assert_int_equal(seconds, 1784505600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line__blanks_comments_and_ends__leave_the_words),
        cmocka_unit_test(line__at_the_limits__is_read_or_refused),
        cmocka_unit_test(line__no_text__is_refused),
        cmocka_unit_test(day__dates__are_seconds_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
