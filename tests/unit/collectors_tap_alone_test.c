/* SPDX-License-Identifier: MPL-2.0 */
/* Parts of the collector by themselves: what is folded, its ids, and clocks of other processes. */
#include "base/clock.h"
#include "collectors/tap/tap_fold.h"
#include "support/tap_fixture.h"
#include "support/temporary_directory.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PUSH       8
#define SECOND     ((int64_t)CLOCK_NS_PER_SECOND)
#define NOBODY     (1u << 30) /* beyond every pid */
#define N_OF_SENT  10u
#define N_OF_LATER 32u

/*
 * Folding
 */
static void send_ten(struct segment_table *table)
{
    uint64_t *words = tap_open_socket(table, PUSH, "tcp://a");
    segment_word_add(&words[SEGMENT_SENT_MESSAGES], N_OF_SENT);
    table->header->untracked_sockets = 3;
}

struct parts {
    struct tap_groups groups;
    struct tap_scan scan;
    struct tap_fold fold;
    bool is_new;
};

static void parts_init(struct parts *self, const char *directory)
{
    tap_groups_init(&self->groups, 100);
    tap_fold_init(&self->fold, &self->scan);
    assert_int_equal(tap_scan_init(&self->scan, directory, "/proc", &self->groups), 0);
    assert_int_equal(tap_scan_open(&self->scan, &self->is_new), 0);
    assert_int_equal(tap_fold_open(&self->fold, 1), 0);
}

static void parts_finish(struct parts *self)
{
    tap_fold_finish(&self->fold);
    tap_scan_finish(&self->scan);
    tap_groups_finish(&self->groups);
}

/* In the file of a process that is dead: as if its last round had come after it was read. */
static void write_later(const struct tap_scan *scan, size_t offset, uint64_t value)
{
    int fd = openat(scan->directory_fd, scan->processes[0]->file, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, &value, sizeof(value), (off_t)offset), sizeof(value));
    close(fd);
}

static uint64_t lanes_offset_of(const struct tap_scan *scan)
{
    return scan->processes[0]->reader.layout.lanes_offset;
}

static void fold__file_that_moved_since_it_was_read__counts_all_of_it(void **state)
{
    struct tap_fixture *f = *state;
    struct parts parts;
    parts_init(&parts, f->directory);
    tap_puppet_kill(tap_puppet_start(f, send_ten));
    uint64_t now_ns = clock_monotonic_ns();
    assert_int_equal(tap_scan_run(&parts.scan, TAP_SCAN_ACCOUNTS, now_ns), 0);
    assert_int_equal(parts.scan.n_processes, 1);
    assert_int_equal(parts.scan.processes[0]->state, TAP_PROCESS_DEAD);

    write_later(&parts.scan,
                lanes_offset_of(&parts.scan) + SEGMENT_SENT_MESSAGES * sizeof(uint64_t),
                N_OF_LATER);
    write_later(&parts.scan, offsetof(struct segment_header, untracked_sockets), 7);
    assert_int_equal(tap_fold_run(&parts.fold, now_ns), 0);
    assert_int_equal(parts.groups.n_groups, 1);
    assert_non_null(parts.groups.groups[0]->base);
    uint64_t sum = 0;
    for (size_t i = 0; i < TAP_N_COUNTERS; i++)
        sum += parts.groups.groups[0]->base[i];
    assert_int_equal(sum, N_OF_LATER);
    assert_int_equal(parts.groups.programs[0]->base[TAP_PROCESS_UNTRACKED_SOCKETS], 7);
    assert_int_equal(tap_fixture_files(f, ".seg"), 0);
    parts_finish(&parts);
}

