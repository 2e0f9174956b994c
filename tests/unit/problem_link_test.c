/* SPDX-License-Identifier: MPL-2.0 */
#include "problems/problem_link.h"
#include "support/cmocka.h"

#include <string.h>

static void link__of_each_address__is_the_same_at_both_ends(void **state)
{
    (void)state;
    static const struct {
        const char *address, *link;
    } cases[] = {
        {"tcp://*:5556", "tcp:5556"},
        {"tcp://0.0.0.0:5556", "tcp:5556"},
        {"tcp://localhost:5556", "tcp:5556"},
        {"tcp://127.0.0.1:5556", "tcp:5556"},
        {"tcp://127.1.2.3:5556", "tcp:5556"},
        {"tcp://[::1]:5556", "tcp:5556"},
        {"tcp://[::]:5556", "tcp:5556"},
        {"tcp://eth0;localhost:5556", "tcp:5556"},
        {"tcp://10.0.0.7:5556", "tcp://10.0.0.7:5556"},
        {"tcp://127.example.org:5556", "tcp://127.example.org:5556"},
        {"tcp://1270.0.0.1:5556", "tcp://1270.0.0.1:5556"},
        {"tcp://localhost.example.org:1", "tcp://localhost.example.org:1"},
        {"tcp://127.0.0.1:*", ""}, /* which port the system chose is not told */
        {"tcp://127.0.0.1:0", ""},
        {"tcp://127.0.0.1:", ""},
        {"tcp://127.0.0.1", ""},
        {"tcp://", ""},
        {"ipc:///run/feed", "ipc:///run/feed"},
        {"ipc://@feed", "ipc://@feed"},
        {"ipc://*", ""},
        {"inproc://a", "7 inproc://a"}, /* of one process */
        {"udp://a:1", ""},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char link[64] = "x";
        problem_link_of(cases[i].address, 7, link, sizeof(link));
        assert_string_equal(link, cases[i].link);
    }
}

static void local__is_what_another_network_namespace_has_too(void **state)
{
    (void)state;
    assert_true(problem_link_is_local("tcp:5556"));
    assert_true(problem_link_is_local("ipc://@feed"));
    assert_false(problem_link_is_local("tcp://10.0.0.7:5556"));
    assert_false(problem_link_is_local("ipc:///run/feed"));
    assert_false(problem_link_is_local("7 inproc://a"));
    assert_false(problem_link_is_local(""));
}

static void link__longer_than_its_room__is_cut(void **state)
{
    (void)state;
    char link[6];
    problem_link_of("ipc:///run/feed", 7, link, sizeof(link));
    assert_string_equal(link, "ipc:/");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(link__of_each_address__is_the_same_at_both_ends),
        cmocka_unit_test(local__is_what_another_network_namespace_has_too),
        cmocka_unit_test(link__longer_than_its_room__is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
