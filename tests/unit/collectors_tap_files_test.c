/* SPDX-License-Identifier: MPL-2.0 */
/* Files that cannot be read, or are not of this host's own processes. */
#include "base/clock.h"
#include "base/procfs.h"
#include "support/tap_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOBODY   65534
#define PUB      1
#define SERIES   "zmq_sockets{program=\"feed\",type=\"PUB\",address=\"tcp://a\"}"
#define INVALID  "zmq_exporter_segments{state=\"invalid\"}"
#define LEFT_OUT "zmq_exporter_segments{state=\"left_out\"}"

static uint64_t later_ns;

static uint64_t tell_later(void)
{
    return clock_monotonic_ns() + later_ns;
}

static void fill(struct segment_table *table)
{
    tap_set_capability(table, SEGMENT_CAPABILITY_MESSAGES, SEGMENT_CAPABILITY_ON);
    (void)tap_open_socket(table, PUB, "tcp://a");
}

static void fill_too_large(struct segment_table *table)
{
    for (unsigned i = 0; i < SEGMENT_MAX_LANES; i++)
        (void)tap_open_socket(table, PUB, "tcp://large");
}

static void fill_of_another_boot(struct segment_table *table)
{
    fill(table);
    strncpy(table->header->boot_id, "another", sizeof(table->header->boot_id));
}

static void fill_of_a_container(struct segment_table *table)
{
    fill_of_another_boot(table);
    table->header->pid_namespace++;
}

/* As another user, who may see the folder and not read root's file. */
static void become(uid_t uid)
{
    assert_int_equal(seteuid(uid), 0);
}

static void file__that_may_not_be_read__is_counted_and_no_error(void **state)
{
    struct tap_fixture *f = *state;
    char command[192];
    if (geteuid() != 0)
        skip();
    later_ns = 0;
    tap_fixture_restart(f, &(struct tap_options){.now_ns = tell_later});
    pid_t pid = tap_puppet_start(f, fill);
    (void)snprintf(command, sizeof(command), "chmod 755 %s; chmod 600 %s/*.seg", f->directory,
                   f->directory);
    assert_int_equal(system(command), 0);
    become(NOBODY);
    tap_fixture_scrape(f);
    int early = f->result;
    later_ns = 6 * CLOCK_NS_PER_SECOND;
    double n_invalid = tap_fixture_value(f, INVALID);
    int late = f->result;
    become(0);
    assert_int_equal(early, 0);
    assert_int_equal(late, 0);
    assert_true(n_invalid == 1);
    /* It was passed over, not given up. */
    assert_true(tap_fixture_value(f, SERIES) == 1);
    assert_true(tap_fixture_value(f, INVALID) == 0);
    tap_puppet_kill(pid);
}

static void budget__spent__is_waited_for(void **state)
{
    enum { N_LARGE = 16 }; /* all lanes that an agent reads */
    struct tap_fixture *f = *state;
    pid_t large[N_LARGE];
    for (unsigned i = 0; i < N_LARGE; i++)
        large[i] = tap_puppet_start(f, fill_too_large);
    tap_fixture_scrape(f);
    pid_t pid = tap_puppet_start(f, fill);
    assert_true(isnan(tap_fixture_value(f, SERIES)));
    assert_int_equal(f->result, -EDQUOT);
    assert_true(tap_fixture_value(f, LEFT_OUT) == 1);
    assert_true(tap_fixture_value(f, INVALID) == 0);
    for (unsigned i = 0; i < N_LARGE; i++)
        tap_puppet_kill(large[i]);
    tap_fixture_wait(f, SERIES, 1);
    assert_int_equal(f->result, 0);
    assert_true(tap_fixture_value(f, LEFT_OUT) == 0);
    tap_puppet_kill(pid);
}

