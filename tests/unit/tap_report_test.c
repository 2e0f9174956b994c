/* SPDX-License-Identifier: MPL-2.0 */
/* What ZMQ_EXPORTER_TAP_LOG has: each thing once when it begins, and once when it ends. */
#include "tap/report.h"

#include "support/cmocka.h"
#include "support/temporary_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], path[4200], said[8192];
static struct segment_header header;

static int set_up(void **state)
{
    (void)state;
    temporary_directory_make(folder);
    (void)snprintf(path, sizeof(path), "%s/log", folder);
    assert_int_equal(setenv("ZMQ_EXPORTER_TAP_LOG", path, 1), 0);
    report_read_path();
    header = (struct segment_header){.n_lanes = 0};
    report_start("/segments", &header);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(path);
    temporary_directory_remove(folder);
    return 0;
}

/* What was written since it was asked last. */
static const char *read_new(void)
{
    FILE *file = fopen(path, "r");
    memset(said, 0, sizeof(said));
    if (file) {
        assert_true(fread(said, 1, sizeof(said) - 1, file) < sizeof(said) - 1);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(truncate(path, 0), 0);
    }
    return said;
}

static void line__file__is_appended_for_its_owner_alone(void **state)
{
    (void)state;
    struct stat status;
    report_line("a %d", 7);
    report_line("b");
    assert_string_equal(read_new(), "zmqtap: a 7\nzmqtap: b\n");
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    int fd = open("/dev/null", O_RDONLY);
    close(fd);
    report_line("c");
    assert_int_equal(open("/dev/null", O_RDONLY), fd); /* none is left open */
    close(fd);
}

static void line__long__is_cut_and_ended(void **state)
{
    (void)state;
    char longer[1000];
    memset(longer, 'x', sizeof(longer));
    for (size_t n = 500; n <= 506; n++) {
        longer[n] = '\0';
        report_line("%s", longer);
        size_t size = strlen(read_new());
        assert_int_equal(size, n <= 502 ? n + 9 : 511);
        assert_int_equal(said[size - 1], '\n');
        longer[n] = 'x';
    }
}

static void line__link_or_no_folder__is_not_followed(void **state)
{
    (void)state;
    char target[128];
    (void)snprintf(target, sizeof(target), "%s/target", folder);
    assert_int_equal(symlink(target, path), 0);
    report_line("a");
    assert_int_equal(access(target, F_OK), -1);
    assert_int_equal(unlink(path), 0);
}

static void line__to_stderr__stays_open(void **state)
{
    (void)state;
    assert_int_equal(setenv("ZMQ_EXPORTER_TAP_LOG", "stderr", 1), 0);
    report_read_path();
    fflush(stderr);
    int kept = dup(2), file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(dup2(file, 2), 2);
    report_line("to all");
    report_line("again");
    assert_int_equal(dup2(kept, 2), 2);
    close(file);
    close(kept);
    assert_string_equal(read_new(), "zmqtap: to all\nzmqtap: again\n");
}

static void path__too_long_or_none__is_no_log(void **state)
{
    (void)state;
    static char longer[4200];
    assert_int_equal(unsetenv("ZMQ_EXPORTER_TAP_LOG"), 0);
    report_read_path(); /* the one before stays */
    report_line("a");
    assert_string_equal(read_new(), "zmqtap: a\n");
    memset(longer, '/', 4096);
    assert_int_equal(setenv("ZMQ_EXPORTER_TAP_LOG", longer, 1), 0);
    report_read_path();
    report_line("a");
    assert_string_equal(read_new(), "zmqtap: a\n");
    longer[4095] = '\0'; /* the longest that is taken: a file's name at the end of many slashes */
    memcpy(longer + 4095 - strlen(path), path, strlen(path));
    assert_int_equal(setenv("ZMQ_EXPORTER_TAP_LOG", longer, 1), 0);
    assert_int_equal(unlink(path), 0);
    report_read_path();
    report_line("a");
    assert_string_equal(read_new(), "zmqtap: a\n");
}

static void round__fails_and_goes_on__is_said_once_each(void **state)
{
    (void)state;
    report_round(0);
    assert_string_equal(read_new(), "");
    report_round(-ENOENT);
    assert_string_equal(read_new(), "zmqtap: cannot write to segment directory /segments: No such "
                                    "file or directory; what is counted is not shown\n");
    report_round(-ENOENT);
    report_round(-EAGAIN);
    assert_string_equal(read_new(), "");
    report_round(-EACCES);
    assert_non_null(strstr(read_new(), "Permission denied"));
    report_round(-EAGAIN);
    report_round(-EACCES);
    assert_string_equal(read_new(), "");
    report_round(0);
    assert_string_equal(read_new(), "zmqtap: writes to segment directory /segments again\n");
    report_round(0);
    assert_string_equal(read_new(), "");
    report_round(-EACCES);
    (void)read_new();
    report_start("/others", &header); /* as after a fork: nothing was said yet */
    report_round(0);
    assert_string_equal(read_new(), "");
    report_round(-EACCES);
    assert_non_null(strstr(read_new(), "/others: "));
}

static void round__capabilities__are_said_when_they_change(void **state)
{
    (void)state;
    static const char *const texts[] = {
#define X(number, name, text) [number] = (text),
        SEGMENT_CAPABILITIES(X)
#undef X
    };
    for (uint32_t i = 0; i < SEGMENT_N_CAPABILITIES; i++) {
        struct segment_capability *capability = &header.capabilities[i];
        char expected[256];
        capability->state = SEGMENT_CAPABILITY_ON;
        report_round(0);
        assert_string_equal(read_new(), "");
        (void)strcpy(capability->reason, "why");
        capability->state = SEGMENT_CAPABILITY_BOUND;
        report_round(0);
        (void)snprintf(expected, sizeof(expected), "zmqtap: %s: is a bound (why)\n", texts[i]);
        assert_string_equal(read_new(), expected);
        report_round(0);
        assert_string_equal(read_new(), "");
        capability->state = SEGMENT_CAPABILITY_OFF;
        report_round(0);
        (void)snprintf(expected, sizeof(expected), "zmqtap: %s: cannot be measured (why)\n",
                       texts[i]);
        assert_string_equal(read_new(), expected);
    }
    report_start("/segments", &header);
    report_round(0);
    size_t n = 0;
    for (const char *at = read_new(); (at = strchr(at, '\n')); at++)
        n++;
    assert_int_equal(n, SEGMENT_N_CAPABILITIES);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(line__file__is_appended_for_its_owner_alone),
        CASE(line__long__is_cut_and_ended),
        CASE(line__link_or_no_folder__is_not_followed),
        CASE(line__to_stderr__stays_open),
        CASE(path__too_long_or_none__is_no_log),
        CASE(round__fails_and_goes_on__is_said_once_each),
        CASE(round__capabilities__are_said_when_they_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
