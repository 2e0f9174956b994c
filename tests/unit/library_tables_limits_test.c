/* SPDX-License-Identifier: MPL-2.0 */
/* How long a table's lines, words and rows may be: what just fits, and what is one too much. */
#include "collectors/library/library_tables.h"

#include "support/cmocka.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECKED "checked 2026-01-01\n"

static char text[2 << 20];

/* `letter` n times, in a buffer of its own for each of eight calls. */
static const char *many(char letter, size_t n)
{
    static char texts[8][2048];
    static unsigned next;
    char *result = texts[next++ % 8];
    assert_true(n < sizeof(texts[0]));
    memset(result, letter, n);
    result[n] = '\0';
    return result;
}

static int parse_advisories(const char *why)
{
    struct error err = {""};
    struct advisory_table table = {0};
    int r = advisory_table_parse("t", text, strlen(text), &table, &err);
    if (r < 0 && why && !strstr(err.message, why))
        fail_msg("%s, not %s", err.message, why);
    advisory_table_finish(&table);
    return r;
}

static int parse_advisory(const char *id, const char *ranges, const char *fixed, const char *source,
                          const char *about, const char *why)
{
    (void)snprintf(text, sizeof(text), CHECKED "%s high %s %s %s %s\n", id, ranges, fixed, source,
                   about);
    return parse_advisories(why);
}

static void advisories__words__fit_or_are_refused(void **state)
{
    (void)state;
    const char *range = "4.0.0..4.1.0";
    assert_int_equal(parse_advisory("C", range, "4", "x", "a", NULL), 0);
    assert_int_equal(parse_advisory(many('C', 31), range, "4", "x", "a", NULL), 0);
    assert_int_equal(parse_advisory(many('C', 32), range, "4", "x", "a", "expected: ID"), -EINVAL);
    assert_int_equal(parse_advisory(many('C', 63), range, "4", "x", "a", "expected: ID"), -EINVAL);
    assert_int_equal(parse_advisory(many('C', 64), range, "4", "x", "a", "expected: ID"), -EINVAL);
    assert_int_equal(parse_advisory("C", range, many('4', 63), "x", "a", NULL), 0);
    assert_int_equal(parse_advisory("C", range, many('4', 64), "x", "a", "expected: ID"), -EINVAL);
    assert_int_equal(parse_advisory("C", range, "4", many('x', 159), "a", NULL), 0);
    assert_int_equal(parse_advisory("C", range, "4", many('x', 160), "a", "expected: ID"), -EINVAL);
    assert_int_equal(parse_advisory("C", range, "4", "x", many('a', 159), NULL), 0);
    assert_int_equal(parse_advisory("C", range, "4", "x", many('a', 160), "at most 159"), -EINVAL);
    assert_int_equal(parse_advisory("C", range, "4", "x", "", "expected a text"), -EINVAL);
    assert_int_equal(parse_advisory("C", range, "4", "", "", "expected: ID"), -EINVAL);
    assert_int_equal(parse_advisory("C", range, "", "", "", "expected: ID"), -EINVAL);
    assert_int_equal(parse_advisory("C", "", "", "", "", "expected: ID"), -EINVAL);
    assert_int_equal(parse_advisory("C", ",,", "4", "x", "a", "expected: ID"), -EINVAL);
    assert_int_equal(parse_advisory("C", "4.0.0..4.0.0", "4", "x", "a", "expected ranges"),
                     -EINVAL);
}

