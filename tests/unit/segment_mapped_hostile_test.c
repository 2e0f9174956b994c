/* SPDX-License-Identifier: MPL-2.0 */
/* The same where there is no room, no descriptor, no permission, or no file any more. */
#include "support/mapped_segment.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>

#define NOBODY 65534

static int run_out_of_descriptors(struct mapped_fixture *f)
{
    struct rlimit none = {0, 0}, before;
    if (mapped_begin(f) < 0)
        return 77;
    if (getrlimit(RLIMIT_NOFILE, &before) < 0)
        return 1;
    none.rlim_max = before.rlim_max;
    uint64_t *first = mapped_take(f);
    segment_word_add(&first[SEGMENT_SENT_MESSAGES], 1);
    if (setrlimit(RLIMIT_NOFILE, &none) < 0)
        return 2;
    for (int i = 0; i < 80; i++) {
        segment_word_add(&mapped_take(f)[SEGMENT_SENT_MESSAGES], 1);
        (void)segment_writer_publish(f->writer);
    }
    if (segment_writer_publish(f->writer) >= 0 || segment_table_wants_room(f->table))
        return 3;
    segment_word_add(&first[SEGMENT_SENT_MESSAGES], 1000);
    uint64_t beat = f->table->header->updated_ns;
    (void)segment_writer_publish(f->writer);
    if (setrlimit(RLIMIT_NOFILE, &before) < 0)
        return 4;
    struct segment_header header;
    if (mapped_sum_in(f, "", &header) <= 1000 || header.updated_ns <= beat)
        return 5;
    return mapped_comes_to(f, "", 1081) ? 0 : 6;
}

static void rows__without_descriptors__the_first_go_on_and_others_come_later(void **state)
{
    mapped_in_child(*state, run_out_of_descriptors);
}

static int mount_small(struct mapped_fixture *f, const char *options)
{
    return unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
                   mount("none", f->directory, "tmpfs", 0, options) < 0
               ? 77
               : 0;
}

static int fill(const struct mapped_fixture *f)
{
    char block[4096] = "", path[512];
    (void)snprintf(path, sizeof(path), "%s/filler", f->directory);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    while (fd >= 0 && write(fd, block, sizeof(block)) > 0)
        continue;
    return fd < 0 || close(fd) < 0 ? -1 : 0;
}

static int fill_up(struct mapped_fixture *f)
{
    char path[512];
    if (mount_small(f, "size=4m") != 0)
        return 77;
    if (mapped_begin(f) < 0 || fill(f) < 0)
        return 1;
    for (int i = 0; i < 300; i++) /* no store may fault */
        segment_word_add(&mapped_take(f)[SEGMENT_SENT_MESSAGES], 1);
    if (segment_writer_publish(f->writer) != -ENOSPC || mapped_sum_in(f, "", NULL) < 30)
        return 2;
    (void)snprintf(path, sizeof(path), "%s/filler", f->directory);
    if (unlink(path) < 0)
        return 3;
    return mapped_comes_to(f, "", 300) ? 0 : 4;
}

static void rows__file_system_fills_up__no_store_faults(void **state)
{
    mapped_in_child(*state, fill_up);
}

static int no_room_for_the_first(struct mapped_fixture *f)
{
    if (mount_small(f, "size=64k") != 0)
        return 77;
    if (mapped_begin(f) != -ENOSPC || access(mapped_path_of(f, ""), F_OK) == 0 ||
        mapped_is_durable(f))
        return 1;
    segment_word_add(&mapped_take(f)[SEGMENT_SENT_MESSAGES], 1);
    if (mount("none", f->directory, "tmpfs", MS_REMOUNT, "size=4m") < 0)
        return 2;
    return mapped_comes_to(f, "", 1) && mapped_mode_of(f, "") == 0640 ? 0 : 3;
}

static void map__no_room__rounds_are_written_later(void **state)
{
    mapped_in_child(*state, no_room_for_the_first);
}

static int limit_size(struct mapped_fixture *f)
{
    const struct rlimit limit = {.rlim_cur = 20000, .rlim_max = RLIM_INFINITY};
    const struct rlimit none = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
    sigset_t pending, blocked;
    signal(SIGXFSZ, SIG_DFL);
    if (setrlimit(RLIMIT_FSIZE, &limit) < 0 || mapped_begin(f) != -EFBIG)
        return 1;
    if (sigpending(&pending) < 0 || sigismember(&pending, SIGXFSZ) ||
        pthread_sigmask(SIG_BLOCK, NULL, &blocked) != 0 || sigismember(&blocked, SIGXFSZ))
        return 2;
    if (access(mapped_path_of(f, ""), F_OK) == 0 || setrlimit(RLIMIT_FSIZE, &none) < 0)
        return 3;
    segment_word_add(&mapped_take(f)[SEGMENT_SENT_MESSAGES], 1);
    return mapped_comes_to(f, "", 1) ? 0 : 4;
}

