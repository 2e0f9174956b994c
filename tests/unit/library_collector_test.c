/* SPDX-License-Identifier: MPL-2.0 */
/* On the real /proc: this program, and a copy of libzmq that is removed while it is loaded. */
#include "base/clock.h"
#include "collectors/library/library_collector.h"
#include "metrics/text_writer.h"

#include "support/cmocka.h"
#include "support/temporary_directory.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#define PROGRAM "program=\"library_collector_test\""

static void collect(struct collector *collector, struct string_buffer *page)
{
    struct samples samples;
    struct error err;
    samples_init(&samples);
    assert_int_equal(collector->collect(collector->state, &samples, &err), 0);
    const struct samples *part = &samples;
    assert_int_equal(text_format_write(TEXT_FORMAT_PROMETHEUS, &part, 1, page), 0);
    samples_finish(&samples);
}

/* A scan stops when its budget is spent, so on a busy machine it takes several. */
static const char *wait_for(struct collector *collector, struct string_buffer *page,
                            const char *expected)
{
    uint64_t end_ns = clock_monotonic_ns() + 20 * CLOCK_NS_PER_SECOND;
    do {
        string_buffer_clear(page);
        collect(collector, page);
        const char *found = strstr(page->data, expected);
        if (found)
            return found;
        (void)poll(NULL, 0, 10);
    } while (clock_monotonic_ns() < end_ns);
    fail_msg("not within 20 s: %s", expected);
    return NULL;
}

/* The real path of the libzmq that this program has loaded. */
static void loaded_path(char ret_path[PATH_MAX])
{
    Dl_info info;
    assert_true(dladdr((void *)(uintptr_t)&zmq_version, &info) != 0);
    assert_non_null(realpath(info.dli_fname, ret_path));
}

static void collect__this_process__tells_its_exact_version(void **state)
{
    (void)state;
    struct collector collector;
    struct string_buffer page = {0};
    char path[PATH_MAX], expected[PATH_MAX + 128];
    int major, minor, patch;
    zmq_version(&major, &minor, &patch);
    loaded_path(path);

    assert_int_equal(library_collector_new(&(struct library_options){0}, &collector, NULL), 0);
    (void)snprintf(expected, sizeof(expected),
                   PROGRAM ",version=\"%d.%d.%d\",path=\"%s\",build_id=", major, minor, patch,
                   path);
    (void)wait_for(&collector, &page, expected);
    assert_non_null(strstr(page.data, "\nzmq_library_releases_behind{" PROGRAM));
    assert_non_null(strstr(page.data, "\nzmq_library_release_age_seconds{" PROGRAM));
    assert_non_null(strstr(page.data, "\nzmq_library_latest_info{version=\""));
    assert_non_null(strstr(page.data, "\nzmq_library_folded_processes 0\n"));
    collector.destroy(collector.state);
    string_buffer_finish(&page);
}

/* A child loads a copy of its own, says so, and waits. */
static pid_t start_with_copy(const char *copy, int ready_fd, int end_fd)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* also where the test fails half-way */
    char byte = dlopen(copy, RTLD_NOW | RTLD_LOCAL) ? 'y' : 'n';
    if (write(ready_fd, &byte, 1) == 1)
        (void)!read(end_fd, &byte, 1);
    _exit(0);
}

static void collect__copy_removed_on_disk__is_told_with_its_build_id(void **state)
{
    (void)state;
    char folder[64], copy[96], path[PATH_MAX], command[PATH_MAX + 128];
    temporary_directory_make(folder);
    loaded_path(path);
    (void)snprintf(copy, sizeof(copy), "%s/libzmq-test.so.5.0.0", folder);
    (void)snprintf(command, sizeof(command), "cp %s %s", path, copy);
    assert_int_equal(system(command), 0);

    int ready[2], end[2];
    char byte = 0;
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(end), 0);
    pid_t pid = start_with_copy(copy, ready[1], end[0]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    assert_int_equal(unlink(copy), 0);

    struct collector collector;
    struct string_buffer page = {0};
    char expected[256];
    assert_int_equal(library_collector_new(&(struct library_options){0}, &collector, NULL), 0);
    (void)snprintf(expected, sizeof(expected), "version=\"4.1.2-4.1.4\",path=\"%s\",build_id=\"",
                   copy);
    (void)wait_for(&collector, &page, expected);
    const char *found = strstr(page.data, "\nzmq_library_replaced_on_disk{");
    found = found ? strstr(found, expected) : NULL;
    assert_non_null(found);
    assert_non_null(strstr(found, "\"} 1\n"));
    collector.destroy(collector.state);
    string_buffer_finish(&page);

    assert_int_equal(write(end[1], &byte, 1), 1);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    for (int i = 0; i < 2; i++) {
        close(ready[i]);
        close(end[i]);
    }
    assert_int_equal(rmdir(folder), 0);
}

static void new__no_procfs__says_where_and_what_to_do(void **state)
{
    (void)state;
    struct collector collector;
    struct error err;
    assert_int_equal(
        library_collector_new(&(struct library_options){.procfs = "/nowhere"}, &collector, &err),
        -ENOENT);
    assert_string_equal(err.message, "/nowhere: No such file or directory; mount procfs there");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(collect__this_process__tells_its_exact_version),
        cmocka_unit_test(collect__copy_removed_on_disk__is_told_with_its_build_id),
        cmocka_unit_test(new__no_procfs__says_where_and_what_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
