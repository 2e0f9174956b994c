/* SPDX-License-Identifier: MPL-2.0 */
/* A command line by its table of flags, and what is printed of that table. */
#include "cli/flags.h"

#include "support/cmocka.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *text;
static struct flag_values texts;
static unsigned number;
static bool is_on;

static const struct flag table[] = {
    {"text", "NAME", "none", "One text. And more of it.", FLAG_TEXT, &text},
    {"texts", "NAME", NULL, "Several.", FLAG_TEXTS, &texts},
    {"number", "N", "7", "A number", FLAG_NUMBER, &number},
    {"switch", NULL, NULL, "On or off. Yes.", FLAG_SWITCH, &is_on},
};

#define N_FLAGS  (sizeof(table) / sizeof(*table))
#define MAX_ARGS 64

static struct error err;
static int rest;

/* Of a line of words; the program's name comes first by itself. */
static int parse_with(const struct flag *flags, size_t n, const char *line)
{
    static char words[1024];
    static char *argv[MAX_ARGS + 1];
    int argc = 0;
    (void)snprintf(words, sizeof(words), "program %s", line);
    char *next = words;
    for (char *word; (word = strsep(&next, " ")) && argc < MAX_ARGS;)
        argv[argc++] = strcmp(word, "''") == 0 ? word + 2 : word;
    if (!*line)
        argc = 1;
    argv[argc] = NULL;
    text = NULL;
    texts = (struct flag_values){.n = 0};
    number = 0;
    is_on = false;
    rest = -1;
    err = (struct error){""};
    return flags_parse(flags, n, argc, argv, &rest, &err);
}

static int parse(const char *line)
{
    return parse_with(table, N_FLAGS, line);
}

static void parse__forms_of_a_value__are_the_same(void **state)
{
    (void)state;
    assert_int_equal(parse("--text=a"), 0);
    assert_string_equal(text, "a");
    assert_int_equal(rest, 2);
    assert_int_equal(parse("--text b"), 0);
    assert_string_equal(text, "b");
    assert_int_equal(rest, 3);
    assert_int_equal(parse("--text -"), 0);
    assert_string_equal(text, "-");
    assert_int_equal(parse("--text -b"), 0);
    assert_string_equal(text, "-b");
    assert_int_equal(parse("--text=--b"), 0);
    assert_string_equal(text, "--b");
    assert_int_equal(parse("--text=a=b"), 0);
    assert_string_equal(text, "a=b");
}

static void parse__several__all_are_set(void **state)
{
    (void)state;
    assert_int_equal(parse("--texts a --switch --texts=b --number 3 --text c d --text e"), 0);
    assert_int_equal(texts.n, 2);
    assert_string_equal(texts.items[0], "a");
    assert_string_equal(texts.items[1], "b");
    assert_true(is_on);
    assert_int_equal(number, 3);
    assert_string_equal(text, "c");
    assert_int_equal(rest, 9);
}

static void parse__ends_of_flags__are_told(void **state)
{
    (void)state;
    assert_int_equal(parse(""), 0);
    assert_int_equal(rest, 1);
    assert_int_equal(parse("a"), 0);
    assert_int_equal(rest, 1);
    assert_int_equal(parse("-"), 0);
    assert_int_equal(rest, 1);
    assert_int_equal(parse("--switch -- --switch"), 0);
    assert_int_equal(rest, 3);
    assert_int_equal(parse("--"), 0);
    assert_int_equal(rest, 2);
    assert_int_equal(parse("--switch a --switch"), 0);
    assert_int_equal(rest, 2);
}

static void parse__help__ends_it(void **state)
{
    (void)state;
    assert_int_equal(parse("--help"), FLAGS_E_HELP);
    assert_int_equal(parse("-h"), FLAGS_E_HELP);
    assert_int_equal(parse("--switch --help"), FLAGS_E_HELP);
    assert_int_equal(parse("-- --help"), 0);
    assert_int_equal(parse("a -h"), 0);
}

static void parse__switch__is_on_or_as_it_is_said(void **state)
{
    (void)state;
    assert_int_equal(parse("--switch=true"), 0);
    assert_true(is_on);
    assert_int_equal(parse("--switch=false"), 0);
    assert_false(is_on);
    assert_int_equal(parse("--switch false"), 0);
    assert_true(is_on);
    assert_int_equal(rest, 2);
}

