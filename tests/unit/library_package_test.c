/* SPDX-License-Identifier: MPL-2.0 */
/* Versions as dpkg compares them, and what databases of packages say of a file. */
#include "collectors/library/package_version.h"
#include "libraries/package_lookup.h"

#include "support/cmocka.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static const char *const versions[] = {
    "1",
    "1.0",
    "1.0-1",
    "1.0-0",
    "0:1.0-1",
    "1:0.1",
    "2:0",
    "1.0~rc1-1",
    "1.0~~",
    "1.0~",
    "1.0+b1",
    "1.0-1+b1",
    "1.0-1.1",
    "1.0-10",
    "1.0-2",
    "1.0a-1",
    "1.0A-1",
    "1.0.0",
    "1.00",
    "01.0",
    "4.3.1-4",
    "4.3.4-6",
    "4.3.1-5",
    "4.3.1-4+deb10u1",
    "4.3.1-4+deb10u2",
    "4.3.1-4~x",
    "4.2.1-4",
    "4.3.10-1",
    "4.2.1-4+deb9u4",
    "4.3.1-4+deb10u10",
    "4.3.9-1",
    "4.0.5+dfsg",
    "4.0.5+dfsg-2",
    "4.0.5+dfsg-3",
    "4.0.5+dfsg-2+deb8u1",
    "4.0.5-2",
    "4.3.2-2",
    "4.2.5-1ubuntu0.2+esm2",
    "4.3.2-2ubuntu1.20.04.1~esm2",
    "1.2-3-4",
    "4.3.2-2ubuntu1",
};
#define N (sizeof(versions) / sizeof(*versions))

static int sign(int number)
{
    return (number > 0) - (number < 0);
}

static bool dpkg_says(const char *a, const char *relation, const char *b)
{
    char command[256];
    (void)snprintf(command, sizeof(command), "dpkg --compare-versions '%s' %s '%s'", a, relation,
                   b);
    return system(command) == 0;
}

static int by_version(const void *a, const void *b)
{
    return package_version_compare(*(const char *const *)a, *(const char *const *)b);
}

/* All pairs are one order if neighbours are, and it has both signs right. */
static void compare__many_versions__is_the_order_of_dpkg(void **state)
{
    (void)state;
    const char *sorted[N];
    if (system("dpkg --version >/dev/null 2>&1") != 0)
        skip();
    memcpy(sorted, versions, sizeof(sorted));
    qsort(sorted, N, sizeof(*sorted), by_version);
    for (size_t i = 0; i + 1 < N; i++) {
        int r = sign(package_version_compare(sorted[i], sorted[i + 1]));
        print_message("# %s %s %s\n", sorted[i], r ? "<" : "=", sorted[i + 1]);
        assert_true(dpkg_says(sorted[i], r ? "lt" : "eq", sorted[i + 1]));
    }
    for (size_t i = 0; i < N; i++) {
        for (size_t j = 0; j < N; j++)
            assert_int_equal(sign(package_version_compare(sorted[i], sorted[j])),
                             -sign(package_version_compare(sorted[j], sorted[i])));
    }
    for (size_t i = 0; i + 7 < N; i += 3)
        assert_true(dpkg_says(sorted[i], "le", sorted[i + 7]));
}

static const char status_text[] =
    "Package: libzmq5\nStatus: deinstall ok config-files\nArchitecture: i386\nVersion: 4.2.1-4\n\n"
    "Package: other\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n"
    "Description: x\n Package: libzmq5\n\n"
    "Package: libzmq5\nStatus: install ok installed\nArchitecture: amd64\n"
    "Source: zeromq3 (4.3.4-6)\nVersion: 4.3.4-6+b1\n\n"
    "Package: libzmq3\nStatus: install ok installed\nArchitecture: amd64\nVersion: 4.0.5+dfsg-2\n";

static void status_find__records__gives_the_installed_one(void **state)
{
    (void)state;
    struct library_package package = {0};
    size_t size = strlen(status_text);
    assert_true(package_status_find(status_text, size, "libzmq5:amd64", &package));
    assert_string_equal(package.version, "4.3.4-6+b1");
    assert_string_equal(package.source, "zeromq3");
    assert_string_equal(package.source_version, "4.3.4-6");
    assert_true(package_status_find(status_text, size, "libzmq3", &package));
    assert_string_equal(package.source, "libzmq3");
    assert_string_equal(package.source_version, "4.0.5+dfsg-2");
    assert_false(package_status_find(status_text, size, "libzmq5:i386", &package));
    assert_false(package_status_find(status_text, size, "libzmq", &package));
    assert_false(package_status_find("", 0, "libzmq5", &package));
}

static void list_has__path__is_found_with_and_without_usr(void **state)
{
    (void)state;
    static const char list[] = "/.\n/usr\n/usr/lib/libzmq.so.5.2.4\n/lib/libzmq.so.5.2.3\n";
    assert_true(package_list_has(list, strlen(list), "/usr/lib/libzmq.so.5.2.4"));
    assert_true(package_list_has(list, strlen(list), "/lib/libzmq.so.5.2.4"));
    assert_true(package_list_has(list, strlen(list), "/usr/lib/libzmq.so.5.2.3"));
    assert_false(package_list_has(list, strlen(list), "/usr/lib/libzmq.so.5"));
    assert_false(package_list_has(list, strlen(list), "/opt/lib/libzmq.so.5.2.4"));
}

static void apk_find__records__gives_the_package_of_the_file(void **state)
{
    (void)state;
    static const char text[] = "P:musl\nV:1.2\nF:lib\nR:libc.musl.so\n\n"
                               "P:libzmq\nV:4.3.5-r2\no:zeromq\nF:usr\nF:usr/lib\n"
                               "R:libzmq.so.5\na:0:0:777\nR:libzmq.so.5.2.5\n\n";
    struct library_package package = {0};
    assert_true(package_apk_find(text, strlen(text), "/usr/lib/libzmq.so.5.2.5", &package));
    assert_string_equal(package.name, "libzmq");
    assert_string_equal(package.source, "zeromq");
    assert_string_equal(package.version, "4.3.5-r2");
    assert_false(package_apk_find(text, strlen(text), "/usr/lib/libzmq.so.5.2.4", &package));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compare__many_versions__is_the_order_of_dpkg),
        cmocka_unit_test(status_find__records__gives_the_installed_one),
        cmocka_unit_test(list_has__path__is_found_with_and_without_usr),
        cmocka_unit_test(apk_find__records__gives_the_package_of_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
