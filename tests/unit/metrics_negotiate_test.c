/* SPDX-License-Identifier: MPL-2.0 */
#include "metrics/negotiate.h"

#include "support/cmocka.h"

#include <string.h>

#define TEXT "text/plain; version=0.0.4; charset=utf-8"
#define OPEN "application/openmetrics-text; version=1.0.0; charset=utf-8"

static const struct {
    const char *accept;
    const char *content_type; /* NULL: nothing will do */
} cases[] = {
    {NULL, TEXT},
    {"", TEXT},
    {"*/*", TEXT},
    {"text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8", TEXT},
    /* Prometheus 2.42 and 3.0 */
    {"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
     "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
     OPEN},
    {"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
     "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;"
     "escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
     OPEN "; escaping=allow-utf-8"},
    {"application/openmetrics-text;escaping=rm -rf", OPEN},
    {"application/openmetrics-text", OPEN},
    {"APPLICATION/OpenMetrics-Text ; Version=1.0.0", OPEN},
    {"application/openmetrics-text; version=0.0.1", TEXT},
    {"application/openmetrics-text; version=\"1.0.0\"", OPEN},
    {"application/openmetrics-text;q=0.4, text/plain;q=0.5", TEXT},
    {"application/openmetrics-text;q=0.5, text/plain;q=0.4", OPEN},
    {"application/openmetrics-text;q=0.5, text/plain;q=1", TEXT},
    {"application/openmetrics-text;q=0.999, text/plain;q=1.0", TEXT},
    {"application/openmetrics-text;q=1.000, text/plain;q=0.999", OPEN},
    {"application/openmetrics-text;q=0.5, text/plain;q=0.51", TEXT},
    {"application/openmetrics-text;q=0.009, text/plain;q=0.01", TEXT},
    {"application/openmetrics-text;q=0.0019, text/plain;q=0.001", OPEN},
    {"application/openmetrics-text;q=1.5, text/plain;q=1", OPEN},
    {"text/plain;q=1, application/openmetrics-text;q=1.5", TEXT},
    {"text/plain;q=0., application/openmetrics-text;q=0.1", OPEN},
    {"text/plain;q=0.5, application/openmetrics-text;q=00.9", OPEN},
    {"text/plain;q=0.5, application/openmetrics-text;q=", OPEN},
    {"text/plain;q=0.5, application/openmetrics-text;q=.1", OPEN},
    /* the range that says most counts, wherever it stands */
    {"text/plain;q=0.9, text/plain;version=0.0.4;q=0.1, application/openmetrics-text;q=0.5", OPEN},
    {"text/plain;version=0.0.4;q=0.1, text/plain;q=0.9, application/openmetrics-text;q=0.5", OPEN},
    {"application/openmetrics-text;q=0.9, application/openmetrics-text;version=1.0.0;q=0.1, "
     "text/plain;q=0.5",
     TEXT},
    {"application/openmetrics-text;version=1.0.0;q=0.1, application/openmetrics-text;q=0.9, "
     "text/plain;q=0.5",
     TEXT},
    {"text/*;q=0.9, text/plain;q=0.1, application/*;q=0.5", OPEN},
    {"*/*;q=0.9, application/*;q=0.1", TEXT},
    {"*/*;q=0.9, text/*;q=0.1", OPEN},
    /* of the same weight, a name goes before a pattern, and the first of two names */
    {"application/*, text/plain", TEXT},
    {"text/*, application/openmetrics-text", OPEN},
    {"*/*, application/openmetrics-text", OPEN},
    {"application/*, text/*", TEXT},
    {"text/plain, application/openmetrics-text", TEXT},
    {"application/openmetrics-text, text/plain", OPEN},
    {"text/*;q=0.9, application/*;q=0.8", TEXT},
    {"application/*", OPEN},
    {"*/*;q=0.5, application/openmetrics-text;q=0.1", TEXT},
    {"*/*;q=0.1, application/openmetrics-text;q=0.100", OPEN},
    {"application/openmetrics-text;q=0, */*", TEXT},
    /* what fits nothing falls back, what is ruled out does not */
    {"image/png", TEXT},
    {"text/plain;version=9", TEXT},
    {"text/plain;q=0, image/png", NULL},
    {"*/*;q=0", NULL},
    {"text/plain;q=0.000, application/openmetrics-text", OPEN},
    {"text/*;q=0, */*;q=0.1", OPEN},
    /* rubbish */
    {",,,;;;===\"\"\"", TEXT},
    {"application/openmetrics-text;q=banana", OPEN},
    {"\"application/openmetrics-text", OPEN},
    {"application/openmetrics-text;version=\"1.0.0", OPEN},
    {"application/openmetrics-text;q=1.5", OPEN},
};

static void format__each_accept__is_answered(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct negotiated result;
        bool is_possible = negotiate_format(cases[i].accept, &result);
        const char *got = is_possible ? result.content_type : NULL;
        if (!got != !cases[i].content_type || (got && strcmp(got, cases[i].content_type) != 0))
            fail_msg("%s: %s", cases[i].accept ? cases[i].accept : "(none)", got ? got : "406");
    }
}

static void coding__each_header__is_answered(void **state)
{
    (void)state;
    assert_int_equal(negotiate_coding(NULL), NEGOTIATE_IDENTITY);
    assert_int_equal(negotiate_coding(""), NEGOTIATE_IDENTITY);
    assert_int_equal(negotiate_coding("gzip"), NEGOTIATE_EITHER);
    assert_int_equal(negotiate_coding("deflate, GZIP;q=0.5, br"), NEGOTIATE_EITHER);
    assert_int_equal(negotiate_coding("*"), NEGOTIATE_EITHER);
    assert_int_equal(negotiate_coding("gzip;q=0"), NEGOTIATE_IDENTITY);
    assert_int_equal(negotiate_coding("br"), NEGOTIATE_IDENTITY);
    assert_int_equal(negotiate_coding("*;q=0, gzip"), NEGOTIATE_GZIP);
    assert_int_equal(negotiate_coding("identity;q=0, gzip;q=0.1"), NEGOTIATE_GZIP);
    assert_int_equal(negotiate_coding("identity;q=0"), NEGOTIATE_NEITHER);
    assert_int_equal(negotiate_coding("*;q=0"), NEGOTIATE_NEITHER);
    assert_int_equal(negotiate_coding("gzip, identity;q=0.001"), NEGOTIATE_EITHER);
    assert_int_equal(negotiate_coding("gzip;q=0, identity;q=0.001"), NEGOTIATE_IDENTITY);
    assert_int_equal(negotiate_coding("gzip;q=0.2, identity;q=0.3"), NEGOTIATE_IDENTITY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(format__each_accept__is_answered),
        cmocka_unit_test(coding__each_header__is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