static void advisories__row__is_what_the_line_says(void **state)
{
    (void)state;
    struct advisory_table table = {0};
    static const char line[] = CHECKED "X-1 medium 4.0.0..4.1.0,4.2.0..4.2.5 4.1.0,4.2.5 "
                                       "https://x a text  \n";
    assert_int_equal(advisory_table_parse("t", line, sizeof(line) - 1, &table, NULL), 0);
    assert_int_equal(table.n, 1);
    const struct advisory *row = table.advisories;
    assert_string_equal(row->id, "X-1");
    assert_int_equal(row->severity, ADVISORY_MEDIUM);
    assert_int_equal(row->n_affected, 2);
    assert_int_equal(row->affected[1].before.patch, 5);
    assert_string_equal(row->fixed, "4.1.0,4.2.5");
    assert_string_equal(row->source, "https://x");
    assert_string_equal(row->text, "a text");
    assert_int_equal(advisory_table_affecting(&table, (struct release_version){4, 2, 4}), 1);
    assert_int_equal(advisory_table_affecting(&table, (struct release_version){4, 2, 5}), 0);
    assert_int_equal(advisory_table_affecting(&table, (struct release_version){4, 0, 0}), 1);
    assert_int_equal(advisory_table_affecting(&table, (struct release_version){3, 9, 9}), 0);
    assert_int_equal(advisory_table_find(&table, "X-1"), 0);
    assert_int_equal(advisory_table_find(&table, "X-2"), -1);
    advisory_table_finish(&table);
    assert_null(table.advisories);
    assert_int_equal(table.n, 0);
}

static void advisories__ranges_and_rows__up_to_a_limit(void **state)
{
    (void)state;
    for (unsigned n = 8; n <= 9; n++) {
        char ranges[256] = "";
        for (unsigned i = 0; i < n; i++)
            (void)snprintf(ranges + strlen(ranges), sizeof(ranges) - strlen(ranges),
                           "%s4.%u.0..4.%u.1", i ? "," : "", i, i);
        assert_int_equal(parse_advisory("C", ranges, "4", "x", "a", "at most 8 ranges"),
                         n == 8 ? 0 : -EINVAL);
    }
    for (unsigned n = 64; n <= 65; n++) {
        size_t used = (size_t)sprintf(text, CHECKED);
        for (unsigned i = 0; i < n; i++)
            used += (size_t)sprintf(text + used, "C-%u low 4.0.0..4.1.0 4 x a\n", i);
        assert_int_equal(parse_advisories("t:66: at most 64 advisories"), n == 64 ? 0 : -EINVAL);
    }
}

/* The last of 64 has a bit of its own. */
static void advisories__last_of_all__is_told_from_the_others(void **state)
{
    (void)state;
    struct advisory_table table = {0};
    size_t used = (size_t)sprintf(text, CHECKED);
    for (unsigned i = 0; i < 64; i++)
        used += (size_t)sprintf(text + used, "C-%u low %u.0.0..%u.1.0 4 x a\n", i, i, i);
    assert_int_equal(advisory_table_parse("t", text, used, &table, NULL), 0);
    for (unsigned i = 0; i < 64; i++)
        assert_true(advisory_table_affecting(&table, (struct release_version){i, 0, 0}) ==
                    (advisory_set)1 << i);
    advisory_table_finish(&table);
}

static int parse_package(const char *source, const char *versions, const char *ids, const char *by,
                         struct package_fix *ret_fix)
{
    struct error err = {""};
    struct advisory_table advisories = {0};
    struct package_table table = {0};
    static const char line[] = CHECKED "C-1 low 4.0.0..4.1.0 4 x a\nC-2 low 4.0.0..4.1.0 4 x a\n";
    assert_int_equal(advisory_table_parse("t", line, sizeof(line) - 1, &advisories, NULL), 0);
    (void)snprintf(text, sizeof(text), CHECKED "dpkg %s %s %s %s\n", source, versions, ids, by);
    int r = package_table_parse("t", text, strlen(text), &advisories, &table, &err);
    if (r == 0) {
        assert_int_equal(table.n, 1);
        *ret_fix = table.fixes[0];
    }
    package_table_finish(&table);
    assert_null(table.fixes);
    advisory_table_finish(&advisories);
    return r;
}

