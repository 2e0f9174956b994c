/* SPDX-License-Identifier: MPL-2.0 */
#include "base/suggest.h"

#include "support/cmocka.h"

#include <stdbool.h>
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

/* A third of the longer word may differ; letters that changed places are one slip. */
static void nearest__as_many_slips_as_may_be__and_one_more(void **state)
{
    (void)state;
    static const char *const one[] = {"target"};
    static const struct {
        const char *word;
        bool is_found;
    } cases[] = {
        {"target", true},    {"xarxet", true},      {"xarxex", false},   {"targ", true},
        {"tar", false},      {"rget", true},        {"get", false},      {"tarrgett", true},
        {"atrget", true},    {"targte", true},      {"atrgte", true},    {"atrgtx", false},
        {"attrge", false},   {"xxtarget", true},    {"xxxtarget", true}, {"xxxxtarget", false},
        {"targetxxx", true}, {"targetxxxx", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        if ((suggest_nearest(cases[i].word, one, 1) != NULL) != cases[i].is_found)
            fail_msg("'%s'", cases[i].word);
    }
}

static void nearest__several_are_near__is_the_nearest_and_then_the_first(void **state)
{
    (void)state;
    static const char *const near[] = {"abcdxy", "abcdex", "abcdey", "abcxyz"};
    assert_string_equal(suggest_nearest("abcdef", near, 4), "abcdex");
    assert_string_equal(suggest_nearest("abcdxz", near, 4), "abcdxy");
    assert_string_equal(suggest_nearest("abcxyz", near, 4), "abcxyz");
}

/* 63 bytes are compared; longer words are never near. */
static void nearest__long_words__up_to_the_limit(void **state)
{
    (void)state;
    char word[80], other[80];
    const char *same[] = {other};
    memset(word, 'w', sizeof(word));
    memset(other, 'w', sizeof(other));
    word[63] = other[63] = '\0';
    assert_ptr_equal(suggest_nearest(word, same, 1), other);
    word[62] = '\0';
    assert_ptr_equal(suggest_nearest(word, same, 1), other);
    other[63] = 'w';
    other[64] = '\0';
    assert_null(suggest_nearest(word, same, 1));
    other[63] = '\0';
    memset(word, 'w', 64);
    word[64] = '\0';
    assert_null(suggest_nearest(word, same, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nearest__small_slips__are_found),
        cmocka_unit_test(nearest__as_many_slips_as_may_be__and_one_more),
        cmocka_unit_test(nearest__several_are_near__is_the_nearest_and_then_the_first),
        cmocka_unit_test(nearest__long_words__up_to_the_limit),
        cmocka_unit_test(nearest__far_or_absurd__is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