static void parse__numbers__from_one_to_a_million(void **state)
{
    (void)state;
    assert_int_equal(parse("--number=1"), 0);
    assert_int_equal(number, 1);
    assert_int_equal(parse("--number=1000000"), 0);
    assert_int_equal(number, 1000000);
    assert_int_equal(parse("--number=90"), 0);
    assert_int_equal(number, 90);
    assert_int_equal(parse("--number=010"), 0);
    assert_int_equal(number, 10);
}

static void parse__wrong__says_what_and_the_remedy(void **state)
{
    static const struct {
        const char *line, *why;
    } rows[] = {
        {"--txt=1", "unknown flag '--txt' (did you mean '--text'?)"},
        {"--swich", "unknown flag '--swich' (did you mean '--switch'?)"},
        {"--hepl", "unknown flag '--hepl' (did you mean '--help'?)"},
        {"--zzzzzzzzz=1", "unknown flag '--zzzzzzzzz'; --help lists them"},
        {"--text1", "unknown flag '--text1' (did you mean '--text'?)"},
        {"--zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz=a",
         "unknown flag '--zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz'; --help "
         "lists them"},
        {"--zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzyyy",
         "unknown flag '--zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz'; --help "
         "lists them"},
        {"-s", "unknown flag '-s'; flags begin with two dashes"},
        {"--text", "--text needs a value: --text=NAME"},
        {"--text=", "--text needs a value: --text=NAME"},
        {"--text ''", "--text needs a value: --text=NAME"},
        {"--text --switch", "--text needs a value: --text=NAME"},
        {"--text --", "--text needs a value: --text=NAME"},
        {"--switch=yes", "--switch: 'yes' is not 'true' or 'false'"},
        {"--number=0", "--number: '0' is not a number from 1 to 1000000"},
        {"--number=1000001", "--number: '1000001' is not a number from 1 to 1000000"},
        {"--number=99999999999999999999",
         "--number: '99999999999999999999' is not a number from 1 to 1000000"},
        {"--number=-1", "--number: '-1' is not a number from 1 to 1000000"},
        {"--number=+1", "--number: '+1' is not a number from 1 to 1000000"},
        {"--tex=1", "unknown flag '--tex' (did you mean '--text'?)"},
        {"--number=:", "--number: ':' is not a number from 1 to 1000000"},
        {"--number=1s", "--number: '1s' is not a number from 1 to 1000000"},
        {"--text=a --text=b", "--text is given twice"},
        {"--text a --switch --text b", "--text is given twice"},
        {"--switch --text=a --switch", "--switch is given twice"},
        {"--number 1 --number=2", "--number is given twice"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        assert_int_equal(parse(rows[i].line), -EINVAL);
        assert_string_equal(err.message, rows[i].why);
        assert_int_equal(rest == -1 || strstr(rows[i].why, "twice"), true);
    }
}

static void parse__a_value_that_looks_like_a_flag__is_not_given_twice(void **state)
{
    (void)state;
    assert_int_equal(parse("--text --"), -EINVAL);
    assert_int_equal(parse("--texts=--text --text=--switch --switch"), 0);
    assert_string_equal(text, "--switch");
    /* What follows the end of flags is not looked at. */
    assert_int_equal(parse("--switch -- --switch --text"), 0);
}

static void parse__values__as_many_as_there_is_room_for(void **state)
{
    char line[512] = "";
    (void)state;
    for (size_t i = 0; i < FLAGS_MAX_VALUES; i++)
        strcat(line, i ? " --texts=a" : "--texts=a");
    assert_int_equal(parse(line), 0);
    assert_int_equal(texts.n, FLAGS_MAX_VALUES);
    strcat(line, " --texts=a");
    assert_int_equal(parse(line), -EINVAL);
    assert_string_equal(err.message, "--texts: at most 16 times");
    assert_int_equal(texts.n, FLAGS_MAX_VALUES);
}

/* The last of a table as long as a table may be: found, told when it is given twice, and near. */
static void parse__longest_table__has_a_last_row(void **state)
{
    static struct flag rows[FLAGS_MAX];
    static char names[FLAGS_MAX][8];
    (void)state;
    for (size_t i = 0; i < FLAGS_MAX; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "z%zu", i);
        rows[i] = (struct flag){names[i], NULL, NULL, "", FLAG_SWITCH, &is_on};
    }
    rows[FLAGS_MAX - 1].name = "the-last";
    assert_int_equal(parse_with(rows, FLAGS_MAX, "--z0 --the-last"), 0);
    assert_int_equal(parse_with(rows, FLAGS_MAX, "--the-last --z0 --the-last"), -EINVAL);
    assert_string_equal(err.message, "--the-last is given twice");
    assert_int_equal(parse_with(rows, FLAGS_MAX, "--the-lats"), -EINVAL);
    assert_string_equal(err.message, "unknown flag '--the-lats' (did you mean '--the-last'?)");
}

