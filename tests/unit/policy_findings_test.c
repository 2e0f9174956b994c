/* SPDX-License-Identifier: MPL-2.0 */
/* Settings, findings and reports, over sockets that are made up. */
#include "collectors/policy/policy_report.h"
#include "collectors/policy/policy_settings_read.h"
#include "collectors/tap/tap_types.h"

#include "support/cmocka.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

static int read_settings(const char *yaml, struct policy_settings **ret, struct error *err)
{
    struct config_document *document = NULL;
    assert_int_equal(config_document_parse("c.yml", yaml, strlen(yaml), &document, err), 0);
    int r = policy_settings_read(config_document_root(document), ret, err);
    config_document_destroy(&document);
    return r;
}

static const struct policy_process careless = {.pid = 7, .program = "careless"};
static const struct policy_process silent = {
    .pid = 8, .program = "sil\"\x1b<ent", .context_sockets = {90, 100, true}};

static struct policy_socket socket_of(const struct policy_process *process, uint64_t mechanism)
{
    struct policy_socket socket = {.process = process,
                                   .type = "PUB",
                                   .traits = tap_type_traits(ZMQ_PUB),
                                   .endpoint = "tcp://*:5556",
                                   .place = policy_place_of("tcp://*:5556"),
                                   .peer_hwm = SEGMENT_UNKNOWN};
    for (size_t i = 0; i < POLICY_N_FACTS; i++)
        socket.facts[i] = SEGMENT_UNKNOWN;
    socket.facts[POLICY_MECHANISM] = mechanism;
    return socket;
}

/* Two sockets of one group, one of which is encrypted; one of another program, of which less is
 * known. */
static void make(const char *yaml, struct policy_findings *ret_findings)
{
    struct policy_settings *settings = NULL;
    struct policy_socket one = socket_of(&careless, ZMQ_NULL),
                         other = socket_of(&careless, ZMQ_CURVE),
                         unknown = socket_of(&silent, SEGMENT_UNKNOWN);
    struct policy_socket *sockets[] = {&one, &other, &unknown};
    struct policy_process processes[] = {careless, silent};
    const struct policy_facts facts = {
        .processes = processes, .sockets = sockets, .n_processes = 2, .n_sockets = 3};
    assert_int_equal(read_settings(yaml, &settings, NULL), 0);
    assert_int_equal(
        policy_findings_make(&(struct policy_subjects){.facts = &facts}, settings, ret_findings),
        0);
    policy_settings_destroy(&settings);
}

static const struct policy_finding *find(const struct policy_findings *findings, const char *check,
                                         const char *program)
{
    for (size_t i = 0; i < findings->n; i++) {
        if (strcmp(findings->items[i].check->name, check) == 0 &&
            strcmp(findings->items[i].program, program) == 0)
            return &findings->items[i];
    }
    return NULL;
}

static unsigned n_looked_at(const struct policy_findings *findings, const char *check)
{
    return findings->n_looked_at[policy_check_find(check) - policy_checks];
}

static void make__groups__finds_those_that_break_and_counts_those_that_tell(void **state)
{
    (void)state;
    struct policy_findings findings;
    make("{}", &findings);
    const struct policy_finding *finding = find(&findings, "plaintext_tcp", "careless");
    assert_non_null(finding);
    assert_int_equal(finding->n, 1);
    assert_int_equal(finding->pid, 7);
    assert_int_equal(n_looked_at(&findings, "plaintext_tcp"), 1);
    assert_null(find(&findings, "plaintext_tcp", silent.program));
    assert_int_equal(find(&findings, "wildcard_bind", "careless")->n, 2);
    assert_int_equal(n_looked_at(&findings, "wildcard_bind"), 2);
    assert_int_equal(n_looked_at(&findings, "no_handshake_timeout"), 0);
    assert_non_null(find(&findings, "near_socket_limit", silent.program));
    assert_int_equal(n_looked_at(&findings, "near_socket_limit"), 1);
    assert_int_equal(findings.items[0].severity, ADVISORY_HIGH);
    assert_int_equal(findings.n_groups, 2);
    policy_findings_finish(&findings);
}

