/* SPDX-License-Identifier: MPL-2.0 */
/* Files of a process as the kernel writes them, and as it never does, under a root of the test's.
 */
#include "base/procfs.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "support/cmocka.h"
#include "support/temporary_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char root[64];
static int root_fd;

static int set_up(void **state)
{
    char folder[80];
    (void)state;
    temporary_directory_make(root);
    (void)snprintf(folder, sizeof(folder), "%s/7", root);
    root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return mkdir(folder, 0700) < 0 || root_fd < 0;
}

static int tear_down(void **state)
{
    (void)state;
    close(root_fd);
    temporary_directory_remove(root);
    return 0;
}

static void put(const char *name, const char *text, off_t size)
{
    char path[300];
    (void)snprintf(path, sizeof(path), "7/%s", name);
    cleanup_fd int fd = openat(root_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(ftruncate(fd, size < 0 ? (off_t)strlen(text) : size), 0);
}

static void read__any_size__is_whole_up_to_the_limit(void **state)
{
    (void)state;
    static const off_t sizes[] = {0, 1, 16383, 16384, 16385, 100000, (16 << 20) - 1};
    struct string_buffer text = {0};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        put("maps", "", sizes[i]);
        assert_int_equal(procfs_read(root_fd, 7, "maps", &text), 0);
        assert_int_equal(text.size, sizes[i]);
        assert_int_equal(text.data[text.size], 0);
    }
    put("maps", "", (16 << 20) + 1);
    assert_int_equal(procfs_read(root_fd, 7, "maps", &text), -EFBIG);
    put("maps", "new", -1); /* what was there before is gone */
    assert_int_equal(procfs_read(root_fd, 7, "maps", &text), 0);
    assert_string_equal(text.data, "new");
    string_buffer_finish(&text);
}

static void read__what_is_not_there__is_an_error(void **state)
{
    (void)state;
    struct string_buffer text = {0};
    char name[400];
    assert_int_equal(procfs_read(root_fd, 8, "maps", &text), -ENOENT);
    assert_int_equal(procfs_read(root_fd, 7, "../7", &text), -EISDIR);
    memset(name, 'n', sizeof(name));
    name[286] = '\0'; /* 288 with "7/", without the NUL */
    assert_int_equal(procfs_read(root_fd, 7, name, &text), -ENAMETOOLONG);
    string_buffer_finish(&text);
}

#define REST " 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 "

static int start_of(const char *stat, uint64_t *ret_ticks, uint64_t *ret_size)
{
    put("stat", stat, -1);
    return procfs_start_and_size(root_fd, 7, ret_ticks, ret_size);
}

static void start__name_with_anything_in_it__is_found_behind_it(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "7 (a) S 1 7 7" REST "1234 5678 9",
        "7 (a b) c) S 1 7 7" REST "1234 5678 9",
        "7 () 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22) S 1 7 7" REST
        "1234 5678 9\n",
        "7 (a\n) S 1 7 7" REST "1234 5678",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        uint64_t ticks = 0, size = 0;
        assert_int_equal(start_of(lines[i], &ticks, &size), 0);
        assert_int_equal(ticks, 1234);
        assert_int_equal(size, 5678);
        assert_int_equal(procfs_start_time(root_fd, 7, &ticks), 0);
        assert_int_equal(ticks, 1234);
    }
}

static void start__cut_or_wrong__is_an_error(void **state)
{
    (void)state;
    static const char *const lines[] = {"",
                                        "7 (a",
                                        "7 (a)",
                                        "7 (a) S 1 7 7" REST,
                                        "7 (a) S 1 7 7" REST "x 5678",
                                        "7 (a) S 1 7 7" REST "1234",
                                        "7 (a) S 1 7 7" REST "1234 x"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        uint64_t ticks = 17, size = 18;
        assert_int_equal(start_of(lines[i], &ticks, &size), -EBADMSG);
        assert_int_equal(procfs_start_time(root_fd, 7, &ticks), -EBADMSG);
        assert_true(ticks == 17 && size == 18);
    }
}

static void owner__of_a_process__is_the_effective_user(void **state)
{
    (void)state;
    uid_t uid = 5;
    assert_int_equal(procfs_owner(root_fd, 7, &uid), -ENOENT);
    put("status", "Name:\tUid:\t1\t2\nUid:\t1000\t1001\t1002\t1003\nGid:\t0\t0\t0\t0\n", -1);
    assert_int_equal(procfs_owner(root_fd, 7, &uid), 0);
    assert_int_equal(uid, 1001);
    static const char *const texts[] = {"Name:\ta\n", "Name:\ta\nUid:\t1000\n",
                                        "Name:\ta\nUid:\tx\ty\n", ""};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        put("status", texts[i], -1);
        assert_int_equal(procfs_owner(root_fd, 7, &uid), -EBADMSG);
        assert_int_equal(uid, 1001);
    }
}

static void real__this_process__is_as_the_kernel_says(void **state)
{
    (void)state;
    char boot_id[37];
    uid_t uid;
    uint64_t ticks, size;
    cleanup_fd int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(procfs_owner(proc, getpid(), &uid), 0);
    assert_int_equal(uid, geteuid());
    assert_int_equal(procfs_start_and_size(proc, getpid(), &ticks, &size), 0);
    assert_true(ticks > 0 && size > 4096);
    assert_int_equal(procfs_boot_id(boot_id), 0);
    assert_int_equal(strlen(boot_id), 36);
    assert_int_equal(strspn(boot_id, "0123456789abcdef-"), 36);
}

static void error__nobody_to_tell__is_the_code_alone(void **state)
{
    (void)state;
    struct error err = {{0}};
    assert_int_equal(error_set(NULL, -EINVAL, "%s", "x"), -EINVAL);
    assert_int_equal(error_prefix(NULL, -EPERM, "%s", "x"), -EPERM);
    assert_int_equal(error_set(&err, -EINVAL, "line %d", 3), -EINVAL);
    assert_int_equal(error_prefix(&err, -EPERM, "%s", "file"), -EPERM);
    assert_string_equal(err.message, "file: line 3");
}

#define WITH_ROOT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ROOT(read__any_size__is_whole_up_to_the_limit),
        WITH_ROOT(read__what_is_not_there__is_an_error),
        WITH_ROOT(start__name_with_anything_in_it__is_found_behind_it),
        WITH_ROOT(start__cut_or_wrong__is_an_error),
        WITH_ROOT(owner__of_a_process__is_the_effective_user),
        cmocka_unit_test(real__this_process__is_as_the_kernel_says),
        cmocka_unit_test(error__nobody_to_tell__is_the_code_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
