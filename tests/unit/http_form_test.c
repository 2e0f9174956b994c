/* SPDX-License-Identifier: MPL-2.0 */
/* A request's first line before the library takes it apart: its size, its parameters, its bytes. */
#include "http/http_form.h"

#include "support/cmocka.h"

#include <stdio.h>
#include <string.h>

static void target__bytes__are_right_or_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_wrong;
    } rows[] = {
        {"/", false},       {"", false},          {"/a%20b?c=%3D&d", false},
        {"/a b", true},     {"/\x1f", true},      {"/\x7f", true},
        {"/\t", true},      {"/\x80", false},     {"/!~", false},
        {"/%00", true},     {"/a?b=c%00d", true}, {"/%0", false},
        {"/%01%10", false}, {"/%000", true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct http_target target = http_form_target(rows[i].text);
        print_message("# %s\n", rows[i].text);
        assert_int_equal(target.is_wrong, rows[i].is_wrong);
        assert_int_equal(target.size, strlen(rows[i].text));
        assert_ptr_equal(target.end, rows[i].text + strlen(rows[i].text));
    }
}

static void target__parameters__up_to_a_limit(void **state)
{
    (void)state;
    for (size_t n = HTTP_MAX_PARAMETERS - 1; n <= HTTP_MAX_PARAMETERS + 1; n++) {
        char text[512] = "/metrics?a";
        for (size_t i = 1; i < n; i++)
            strcat(text, "&b");
        size_t size = strlen(text);
        struct http_target target = http_form_target(text);
        assert_int_equal(target.n_parameters, n);
        assert_int_equal(target.size, size);
        /* What is too much is taken from the library. */
        assert_int_equal(strlen(text), n <= HTTP_MAX_PARAMETERS ? size : strlen("/metrics?"));
    }
}

static void target__long__is_cut_beyond_a_limit(void **state)
{
    (void)state;
    for (size_t size = HTTP_MAX_TARGET - 1; size <= HTTP_MAX_TARGET + 1; size++) {
        static char text[HTTP_MAX_TARGET + 2];
        memset(text, 'a', size);
        text[size] = '\0';
        text[0] = '/';
        text[5] = '?';
        struct http_target target = http_form_target(text);
        assert_int_equal(target.size, size);
        assert_int_equal(strlen(text), size <= HTTP_MAX_TARGET ? size : 6);
        text[6] = 'a';
        text[5] = 'a'; /* without parameters there is nothing to take */
        target = http_form_target(text);
        assert_int_equal(strlen(text), size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(target__bytes__are_right_or_wrong),
        cmocka_unit_test(target__parameters__up_to_a_limit),
        cmocka_unit_test(target__long__is_cut_beyond_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