static void make__configured__is_off_exempt_or_of_another_severity(void **state)
{
    (void)state;
    struct policy_findings findings;
    make("checks: {plaintext_tcp: {enabled: false}, wildcard_bind: {severity: critical}}\n"
         "exemptions: [{check: wildcard_bind, program: care*, address: 'tcp://*'}]\n"
         "near_limit_percent: 95\n",
         &findings);
    assert_null(find(&findings, "plaintext_tcp", "careless"));
    assert_null(find(&findings, "wildcard_bind", "careless"));
    assert_int_equal(find(&findings, "wildcard_bind", silent.program)->severity, ADVISORY_CRITICAL);
    assert_int_equal(n_looked_at(&findings, "wildcard_bind"), 1);
    assert_int_equal(n_looked_at(&findings, "plaintext_tcp"), 0);
    assert_null(find(&findings, "near_socket_limit", silent.program));
    policy_findings_finish(&findings);

    make("exemptions: [{check: '*', type: PUB}]\n", &findings);
    assert_null(find(&findings, "wildcard_bind", silent.program));
    assert_non_null(find(&findings, "near_socket_limit", silent.program));
    policy_findings_finish(&findings);

    make("enabled: false\n", &findings);
    assert_int_equal(findings.n, 0);
    policy_findings_finish(&findings);
}

static void read__wrong_settings__are_refused_with_place_and_remedy(void **state)
{
    static const struct {
        const char *yaml, *why;
    } wrong[] = {
        {"checks: {plaintext_tpc: {enabled: false}}",
         "c.yml:1:10: there is no check 'plaintext_tpc' (did you mean 'plaintext_tcp'?)"},
        {"exemptions: [{check: x, program: y}]", "c.yml:1:22: there is no check 'x'"},
        {"exemptions: [{program: y}]", "c.yml:1:14: "},
        {"checks: {wildcard_bind: {severity: bad}}", "c.yml:1:36: "},
        {"near_limit_percent: 101", "c.yml:1:21: "},
        {"limit: 1", "c.yml:1:1: "},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        struct policy_settings *settings = NULL;
        struct error err = {""};
        assert_int_equal(read_settings(wrong[i].yaml, &settings, &err), -EINVAL);
        print_message("# %s\n", err.message);
        assert_memory_equal(err.message, wrong[i].why, strlen(wrong[i].why));
        assert_null(settings);
    }
}

static size_t report(const struct policy_findings *findings, struct policy_report how,
                     struct string_buffer *text)
{
    how.version = "1";
    string_buffer_clear(text);
    return policy_report_write(&how, findings, text);
}

static void report__formats_and_filters__show_what_is_asked_for(void **state)
{
    (void)state;
    struct policy_findings findings;
    struct string_buffer text = {0};
    make("{}", &findings);
    size_t all = report(&findings, (struct policy_report){.format = POLICY_TEXT}, &text);
    assert_int_equal(all, findings.n);
    assert_non_null(
        strstr(text.data, "careless  PUB tcp://*:5556  pid 7\n  high     plaintext_tcp"));
    assert_null(strchr(text.data, '\x1b')); /* neither colours nor what a name holds */
    (void)report(&findings, (struct policy_report){.has_colours = true}, &text);
    assert_non_null(strstr(text.data, "\033[1;31mhigh"));
    assert_int_equal(report(&findings, (struct policy_report){.least = ADVISORY_CRITICAL}, &text),
                     0);
    assert_memory_equal(text.data, "0 violations in 3 sockets", 25);
    size_t some = report(&findings, (struct policy_report){.program = "care*"}, &text);
    assert_true(some > 0 && some < all);
    assert_null(strstr(text.data, "sil"));

    (void)report(&findings, (struct policy_report){.format = POLICY_JSON}, &text);
    assert_non_null(strstr(text.data,
                           "\"check\":\"plaintext_tcp\",\"severity\":\"high\",\"program\":"
                           "\"careless\",\"type\":\"PUB\",\"address\":\"tcp://*:5556\","
                           "\"count\":1,\"pid\":7,"));
    assert_non_null(strstr(text.data, "\"sil\\\"\\u001b<ent\""));
    (void)report(&findings, (struct policy_report){.format = POLICY_SARIF}, &text);
    assert_non_null(strstr(text.data, "\"version\":\"2.1.0\""));
    string_buffer_finish(&text);
    policy_findings_finish(&findings);
}

static void merge__two_looks__keep_what_either_saw(void **state)
{
    (void)state;
    struct policy_findings one, other;
    make("checks: {plaintext_tcp: {enabled: false}}", &one);
    make("checks: {wildcard_bind: {enabled: false}}", &other);
    assert_int_equal(policy_findings_merge(&one, &other), 0);
    assert_non_null(find(&one, "plaintext_tcp", "careless"));
    assert_int_equal(find(&one, "wildcard_bind", "careless")->n, 2);
    assert_int_equal(n_looked_at(&one, "plaintext_tcp"), 1);
    size_t n = one.n;
    assert_int_equal(policy_findings_merge(&one, &other), 0);
    assert_int_equal(one.n, n);
    policy_findings_finish(&one);
    policy_findings_finish(&other);
}

