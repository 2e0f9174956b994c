/* SPDX-License-Identifier: MPL-2.0 */
/* Over a folder made to look like /proc, and over the real one. */
#include "base/clock.h"
#include "libraries/library_scan.h"

#include "support/cmocka.h"
#include "support/temporary_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECOND  CLOCK_NS_PER_SECOND
#define BUDGET  (20 * SECOND)
#define LIBRARY "1000-2000 r--p 0 08:01 7 /usr/lib/libzmq.so.5.2.4"

struct fixture {
    char path[64];
    int fd;
    struct library_scan *scan;
    struct library_scan_totals totals;
};

static int setup(void **state)
{
    struct fixture *self = calloc(1, sizeof(*self));
    temporary_directory_make(self->path);
    self->fd = open(self->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(library_scan_new(self->fd, &self->scan), 0);
    *state = self;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *self = *state;
    library_scan_destroy(&self->scan);
    assert_null(self->scan);
    close(self->fd);
    temporary_directory_remove(self->path);
    free(self);
    return 0;
}

static void put(struct fixture *self, int pid, const char *name, const char *text)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%d", self->path, pid);
    (void)mkdir(path, 0700);
    (void)snprintf(path, sizeof(path), "%s/%d/%s", self->path, pid, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void put_process(struct fixture *self, int pid, int start, int size, const char *maps)
{
    char stat[160];
    (void)snprintf(stat, sizeof(stat), "%d (a) b) S%s %d %d 1 ", pid,
                   " 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0", start, size);
    put(self, pid, "stat", stat);
    put(self, pid, "cgroup", "0::/system.slice/feed.service\n");
    put(self, pid, "maps", maps);
}

static void remove_process(struct fixture *self, int pid)
{
    char command[128];
    (void)snprintf(command, sizeof(command), "rm -r %s/%d", self->path, pid);
    assert_int_equal(system(command), 0);
}

static void run(struct fixture *self, uint64_t now_ns)
{
    assert_int_equal(library_scan_run(self->scan, now_ns, BUDGET, &self->totals), 0);
}

static void count_process(const struct library_process *process, void *data)
{
    (void)process;
    ++*(int *)data;
}

static int n_found(struct fixture *self)
{
    int n = 0;
    library_scan_each(self->scan, count_process, &n);
    return n;
}

static void check_feed(const struct library_process *process, void *data)
{
    if (process->pid != *(int *)data)
        return;
    assert_string_equal(process->program, "feed");
    assert_string_equal(process->found->path, "/usr/lib/libzmq.so.5.2.4");
    assert_false(process->found->is_replaced);
    *(int *)data = -1;
}

static void run__processes_with_and_without__finds_those_with(void **state)
{
    struct fixture *self = *state;
    put_process(self, 7, 100, 4096, LIBRARY);
    put_process(self, 12, 100, 4096, "1000-2000 r--p 0 08:01 7 /usr/lib/libc.so.6");
    put_process(self, 120, 100, 0, LIBRARY); /* a kernel thread: its maps are not read */
    put(self, 7, "self-made", "");
    run(self, SECOND);
    assert_int_equal(self->totals.n_processes, 3);
    assert_int_equal(self->totals.n_unreadable, 0);
    assert_int_equal(self->totals.n_pending, 0);
    assert_int_equal(n_found(self), 1);
    int pid = 7;
    library_scan_each(self->scan, check_feed, &pid);
    assert_int_equal(pid, -1);
}

static void run__library_loaded_later__is_found_when_the_size_changes(void **state)
{
    struct fixture *self = *state;
    put_process(self, 7, 100, 4096, "");
    run(self, SECOND);
    assert_int_equal(n_found(self), 0);

    put_process(self, 7, 100, 8192, LIBRARY);
    run(self, SECOND + SECOND / 2);
    assert_int_equal(n_found(self), 0); /* not due yet */
    run(self, 2 * SECOND);
    assert_int_equal(n_found(self), 1);
}

static void run__same_size__is_read_again_after_the_long_interval_only(void **state)
{
    struct fixture *self = *state;
    put_process(self, 7, 100, 4096, "");
    run(self, SECOND);
    put(self, 7, "maps", LIBRARY);
    for (uint64_t now = 2; now < LIBRARY_SCAN_FULL_S; now++)
        run(self, now * SECOND);
    assert_int_equal(n_found(self), 0);
    run(self, (LIBRARY_SCAN_FULL_S + 1 + LIBRARY_SCAN_INTERVAL_S) * SECOND);
    assert_int_equal(n_found(self), 1);
}

static void run__pid_given_to_another__forgets_the_first(void **state)
{
    struct fixture *self = *state;
    put_process(self, 7, 100, 4096, LIBRARY);
    run(self, SECOND);
    assert_int_equal(n_found(self), 1);
    put_process(self, 7, 200, 4096, "");
    run(self, 2 * SECOND);
    assert_int_equal(n_found(self), 0);
}

/* As large as the first, which had none: only its start tells that it is another. */
static void run__pid_given_to_another_with_a_library__is_found(void **state)
{
    struct fixture *self = *state;
    put_process(self, 7, 100, 4096, "");
    run(self, SECOND);
    assert_int_equal(n_found(self), 0);
    put_process(self, 7, 200, 4096, LIBRARY);
    run(self, 2 * SECOND);
    assert_int_equal(n_found(self), 1);
}

static void run__process_gone__is_dropped_and_the_others_kept(void **state)
{
    struct fixture *self = *state;
    for (int pid = 10; pid < 15; pid++)
        put_process(self, pid, 100, 4096, LIBRARY);
    run(self, SECOND);
    assert_int_equal(n_found(self), 5);
    remove_process(self, 10);
    remove_process(self, 12);
    remove_process(self, 14);
    put_process(self, 11, 100, 4096, LIBRARY);
    run(self, SECOND + 1);
    assert_int_equal(self->totals.n_processes, 2);
    assert_int_equal(n_found(self), 2);
}

static void replaced(const struct library_process *process, void *data)
{
    *(bool *)data = process->found->is_replaced;
}

static void run__file_replaced__is_seen_without_a_change_of_size(void **state)
{
    struct fixture *self = *state;
    bool is_replaced = true;
    put_process(self, 7, 100, 4096, LIBRARY);
    run(self, SECOND);
    library_scan_each(self->scan, replaced, &is_replaced);
    assert_false(is_replaced);
    put(self, 7, "maps", LIBRARY " (deleted)\n");
    run(self, 2 * SECOND);
    library_scan_each(self->scan, replaced, &is_replaced);
    assert_true(is_replaced);
}

static void run__maps_not_readable__is_counted(void **state)
{
    struct fixture *self = *state;
    char path[128];
    put_process(self, 7, 100, 4096, LIBRARY);
    (void)snprintf(path, sizeof(path), "%s/7/maps", self->path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0); /* EISDIR: stands for a refusal, also for root */
    put_process(self, 8, 100, 4096, LIBRARY);
    put(self, 9, "stat", "rubbish");
    run(self, SECOND);
    assert_int_equal(self->totals.n_processes, 3);
    assert_int_equal(self->totals.n_unreadable, 2);
    assert_int_equal(n_found(self), 1);
}

static void run__no_budget__says_so_and_goes_on_next_time(void **state)
{
    struct fixture *self = *state;
    for (int pid = 10; pid < 30; pid++)
        put_process(self, pid, 100, 4096, LIBRARY);
    assert_int_equal(library_scan_run(self->scan, SECOND, 0, &self->totals), 0);
    assert_true(self->totals.n_pending > 0);
    assert_true(n_found(self) < 20);
    run(self, SECOND);
    assert_int_equal(self->totals.n_pending, 0);
    assert_int_equal(n_found(self), 20);
}

struct id_of {
    pid_t pid;
    const char *build_id;
};

static void visit_id(const struct library_process *process, void *data)
{
    struct id_of *wanted = data;
    if (process->pid == wanted->pid)
        wanted->build_id = process->found->build_id;
}

static const char *build_id_of(struct fixture *self, pid_t pid)
{
    struct id_of wanted = {.pid = pid};
    library_scan_each(self->scan, visit_id, &wanted);
    assert_non_null(wanted.build_id);
    return wanted.build_id;
}

/* Makes <pid>/root/usr/lib/libzmq.so.5.2.4 by `command`, which takes its path as the last word. */
static void put_file(struct fixture *self, int pid, const char *command)
{
    char line[512], folder[128];
    put_process(self, pid, 100, 4096, LIBRARY);
    (void)snprintf(folder, sizeof(folder), "%s/%d/root/usr/lib", self->path, pid);
    (void)snprintf(line, sizeof(line), "mkdir -p %s && %s %s/libzmq.so.5.2.4", folder, command,
                   folder);
    assert_int_equal(system(line), 0);
}

static void run__file_in_the_process_root__gives_its_build_id(void **state)
{
    struct fixture *self = *state;
    char expected[BUILD_ID_TEXT_SIZE] = "", command[64];
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    (void)build_id_read(fd, expected);
    close(fd);

    (void)snprintf(command, sizeof(command), "cp /proc/%d/exe", getpid());
    put_file(self, 7, command);
    put_file(self, 8, "mkfifo"); /* opening it for reading would wait for a writer */
    (void)snprintf(command, sizeof(command), "ln -s /proc/%d/exe", getpid());
    put_file(self, 9, command); /* a link leads out of the process's root */
    put_file(self, 10, "printf rubbish >");

    run(self, SECOND);
    assert_string_equal(build_id_of(self, 7), expected);
    assert_string_equal(build_id_of(self, 8), "");
    assert_string_equal(build_id_of(self, 9), "");
    assert_string_equal(build_id_of(self, 10), "");
}

static void run__root_is_gone__fails(void **state)
{
    struct fixture *self = *state;
    struct library_scan *scan;
    int fd = open("/dev/null", O_PATH | O_CLOEXEC);
    assert_int_equal(library_scan_new(fd, &scan), 0);
    assert_int_equal(library_scan_run(scan, SECOND, BUDGET, &self->totals), -ENOTDIR);
    library_scan_destroy(&scan);
    close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(run__processes_with_and_without__finds_those_with),
        TEST(run__library_loaded_later__is_found_when_the_size_changes),
        TEST(run__same_size__is_read_again_after_the_long_interval_only),
        TEST(run__pid_given_to_another__forgets_the_first),
        TEST(run__pid_given_to_another_with_a_library__is_found),
        TEST(run__process_gone__is_dropped_and_the_others_kept),
        TEST(run__file_replaced__is_seen_without_a_change_of_size),
        TEST(run__maps_not_readable__is_counted),
        TEST(run__no_budget__says_so_and_goes_on_next_time),
        TEST(run__file_in_the_process_root__gives_its_build_id),
        TEST(run__root_is_gone__fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
