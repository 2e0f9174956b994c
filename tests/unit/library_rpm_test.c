/* SPDX-License-Identifier: MPL-2.0 */
/* rpm's database: rows on many pages and over several, and what is no such database. The files are
 * those of tests/support/rpm_database.py; SQLite and Berkeley DB have written theirs. */
#include "libraries/limited_file.h"
#include "libraries/package_lookup.h"
#include "libraries/sqlite_file.h"

#include "support/cmocka.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FOLDER  TEST_SOURCE_ROOT "/tests/fuzz/corpus/package_rpm/"
#define LIBRARY "/usr/lib64/libzmq.so.5.2.4"

struct content {
    uint8_t *data;
    size_t size;
};

static struct content read_content(const char *name)
{
    char path[512];
    struct content content = {malloc(1 << 20), 0};
    (void)snprintf(path, sizeof(path), FOLDER "%s", name);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t n = read(fd, content.data, 1 << 20);
    assert_true(n > 0 && n < 1 << 20);
    content.size = (size_t)n;
    close(fd);
    return content;
}

static int as_file(const struct content *content)
{
    int fd = memfd_create("rpmdb.sqlite", MFD_CLOEXEC);
    assert_int_equal(write(fd, content->data, content->size), content->size);
    return fd;
}

static int result; /* of the last find() */

static bool find(const struct content *content, const char *path, struct library_package *package)
{
    int fd = as_file(content);
    *package = (struct library_package){0};
    result = package_rpm_find(fd, path, package);
    close(fd);
    return package->manager == PACKAGE_RPM;
}

static void find__databases__gives_the_package_of_the_file(void **state)
{
    (void)state;
    static const struct {
        const char *file, *path, *version, *source; /* version NULL: there is none */
        int result;
    } rows[] = {
        {"small", LIBRARY, "4.3.4-2.fc38", "zeromq"},
        {"small", "/lib64/libzmq.so.5.2.4", "4.3.4-2.fc38", "zeromq"}, /* /usr is merged */
        {"small", "/usr/share/doc/zeromq/README", "4.3.4-2.fc38", "zeromq"},
        {"small", "/usr/lib64/README", NULL, NULL},
        {"small", "/opt/libzmq.so.5.2.4", NULL, NULL},
        {"small", "libzmq.so.5.2.4", NULL, NULL},
        {"small", "", NULL, NULL},
        {"many", LIBRARY, "1:4.3.4-2.fc38", "zeromq"},
        {"several", LIBRARY, "4.3.4-2.fc38", "zeromq"},
        {"several", "/usr/lib64/python3/zmq.so", "24-1", "python3-zmq"},
        {"long", LIBRARY, "4.3.4-2.fc38", "zeromq"},
        {"below", LIBRARY, "4.3.4-2.fc38", "zeromq"}, /* its id has nine bytes */
        {"other", LIBRARY, NULL, NULL},
        {"header", LIBRARY, NULL, NULL, LIMITED_FILE_E_BROKEN},
        {"ndb", LIBRARY, "1:4.3.4-2.fc38", "zeromq"},
        {"ndb", "/usr/lib64/README", NULL, NULL},
        {"ndb-long", LIBRARY, "4.3.4-2.fc38", "zeromq"},
        {"bdb", LIBRARY, "1:4.3.4-2.fc38", "zeromq"},
        {"bdb", "/usr/lib64/README", NULL, NULL},
        {"bdb-swapped", LIBRARY, "4.3.4-2.fc38", "zeromq"},
        {"bdb-long", LIBRARY, "4.3.4-2.fc38", "zeromq"},
        {"bdb-4096", LIBRARY, "4.3.4-2.fc38", "zeromq"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct library_package package;
        struct content content = read_content(rows[i].file);
        print_message("# %s of %s\n", rows[i].path, rows[i].file);
        assert_int_equal(find(&content, rows[i].path, &package), rows[i].version != NULL);
        assert_string_equal(package.version, rows[i].version ? rows[i].version : "");
        assert_string_equal(package.source, rows[i].source ? rows[i].source : "");
        assert_string_equal(package.source_version, package.version);
        assert_int_equal(package.manager, rows[i].version ? PACKAGE_RPM : PACKAGE_NONE);
        assert_int_equal(result, rows[i].result);
        free(content.data);
    }
}

/* Of a database cut anywhere, or with any byte another, there is an answer. */
static void find__cut_or_changed__ends(void **state)
{
    (void)state;
    static const char *const files[] = {"small", "several", "ndb", "bdb", "bdb-swapped"};
    struct library_package package;
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        struct content content = read_content(files[i]);
        struct content cut = content;
        for (cut.size = 0; cut.size < content.size; cut.size += 61)
            (void)find(&cut, LIBRARY, &package);
        for (size_t at = 0; at < content.size; at++) {
            uint8_t was = content.data[at];
            content.data[at] = (uint8_t)(was ^ 0xff);
            (void)find(&content, LIBRARY, &package);
            content.data[at] = was;
        }
        assert_true(find(&content, LIBRARY, &package));
        free(content.data);
    }
}