static void boot__another__is_refused_and_removed(void **state)
{
    struct tap_fixture *f = *state;
    pid_t pid = tap_puppet_start(f, fill_of_another_boot);
    assert_true(isnan(tap_fixture_value(f, SERIES)));
    tap_fixture_tick(f);
    assert_int_equal(tap_fixture_files(f, ".seg"), 0);
    tap_puppet_kill(pid);
}

/* systemd-nspawn and LXC give a container a boot id of its own. */
static void boot__of_a_container__counts_while_its_process_is_seen(void **state)
{
    struct tap_fixture *f = *state;
    pid_t pid = tap_puppet_start(f, fill_of_a_container);
    assert_true(tap_fixture_value(f, SERIES) == 1);
    tap_fixture_tick(f);
    assert_int_equal(tap_fixture_files(f, ".seg"), 1);
    tap_puppet_kill(pid);
    tap_fixture_tick(f);
    assert_int_equal(tap_fixture_files(f, ".seg"), 0);
    assert_true(tap_fixture_value(f, SERIES) == 0);
}

/* Numbers that no process has; as a pid_t, the last two mean every process, and one's own group. */
static void garbage__under_an_impossible_pid__is_removed(void **state)
{
    static const char *const names[] = {"4000000000-1.seg", "18446744073709551615-1.seg",
                                        "4294967296-1.seg"};
    struct tap_fixture *f = *state;
    char path[128];
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", f->directory, names[i]);
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        close(fd);
    }
    later_ns = 0;
    tap_fixture_restart(f, &(struct tap_options){.now_ns = tell_later});
    tap_fixture_tick(f);
    assert_int_equal(tap_fixture_files(f, ".seg"), 3);
    later_ns = 6 * CLOCK_NS_PER_SECOND;
    tap_fixture_tick(f);
    assert_int_equal(tap_fixture_files(f, ".seg"), 0);
}

/* Copies a process's file, as another one's. */
static void copy_file(const struct tap_fixture *f, pid_t pid, uint64_t start, pid_t as_pid,
                      uint64_t as_start)
{
    char command[300];
    (void)snprintf(command, sizeof(command), "cp -p %s/%d-%llu.seg %s/%d-%llu.seg", f->directory,
                   pid, (unsigned long long)start, f->directory, as_pid,
                   (unsigned long long)as_start);
    assert_int_equal(system(command), 0);
}

static uint64_t start_of(pid_t pid)
{
    uint64_t ticks;
    int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(procfs_start_time(proc, pid, &ticks), 0);
    close(proc);
    return ticks;
}

/* A file tells of the process that its name has, or of none: it would be counted for another one,
 * and would live and die with it. */
static void name__of_another_process__is_refused(void **state)
{
    struct tap_fixture *f = *state;
    pid_t one = tap_puppet_start(f, fill), other = tap_puppet_start(f, fill);
    uint64_t start = start_of(one);
    assert_true(tap_fixture_value(f, SERIES) == 2);
    assert_true(tap_fixture_value(f, INVALID) == 0);

    copy_file(f, one, start, getpid(), start_of(getpid()));
    assert_true(tap_fixture_value(f, INVALID) == 1);
    copy_file(f, one, start, one, start + 1); /* the same pid, in use again */
    assert_true(tap_fixture_value(f, INVALID) == 2);
    copy_file(f, one, start, getpid(), start); /* nor is either of both enough */
    assert_true(tap_fixture_value(f, INVALID) == 3);
    assert_true(tap_fixture_value(f, SERIES) == 2);
    tap_puppet_kill(one);
    tap_puppet_kill(other);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, tap_fixture_set_up, tap_fixture_tear_down)
    const struct CMUnitTest tests[] = {
        CASE(file__that_may_not_be_read__is_counted_and_no_error),
        CASE(budget__spent__is_waited_for),
        CASE(boot__another__is_refused_and_removed),
        CASE(boot__of_a_container__counts_while_its_process_is_seen),
        CASE(name__of_another_process__is_refused),
        CASE(garbage__under_an_impossible_pid__is_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
