/* SPDX-License-Identifier: MPL-2.0 */
/* The directory is missing, full, refuses, or somebody has put something in the file's place. */
#include "segment/segment_writer.h"

#include "support/cmocka.h"
#include "support/temporary_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NOBODY     65534
#define DEADLINE_S 20
#define N_LANES    200u

struct fixture {
    char directory[64];
    struct segment_table *table;
    struct segment_writer *writer;
};

static void fill_table(struct segment_table *table)
{
    uint32_t group = segment_table_group(table, 1, "tcp://*:5556", NULL), lane;
    for (uint32_t i = 0; i < N_LANES; i++) {
        assert_int_equal(segment_table_take_lane(table, group, &lane), 0);
        segment_word_add(&segment_table_words(table, lane)[SEGMENT_SENT_MESSAGES], i + 1);
    }
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    *state = f;
    temporary_directory_make(f->directory);
    assert_int_equal(chmod(f->directory, 03777), 0);
    assert_int_equal(segment_table_new(64, &f->table), 0);
    fill_table(f->table);
    return segment_writer_new(f->table, f->directory, &f->writer);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    segment_writer_destroy(&f->writer);
    segment_table_destroy(&f->table);
    temporary_directory_remove(f->directory);
    free(f);
    return 0;
}

static const char *path_of(const struct fixture *f, const char *suffix)
{
    static char path[256];
    (void)snprintf(path, sizeof(path), "%s/%d-%llu%s.seg", f->directory, getpid(),
                   (unsigned long long)f->table->header->start_ticks, suffix);
    return path;
}

static bool holds_the_account(const char *path)
{
    struct segment_header header;
    struct segment_lane lane;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return false;
    off_t last = (off_t)(offsetof(struct segment_header, reserved_end) +
                         sizeof(header.reserved_end) + SEGMENT_MAX_GROUPS * 1024 +
                         (N_LANES - 1) * sizeof(lane));
    bool is_whole = pread(fd, &header, sizeof(header), 0) == sizeof(header) &&
                    header.magic == SEGMENT_MAGIC && header.n_lanes == N_LANES &&
                    pread(fd, &lane, sizeof(lane), last) == sizeof(lane) &&
                    lane.words[SEGMENT_SENT_MESSAGES] == N_LANES;
    close(fd);
    return is_whole;
}

/* Publishes until it works: the writer lets a second pass after a failure. */
static int publish_at_last(struct segment_writer *writer)
{
    time_t end = time(NULL) + DEADLINE_S;
    int r;
    while ((r = segment_writer_publish(writer)) < 0 && time(NULL) < end)
        poll(NULL, 0, 10);
    return r;
}

/* Runs `body` in a child, whose end is the verdict: 0 good, a signal or another status not. */
static void in_child(struct fixture *f, int (*body)(struct fixture *f))
{
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        alarm(DEADLINE_S * 2);
        /* The identity is the child's own. */
        segment_writer_destroy(&f->writer);
        if (segment_writer_new(f->table, f->directory, &f->writer) < 0)
            _exit(100);
        _exit(body(f));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip();
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void missing__directory_comes_later__is_found(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(rmdir(f->directory), 0);
    assert_int_equal(segment_writer_publish(f->writer), -ENOENT);
    assert_int_equal(segment_writer_publish(f->writer), -EAGAIN);
    assert_int_equal(f->table->header->rounds_failed, 1);
    assert_int_equal(mkdir(f->directory, 0755), 0);
    assert_int_equal(publish_at_last(f->writer), 0);
    assert_true(holds_the_account(path_of(f, "")));
}

static void missing__directory_is_a_file__is_an_error(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(rmdir(f->directory), 0);
    int fd = open(f->directory, O_CREAT | O_WRONLY, 0644);
    close(fd);
    assert_int_equal(segment_writer_publish(f->writer), -ENOTDIR);
    assert_int_equal(unlink(f->directory), 0);
}

static int fill_disk(struct fixture *f)
{
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("none", f->directory, "tmpfs", 0, "size=128k") < 0)
        return 77;
    if (segment_writer_publish(f->writer) != -ENOSPC)
        return 1;
    if (access(path_of(f, ""), F_OK) == 0)
        return 2; /* half a file was left */
    if (mount("none", f->directory, "tmpfs", MS_REMOUNT, "size=4m") < 0)
        return 3;
    if (publish_at_last(f->writer) < 0)
        return 4;
    return holds_the_account(path_of(f, "")) ? 0 : 5;
}

static void full__disk__is_an_error_until_there_is_room(void **state)
{
    in_child(*state, fill_disk);
}

static int allocate(const char *path, off_t size)
{
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    int r = fd < 0 ? -1 : -posix_fallocate(fd, 0, size);
    return close(fd) < 0 ? -1 : r;
}

