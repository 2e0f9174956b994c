/* SPDX-License-Identifier: MPL-2.0 */
/* Versions as dpkg, rpm and apk compare them, and what databases of packages say of a file. */
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
    return package_version_compare_dpkg(*(const char *const *)a, *(const char *const *)b);
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
        int r = sign(package_version_compare_dpkg(sorted[i], sorted[i + 1]));
        print_message("# %s %s %s\n", sorted[i], r ? "<" : "=", sorted[i + 1]);
        assert_true(dpkg_says(sorted[i], r ? "lt" : "eq", sorted[i + 1]));
    }
    for (size_t i = 0; i < N; i++) {
        for (size_t j = 0; j < N; j++)
            assert_int_equal(sign(package_version_compare_dpkg(sorted[i], sorted[j])),
                             -sign(package_version_compare_dpkg(sorted[j], sorted[i])));
    }
    for (size_t i = 0; i + 7 < N; i += 3)
        assert_true(dpkg_says(sorted[i], "le", sorted[i + 7]));
}

/*
 * The cases that rpm and apk-tools publish with their sources (tests/rpmvercmp.at,
 * test/version.data), without those that say the same once more; each in both directions.
 */
struct order {
    const char *a, *b;
    char sign; /* '<', '=', '>' */
};

static const struct order of_rpm[] = {
    {"1.0", "1.0", '='},
    {"1.0", "2.0", '<'},
    {"2.0.1", "2.0.1", '='},
    {"2.0", "2.0.1", '<'},
    {"2.0.1a", "2.0.1a", '='},
    {"2.0.1a", "2.0.1", '>'},
    {"5.5p1", "5.5p1", '='},
    {"5.5p1", "5.5p2", '<'},
    {"5.5p10", "5.5p1", '>'},
    {"10xyz", "10.1xyz", '<'},
    {"xyz10", "xyz10.1", '<'},
    {"xyz.4", "8", '<'},
    {"xyz.4", "2", '<'},
    {"5.5p2", "5.6p1", '<'},
    {"5.6p1", "6.5p1", '<'},
    {"6.0.rc1", "6.0", '>'},
    {"10b2", "10a1", '>'},
    {"10a2", "10b2", '<'},
    {"1.0a", "1.0aa", '<'},
    {"10.0001", "10.0001", '='},
    {"10.0001", "10.1", '='},
    {"10.0001", "10.0039", '<'},
    {"4.999.9", "5.0", '<'},
    {"20101121", "20101122", '<'},
    {"2.0", "2_0", '='},
    {"a+", "a_", '='},
    {"+a", "_a", '='},
    {"+_", "_+", '='},
    {"+", "_", '='},
    {"1.0~rc1", "1.0~rc1", '='},
    {"1.0~rc1", "1.0", '<'},
    {"1.0~rc1", "1.0~rc2", '<'},
    {"1.0~rc1~git123", "1.0~rc1~git123", '='},
    {"1.0~rc1~git123", "1.0~rc1", '<'},
    {"1.0^", "1.0^", '='},
    {"1.0^", "1.0", '>'},
    {"1.0^git1", "1.0^git2", '<'},
    {"1.0^git1", "1.01", '<'},
    {"1.0^20160101", "1.0.1", '<'},
    {"1.0^20160101^git1", "1.0^20160102", '<'},
    {"1.0~rc1^git1", "1.0~rc1", '>'},
    {"1.0^git1~pre", "1.0^git1", '<'},
    {"1.0^git1", "1.0^git1~pre", '>'},
    {"1.1.α", "1.1.β", '='},
    {"1b.fc17", "1.fc17", '<'},
    {"1g.fc17", "1.fc17", '>'},
    /* Whole ones: epoch, version, release. */
    {"4.3.4-2.fc38", "4.3.4-10.fc38", '<'},
    {"4.3.4-2.fc38", "4.3.4-2.fc39", '<'},
    {"4.3.4-2.fc38", "4.3.5-1.fc38", '<'},
    {"4.3.4-2.fc38", "4.3.4", '>'},
    {"0:4.3.4-2", "4.3.4-2", '='},
    {"00:4.3.4-2", "4.3.4-2", '='},
    {"1:4.1.4-6.el7", "4.3.4-2", '>'},
    {"4.1.4-6.el7", "4.1.4-6.el7_9.1", '<'},
};