/* What cannot be read any more is taken as it was. */
static void fold__file_that_was_cut_since__counts_what_was_read(void **state)
{
    struct tap_fixture *f = *state;
    struct parts parts;
    parts_init(&parts, f->directory);
    tap_puppet_kill(tap_puppet_start(f, send_ten));
    uint64_t now_ns = clock_monotonic_ns();
    assert_int_equal(tap_scan_run(&parts.scan, TAP_SCAN_ACCOUNTS, now_ns), 0);
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/%s", f->directory, parts.scan.processes[0]->file);
    assert_int_equal(truncate(path, (off_t)lanes_offset_of(&parts.scan)), 0);
    assert_int_equal(tap_fold_run(&parts.fold, now_ns), 0);
    assert_int_equal(parts.groups.n_groups, 1);
    parts_finish(&parts);
    assert_true(tap_fixture_value(f, "zmq_tap_untracked_sockets_total{program=\"feed\"}") == 3);
}

/*
 * Ids
 */
static struct tap_process_id id_of(uint64_t pid, uint64_t image)
{
    return (struct tap_process_id){pid, 500, 1, image};
}

static void folded__one_process__has_as_many_images_as_files(void **state)
{
    (void)state;
    struct tap_folded folded = {0};
    struct tap_process_id other = id_of(8, 1);
    assert_int_equal(tap_folded_add(&folded, &other, NULL), 0);
    for (uint64_t image = 1; image <= SEGMENT_MAX_IMAGES + 10; image++) {
        struct tap_process_id id = id_of(7, image);
        for (int twice = 0; twice < 2; twice++)
            assert_int_equal(tap_folded_add(&folded, &id, NULL), 0);
        for (uint64_t i = 1; i <= image; i++) {
            id = id_of(7, i);
            assert_int_equal(tap_folded_has(&folded, &id), i + SEGMENT_MAX_IMAGES > image);
        }
    }
    assert_int_equal(folded.n, SEGMENT_MAX_IMAGES + 1);
    assert_true(tap_folded_has(&folded, &other));
    tap_folded_finish(&folded);
    assert_false(tap_folded_has(&folded, &other));
}

static void folded__one_number_differs__is_another(void **state)
{
    (void)state;
    struct tap_folded folded = {0};
    struct tap_process_id id = id_of(7, 9);
    assert_int_equal(tap_folded_add(&folded, &id, NULL), 0);
    uint64_t *const numbers[] = {&id.pid, &id.start_ticks, &id.pid_namespace, &id.created_ns};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        ++*numbers[i];
        assert_false(tap_folded_has(&folded, &id));
        --*numbers[i];
    }
    assert_true(tap_folded_has(&folded, &id));
    /* Each of the first three makes another process, whose images are counted apart. */
    for (uint64_t image = 0; image < SEGMENT_MAX_IMAGES; image++) {
        for (size_t i = 0; i < 3; i++) {
            struct tap_process_id other = id_of(7, image);
            (&other.pid)[i]++;
            assert_int_equal(tap_folded_add(&folded, &other, NULL), 0);
        }
    }
    assert_true(tap_folded_has(&folded, &id));
    assert_int_equal(folded.n, 3 * SEGMENT_MAX_IMAGES + 1);
    tap_folded_finish(&folded);
}

static void folded__more_than_are_remembered__forgets_the_oldest(void **state)
{
    (void)state;
    struct tap_folded folded = {0};
    for (uint64_t pid = 1; pid <= TAP_MAX_FOLDED + 5; pid++) {
        struct tap_process_id id = id_of(pid, 1);
        assert_int_equal(tap_folded_add(&folded, &id, NULL), 0);
    }
    assert_int_equal(folded.n, TAP_MAX_FOLDED);
    for (uint64_t pid = 1; pid <= TAP_MAX_FOLDED + 5; pid++) {
        struct tap_process_id id = id_of(pid, 1);
        assert_int_equal(tap_folded_has(&folded, &id), pid > 5);
    }
    tap_folded_finish(&folded);
}

