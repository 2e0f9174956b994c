/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The files of config/ and the shipped example. Each invalid-*.yml breaks one rule; its first
 * line is a comment with the message, after the path: "# 3:5: unknown key …". "{dir}" in it is
 * the folder.
 */
#include "base/cleanup.h"
#include "config/exporter_config.h"
#include "config/probe_security.h"
#include "config/probe_sequence.h"

#include "support/cmocka.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXAMPLE   TEST_SOURCE_ROOT "/packaging/zmq_exporter.example.yml"
#define FOLDER    TEST_SOURCE_ROOT "/tests/unit/config"
#define FILES_MIN 95 /* of invalid-*.yml: a wrong pattern must not pass as success */

/* The first line without "# ", with "{dir}" replaced. */
static void read_expectation(const char *path, char *ret, size_t size)
{
    char line[1024];
    cleanup_file FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof(line), file));
    line[strcspn(line, "\n")] = '\0';
    assert_int_equal(strncmp(line, "# ", 2), 0);
    char *dir = strstr(line, "{dir}");
    if (dir)
        *dir = '\0';
    (void)snprintf(ret, size, "%s:%s%s%s", path, line + 2, dir ? FOLDER : "", dir ? dir + 5 : "");
}

static void load__each_invalid_file__says_what_its_first_line_has(void **state)
{
    (void)state;
    glob_t found;
    setenv("PROBE_TEST_SECRET", "geheim", 1);
    unsetenv("PROBE_TEST_ABSENT");
    assert_int_equal(glob(FOLDER "/invalid-*.yml", 0, NULL, &found), 0);
    assert_true(found.gl_pathc >= FILES_MIN);
    size_t n_wrong = 0;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct exporter_config *config = NULL;
        struct error err = {0};
        char expected[1200];
        read_expectation(found.gl_pathv[i], expected, sizeof(expected));
        int r = exporter_config_load(found.gl_pathv[i], &config, &err);
        if (r >= 0 || strcmp(err.message, expected) != 0) {
            print_message("expected %s\n     got %s\n", expected, r < 0 ? err.message : "success");
            n_wrong++;
        }
        assert_null(strstr(err.message, "geheim"));
        exporter_config_unref(&config);
    }
    globfree(&found);
    assert_int_equal(n_wrong, 0);
}

static void load__the_example__is_valid(void **state)
{
    (void)state;
    struct exporter_config *config = NULL;
    struct error err = {0};
    if (exporter_config_load(EXAMPLE, &config, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(config->n_probes, 3);
    assert_int_equal(config->n_modules, 3);
    assert_int_equal(config->probe_targets.n, 4);
    exporter_config_unref(&config);
}

static void read_example(struct string_buffer *text)
{
    cleanup_file FILE *file = fopen(EXAMPLE, "re");
    assert_non_null(file);
    char line[512];
    while (fgets(line, sizeof(line), file))
        string_buffer_append_text(text, line);
    assert_false(text->has_failed);
}

static void check_keys(const struct string_buffer *text, const struct config_key *keys, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char key[80];
        (void)snprintf(key, sizeof(key), " %s:", keys[i].name);
        if (keys[i].type != CONFIG_REFUSED && !strstr(text->data, key))
            fail_msg("the example does not have '%s'", keys[i].name);
    }
}

static void example__any_key__is_explained(void **state)
{
    (void)state;
    cleanup(string_buffer_finish) struct string_buffer text = {0};
    read_example(&text);
    check_keys(&text, probe_settings_keys, probe_settings_n_keys);
    check_keys(&text, probe_security_keys, probe_security_n_keys);
    check_keys(&text, probe_sequence_keys, probe_sequence_n_keys);
    check_keys(&text, probe_sequence_key_keys, probe_sequence_key_n_keys);
}

/* The example says that it shows the defaults; this is where they could part. */
static void example__first_probe__has_the_defaults(void **state)
{
    (void)state;
    struct exporter_config *example = NULL, *bare = NULL;
    struct error err = {0};
    const char text[] = "probes: [{name: a, address: 'tcp://a:1', peer: PUB}]";
    assert_int_equal(exporter_config_load(EXAMPLE, &example, &err), 0);
    assert_int_equal(exporter_config_parse("x.yml", text, sizeof(text) - 1, &bare, &err), 0);
    assert_true(probe_settings_is_equal(&example->probes[0].settings, &bare->probes[0].settings));
    assert_int_equal(example->probe_requests, bare->probe_requests);
    exporter_config_unref(&example);
    exporter_config_unref(&bare);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(load__each_invalid_file__says_what_its_first_line_has),
        cmocka_unit_test(load__the_example__is_valid),
        cmocka_unit_test(example__any_key__is_explained),
        cmocka_unit_test(example__first_probe__has_the_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