static void map__limited_file_size__raises_no_signal(void **state)
{
    mapped_in_child(*state, limit_size);
}

static int limit_size_later(struct mapped_fixture *f)
{
    const struct rlimit limit = {.rlim_cur = 20000, .rlim_max = RLIM_INFINITY};
    signal(SIGXFSZ, SIG_DFL);
    if (mapped_begin(f) < 0 || setrlimit(RLIMIT_FSIZE, &limit) < 0)
        return 1;
    for (int i = 0; i < 200; i++) {
        segment_word_add(&mapped_take(f)[SEGMENT_SENT_MESSAGES], 1);
        (void)segment_writer_publish(f->writer);
    }
    return mapped_sum_in(f, "", NULL) >= 30 ? 0 : 2;
}

static void rows__limited_file_size__raise_no_signal(void **state)
{
    mapped_in_child(*state, limit_size_later);
}

static void map__directory_on_disk__makes_no_file(void **state)
{
    struct mapped_fixture *f = *state;
    struct segment_writer *writer;
    struct segment_table *table;
    struct statfs status;
    char directory[64];
    temporary_directory_make(directory);
    if (statfs(directory, &status) == 0 && status.f_type == TMPFS_MAGIC) {
        temporary_directory_remove(directory);
        skip();
    }
    assert_int_equal(segment_table_new(64, &table), 0);
    assert_int_equal(segment_writer_new(table, directory, &writer), 0);
    assert_int_equal(segment_writer_map(writer, NULL), -EMEDIUMTYPE);
    assert_int_equal(rmdir(directory), 0);
    assert_int_equal(table->header->capabilities[SEGMENT_CAPABILITY_DURABLE].state,
                     SEGMENT_CAPABILITY_BOUND);
    assert_non_null(
        strstr(table->header->capabilities[SEGMENT_CAPABILITY_DURABLE].reason, "tmpfs"));
    segment_writer_destroy(&writer);
    segment_table_destroy(&table);
    (void)f;
}

static void file__removed__another_has_all(void **state)
{
    struct mapped_fixture *f = *state;
    struct segment_header header;
    assert_int_equal(mapped_begin(f), 0);
    uint64_t created_ns = f->table->header->created_ns;
    uint64_t *words = mapped_take(f);
    segment_word_add(&words[SEGMENT_SENT_MESSAGES], 5);
    assert_int_equal(unlink(mapped_path_of(f, "")), 0);
    segment_word_add(&words[SEGMENT_SENT_MESSAGES], 5);
    assert_true(mapped_comes_to(f, "", 10));
    segment_word_add(&words[SEGMENT_SENT_MESSAGES], 5);
    segment_word_add(&mapped_take(f)[SEGMENT_SENT_MESSAGES], 1);
    assert_true(mapped_comes_to(f, "", 16));
    segment_writer_close(f->writer);
    assert_int_equal(mapped_sum_in(f, "", &header), 16);
    assert_int_equal(header.created_ns, created_ns);
    assert_int_equal(header.state, SEGMENT_CLOSED);
    assert_int_equal(header.capabilities[SEGMENT_CAPABILITY_DURABLE].state,
                     SEGMENT_CAPABILITY_BOUND);
    assert_true(header.generation_end > 0);
}

/* As after chroot: the path leads nowhere, and the file lies where it lay. */
static void file__out_of_reach__goes_on(void **state)
{
    struct mapped_fixture *f = *state;
    char elsewhere[80];
    assert_int_equal(mapped_begin(f), 0);
    uint64_t *words = mapped_take(f);
    (void)snprintf(elsewhere, sizeof(elsewhere), "%s.elsewhere", f->directory);
    assert_int_equal(rename(f->directory, elsewhere), 0);
    time_t end = time(NULL) + 3; /* longer than between two looks at the file */
    while (time(NULL) < end) {
        assert_int_equal(segment_writer_publish(f->writer), 0);
        segment_word_add(&words[SEGMENT_SENT_MESSAGES], 1);
        poll(NULL, 0, 20);
    }
    assert_int_equal(rename(elsewhere, f->directory), 0);
    assert_int_equal(f->table->header->rounds_failed, 0);
    assert_int_equal(mapped_sum_in(f, "", NULL), words[SEGMENT_SENT_MESSAGES]);
    assert_true(mapped_is_durable(f));
}

