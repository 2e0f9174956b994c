/* SPDX-License-Identifier: MPL-2.0 */
/* The tables: what is compiled in, files that take its place, and what is refused. */
#include "collectors/library/library_tables.h"

#include "base/cleanup.h"

#include "support/cmocka.h"
#include "support/temporary_directory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct library_package no_package;

static struct library_verdict judge(const struct library_tables *tables, const char *version,
                                    const struct library_package *package)
{
    struct library_verdict verdict;
    struct library_subject subject = {.package = package, .path = "/x", .build_id = "ab"};
    assert_true(release_version_parse(version, &subject.version));
    library_tables_judge(tables, &subject, &verdict);
    return verdict;
}

static bool has(const struct library_tables *tables, advisory_set set, const char *id)
{
    int row = advisory_table_find(&tables->advisories, id);
    assert_true(row >= 0);
    return set >> row & 1;
}

static unsigned n_affected(const struct library_tables *tables, const char *version)
{
    return (unsigned)__builtin_popcountll(judge(tables, version, &no_package).affected);
}

static void load__nothing_configured__has_the_eleven_with_their_traps(void **state)
{
    (void)state;
    cleanup(library_tables_destroy) struct library_tables *tables = NULL;
    assert_int_equal(library_tables_load(NULL, &tables, NULL), 0);
    assert_int_equal(tables->advisories.n, 11);
    assert_true(tables->advisories.checked > 1700000000);

    assert_int_equal(n_affected(tables, "4.3.5"), 0);
    assert_int_equal(n_affected(tables, "4.3.4"), 0);
    assert_int_equal(n_affected(tables, "4.3.3"), 0); /* CVE-2020-36400 is fixed there */
    assert_int_equal(n_affected(tables, "4.3.2"), 6);
    assert_int_equal(n_affected(tables, "4.3.1"), 7);
    assert_int_equal(n_affected(tables, "4.2.5"), 8); /* no 4.2 ever had a fix */
    assert_int_equal(n_affected(tables, "4.3.0"), 8);
    assert_true(has(tables, judge(tables, "4.3.2", &no_package).affected, "CVE-2020-36400"));

    advisory_set set = judge(tables, "4.0.10", &no_package).affected;
    assert_false(has(tables, set, "CVE-2020-15166"));
    assert_true(has(tables, set, "CVE-2021-20235"));
    assert_true(has(tables, judge(tables, "4.1.7", &no_package).affected, "CVE-2021-20236"));
    assert_false(has(tables, judge(tables, "4.1.8", &no_package).affected, "CVE-2021-20236"));
    assert_true(has(tables, judge(tables, "4.0.4", &no_package).affected, "CVE-2014-7202"));
    assert_false(has(tables, judge(tables, "4.1.0", &no_package).affected, "CVE-2014-7202"));
    assert_true(has(tables, judge(tables, "4.1.0", &no_package).affected, "CVE-2014-9721"));
    assert_true(has(tables, judge(tables, "3.2.5", &no_package).affected, "CVE-2014-9721"));
    assert_false(has(tables, judge(tables, "4.1.6", &no_package).affected, "CVE-2019-6250"));

    struct library_verdict verdict = judge(tables, "4.3.1", &no_package);
    assert_int_equal(verdict.n[ADVISORY_CRITICAL], 3);
    assert_int_equal(verdict.n[ADVISORY_HIGH], 3);
    assert_int_equal(verdict.n[ADVISORY_MEDIUM], 1);
    assert_false(verdict.is_package_known);
}

static struct library_package package_of(enum package_manager manager, const char *version)
{
    struct library_package package = {manager, "libzmq5", "", "", ""};
    (void)snprintf(package.source, sizeof(package.source), "%s",
                   manager == PACKAGE_DPKG ? "zeromq3" : "zeromq");
    (void)snprintf(package.version, sizeof(package.version), "%s", version);
    (void)snprintf(package.source_version, sizeof(package.source_version), "%s", version);
    return package;
}