static void make__processes_of_one_program__are_one_finding_with_their_number(void **state)
{
    struct policy_settings *settings = NULL;
    struct policy_findings findings;
    struct policy_process processes[] = {silent, silent, silent, careless};
    const struct policy_facts facts = {.processes = processes, .n_processes = 4};
    (void)state;
    assert_int_equal(policy_settings_read(NULL, &settings, NULL), 0);
    const struct policy_subjects subjects = {.facts = &facts};
    assert_int_equal(policy_findings_make(&subjects, settings, &findings), 0);
    assert_int_equal(findings.n, 1);
    assert_string_equal(findings.items[0].check->name, "near_socket_limit");
    assert_int_equal(findings.items[0].n, 3);
    policy_findings_finish(&findings);
    policy_settings_destroy(&settings);
}

/* One look at PUBs of a program with a high water mark of 0: each has a serial and an address. */
struct seen {
    uint64_t pid, serial;
    const char *endpoint;
};

static void look(const struct seen *seen, size_t n, struct policy_findings *ret_findings)
{
    struct policy_settings *settings = NULL;
    struct policy_process processes[8];
    struct policy_socket sockets[8], *order[8];
    for (size_t i = 0; i < n; i++) {
        processes[i] = (struct policy_process){.pid = seen[i].pid, .program = "careless"};
        sockets[i] = socket_of(&processes[i], ZMQ_NULL);
        sockets[i].serial = seen[i].serial;
        sockets[i].facts[POLICY_SEND_HWM] = sockets[i].facts[POLICY_CONFLATE] = 0;
        (void)snprintf(sockets[i].endpoint, sizeof(sockets[i].endpoint), "%s", seen[i].endpoint);
        order[i] = &sockets[i];
    }
    const struct policy_facts facts = {
        .processes = processes, .sockets = order, .n_processes = n, .n_sockets = n};
    assert_int_equal(read_settings("{}", &settings, NULL), 0);
    assert_int_equal(
        policy_findings_make(&(struct policy_subjects){.facts = &facts}, settings, ret_findings),
        0);
    policy_settings_destroy(&settings);
}

#define LOOK(n, ...) look((const struct seen[n]){__VA_ARGS__}, n, &other)

/* Which of the addresses are told of unlimited_hwm, each with the number of its sockets. */
static void assert_told(const struct policy_findings *findings, const char *expected)
{
    char told[200] = "";
    for (size_t i = 0; i < findings->n; i++) {
        const struct policy_finding *finding = &findings->items[i];
        size_t size = strlen(told);
        if (strcmp(finding->check->name, "unlimited_hwm") == 0)
            (void)snprintf(told + size, sizeof(told) - size, "%u'%.20s' ", finding->n,
                           finding->endpoint);
    }
    assert_string_equal(told, expected);
}

static void merge__socket_that_got_its_address_later__is_told_once(void **state)
{
    (void)state;
    struct policy_findings all = {0}, other;
#define MERGE()                                                                                    \
    do {                                                                                           \
        assert_int_equal(policy_findings_merge(&all, &other), 0);                                  \
        policy_findings_finish(&other);                                                            \
    } while (0)
    LOOK(3, {7, 1, ""}, {7, 2, ""}, {8, 1, ""});
    MERGE();
    assert_told(&all, "3'' ");
    /* Some have one, some do not. */
    LOOK(3, {7, 2, ""}, {8, 1, ""}, {7, 1, "inproc://a"});
    MERGE();
    assert_told(&all, "2'' 1'inproc://a' ");
    LOOK(3, {7, 1, "inproc://a"}, {7, 2, "inproc://a"}, {8, 1, "inproc://b"});
    MERGE();
    assert_told(&all, "2'inproc://a' 1'inproc://b' ");
    /* Another socket, or the same number in another process, is no reason to forget one. */
    LOOK(1, {9, 3, ""});
    MERGE();
    LOOK(2, {9, 4, "inproc://c"}, {7, 3, "inproc://c"});
    MERGE();
    assert_told(&all, "1'' 2'inproc://a' 1'inproc://b' 2'inproc://c' ");
    policy_findings_finish(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(make__processes_of_one_program__are_one_finding_with_their_number),
        cmocka_unit_test(make__groups__finds_those_that_break_and_counts_those_that_tell),
        cmocka_unit_test(make__configured__is_off_exempt_or_of_another_severity),
        cmocka_unit_test(read__wrong_settings__are_refused_with_place_and_remedy),
        cmocka_unit_test(report__formats_and_filters__show_what_is_asked_for),
        cmocka_unit_test(merge__two_looks__keep_what_either_saw),
        cmocka_unit_test(merge__socket_that_got_its_address_later__is_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