/* Those that exist no more go, so many each time; those that live, or are far away, stay. */
static void folded__cleaned__forgets_those_that_are_gone(void **state)
{
    (void)state;
    struct tap_folded folded = {0};
    struct tap_host host;
    uint64_t start_ticks;
    char stat_text[1024];
    assert_int_equal(tap_host_init(&host, "/proc"), 0);
    FILE *file = fopen("/proc/self/stat", "r");
    assert_non_null(file);
    assert_non_null(fgets(stat_text, sizeof(stat_text), file));
    (void)fclose(file);
    assert_int_equal(sscanf(strrchr(stat_text, ')'),
                            ") %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
                            "%*s %*s %*s %lu",
                            &start_ticks),
                     1);
    struct tap_process_id own = {(uint64_t)getpid(), start_ticks, host.pid_namespace, 1};
    struct tap_process_id former = {(uint64_t)getpid(), start_ticks - 1, host.pid_namespace, 1};
    struct tap_process_id far = {NOBODY, 1, host.pid_namespace + 1, 1};
    assert_int_equal(tap_folded_add(&folded, &own, NULL), 0);
    assert_int_equal(tap_folded_add(&folded, &former, NULL), 0);
    assert_int_equal(tap_folded_add(&folded, &far, NULL), 0);
    size_t n_gone = 2 * TAP_FOLDED_LOOKS;
    for (uint64_t i = 0; i < n_gone; i++) {
        struct tap_process_id id = {NOBODY + i, 1, host.pid_namespace, 1};
        assert_int_equal(tap_folded_add(&folded, &id, NULL), 0);
    }
    tap_folded_clean(&folded, &host);
    assert_int_equal(folded.n, 3 + n_gone - (TAP_FOLDED_LOOKS - 2)); /* two of the looked at stay */
    for (int i = 0; i < 16; i++)
        tap_folded_clean(&folded, &host);
    assert_int_equal(folded.n, 2);
    assert_true(tap_folded_has(&folded, &own));
    assert_true(tap_folded_has(&folded, &far));
    assert_false(tap_folded_has(&folded, &former));
    for (size_t i = 0; i < folded.n; i++)
        assert_int_equal(folded.images[i].life.pidfd, -1);
    tap_folded_finish(&folded);
    tap_host_finish(&host);
}

/*
 * Clocks
 */
static void clock__start__is_within_a_tick_of_what_is_expected(void **state)
{
    (void)state;
    const int64_t hz = sysconf(_SC_CLK_TCK);
    struct tap_clock near = {.is_sure = true};
    assert_true(tap_clock_is_start(&near, 1000, 1000));
    assert_false(tap_clock_is_start(&near, 1001, 1000));
    assert_false(tap_clock_is_start(&near, 999, 1000));
    for (int64_t seconds = -5; seconds <= 5; seconds += 10) {
        struct tap_clock sure = {.is_sure = true, .boottime_ns = seconds * SECOND};
        struct tap_clock unsure = {.boottime_ns = seconds * SECOND};
        uint64_t expected = (uint64_t)(10000 + seconds * hz);
        for (uint64_t off = 0; off <= 6; off++) {
            bool is_near = off >= 2 && off <= 4;
            assert_int_equal(tap_clock_is_start(&sure, expected + off - 3, 10000), is_near);
            assert_int_equal(tap_clock_is_start(&unsure, expected + off - 3, 10000), is_near);
        }
        assert_false(tap_clock_is_start(&sure, 10000, 10000));
        assert_true(tap_clock_is_start(&unsure, 10000, 10000));
    }
}

static void clock__time__is_brought_to_ours_within_what_there_is(void **state)
{
    (void)state;
    static const struct {
        int64_t offset;
        uint64_t its, ours;
    } rows[] = {
        {0, 5, 5},
        {3, 5, 2},
        {5, 5, 0},
        {6, 5, 0},
        {-3, 5, 8},
        {INT64_MAX, UINT64_MAX, UINT64_MAX - INT64_MAX},
        {INT64_MIN, 1, (UINT64_C(1) << 63) + 1},
        {-1, UINT64_MAX, UINT64_MAX},
        {-2, UINT64_MAX - 1, UINT64_MAX},
        {-1, UINT64_MAX - 1, UINT64_MAX},
        {0, 0, 0},
        {0, UINT64_MAX, UINT64_MAX},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct tap_clock clock = {.monotonic_ns = rows[i].offset};
        assert_true(tap_clock_to_ours(&clock, rows[i].its) == rows[i].ours);
    }
}

