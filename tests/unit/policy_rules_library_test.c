/* SPDX-License-Identifier: MPL-2.0 */
/* What is said of copies of libzmq, and of processes near a limit. */
#include "collectors/policy/policy_settings_read.h"
#include "collectors/policy/policy_table.h"

#include "support/cmocka.h"

#include <string.h>

static struct advisory advisories[] = {
    {.id = "X-1", .severity = ADVISORY_HIGH},
    {.id = "X-2", .severity = ADVISORY_CRITICAL},
    {.id = "X-3", .severity = ADVISORY_LOW},
};
static const struct advisory_table table = {.advisories = advisories, .n = 3};
static const struct library_package none, unread = {.manager = PACKAGE_UNREAD};

static enum policy_verdict look(const char *check, const struct library_finding *finding,
                                struct policy_detail *detail)
{
    return policy_check_find(check)->library_rule(finding, detail);
}

static void look__vulnerable__says_how_many_are_open_and_the_worst(void **state)
{
    static const struct {
        advisory_set affected, patched;
        const struct library_package *package;
        const char *text; /* NULL: it is kept */
    } rows[] = {
        {0, 0, &none, NULL},
        {7, 7, &none, NULL},
        {7, 7, &unread, NULL},
        {1, 0, &none, "libzmq 4.1.4 has 1 open advisory, X-1 (high): /lib/z"},
        {1, 2, NULL, "libzmq 4.1.4 has 1 open advisory, X-1 (high): /lib/z"},
        {7, 1, &none, "libzmq 4.1.4 has 2 open advisories, X-2 (critical) among them: /lib/z"},
        {5, 0, &none, "libzmq 4.1.4 has 2 open advisories, X-1 (high) among them: /lib/z"},
        {4, 0, &none, "libzmq 4.1.4 has 1 open advisory, X-3 (low): /lib/z"},
        {4, 0, &unread,
         "libzmq 4.1.4 has 1 open advisory, X-3 (low), unless its package has the fixes (rpm's "
         "database could not be read): /lib/z"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct policy_detail detail = {""};
        struct library_finding finding = {
            .path = "/lib/z", .version = "4.1.4", .package = rows[i].package, .is_judged = true};
        finding.advisories = &table;
        finding.verdict.affected = rows[i].affected;
        finding.verdict.patched = rows[i].patched;
        print_message("# %zu\n", i);
        assert_int_equal(look("vulnerable_library", &finding, &detail),
                         rows[i].text ? POLICY_BROKEN : POLICY_KEPT);
        assert_string_equal(detail.text, rows[i].text ? rows[i].text : "");
        finding.is_judged = false;
        assert_int_equal(look("vulnerable_library", &finding, &detail), POLICY_UNKNOWN);
    }
}

static void look__replaced__by_the_processes_that_run_it(void **state)
{
    struct policy_detail detail = {""};
    struct library_finding finding = {.path = "/lib/z", .is_disk_known = true, .n_processes = 3};
    (void)state;
    assert_int_equal(look("replaced_library", &finding, &detail), POLICY_KEPT);
    finding.n_replaced = 1;
    assert_int_equal(look("replaced_library", &finding, &detail), POLICY_BROKEN);
    assert_string_equal(detail.text, "1 process runs a libzmq that was replaced on disk: /lib/z");
    finding.n_replaced = 2;
    assert_int_equal(look("replaced_library", &finding, &detail), POLICY_BROKEN);
    assert_non_null(strstr(detail.text, "2 processes run a"));
    finding.is_disk_known = false;
    assert_int_equal(look("replaced_library", &finding, &detail), POLICY_UNKNOWN);
}

static void look__usage__from_its_share_of_the_limit(void **state)
{
    static const struct {
        struct policy_usage usage;
        enum policy_verdict expected;
    } rows[] = {
        {{0, 100, true}, POLICY_KEPT},          {{79, 100, true}, POLICY_KEPT},
        {{80, 100, true}, POLICY_BROKEN},       {{101, 100, true}, POLICY_BROKEN},
        {{799, 1000, true}, POLICY_KEPT},       {{800, 1000, true}, POLICY_BROKEN},
        {{UINT64_MAX, 1, true}, POLICY_BROKEN}, {{5, 0, true}, POLICY_UNKNOWN},
        {{99, 100, false}, POLICY_UNKNOWN},
    };
    static const struct policy_usage roomy = {1, 1000, true};
    struct policy_settings *settings = NULL;
    (void)state;
    assert_int_equal(policy_settings_read(NULL, &settings, NULL), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct policy_detail detail;
        struct policy_process sockets = {.context_sockets = rows[i].usage, .descriptors = roomy};
        struct policy_process descriptors = {.context_sockets = roomy,
                                             .descriptors = rows[i].usage};
        const struct policy_check *of_sockets = policy_check_find("near_socket_limit"),
                                  *of_descriptors = policy_check_find("near_descriptor_limit");
        print_message("# %zu\n", i);
        assert_int_equal(of_sockets->process_rule(&sockets, settings, &detail), rows[i].expected);
        assert_int_equal(of_sockets->process_rule(&descriptors, settings, &detail), POLICY_KEPT);
        assert_int_equal(of_descriptors->process_rule(&descriptors, settings, &detail),
                         rows[i].expected);
        assert_int_equal(of_descriptors->process_rule(&sockets, settings, &detail), POLICY_KEPT);
    }
    policy_settings_destroy(&settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(look__vulnerable__says_how_many_are_open_and_the_worst),
        cmocka_unit_test(look__replaced__by_the_processes_that_run_it),
        cmocka_unit_test(look__usage__from_its_share_of_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
