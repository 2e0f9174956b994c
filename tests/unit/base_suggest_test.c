/* SPDX-License-Identifier: MPL-2.0 */
#include "base/suggest.h"

#include "support/cmocka.h"

#include <string.h>

static const char *const words[] = {"target", "timeout", NULL, "tls_server_config", "module"};

static const char *nearest(const char *word)
{
    return suggest_nearest(word, words, sizeof(words) / sizeof(*words));
}

static void nearest__small_slips__are_found(void **state)
{
    (void)state;
    assert_string_equal(nearest("tagret"), "target");
    assert_string_equal(nearest("timeuot"), "timeout");
    assert_string_equal(nearest("tls_sever_config"), "tls_server_config");
    assert_string_equal(nearest("modules"), "module");
}

static void nearest__far_or_absurd__is_nothing(void **state)
{
    (void)state;
    char huge[4096];
    memset(huge, 't', sizeof(huge) - 1);
    huge[sizeof(huge) - 1] = '\0';
    assert_null(nearest("x"));
    assert_null(nearest(""));
    assert_null(nearest("colour"));
    assert_null(nearest(huge));
    assert_null(suggest_nearest("target", NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nearest__small_slips__are_found),
        cmocka_unit_test(nearest__far_or_absurd__is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
