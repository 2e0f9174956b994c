/* SPDX-License-Identifier: MPL-2.0 */
#include "http/http_listen.h"

#include "support/cmocka.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void open__good_addresses__listen_where_they_say(void **state)
{
    (void)state;
    static const struct {
        const char *text, *prefix;
    } cases[] = {
        {"127.0.0.1:0", "127.0.0.1:"}, {"localhost:0", ""}, {":0", ""}, {"0.0.0.0:0", "0.0.0.0:"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct http_listen listen;
        struct error err = {""};
        if (http_listen_open(cases[i].text, &listen, &err) < 0)
            fail_msg("%s: %s", cases[i].text, err.message);
        assert_int_equal(strncmp(listen.address, cases[i].prefix, strlen(cases[i].prefix)), 0);
        assert_null(strstr(listen.address, ":0 "));
        http_listen_close(&listen);
    }
}

static void open__bad_addresses__are_refused_with_the_remedy(void **state)
{
    (void)state;
    static const struct {
        const char *text, *word;
    } cases[] = {{"", "':10556'"},
                 {"10556", "':10556'"},
                 {":", "':10556'"},
                 {"host:", "':10556'"},
                 {":http", "':10556'"},
                 {":65536", "65535"},
                 {":100000", "65535"},
                 {"::1:80", "'[::1]:10556'"},
                 {"[::1:80", "'[::1]:10556'"},
                 {"unix:", "socket path"},
                 {"no.such.host.invalid:1", "no.such.host.invalid"},
                 {"no.such.host.invalid:1", "has the name 'no.such.host.invalid'"},
                 {"256.0.0.1:1", "256.0.0.1"},
                 {"192.0.2.1:0", "no interface of this host has it, `ip address`"},
                 {"unix:/no/such/folder/socket", "No such file or directory; make its folder"},
                 {"unix:/dev/null/socket", "stands for its folder is a file"},
                 {"unix:/dev/null", "no socket: remove it, or write another path"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct http_listen listen;
        struct error err = {""};
        if (http_listen_open(cases[i].text, &listen, &err) == 0)
            fail_msg("'%s' was taken", cases[i].text);
        if (!strstr(err.message, cases[i].word))
            fail_msg("'%s': %s", cases[i].text, err.message);
    }
}

static void open__port_in_use__says_so(void **state)
{
    (void)state;
    struct http_listen first, second;
    struct error err;
    assert_int_equal(http_listen_open("127.0.0.1:0", &first, &err), 0);
    assert_int_equal(http_listen_open(first.address, &second, &err), -EADDRINUSE);
    assert_non_null(strstr(err.message, first.address));
    assert_non_null(strstr(err.message, "ss -ltnp"));
    http_listen_close(&first);
}

static void open__path_too_long__is_refused(void **state)
{
    (void)state;
    char text[300] = "unix:/";
    struct http_listen listen;
    struct error err;
    memset(text + 6, 'x', 200);
    assert_int_equal(http_listen_open(text, &listen, &err), -EINVAL);
}

static void adopt__what_does_not_listen__is_refused_and_left_open(void **state)
{
    (void)state;
    struct http_listen listen;
    struct error err;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(http_listen_adopt(fd, &listen, &err), -EINVAL);
    assert_int_equal(close(fd), 0);
    assert_int_equal(http_listen_adopt(-1, &listen, &err), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open__good_addresses__listen_where_they_say),
        cmocka_unit_test(open__bad_addresses__are_refused_with_the_remedy),
        cmocka_unit_test(open__port_in_use__says_so),
        cmocka_unit_test(open__path_too_long__is_refused),
        cmocka_unit_test(adopt__what_does_not_listen__is_refused_and_left_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
