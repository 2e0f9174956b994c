/* SPDX-License-Identifier: MPL-2.0 */
/* The page of a check, as text and as HTML, and the index of all. */
#include "collectors/policy/policy_report.h"

#include "support/cmocka.h"

#include <stdio.h>
#include <string.h>

static const struct policy_check check = {.name = "some_check",
                                          .severity = ADVISORY_HIGH,
                                          .what = "A <what> & more.",
                                          .why = "A why.",
                                          .fix_c = "a < b && c > d;",
                                          .fix_python = "a = b",
                                          .except = "Nothing."};
static struct string_buffer out;

#define EXEMPTION                                                                                  \
    "policy:\n  exemptions:\n"                                                                     \
    "    - {check: some_check, program: NAME, reason: WHY}   # also: type, address\n"              \
    "  checks:\n"                                                                                  \
    "    some_check: {enabled: false}                        # or severity: low"
#define HEAD(title)                                                                                \
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "    \
    "content=\"width=device-width\"><title>" title                                                 \
    " - zmq_exporter</title></head>\n<body>\n<h1>" title "</h1>\n"

static int tear_down(void **state)
{
    (void)state;
    string_buffer_finish(&out);
    return 0;
}

static void write__text__has_all_parts(void **state)
{
    (void)state;
    policy_page_write(&check, false, &out);
    assert_string_equal(
        out.data, "some_check (high)\n\nWhat it looks for\nA <what> & more.\n\nWhy\nA why.\n\n"
                  "How to fix it, in C\na < b && c > d;\n\n"
                  "How to fix it, in Python\na = b\n\nWhat it leaves alone\nNothing.\n\n"
                  "How to exempt, in the configuration\n" EXEMPTION "\n");
}

static void write__html__is_escaped(void **state)
{
    (void)state;
    policy_page_write(&check, true, &out);
    assert_string_equal(
        out.data,
        HEAD("some_check") "<h2>What it looks for</h2>\n<p>A &lt;what&gt; &amp; more.</p>\n"
                           "<h2>Why</h2>\n<p>A why.</p>\n<h2>How to fix it, in C</h2>\n"
                           "<pre>a &lt; b &amp;&amp; c &gt; d;</pre>\n"
                           "<h2>How to fix it, in Python</h2>\n<pre>a = b</pre>\n"
                           "<h2>What it leaves alone</h2>\n<p>Nothing.</p>\n"
                           "<h2>How to exempt, in the configuration</h2>\n<pre>" EXEMPTION
                           "</pre>\n<p>Severity high, unless the configuration says otherwise.</p>"
                           "\n</body></html>\n");
}

static void write__index__has_a_row_for_each(void **state)
{
    static const char tail[] = "</td></tr>\n</table>\n</body></html>\n";
    size_t n_rows = 0;
    (void)state;
    policy_page_write_index(&out);
    assert_memory_equal(out.data, HEAD("Checks") "<table>\n<tr>", sizeof(HEAD("Checks")) + 11);
    assert_string_equal(out.data + out.size - strlen(tail), tail);
    for (const char *at = out.data; (at = strstr(at, "<tr>")); at++)
        n_rows++;
    assert_int_equal(n_rows, policy_n_checks);
    for (size_t i = 0; i < policy_n_checks; i++) {
        char begin[200];
        (void)snprintf(begin, sizeof(begin),
                       "<tr><td><a href=\"%s\">%s</a></td><td>%s</td><td>%.10s",
                       policy_checks[i].name, policy_checks[i].name,
                       advisory_severity_name(policy_checks[i].severity), policy_checks[i].what);
        assert_non_null(strstr(out.data, begin));
    }
}

#define CASE(name) cmocka_unit_test_teardown(name, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(write__text__has_all_parts),
        CASE(write__html__is_escaped),
        CASE(write__index__has_a_row_for_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