static FILE *screen;
static char *printed;
static size_t printed_size;

static void begin_print(void)
{
    fflush(stdout);
    free(printed);
    printed = NULL;
    screen = stdout;
    stdout = open_memstream(&printed, &printed_size);
    assert_non_null(stdout);
}

static const char *end_print(void)
{
    fclose(stdout);
    stdout = screen;
    return printed;
}

static void print__table__has_a_row_for_each(void **state)
{
    (void)state;
    begin_print();
    flags_print(table, N_FLAGS);
    assert_string_equal(end_print(), "  --text=NAME  (default none)\n"
                                     "      One text. And more of it.\n"
                                     "  --texts=NAME  (repeatable)\n"
                                     "      Several.\n"
                                     "  --number=N  (default 7)\n"
                                     "      A number\n"
                                     "  --switch\n"
                                     "      On or off. Yes.\n"
                                     "  --help\n"
                                     "      Shows this text.\n");
}

/* Three words of 27 and the blanks between them are 83; four more letters and a blank fit not. */
static void print__long_text__is_in_lines_of_a_width(void **state)
{
#define LONG "abcdefghijklmnopqrstuvwxyz0"
    static const struct flag flag = {.name = "a", .help = LONG " " LONG " " LONG "  bcdef g"};
    static const struct flag full = {.name = "a", .help = LONG " " LONG " " LONG " b g"};
    static const struct flag over = {.name = "a", .help = LONG " " LONG " " LONG "1 b g"};
    (void)state;
    begin_print();
    flags_print(&flag, 1);
    flags_print(&full, 1);
    flags_print(&over, 1);
#define TAIL "  --help\n      Shows this text.\n"
    assert_string_equal(end_print(), "  --a\n      " LONG " " LONG " " LONG "\n      bcdef g\n" TAIL
                                     "  --a\n      " LONG " " LONG " " LONG "\n      b g\n" TAIL
                                     "  --a\n      " LONG " " LONG " " LONG "1\n      b g\n" TAIL);
}

static void list__table__is_for_shells(void **state)
{
    (void)state;
    begin_print();
    flags_list(table, N_FLAGS);
    assert_string_equal(end_print(), "--text=\tOne text\n"
                                     "--texts=\tSeveral.\n"
                                     "--number=\tA number\n"
                                     "--switch\tOn or off\n"
                                     "--help\tShows this text.\n");
}

static int tear_down(void **state)
{
    (void)state;
    free(printed);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse__forms_of_a_value__are_the_same),
        cmocka_unit_test(parse__several__all_are_set),
        cmocka_unit_test(parse__ends_of_flags__are_told),
        cmocka_unit_test(parse__help__ends_it),
        cmocka_unit_test(parse__switch__is_on_or_as_it_is_said),
        cmocka_unit_test(parse__numbers__from_one_to_a_million),
        cmocka_unit_test(parse__wrong__says_what_and_the_remedy),
        cmocka_unit_test(parse__a_value_that_looks_like_a_flag__is_not_given_twice),
        cmocka_unit_test(parse__values__as_many_as_there_is_room_for),
        cmocka_unit_test(parse__longest_table__has_a_last_row),
        cmocka_unit_test(print__table__has_a_row_for_each),
        cmocka_unit_test(print__long_text__is_in_lines_of_a_width),
        cmocka_unit_test(list__table__is_for_shells),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