/* Package version, the upstream version that is loaded, an advisory, and who says it is fixed. */
static const struct {
    const char *package, *version, *id;
    bool is_affected, is_patched;
    enum package_manager manager; /* NONE: dpkg */
} packages[] = {
    {"4.3.4-6", "4.3.4", "CVE-2019-13132", false, false},
    {"4.3.1-4", "4.3.1", "CVE-2019-13132", true, false},
    {"4.3.1-4+deb10u1", "4.3.1", "CVE-2019-13132", true, true},
    {"4.3.1-4+deb10u2", "4.3.1", "CVE-2019-13132", true, true},
    {"4.3.1-4+deb10u2", "4.3.1", "CVE-2021-20236", true, false},
    {"4.3.1-5", "4.3.1", "CVE-2019-13132", true, true},
    {"4.2.1-4+deb9u2", "4.2.1", "CVE-2019-13132", true, true},
    {"4.2.1-4+deb9u2", "4.2.1", "CVE-2020-15166", true, false},
    {"4.2.1-4+deb9u4", "4.2.1", "CVE-2021-20235", true, true},
    {"4.2.1-5", "4.2.1", "CVE-2019-13132", true, false}, /* of a later release without the fix */
    {"4.2.1-4+local1", "4.2.1", "CVE-2019-6250", true, false},
    {"4.2.5-1ubuntu0.2", "4.2.5", "CVE-2019-13132", true, false},
    {"4.2.5-1ubuntu0.2+esm2", "4.2.5", "CVE-2019-13132", true, true},
    {"4.3.2-2ubuntu1", "4.3.2", "CVE-2021-20237", true, false},
    {"4.3.2-2ubuntu1.20.04.1~esm2", "4.3.2", "CVE-2021-20237", true, true},
    {"4.1.4-7", "4.1.4", "CVE-2021-20235", true, true},
    {"4.2.5-r0", "4.2.5", "CVE-2019-13132", true, false, PACKAGE_APK},
    {"4.2.5-r1", "4.2.5", "CVE-2019-13132", true, true, PACKAGE_APK},
    {"4.2.5-r12", "4.2.5", "CVE-2019-6250", true, true, PACKAGE_APK},
    {"4.2.5-r1", "4.2.5", "CVE-2020-15166", true, false, PACKAGE_APK},
    {"4.3.5-r2", "4.3.5", "CVE-2019-13132", false, false, PACKAGE_APK},
    {"4.1.4-3.ph1", "4.1.4", "CVE-2020-15166", true, true, PACKAGE_RPM},
    {"4.1.4-3.ph1", "4.1.4", "CVE-2019-13132", true, false, PACKAGE_RPM},
    {"4.1.4-2.ph1", "4.1.4", "CVE-2020-15166", true, false, PACKAGE_RPM},
    {"4.1.4-6.el7", "4.1.4", "CVE-2020-15166", true, false, PACKAGE_RPM}, /* of EPEL */
    {"4.2.3-4.ph3", "4.2.3", "CVE-2020-15166", true, true, PACKAGE_RPM},
    {"4.2.3-4.el8", "4.2.3", "CVE-2020-15166", true, false, PACKAGE_RPM},
    {"4.2.5-1.el7", "4.2.5", "CVE-2019-13132", true, false, PACKAGE_RPM},
    {"4.3.4-2.fc38", "4.3.4", "CVE-2020-15166", false, false, PACKAGE_RPM},
    /* A file that is not the package's: nothing is said of it. */
    {"4.3.1-4+deb10u2", "4.3.0", "CVE-2019-13132", true, false},
};