/* Four megabytes of 64 are free: more than the file takes, less than the eighth that is left. */
static int leave_little_room(struct fixture *f)
{
    char filler[512], probe[512];
    (void)snprintf(filler, sizeof(filler), "%s/filler", f->directory);
    (void)snprintf(probe, sizeof(probe), "%s/probe", f->directory);
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("none", f->directory, "tmpfs", 0, "size=64m") < 0)
        return 77;
    if (allocate(filler, 60 << 20) < 0)
        return 1;
    if (segment_writer_publish(f->writer) != -ENOSPC)
        return 2;
    if (access(path_of(f, ""), F_OK) == 0)
        return 3;
    if (allocate(probe, (SEGMENT_MAX_GROUPS + 2 * N_LANES) << 10) < 0 || unlink(probe) < 0)
        return 6; /* the file would not have fitted: the test shows nothing */
    if (unlink(filler) < 0 || publish_at_last(f->writer) < 0)
        return 4;
    return holds_the_account(path_of(f, "")) ? 0 : 5;
}

static void full__little_room_is_left__it_is_left_to_others(void **state)
{
    in_child(*state, leave_little_room);
}

static int make_read_only(struct fixture *f)
{
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("none", f->directory, "tmpfs", 0, "size=4m") < 0)
        return 77;
    if (segment_writer_publish(f->writer) < 0)
        return 1;
    if (mount("none", f->directory, "tmpfs", MS_REMOUNT | MS_RDONLY, NULL) < 0)
        return 2;
    if (segment_writer_publish(f->writer) != -EROFS)
        return 3;
    if (mount("none", f->directory, "tmpfs", MS_REMOUNT, NULL) < 0)
        return 4;
    return publish_at_last(f->writer) == 0 && holds_the_account(path_of(f, "")) ? 0 : 5;
}

static void read_only__file_system__is_an_error_while_it_lasts(void **state)
{
    in_child(*state, make_read_only);
}

static int limit_size(struct fixture *f)
{
    const struct rlimit limit = {.rlim_cur = 20000, .rlim_max = RLIM_INFINITY};
    const struct rlimit none = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
    sigset_t pending, blocked;
    signal(SIGXFSZ, SIG_DFL);
    if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
        return 1;
    if (segment_writer_publish(f->writer) != -EFBIG)
        return 2;
    if (sigpending(&pending) < 0 || sigismember(&pending, SIGXFSZ))
        return 3;
    if (pthread_sigmask(SIG_BLOCK, NULL, &blocked) != 0 || sigismember(&blocked, SIGXFSZ))
        return 4;
    if (setrlimit(RLIMIT_FSIZE, &none) < 0 || publish_at_last(f->writer) < 0)
        return 5;
    return holds_the_account(path_of(f, "")) ? 0 : 6;
}

/* A write beyond the limit raises SIGXFSZ, which would end the program. */
static void limited__file_size__raises_no_signal(void **state)
{
    in_child(*state, limit_size);
}

static bool has_the_words(const struct fixture *f)
{
    bool is_same = true;
    int fd = open(path_of(f, ""), O_RDONLY | O_NOFOLLOW);
    for (unsigned i = 0; i < N_LANES && is_same; i++) {
        struct segment_lane lane;
        off_t place = (off_t)(f->table->header->lanes_offset + i * sizeof(lane));
        is_same = pread(fd, &lane, sizeof(lane), place) == sizeof(lane) &&
                  lane.words[SEGMENT_SENT_MESSAGES] ==
                      f->table->lanes[i].words[SEGMENT_SENT_MESSAGES];
    }
    close(fd);
    return is_same;
}

static int fail_in_the_middle(struct fixture *f)
{
    const struct rlimit limit = {.rlim_cur = f->table->header->lanes_offset + 10,
                                 .rlim_max = RLIM_INFINITY};
    const struct rlimit none = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
    if (segment_writer_publish(f->writer) < 0 || !has_the_words(f))
        return 1;
    for (unsigned i = 0; i < N_LANES; i++)
        segment_word_add(&segment_table_words(f->table, i)[SEGMENT_SENT_MESSAGES], 1000);
    if (setrlimit(RLIMIT_FSIZE, &limit) < 0 || segment_writer_publish(f->writer) != -EFBIG)
        return 2;
    if (setrlimit(RLIMIT_FSIZE, &none) < 0 || publish_at_last(f->writer) < 0)
        return 3;
    return has_the_words(f) ? 0 : 4;
}

/* What was about to be written is not taken for written. */
static void limited__write_fails_in_the_middle__next_round_has_all(void **state)
{
    in_child(*state, fail_in_the_middle);
}