static void packages__words__fit_or_are_refused(void **state)
{
    (void)state;
    struct package_fix fix;
    char range[512];
    assert_int_equal(parse_package("zmq", "1..2", "C-2,other", "x", &fix), 0);
    assert_string_equal(fix.from, "1");
    assert_string_equal(fix.before, "2");
    assert_string_equal(fix.source, "zmq");
    assert_string_equal(fix.by, "x");
    assert_true(fix.fixed == 2);
    assert_int_equal(parse_package("zmq", "1..", "C-1,C-2", "x", &fix), 0);
    assert_string_equal(fix.before, "");
    assert_true(fix.fixed == 3);
    assert_int_equal(parse_package("zmq", "..2", "C-1", "x", &fix), -EINVAL);
    assert_int_equal(parse_package("zmq", "1..1", "C-1", "x", &fix), -EINVAL);
    assert_int_equal(parse_package("zmq", "1..2", "C-1", "x y", &fix), -EINVAL);
    assert_int_equal(parse_package(many('z', PACKAGE_NAME_SIZE - 1), "1..", "C-1", "x", &fix), 0);
    assert_int_equal(parse_package(many('z', PACKAGE_NAME_SIZE), "1..", "C-1", "x", &fix), -EINVAL);
    assert_int_equal(parse_package("z", "1..", many('C', 511), "x", &fix), 0);
    assert_int_equal(parse_package("z", "1..", many('C', 512), "x", &fix), -EINVAL);
    assert_int_equal(parse_package("z", "1..", "C-1", many('x', PACKAGE_BY_SIZE - 1), &fix), 0);
    assert_int_equal(parse_package("z", "1..", "C-1", many('x', PACKAGE_BY_SIZE), &fix), -EINVAL);
    const size_t most = PACKAGE_VERSION_SIZE - 1;
    (void)snprintf(range, sizeof(range), "%s..%s", many('1', most), many('2', most));
    assert_int_equal(parse_package("z", range, "C-1", "x", &fix), 0);
    (void)snprintf(range, sizeof(range), "%s..%s", many('1', most + 1), many('2', most));
    assert_int_equal(parse_package("z", range, "C-1", "x", &fix), -EINVAL);
    (void)snprintf(range, sizeof(range), "%s..%s", many('1', most - 1), many('2', most + 1));
    assert_int_equal(parse_package("z", range, "C-1", "x", &fix), -EINVAL);
}

static int parse_releases(size_t size, const char *why)
{
    struct error err = {""};
    struct release_table table = {0};
    int r = release_table_parse("t", text, size, &table, &err);
    if (r < 0 && why && !strstr(err.message, why))
        fail_msg("%s, not %s", err.message, why);
    release_table_finish(&table);
    return r;
}

#define RELEASE "4.3.4 2021-01-17 libzmq.so.5.2.4"

static void lines__of_any_length__fit_or_are_refused(void **state)
{
    (void)state;
    for (size_t size = 1000; size <= 1001; size++) {
        (void)snprintf(text, sizeof(text), CHECKED RELEASE "\n#%s\n", many('c', size - 1));
        assert_int_equal(parse_releases(strlen(text), "t:3: a line has at most 1000 bytes"),
                         size == 1000 ? 0 : -EINVAL);
        (void)snprintf(text, sizeof(text), CHECKED RELEASE "\n#%s", many('c', size - 1));
        assert_int_equal(parse_releases(strlen(text), "t:3: a line has at most 1000 bytes"),
                         size == 1000 ? 0 : -EINVAL);
    }
    for (size_t n = 20000; n <= 20001; n++) {
        size_t used = (size_t)sprintf(text, CHECKED RELEASE "\n");
        memset(text + used, '\n', n - 2);
        assert_int_equal(parse_releases(used + n - 2, "t:20001: a table has at most 20000 lines"),
                         n == 20000 ? 0 : -EINVAL);
    }
}

