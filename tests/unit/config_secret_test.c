/* SPDX-License-Identifier: MPL-2.0 */
#include "config/config_secret.h"

#include "support/cmocka.h"
#include "support/temporary_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY   "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
#define OTHER "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"

static char folder[64];
static char path[80];

static void put(const char *text, size_t size, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, size), (ssize_t)size);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void check(const char *text, mode_t mode, enum config_secret_kind kind, const char *expected)
{
    char secret[CONFIG_SECRET_MAX + 1] = "";
    struct error err = {0};
    put(text, strlen(text), mode);
    int r = config_secret_read_file(path, kind, secret, &err);
    if (expected) {
        assert_int_equal(r, 0);
        assert_string_equal(secret, expected);
    } else {
        assert_true(r < 0);
        assert_int_equal(strncmp(err.message, path, strlen(path)), 0);
        assert_null(strstr(err.message, "geheim"));
        assert_string_equal(secret, "");
    }
}

static void read_file__good_file__gives_the_secret(void **state)
{
    (void)state;
    check("geheim\n", 0600, CONFIG_SECRET_PASSWORD, "geheim");
    check("geheim", 0400, CONFIG_SECRET_PASSWORD, "geheim");
    check(" two words \r\n", 0640, CONFIG_SECRET_PASSWORD, " two words ");
    check(KEY "\n", 0600, CONFIG_SECRET_CURVE_SECRET, KEY);
    check(KEY "\n", 0644, CONFIG_SECRET_CURVE_PUBLIC, KEY);
}

static void read_file__certificate__gives_the_key_that_was_asked_for(void **state)
{
    (void)state;
    const char certificate[] = "#   ZeroMQ CURVE **Secret** Certificate\n"
                               "metadata\n    name = \"x\"\n"
                               "curve\n    public-key = \"" OTHER "\"\n    secret-key = \"" KEY
                               "\"\n";
    check(certificate, 0600, CONFIG_SECRET_CURVE_SECRET, KEY);
    check(certificate, 0600, CONFIG_SECRET_CURVE_PUBLIC, OTHER);
    check("curve\n    public-key = \"" OTHER "\"\n", 0600, CONFIG_SECRET_CURVE_SECRET, NULL);
}

static void read_file__mode_lets_others_in__is_refused(void **state)
{
    (void)state;
    static const mode_t modes[] = {0604, 0602, 0601, 0620, 0610, 0644, 0660, 0666};
    for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
        check("geheim", modes[i], CONFIG_SECRET_PASSWORD, NULL);
}

static void read_file__others_file__is_refused(void **state)
{
    (void)state;
    struct error err = {0};
    char secret[CONFIG_SECRET_MAX + 1];
    put("geheim", 6, 0600);
    if (geteuid() != 0)
        skip();
    assert_int_equal(chown(path, 12345, (gid_t)-1), 0);
    assert_int_equal(config_secret_read_file(path, CONFIG_SECRET_PASSWORD, secret, &err), -EPERM);
    assert_non_null(strstr(err.message, "belongs to user 12345"));
    assert_int_equal(chown(path, 0, (gid_t)-1), 0);
}

static void read_file__not_what_it_must_be__is_refused(void **state)
{
    (void)state;
    char secret[CONFIG_SECRET_MAX + 1];
    struct error err = {0};
    check("", 0600, CONFIG_SECRET_PASSWORD, NULL);
    check("\n", 0600, CONFIG_SECRET_PASSWORD, NULL);
    check("geheim", 0600, CONFIG_SECRET_CURVE_SECRET, NULL);
    check("secret-key = \"geheim-and-more-than-forty-characters-long-x", 0600,
          CONFIG_SECRET_CURVE_SECRET, NULL);
    put("geh\0eim", 7, 0600);
    assert_int_equal(config_secret_read_file(path, CONFIG_SECRET_PASSWORD, secret, &err), -EINVAL);
    char large[CONFIG_SECRET_MAX + 2];
    memset(large, 'x', sizeof(large) - 1);
    large[sizeof(large) - 1] = '\0';
    check(large, 0600, CONFIG_SECRET_PASSWORD, NULL);
    large[CONFIG_SECRET_MAX] = '\0';
    check(large, 0600, CONFIG_SECRET_PASSWORD, large);
}

static void is_curve_key__each_rule__counts(void **state)
{
    (void)state;
    assert_true(config_secret_is_curve_key(KEY));
    assert_false(config_secret_is_curve_key(""));
    assert_false(config_secret_is_curve_key(KEY "a"));
    assert_false(config_secret_is_curve_key("rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf "));
    /* "#####" is 85^5 - 1, more than 32 bits. */
    assert_false(config_secret_is_curve_key("#####>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"));
}

static int make_folder(void **state)
{
    (void)state;
    temporary_directory_make(folder);
    (void)snprintf(path, sizeof(path), "%s/secret", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_file__good_file__gives_the_secret),
        cmocka_unit_test(read_file__certificate__gives_the_key_that_was_asked_for),
        cmocka_unit_test(read_file__mode_lets_others_in__is_refused),
        cmocka_unit_test(read_file__others_file__is_refused),
        cmocka_unit_test(read_file__not_what_it_must_be__is_refused),
        cmocka_unit_test(is_curve_key__each_rule__counts),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
