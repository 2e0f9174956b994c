/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/library/library_rows.h"
#include "collectors/library/library_tables.h"

#include "support/cmocka.h"

#include <stdio.h>

static struct library_tables *tables;
static const struct library_package no_package;

static int setup(void **state)
{
    (void)state;
    return library_tables_load(NULL, &tables, NULL);
}

static int teardown(void **state)
{
    (void)state;
    library_tables_destroy(&tables);
    return 0;
}

static void find_file__each_shape_of_name__gives_the_releases(void **state)
{
    (void)state;
    const struct release *oldest, *newest;
    assert_true(release_table_find_file(&tables->releases, "libzmq.so.5.2.4", &oldest, &newest));
    assert_ptr_equal(oldest, newest);
    assert_int_equal(oldest->version.major, 4);
    assert_int_equal(oldest->version.minor, 3);
    assert_int_equal(oldest->version.patch, 4);

    assert_true(
        release_table_find_file(&tables->releases, "libzmq-0d4b1a6c.so.5.2.5", &oldest, &newest));
    assert_int_equal(newest->version.patch, 5);

    assert_true(release_table_find_file(&tables->releases, "libzmq.so.4.0.0", &oldest, &newest));
    assert_int_equal(oldest->version.minor, 0);
    assert_int_equal(oldest->version.patch, 5);
    assert_int_equal(newest->version.minor, 1);
    assert_int_equal(newest->version.patch, 1);
}

static void find_file__name_without_a_known_version__is_refused(void **state)
{
    (void)state;
    const struct release *oldest, *newest;
    assert_false(release_table_find_file(&tables->releases, "libzmq.so.5", &oldest, &newest));
    assert_false(release_table_find_file(&tables->releases, "libzmq.so", &oldest, &newest));
    assert_false(
        release_table_find_file(&tables->releases, "libzmq.so.5.2.4.old", &oldest, &newest));
    assert_false(release_table_find_file(&tables->releases, "libzmq.so.5.2.99", &oldest, &newest));
    assert_false(
        release_table_find_file(&tables->releases, "libzmq.so.99999999999.2.4", &oldest, &newest));
    assert_false(release_table_find_file(&tables->releases, "", &oldest, &newest));
}

static void behind__versions_with_and_without_a_row__counts_stable_releases(void **state)
{
    (void)state;
    assert_int_equal(
        release_table_behind(&tables->releases, release_table_latest(&tables->releases)->version),
        0);
    assert_int_equal(release_table_behind(&tables->releases, (struct release_version){99, 0, 0}),
                     0);
    assert_int_equal(
        release_table_behind(&tables->releases, (struct release_version){4, 3, 4}),
        1 + release_table_behind(&tables->releases, (struct release_version){4, 3, 5}));
    /* 4.1.0 was a candidate and counts for nobody. */
    assert_int_equal(release_table_behind(&tables->releases, (struct release_version){4, 0, 10}),
                     release_table_behind(&tables->releases, (struct release_version){4, 1, 0}));
    assert_int_equal(
        release_table_find(&tables->releases, (struct release_version){4, 3, 4})->released,
        1610841600);
    assert_null(release_table_find(&tables->releases, (struct release_version){4, 3, 99}));
    assert_true(tables->releases.checked >= release_table_latest(&tables->releases)->released);
}

static void row_from_file__range__shows_both_ends_and_counts_from_the_newest(void **state)
{
    (void)state;
    struct library_row row = {.path = "/opt/old/libzmq.so.5.0.0", .package = &no_package};
    library_row_from_file(&row, &tables->releases);
    assert_string_equal(row.version, "4.1.2-4.1.4");
    assert_true(row.has_number);
    assert_int_equal(row.newest.patch, 4);

    row.path = "libzmq.so.5.2.4";
    library_row_from_file(&row, &tables->releases);
    assert_string_equal(row.version, "4.3.4");

    row.path = "/usr/lib/libzmq.cpython-39-x86_64-linux-gnu.so";
    library_row_from_file(&row, &tables->releases);
    assert_string_equal(row.version, "");
    assert_false(row.has_number);
}

static void rows_add__equal_and_too_many__are_merged_and_counted(void **state)
{
    (void)state;
    static struct library_rows rows;
    static char paths[LIBRARY_ROWS_MAX + 3][8];
    rows.n = rows.n_folded = 0;
    struct library_row row = {
        .program = "s", .build_id = "", .package = &no_package, .n_processes = 1};
    for (unsigned i = 0; i < LIBRARY_ROWS_MAX + 3; i++) {
        (void)snprintf(paths[i], sizeof(paths[i]), "%u", i);
        row.path = paths[i];
        library_rows_add(&rows, &row);
    }
    row.path = "7";
    row.n_replaced = 1;
    library_rows_add(&rows, &row);
    assert_int_equal(rows.n, LIBRARY_ROWS_MAX);
    assert_int_equal(rows.n_folded, 3);
    assert_int_equal(rows.rows[7].n_processes, 2);
    assert_int_equal(rows.rows[7].n_replaced, 1);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(find_file__each_shape_of_name__gives_the_releases),
        cmocka_unit_test(find_file__name_without_a_known_version__is_refused),
        cmocka_unit_test(behind__versions_with_and_without_a_row__counts_stable_releases),
        cmocka_unit_test(row_from_file__range__shows_both_ends_and_counts_from_the_newest),
        cmocka_unit_test(rows_add__equal_and_too_many__are_merged_and_counted),
    };
    return cmocka_run_group_tests(cases, setup, teardown);
}