static void judge__packages__keeps_upstreams_and_the_distributions_word_apart(void **state)
{
    (void)state;
    cleanup(library_tables_destroy) struct library_tables *tables = NULL;
    assert_int_equal(library_tables_load(NULL, &tables, NULL), 0);
    for (size_t i = 0; i < sizeof(packages) / sizeof(*packages); i++) {
        enum package_manager manager = packages[i].manager ? packages[i].manager : PACKAGE_DPKG;
        struct library_package package = package_of(manager, packages[i].package);
        struct library_verdict verdict = judge(tables, packages[i].version, &package);
        print_message("# %s, %s\n", packages[i].package, packages[i].id);
        assert_int_equal(has(tables, verdict.affected, packages[i].id), packages[i].is_affected);
        assert_int_equal(has(tables, verdict.patched, packages[i].id), packages[i].is_patched);
    }
}

static const char good_release[] = "checked 2026-01-01\n4.3.4 2021-01-17 libzmq.so.5.2.4\n";
#define ADVISORY "CVE-1 high 4.0.0..4.1.0 4.1.0 https://x/1 a text"

static const struct {
    char kind; /* r, a, p */
    const char *text, *why;
} broken[] = {
    {'r', "checked 2026-01-01\n4.3.4 2021-01-17\n", "t:2: expected: VERSION DATE"},
    {'r', "checked 2026-01-01\n4.3.4 2021-02-30 libzmq.so.5.2.4\n", "t:2: expected: VERSION"},
    {'r', "checked today\n", "t:1: expected: checked"},
    {'r', "4.3.4 2021-01-17 libzmq.so.5.2.4\n", "t: no line `checked"},
    {'r', "checked 2026-01-01\n", "t: no stable release"},
    {'r',
     "checked 2026-01-01\n4.3.4 2021-01-17 libzmq.so.5.2.4\n4.3.3 2020-09-07 libzmq.so.5.2.3\n",
     "t:3: versions must rise"},
    {'r', "checked 2026-01-01\n4.3.4 2021-01-17 libzmq.so.5.2.4 beta\n", "t:2: expected: VERSION"},
    {'r', "checked 2026-01-01\n4.3.4\x01 2021-01-17 libzmq.so.5.2.4\n", "t:2: a control"},
    {'a', ADVISORY, "t: no line `checked"},
    {'a', "checked 2026-01-01\nCVE-1 bad 4.0.0..4.1.0 4.1.0 https://x a\n", "t:2: severity is"},
    {'a', "checked 2026-01-01\n\n# x\nCVE-1 high 4.0.0 4.1.0 https://x a\n",
     "t:4: expected ranges"},
    {'a', "checked 2026-01-01\nCVE-1 high 4.1.0..4.0.0 4.1.0 https://x a\n",
     "t:2: expected ranges"},
    {'a', "checked 2026-01-01\nCVE-1 high 4.0.0..4.1.0 4.1.0 https://x\n", "t:2: expected a text"},
    {'a', "checked 2026-01-01\n" ADVISORY "\n" ADVISORY "\n", "t:3: CVE-1 is there twice"},
    {'p', "checked 2026-01-01\npacman zeromq 1..2 CVE-1 x\n", "t:2: manager is dpkg, rpm or apk"},
    {'p', "checked 2026-01-01\ndpkg zeromq 1 CVE-1 x\n", "t:2: expected versions"},
    {'p', "checked 2026-01-01\nrpm zeromq 1_0..1.0 CVE-1 x\n", "t:2: 1_0 is not before 1.0"},
    {'p', "checked 2026-01-01\napk zeromq 1.0..1.0_rc1 CVE-1 x\n", "t:2: 1.0 is not before"},
    {'p', "checked 2026-01-01\ndpkg zeromq 2..1 CVE-1 x\n", "t:2: 2 is not before 1"},
    {'p', "checked 2026-01-01\ndpkg zeromq 1..2 CVE-1\n", "t:2: expected: MANAGER"},
};

static int parse(char kind, const char *text, struct error *err)
{
    struct release_table releases = {0};
    struct advisory_table advisories = {0};
    struct package_table packages_table = {0};
    int r;
    if (kind == 'r')
        r = release_table_parse("t", text, strlen(text), &releases, err);
    else if (kind == 'a')
        r = advisory_table_parse("t", text, strlen(text), &advisories, err);
    else
        r = package_table_parse("t", text, strlen(text), &advisories, &packages_table, err);
    release_table_finish(&releases);
    advisory_table_finish(&advisories);
    package_table_finish(&packages_table);
    return r;
}