static const struct order of_apk[] = {
    {"2.34", "0.1.0_alpha", '>'},
    {"23_foo", "4_beta", '>'},
    {"1.0", "1.0bc", '<'},
    {"0.1.0_alpha", "0.1.0_alpha", '='},
    {"0.1.0_alpha", "0.1.3_alpha", '<'},
    {"0.1.0_alpha2", "0.1.0_alpha", '>'},
    {"0.1.0_alpha", "2.2.39-r1", '<'},
    {"2.2.39-r1", "1.0.4-r3", '>'},
    {"1.0.4-r3", "1.0.4-r4", '<'},
    {"1.0.4-r4", "1.6", '<'},
    {"1.0.2", "0.7-r1", '>'},
    {"1.0.1", "1.1", '<'},
    {"1.1", "1.1_alpha1", '>'},
    {"1.1_alpha1", "1.2.1", '<'},
    {"1.2.1", "1.2", '>'},
    {"1.2", "1.3_alpha", '<'},
    {"1.3_alpha2", "1.3_alpha3", '<'},
    {"1.3_alpha8", "0.6.0", '>'},
    {"0.8_beta1", "0.8_beta2", '<'},
    {"0.8_beta4", "4.8-r1", '<'},
    {"3.10.18-r1", "2.3.0b-r1", '>'},
    {"2.3.0b-r1", "2.3.0b-r2", '<'},
    {"0.12", "0.13_beta1", '<'},
    {"0.13_beta5", "0.9.12", '>'},
    {"2.1.13-r3", "2.1.15-r2", '<'},
    {"1.2.12.1", "1.2.13", '<'},
    {"0.2.0-r1", "3.1_p16", '<'},
    {"3.1_p16", "3.1_p17", '<'},
    {"3.1_p17", "1.06-r6", '>'},
    {"1.06-r6", "006", '<'},
    {"006", "1.0.0", '>'},
    {"1.2.2-r1", "1.2.2", '>'},
    {"9.3.4-r2", "9.3.4", '>'},
    {"2.59", "20050718-r1", '<'},
    {"2.01.01_alpha10", "0.94", '>'},
    {"1.0", "0.99.3.20040818", '>'},
    {"0.90.1-r1", "0.10.2", '>'},
    {"1.39", "1.00_beta2", '>'},
    {"1.02", "1.03-r1", '<'},
    {"1.03-r1", "1.12.12-r2", '<'},
    {"4.2.52_p2-r1", "4.2.52_p4-r2", '<'},
    {"1.02.07", "1.02.10-r1", '<'},
    {"2.18.3-r10", "1.05-r18", '>'},
    {"1.05-r18", "1.05-r19", '<'},
    {"2.0.0_rc3-r1", "1.5", '>'},
    {"2.5.1-r8", "2.5.1a-r1", '<'},
    {"1.3.5-r10", "1.3.5-r8", '>'},
    {"021109-r3", "20060512", '<'},
    {"3.9_pre20060124", "0.01", '>'},
    {"0.01", "0.06", '<'},
    {"6b-r7", "1.12-r7", '>'},
    {"0.10.0", "0.10.1_rc1", '<'},
    {"1.1a", "1.3a", '<'},
    {"0.15.1b-r2", "0.15.1b", '>'},
    {"0.0.50", "0.0.16", '>'},
    {"02.08.01b", "4.77", '<'},
    {"5.1", "2.02.06", '>'},
    {"1.2.07.8", "1.2.12.04", '<'},
    {"1.2.12.04", "1.2.12.05", '<'},
    {"0.1_pre20060810", "0.1_pre20060817", '<'},
    {"0.20070118", "0.20070207_rc1", '<'},
    {"0.20070207_rc1", "1.0", '<'},
    {"4.5_p1-r1", "4.5_p1", '>'},
    {"0.9.8c-r1", "0.9.8d", '<'},
    {"013", "014-r1", '<'},
    {"1.8.5", "1.8.5_p2", '<'},
    {"2.9.11_pre20051101-r3", "2.9.11_pre20051101", '>'},
    {"2.9.11_pre20051101", "2.9.11_pre20061021-r1", '<'},
    {"1.6.8_p12-r1", "1.6.8_p9-r2", '>'},
    {"0.9.28-r2", "0.9.28.1", '<'},
    {"104-r11", "104-r9", '>'},
    {"7.0.17", "7.0.174", '<'},
    {"1.3-r0", "1.3.1-r0", '<'},
    {"1.3_pre1-r1", "1.3.2", '<'},
    {"1.0_p10-r0", "1.0_p9-r0", '>'},
    {"0.1.0_alpha_pre2", "0.1.0_alpha", '<'},
    {"1.0.0_pre20191002222144-r0", "1.0.0_pre20210530193627-r0", '<'},
    /* Of the manual: suffixes in their order, and what has none between them. */
    {"1.0_alpha", "1.0_beta", '<'},
    {"1.0_beta9", "1.0_pre", '<'},
    {"1.0_pre", "1.0_rc1", '<'},
    {"1.0_rc1", "1.0", '<'},
    {"1.0", "1.0_cvs", '<'},
    {"1.0_cvs", "1.0_svn", '<'},
    {"1.0_svn", "1.0_git", '<'},
    {"1.0_git", "1.0_hg", '<'},
    {"1.0_hg", "1.0_p", '<'},
    {"1.0_git20230101~0a1b2c-r0", "1.0_git20230101-r0", '>'},
    {"4.2.5-r1", "4.2.5-r2", '<'},
    {"4.3.5-r2", "4.3.5-r10", '<'},
};