/* Page 2 is Packages, whose only cell is made to lead to itself. */
static void find__pages_in_a_circle__are_given_up(void **state)
{
    (void)state;
    struct content content = read_content("small");
    struct library_package package;
    uint8_t *schema = content.data + 100;
    memset(schema, 0, 12);
    schema[0] = 0x05; /* an interior page without cells, whose right-most child it is itself */
    schema[11] = 1;
    assert_false(find(&content, LIBRARY, &package));
    free(content.data);
}

static bool count(void *data, const struct sqlite_row *row)
{
    unsigned *n = data;
    assert_true(row->size > 0);
    return ++*n < 50;
}

static void each__range__visits_its_rows_until_told(void **state)
{
    (void)state;
    static const struct {
        int64_t from, to;
        unsigned n;
    } rows[] = {
        {1, 81, 50}, {1, 10, 10},  {7, 7, 1}, {81, 81, 1},       {82, 99, 0},
        {0, 0, 0},   {60, 99, 22}, {5, 4, 0}, {INT64_MIN, 1, 1},
    };
    struct content content = read_content("many");
    struct sqlite_file file;
    uint32_t table = 0;
    int fd = as_file(&content);
    assert_int_equal(sqlite_file_open(&file, fd), 0);
    assert_int_equal(sqlite_file_find_table(&file, "nothing", &table), 0);
    assert_int_equal(table, 0);
    assert_int_equal(sqlite_file_find_table(&file, "Packages", &table), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        unsigned n = 0;
        assert_int_equal(sqlite_file_each(&file, table, rows[i].from, rows[i].to, count, &n), 0);
        assert_int_equal(n, rows[i].n);
    }
    for (int64_t id = 1; id <= 81; id++) { /* the last one of a page, too */
        unsigned n = 0;
        assert_int_equal(sqlite_file_each(&file, table, id, id, count, &n), 0);
        assert_int_equal(n, 1);
    }
    assert_int_equal(sqlite_file_each(&file, 0, 1, 1, count, NULL), LIMITED_FILE_E_BROKEN);
    file.file.n_left = 0;
    assert_int_equal(sqlite_file_each(&file, table, 1, 1, count, NULL), LIMITED_FILE_E_BROKEN);
    sqlite_file_finish(&file);
    close(fd);
    free(content.data);
}

static void columns__types__are_as_the_format_has_them(void **state)
{
    (void)state;
    /* NULL, -2 of one byte, 0x0102 of two, 0, 1, a text, a blob, -1 of six bytes */
    static const uint8_t text[] = {9, 0,   1,   2,   8,   9,    17,   16,   5,    0xfe, 1,
                                   2, 'a', 'b', 'c', 'd', 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    static const struct sqlite_row row = {1, text, sizeof(text)};
    struct sqlite_value values[8];
    /* 17: a text of two bytes; 16: a blob of two */
    assert_true(sqlite_row_columns(&row, values, 8));
    assert_null(values[0].data);
    assert_int_equal(values[1].number, -2);
    assert_int_equal(values[2].number, 0x102);
    assert_int_equal(values[3].number, 0);
    assert_int_equal(values[4].number, 1);
    assert_memory_equal(values[5].data, "ab", 2);
    assert_memory_equal(values[6].data, "cd", 2);
    assert_int_equal(values[7].number, -1);
    for (size_t size = 0; size < sizeof(text); size++) {
        const struct sqlite_row cut = {1, text, size};
        assert_false(sqlite_row_columns(&cut, values, 8));
    }

    /* Of three bytes, four and eight, a real number, and one that is behind them. */
    static const uint8_t wide[] = {6, 3, 4, 6, 7, 1, 0x80, 0, 1, 0x80, 0, 0, 2, 0x80, 0,
                                   0, 0, 0, 0, 0, 3, 0,    0, 0, 0,    0, 0, 0, 0,    5};
    static const struct sqlite_row wide_row = {1, wide, sizeof(wide)};
    assert_true(sqlite_row_columns(&wide_row, values, 5));
    assert_int_equal(values[0].number, -0x7fffff);
    assert_int_equal(values[1].number, -0x7ffffffe);
    assert_true(values[2].number == INT64_MIN + 3);
    assert_int_equal(values[4].number, 5);
    for (uint8_t type = 10; type < 12; type++) { /* reserved */
        const uint8_t reserved[] = {2, type, 1, 2, 3, 4, 5, 6, 7, 8, 9};
        const struct sqlite_row reserved_row = {1, reserved, sizeof(reserved)};
        assert_false(sqlite_row_columns(&reserved_row, values, 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(find__databases__gives_the_package_of_the_file),
        cmocka_unit_test(find__cut_or_changed__ends),
        cmocka_unit_test(find__pages_in_a_circle__are_given_up),
        cmocka_unit_test(each__range__visits_its_rows_until_told),
        cmocka_unit_test(columns__types__are_as_the_format_has_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