static int second_image(struct mapped_fixture *f)
{
    struct segment_header header;
    struct segment_table *table;
    struct segment_writer *writer;
    if (geteuid() == 0 && (setgid(NOBODY) < 0 || setuid(NOBODY) < 0))
        return 1;
    if (mapped_begin(f) < 0)
        return 2;
    segment_word_add(&mapped_take(f)[SEGMENT_SENT_MESSAGES], 4);
    if (segment_table_new(4, &table) < 0 || segment_writer_new(table, f->directory, &writer) < 0 ||
        segment_writer_map(writer, NULL) < 0)
        return 3;
    if (mapped_sum_in(f, "", &header) != 4 || header.state != SEGMENT_CLOSED)
        return 4;
    return mapped_sum_in(f, ".1", &header) == 0 && header.state == SEGMENT_LIVE ? 0 : 5;
}

/* Its mode forbids the program's own user to write, who is not root. */
static void map__second_image__closes_the_first(void **state)
{
    mapped_in_child(*state, second_image);
}

static int grow_as_user(struct mapped_fixture *f)
{
    if (geteuid() == 0 && (setgid(NOBODY) < 0 || setuid(NOBODY) < 0))
        return 1;
    if (mapped_begin(f) < 0)
        return 2;
    for (int i = 0; i < 500; i++) {
        if (segment_table_wants_room(f->table) && segment_writer_publish(f->writer) < 0)
            return 3;
        segment_word_add(&mapped_take(f)[SEGMENT_SENT_MESSAGES], 1);
    }
    return mapped_sum_in(f, "", NULL) == 500 && mapped_mode_of(f, "") == 0440 &&
                   mapped_is_durable(f)
               ? 0
               : 4;
}

static void rows__of_a_common_user__are_mapped(void **state)
{
    mapped_in_child(*state, grow_as_user);
}

static int give_up_user(struct mapped_fixture *f)
{
    if (geteuid() != 0)
        return 77;
    if (mapped_begin(f) < 0)
        return 1;
    uint64_t *words = mapped_take(f);
    if (setgid(NOBODY) < 0 || setuid(NOBODY) < 0)
        return 2;
    segment_word_add(&words[SEGMENT_SENT_MESSAGES], 1);
    if (segment_writer_publish(f->writer) < 0 || access(mapped_path_of(f, ".1"), F_OK) == 0)
        return 3;
    for (int i = 0; i < 99; i++)
        segment_word_add(&mapped_take(f)[SEGMENT_SENT_MESSAGES], 1);
    return mapped_comes_to(f, ".1", 100) ? 0 : 4;
}

static void user__given_up__needs_another_file_only_for_more_rows(void **state)
{
    mapped_in_child(*state, give_up_user);
}

static int leave_to_parent(struct mapped_fixture *f)
{
    if (mapped_begin(f) < 0)
        return 1;
    uint64_t *words = mapped_take(f);
    segment_word_add(&words[SEGMENT_SENT_MESSAGES], 2);
    for (int generation = 0; generation < 3; generation++) {
        int status;
        pid_t pid = fork();
        if (pid == 0) {
            segment_table_leave_to_parent(&f->table);
            segment_word_add(&words[SEGMENT_SENT_MESSAGES], 100);
            _exit(f->table == NULL && words[SEGMENT_SENT_MESSAGES] == 100 ? 0 : 1);
        }
        if (waitpid(pid, &status, 0) != pid || status != 0)
            return 2;
    }
    return mapped_sum_in(f, "", NULL) == 2 ? 0 : 3;
}

static void fork__child_adds_to_words__parents_file_is_untouched(void **state)
{
    mapped_in_child(*state, leave_to_parent);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, mapped_set_up, mapped_tear_down)
    const struct CMUnitTest tests[] = {
        CASE(rows__without_descriptors__the_first_go_on_and_others_come_later),
        CASE(rows__file_system_fills_up__no_store_faults),
        CASE(map__no_room__rounds_are_written_later),
        CASE(map__limited_file_size__raises_no_signal),
        CASE(rows__limited_file_size__raise_no_signal),
        CASE(map__directory_on_disk__makes_no_file),
        CASE(file__removed__another_has_all),
        CASE(file__out_of_reach__goes_on),
        CASE(map__second_image__closes_the_first),
        CASE(rows__of_a_common_user__are_mapped),
        CASE(user__given_up__needs_another_file_only_for_more_rows),
        CASE(fork__child_adds_to_words__parents_file_is_untouched),
    };
    if (!mapped_is_possible())
        return 77; /* skipped */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