static void lines__bytes_that_are_no_text__are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *line, *why;
        size_t size;
    } rows[] = {
        {RELEASE, NULL, sizeof(RELEASE) - 1},
        {" \t" RELEASE " \t\r", NULL, sizeof(" \t" RELEASE " \t\r") - 1},
        {RELEASE " # x", NULL, sizeof(RELEASE " # x") - 1},
        {RELEASE " candidate", "no stable release", sizeof(RELEASE " candidate") - 1},
        {RELEASE " candidate x", "expected: VERSION", sizeof(RELEASE " candidate x") - 1},
        {RELEASE "\0", "t:2: a NUL is no text", sizeof(RELEASE)},
        {RELEASE "\x1f", "t:2: a control character", sizeof(RELEASE)},
        {RELEASE "\x1f#", "t:2: a control character", sizeof(RELEASE) + 1},
        {"# \xc3\xbc \x7f \n" RELEASE, NULL, sizeof("# \xc3\xbc \x7f \n" RELEASE) - 1},
        {"4.3.4 2021-01-17 zmq.so.5.2.4", "expected: VERSION", 29},
        {"4.3.4 2021-01-17 libzmq.so.5.2", "expected: VERSION", 30},
        {"4.3.4 2021-1-17 libzmq.so.5.2.4", "expected: VERSION", 31},
        {"4.3.4 2021-00-17 libzmq.so.5.2.4", "expected: VERSION", 32},
        {"4.3.4 2021-13-17 libzmq.so.5.2.4", "expected: VERSION", 32},
        {"4.3.4 2021-12-00 libzmq.so.5.2.4", "expected: VERSION", 32},
        {"4.3.4 2021-12-31 libzmq.so.5.2.4", NULL, 32},
        {"4.3.4 2021-01-01 libzmq.so.5.2.4", NULL, 32},
        {"4.3.4 1969-12-31 libzmq.so.5.2.4", "expected: VERSION", 32},
        {"4.3.4 1970-01-01 libzmq.so.5.2.4", NULL, 32},
        {"4.3 2021-01-17 libzmq.so.5.2.4", "expected: VERSION", 30},
        {"4.3.4 2021-01-17", "expected: VERSION", 16},
        {"4.3.4", "expected: VERSION", 5},
        {"checked 2026-01-01 x", "t:2: expected: checked", 20},
        {"checked", "t:2: expected: checked", 7},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        size_t used = (size_t)sprintf(text, CHECKED);
        print_message("# %s\n", rows[i].line);
        memcpy(text + used, rows[i].line, rows[i].size);
        assert_int_equal(parse_releases(used + rows[i].size, rows[i].why),
                         rows[i].why ? -EINVAL : 0);
    }
}

static void rows__of_releases_and_packages__up_to_a_limit(void **state)
{
    (void)state;
    for (unsigned n = 1000; n <= 1001; n++) {
        size_t used = (size_t)sprintf(text, CHECKED);
        for (unsigned i = 0; i < n; i++)
            used += (size_t)sprintf(text + used, "4.3.%u 2021-01-17 libzmq.so.5.2.4\n", i);
        assert_int_equal(parse_releases(used, "t:1002: at most 1000 releases"),
                         n == 1000 ? 0 : -EINVAL);
    }
    for (unsigned n = 2000; n <= 2001; n++) {
        struct error err = {""};
        struct package_table table = {0};
        const struct advisory_table advisories = {0};
        size_t used = (size_t)sprintf(text, CHECKED);
        for (unsigned i = 0; i < n; i++)
            used += (size_t)sprintf(text + used, "rpm z 1..2 C x\n");
        assert_int_equal(package_table_parse("t", text, used, &advisories, &table, &err),
                         n == 2000 ? 0 : -EINVAL);
        assert_string_equal(err.message, n == 2000 ? "" : "t:2002: at most 2000 rows");
        package_table_finish(&table);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(advisories__words__fit_or_are_refused),
        cmocka_unit_test(advisories__row__is_what_the_line_says),
        cmocka_unit_test(advisories__ranges_and_rows__up_to_a_limit),
        cmocka_unit_test(advisories__last_of_all__is_told_from_the_others),
        cmocka_unit_test(packages__words__fit_or_are_refused),
        cmocka_unit_test(lines__of_any_length__fit_or_are_refused),
        cmocka_unit_test(lines__bytes_that_are_no_text__are_refused),
        cmocka_unit_test(rows__of_releases_and_packages__up_to_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