static int keep_pending_signal(struct fixture *f)
{
    const struct rlimit limit = {.rlim_cur = 20000, .rlim_max = RLIM_INFINITY};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGXFSZ);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    raise(SIGXFSZ);
    if (setrlimit(RLIMIT_FSIZE, &limit) < 0 || segment_writer_publish(f->writer) != -EFBIG)
        return 1;
    return sigpending(&set) == 0 && sigismember(&set, SIGXFSZ) ? 0 : 2;
}

static void limited__programs_own_pending_signal__stays(void **state)
{
    in_child(*state, keep_pending_signal);
}

static int give_up_user(struct fixture *f)
{
    if (geteuid() != 0)
        return 77;
    if (segment_writer_publish(f->writer) < 0)
        return 1;
    if (setgid(NOBODY) < 0 || setuid(NOBODY) < 0)
        return 2;
    if (segment_writer_publish(f->writer) < 0)
        return 3;
    return holds_the_account(path_of(f, ".1")) ? 0 : 4;
}

static void user__given_up_after_the_first_round__goes_on_in_another_file(void **state)
{
    in_child(*state, give_up_user);
}

static int refuse_user(struct fixture *f)
{
    if (geteuid() == 0 && (setgid(NOBODY) < 0 || setuid(NOBODY) < 0))
        return 1;
    return segment_writer_publish(f->writer) == -EACCES ? 0 : 2;
}

static void user__may_not_write_to_the_directory__is_an_error(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(chmod(f->directory, 0555), 0);
    in_child(f, refuse_user);
}

static void put_link(const char *path)
{
    assert_int_equal(symlink("/etc/passwd", path), 0);
}

static void put_dangling_link(const char *path)
{
    char target[300];
    (void)snprintf(target, sizeof(target), "%s.elsewhere", path);
    assert_int_equal(symlink(target, path), 0);
}

static void put_fifo(const char *path)
{
    assert_int_equal(mkfifo(path, 0666), 0);
}

static void put_directory(const char *path)
{
    assert_int_equal(mkdir(path, 0777), 0);
}

static void put_foreign_file(const char *path)
{
    int fd = open(path, O_CREAT | O_WRONLY, 0666);
    assert_int_equal(write(fd, "precious", 8), 8);
    assert_int_equal(fchown(fd, NOBODY, NOBODY), 0);
    close(fd);
}

static void (*const puts_in_place[])(const char *) = {put_link, put_dangling_link, put_fifo,
                                                      put_directory, put_foreign_file};

/* At first, and again in the place of the file that was made. */
static void squatted__name_before_and_after__another_name_is_taken(void **state)
{
    struct fixture *f = *state;
    size_t n = sizeof(puts_in_place) / sizeof(*puts_in_place);
    if (geteuid() != 0)
        n--; /* only root can make another's file */
    for (size_t i = 0; i < n; i++) {
        puts_in_place[i](path_of(f, ""));
        assert_int_equal(segment_writer_publish(f->writer), 0);
        assert_true(holds_the_account(path_of(f, ".1")));
        assert_int_equal(unlink(path_of(f, ".1")), 0);

        puts_in_place[i](path_of(f, ".1"));
        assert_int_equal(segment_writer_publish(f->writer), 0);
        assert_true(holds_the_account(path_of(f, ".2")));
        assert_int_equal(remove(path_of(f, "")), 0);
        assert_int_equal(remove(path_of(f, ".1")), 0);
        assert_int_equal(remove(path_of(f, ".2")), 0);
    }
    assert_int_equal(access(path_of(f, ".elsewhere"), F_OK), -1);
}

static void squatted__every_name__is_an_error(void **state)
{
    struct fixture *f = *state;
    char suffix[16] = "";
    for (unsigned i = 0; i < SEGMENT_MAX_IMAGES; i++) {
        if (i)
            (void)snprintf(suffix, sizeof(suffix), ".%u", i);
        put_fifo(path_of(f, suffix));
    }
    assert_int_equal(segment_writer_publish(f->writer), -EEXIST);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(missing__directory_comes_later__is_found),
        CASE(missing__directory_is_a_file__is_an_error),
        CASE(full__disk__is_an_error_until_there_is_room),
        CASE(full__little_room_is_left__it_is_left_to_others),
        CASE(read_only__file_system__is_an_error_while_it_lasts),
        CASE(limited__file_size__raises_no_signal),
        CASE(limited__write_fails_in_the_middle__next_round_has_all),
        CASE(limited__programs_own_pending_signal__stays),
        CASE(user__given_up_after_the_first_round__goes_on_in_another_file),
        CASE(user__may_not_write_to_the_directory__is_an_error),
        CASE(squatted__name_before_and_after__another_name_is_taken),
        CASE(squatted__every_name__is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
