/* SPDX-License-Identifier: MPL-2.0 */
/* Where an exporter is, as people write it. */
#include "cli/exporter_url.h"

#include "support/cmocka.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LONG_HOST_SIZE (sizeof(((struct exporter_url *)0)->host))
#define LONG_PREFIX    (sizeof(((struct exporter_url *)0)->prefix))

static struct exporter_url url;
static struct error err;

static void parse__urls__are_taken_apart(void **state)
{
    static const struct {
        const char *text;
        bool has_tls;
        const char *host, *port, *prefix;
    } rows[] = {
        {"host", false, "host", "10556", ""},
        {"host:1", false, "host", "1", ""},
        {"http://host:65535", false, "host", "65535", ""},
        {"https://host:80", true, "host", "80", ""},
        {"https://h", true, "h", "10556", ""},
        {"[::1]", false, "::1", "10556", ""},
        {"http://[::1]:9", false, "::1", "9", ""},
        {"http://host:1/", false, "host", "1", ""},
        {"http://host:1//", false, "host", "1", ""},
        {"http://host:1/a/b/", false, "host", "1", "/a/b"},
        {"host/a?b=c", false, "host", "10556", "/a"},
        {"host?b@c", false, "host", "10556", ""},
        {"host#b", false, "host", "10556", ""},
        {"host/a:b@c", false, "host", "10556", "/a:b@c"},
        {"https:1", false, "https", "1", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        memset(&url, 0xff, sizeof(url));
        assert_int_equal(exporter_url_parse(rows[i].text, &url, &err), 0);
        assert_int_equal(url.has_tls, rows[i].has_tls);
        assert_string_equal(url.host, rows[i].host);
        assert_string_equal(url.port, rows[i].port);
        assert_string_equal(url.prefix, rows[i].prefix);
    }
}

static void parse__wrong__is_refused(void **state)
{
    static const char *const rows[] = {"",
                                       "http://",
                                       "http:///a",
                                       "ftp://host",
                                       "host:",
                                       "host:0",
                                       "host:65536",
                                       "host:x",
                                       "host:1x",
                                       "host:-1",
                                       "host:+1",
                                       "host: 1",
                                       "ho st",
                                       "host\t",
                                       "host\n",
                                       "::1",
                                       "a:b:1",
                                       "[::1",
                                       "::1]",
                                       "[::1]x",
                                       ":1",
                                       "HTTP://host",
                                       "host:/",
                                       "host:1000000000000001",
                                       "host:0000000000000080"};
    char expected[200];
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        memset(&url, 0xff, sizeof(url));
        assert_int_equal(exporter_url_parse(rows[i], &url, &err), -EINVAL);
        (void)snprintf(expected, sizeof(expected),
                       "--url: '%s' is not http://HOST:PORT or https://HOST:PORT", rows[i]);
        assert_string_equal(err.message, expected);
        assert_int_equal((unsigned char)url.host[0], 0xff);
    }
}

static void parse__password__is_refused_with_the_remedy(void **state)
{
    (void)state;
    assert_int_equal(exporter_url_parse("http://me:secret@host:1", &url, &err), -EINVAL);
    assert_non_null(strstr(err.message, "--url.password-file"));
    assert_null(strstr(err.message, "secret"));
}

static void parse__long_names__up_to_the_room_for_them(void **state)
{
    char text[2048];
    (void)state;
    memset(text, 'a', sizeof(text));
    text[LONG_HOST_SIZE - 1] = '\0';
    assert_int_equal(exporter_url_parse(text, &url, &err), 0);
    assert_int_equal(strlen(url.host), LONG_HOST_SIZE - 1);
    text[LONG_HOST_SIZE - 1] = 'a';
    text[LONG_HOST_SIZE] = '\0';
    assert_int_equal(exporter_url_parse(text, &url, &err), -EINVAL);
    memset(text, 'a', sizeof(text));
    text[1] = '/';
    text[LONG_PREFIX] = '\0'; /* one is the host's */
    assert_int_equal(exporter_url_parse(text, &url, &err), 0);
    assert_int_equal(strlen(url.prefix), LONG_PREFIX - 1);
    text[LONG_PREFIX] = 'a';
    text[LONG_PREFIX + 1] = '\0';
    assert_int_equal(exporter_url_parse(text, &url, &err), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse__urls__are_taken_apart),
        cmocka_unit_test(parse__wrong__is_refused),
        cmocka_unit_test(parse__password__is_refused_with_the_remedy),
        cmocka_unit_test(parse__long_names__up_to_the_room_for_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