static bool check_orders(const struct order *orders, size_t n,
                         int (*compare)(const char *a, const char *b))
{
    bool is_good = true;
    for (size_t i = 0; i < n; i++) {
        int expected = orders[i].sign == '<' ? -1 : orders[i].sign == '>';
        int there = sign(compare(orders[i].a, orders[i].b));
        int back = sign(compare(orders[i].b, orders[i].a));
        if (there == expected && back == -expected)
            continue;
        print_message("# %s %c %s: %d and %d\n", orders[i].a, orders[i].sign, orders[i].b, there,
                      back);
        is_good = false;
    }
    return is_good;
}

static void compare__cases_of_rpm_and_apk__are_in_their_order(void **state)
{
    (void)state;
    assert_true(
        check_orders(of_rpm, sizeof(of_rpm) / sizeof(*of_rpm), package_version_compare_rpm));
    assert_true(
        check_orders(of_apk, sizeof(of_apk) / sizeof(*of_apk), package_version_compare_apk));
}

static void compare__manager__decides_on_the_order(void **state)
{
    (void)state;
    assert_true(package_version_compare(PACKAGE_DPKG, "1.0+", "1.0_") != 0);
    assert_true(package_version_compare(PACKAGE_RPM, "1.0+", "1.0_") == 0);
    assert_true(package_version_compare(PACKAGE_APK, "1.0_rc1", "1.0") < 0);
    assert_true(package_version_compare(PACKAGE_RPM, "1.0_rc1", "1.0") > 0);
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

static void manager__names__are_those_of_tables(void **state)
{
    (void)state;
    enum package_manager manager = PACKAGE_N;
    for (unsigned i = 0; i < PACKAGE_N; i++) {
        const char *name = package_manager_name((enum package_manager)i);
        bool has_name = i != PACKAGE_NONE && i != PACKAGE_UNREAD;
        assert_int_equal(*name != '\0', has_name);
        assert_int_equal(package_manager_parse(name, &manager), has_name);
        if (has_name)
            assert_int_equal(manager, i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(manager__names__are_those_of_tables),
        cmocka_unit_test(compare__many_versions__is_the_order_of_dpkg),
        cmocka_unit_test(compare__cases_of_rpm_and_apk__are_in_their_order),
        cmocka_unit_test(compare__manager__decides_on_the_order),
        cmocka_unit_test(status_find__records__gives_the_installed_one),
        cmocka_unit_test(list_has__path__is_found_with_and_without_usr),
        cmocka_unit_test(apk_find__records__gives_the_package_of_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