static void parse__broken_tables__says_line_and_why(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
        struct error err = {""};
        assert_int_equal(parse(broken[i].kind, broken[i].text, &err), -EINVAL);
        print_message("# %s\n", err.message);
        assert_memory_equal(err.message, broken[i].why, strlen(broken[i].why));
    }
    assert_int_equal(parse('r', good_release, NULL), 0);
}

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int load(const char *folder, const char *yaml, struct library_tables **ret_tables,
                struct error *err)
{
    char path[128];
    struct config_document *document = NULL;
    (void)snprintf(path, sizeof(path), "%s/config.yml", folder);
    write_file(folder, "config.yml", yaml);
    assert_int_equal(config_document_open(path, &document, err), 0);
    int r = library_tables_load(config_document_root(document), ret_tables, err);
    config_document_destroy(&document);
    return r;
}

static void load__files_and_declarations__take_the_place_of_what_is_compiled_in(void **state)
{
    (void)state;
    char folder[64];
    struct error err = {""};
    temporary_directory_make(folder);
    cleanup(library_tables_destroy) struct library_tables *tables = NULL;
    write_file(folder, "a.txt", "checked 2026-02-03\nX-1 low 4.0.0..9.0.0 9.0.0 https://x all\n");
    assert_int_equal(load(folder,
                          "advisories_file: a.txt\n"
                          "patched:\n  - {path: /x*, advisories: [X-1]}\n"
                          "  - {build_id: cd, advisories: [X-1]}\n",
                          &tables, &err),
                     0);
    struct library_verdict verdict = judge(tables, "4.3.5", &no_package);
    assert_int_equal(verdict.n[ADVISORY_LOW], 1);
    assert_int_equal(verdict.n_patched[ADVISORY_LOW], 1);
    struct library_subject other = {{4, 3, 5}, &no_package, "/other", "ab"};
    library_tables_judge(tables, &other, &verdict);
    assert_int_equal(verdict.n_patched[ADVISORY_LOW], 0);
    other.build_id = "cd";
    library_tables_judge(tables, &other, &verdict);
    assert_int_equal(verdict.n_patched[ADVISORY_LOW], 1);
    assert_int_equal(tables->advisories.checked, 1770076800);
    temporary_directory_remove(folder);
}

static void load__broken_files__are_refused_with_their_line(void **state)
{
    (void)state;
    char folder[64];
    struct error err = {""};
    struct library_tables *tables = NULL;
    temporary_directory_make(folder);
    write_file(folder, "a.txt", "checked 2026-02-03\nX-1 low\n");
    assert_true(load(folder, "advisories_file: a.txt\n", &tables, &err) < 0);
    assert_non_null(strstr(err.message, "/a.txt:2: expected: ID"));
    assert_true(load(folder, "releases_file: nowhere.txt\n", &tables, &err) < 0);
    assert_non_null(strstr(err.message, "nowhere.txt: No such file"));
    assert_true(load(folder, "patched: [{path: /x, advisories: [X-2]}]\n", &tables, &err) < 0);
    assert_non_null(strstr(err.message, ":1:35: 'X-2' is no advisory of the table"));
    assert_true(load(folder, "patched: [{advisories: [CVE-2019-6250]}]\n", &tables, &err) < 0);
    assert_non_null(strstr(err.message, "by path or build_id"));
    assert_null(tables);
    temporary_directory_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(load__nothing_configured__has_the_eleven_with_their_traps),
        cmocka_unit_test(judge__packages__keeps_upstreams_and_the_distributions_word_apart),
        cmocka_unit_test(parse__broken_tables__says_line_and_why),
        cmocka_unit_test(load__files_and_declarations__take_the_place_of_what_is_compiled_in),
        cmocka_unit_test(load__broken_files__are_refused_with_their_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