static void shell(const char *directory, const char *text)
{
    char line[512];
    (void)snprintf(line, sizeof(line), "cd %s && %s", directory, text);
    assert_int_equal(system(line), 0);
}

/* Over a folder made to look like /proc: namespaces are files there, the same if they are one. */
static void clock__of_a_process__is_its_offset_from_ours(void **state)
{
    (void)state;
    char directory[64], path[96];
    struct stat own;
    temporary_directory_make(directory);
    shell(directory, "mkdir -p 1/ns 2/ns 3/ns 4/ns 5/ns 6/ns && touch 1/ns/time 2/ns/time 3/ns/time"
                     " 4/ns/time 5/ns/time && ln 2/ns/time 2/ns/time_for_children &&"
                     " touch 3/ns/time_for_children 5/ns/time_for_children");
    shell(directory, "printf 'monotonic 7 500000000\\nboottime -3 0\\n' | tee 2/timens_offsets"
                     " 3/timens_offsets 6/timens_offsets >5/unused;"
                     " printf '1 7 500000000\\nrubbish\\n7 -3 0\\n' >4/timens_offsets;"
                     " printf 'monotonic 2 1\\nboottime 1 4\\n' >5/timens_offsets");
    (void)snprintf(path, sizeof(path), "%s/1/ns/time", directory);
    assert_int_equal(stat(path, &own), 0);
    int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    const struct tap_clock_base base = {own.st_ino, 2 * SECOND + 1, SECOND + 4}, none = {0};
    static const struct tap_clock expected[] = {
        {0},
        {.is_sure = true},                                /* the agent's own namespace */
        {true, 5 * SECOND + 499999999, -4 * SECOND - 4},  /* its own */
        {false, 5 * SECOND + 499999999, -4 * SECOND - 4}, /* its children will have it */
        {false, 5 * SECOND + 499999999, -4 * SECOND - 4}, /* names of the first kernels */
        {.is_sure = true},                                /* another without a difference */
        {false, 5 * SECOND + 499999999, -4 * SECOND - 4}, /* its namespace is not shown */
        {0},                                              /* nothing is */
    };
    for (pid_t pid = 1; pid < (pid_t)(sizeof(expected) / sizeof(*expected)); pid++) {
        struct tap_clock clock = tap_clock_of(&base, fd, pid);
        assert_int_equal(clock.is_sure, expected[pid].is_sure);
        assert_int_equal(clock.monotonic_ns, expected[pid].monotonic_ns);
        assert_int_equal(clock.boottime_ns, expected[pid].boottime_ns);
        clock = tap_clock_of(&none, fd, pid); /* the kernel has none: all is one */
        assert_true(clock.is_sure && clock.monotonic_ns == 0 && clock.boottime_ns == 0);
    }
    close(fd);
    temporary_directory_remove(directory);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, tap_fixture_set_up, tap_fixture_tear_down)
    const struct CMUnitTest tests[] = {
        CASE(fold__file_that_moved_since_it_was_read__counts_all_of_it),
        CASE(fold__file_that_was_cut_since__counts_what_was_read),
        cmocka_unit_test(folded__one_process__has_as_many_images_as_files),
        cmocka_unit_test(folded__one_number_differs__is_another),
        cmocka_unit_test(folded__more_than_are_remembered__forgets_the_oldest),
        cmocka_unit_test(folded__cleaned__forgets_those_that_are_gone),
        cmocka_unit_test(clock__start__is_within_a_tick_of_what_is_expected),
        cmocka_unit_test(clock__time__is_brought_to_ours_within_what_there_is),
        cmocka_unit_test(clock__of_a_process__is_its_offset_from_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
