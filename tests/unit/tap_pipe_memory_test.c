/* SPDX-License-Identifier: MPL-2.0 */
/* Reads of the own memory: of what is not there, and where the kernel refuses. */
#include "queues/pipe_memory.h"

#include "support/cmocka.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_RANGES 700

static void check_ranges(struct pipe_memory *memory)
{
    static unsigned char from[N_RANGES], to[N_RANGES];
    static struct pipe_memory_range ranges[N_RANGES];
    unsigned char *hole = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 0; i < N_RANGES; i++) {
        from[i] = (unsigned char)(i % 251);
        to[i] = 255;
        bool is_hole = i % 7 == 3 || i == 0 || i == N_RANGES - 1;
        ranges[i] = (struct pipe_memory_range){(uintptr_t)(is_hole ? hole + i : &from[i]), &to[i],
                                               1, false};
    }
    pipe_memory_read(memory, ranges, N_RANGES);
    for (size_t i = 0; i < N_RANGES; i++) {
        bool is_hole = i % 7 == 3 || i == 0 || i == N_RANGES - 1;
        assert_int_equal(ranges[i].is_read, !is_hole);
        assert_int_equal(to[i], is_hole ? 255 : i % 251);
    }
    munmap(hole, 4096);
}

static void read__some_ranges_not_mapped__reads_the_others(void **state)
{
    (void)state;
    struct pipe_memory memory;
    assert_null(pipe_memory_open(&memory));
    check_ranges(&memory);
    pipe_memory_close(&memory);
}

static void read__another_process__reads_its_memory_until_it_is_gone(void **state)
{
    (void)state;
    static volatile int number = 1;
    int pipe_fds[2], seen = 0;
    char byte;
    assert_int_equal(pipe(pipe_fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        number = 77;
        (void)!write(pipe_fds[1], "x", 1);
        for (;;)
            pause();
    }
    assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
    struct pipe_memory memory;
    pipe_memory_open_foreign(&memory, pid);
    assert_null(pipe_memory_open_again(&memory));
    assert_true(pipe_memory_read_one(&memory, (uintptr_t)&number, &seen, sizeof(seen)));
    assert_int_equal(seen, 77);
    assert_false(pipe_memory_read_one(&memory, 8, &seen, sizeof(seen)));
    assert_null(pipe_memory_open_again(&memory));

    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_false(pipe_memory_read_one(&memory, (uintptr_t)&number, &seen, sizeof(seen)));
    assert_non_null(pipe_memory_open_again(&memory)); /* and never its own memory instead */
    assert_false(pipe_memory_read_one(&memory, (uintptr_t)&number, &seen, sizeof(seen)));
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}

/* A filter that does `action` on process_vm_readv and allows all else. */
static bool set_filter(uint32_t action)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_readv, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, action),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

enum { READ_BY_FILE = 0, READ_BY_CALL = 1, NOT_READ = 2, NOT_POSSIBLE = 3 };

static int read_in_child(void)
{
    struct pipe_memory memory;
    int value = 4711, copy = 0;
    if (pipe_memory_open(&memory))
        return NOT_READ;
    bool is_read = pipe_memory_read_one(&memory, (uintptr_t)&value, &copy, sizeof(copy));
    bool is_hole_read = pipe_memory_read_one(&memory, 64, &copy, sizeof(copy));
    pipe_memory_close(&memory);
    if (!is_read || copy != value || is_hole_read)
        return NOT_READ;
    return memory.is_by_file ? READ_BY_FILE : READ_BY_CALL;
}

static int status_of_child(int (*run)(uint32_t), uint32_t argument)
{
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(run(argument));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static int read_under_filter(uint32_t action)
{
    return set_filter(action) ? read_in_child() : NOT_POSSIBLE;
}

static void check_filter(uint32_t action)
{
    int status = status_of_child(read_under_filter, action);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_POSSIBLE)
        skip(); /* the kernel has no filters, or a debugger stands between */
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), READ_BY_FILE);
}

static void open__filter_refuses__reads_by_file(void **state)
{
    (void)state;
    check_filter(SECCOMP_RET_ERRNO | EPERM);
    check_filter(SECCOMP_RET_ERRNO | ENOSYS);
}

static void open__filter_would_kill__is_not_killed(void **state)
{
    (void)state;
    check_filter(SECCOMP_RET_KILL_PROCESS);
    check_filter(SECCOMP_RET_KILL_THREAD);
    check_filter(SECCOMP_RET_TRAP);
}

/* A filter that comes between two batches, as where a program shuts itself in late. */
static int read_under_late_filter(uint32_t action)
{
    struct pipe_memory memory;
    int values[3] = {4711, 4712, 4713}, copies[3] = {0};
    if (pipe_memory_open(&memory) || !memory.is_by_call || !set_filter(action))
        return NOT_POSSIBLE;
    struct pipe_memory_range ranges[3];
    for (size_t i = 0; i < 3; i++)
        ranges[i] = (struct pipe_memory_range){(uintptr_t)&values[i], &copies[i], sizeof(copies[i]),
                                               true};
    pipe_memory_read(&memory, ranges, 3);
    for (size_t i = 0; i < 3; i++) {
        if (ranges[i].is_read || copies[i] != 0)
            return NOT_READ;
    }
    if (memory.is_by_call || pipe_memory_open_again(&memory) || !memory.is_by_file)
        return NOT_READ;
    pipe_memory_read(&memory, ranges, 3);
    pipe_memory_close(&memory);
    for (size_t i = 0; i < 3; i++) {
        if (!ranges[i].is_read || copies[i] != values[i])
            return NOT_READ;
    }
    return READ_BY_FILE;
}

static void read__filter_comes_later__is_none_and_then_by_file(void **state)
{
    (void)state;
    int status = status_of_child(read_under_late_filter, SECCOMP_RET_ERRNO | EPERM);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_POSSIBLE)
        skip(); /* the kernel has no filters, or a debugger stands between */
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), READ_BY_FILE);
}

static int read_without_descriptors(uint32_t unused)
{
    (void)unused;
    struct rlimit limit = {0, 0};
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? read_in_child() : NOT_POSSIBLE;
}

static void open__no_descriptor_left__reads_on(void **state)
{
    (void)state;
    struct pipe_memory memory;
    assert_null(pipe_memory_open(&memory)); /* no filter was seen while there were descriptors */
    bool is_by_file = memory.is_by_file;
    pipe_memory_close(&memory);
    if (is_by_file)
        skip(); /* the test itself runs under a filter */
    int status = status_of_child(read_without_descriptors, 0);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == NOT_POSSIBLE)
        skip(); /* valgrind does not let the limit go to 0 */
    assert_int_equal(WEXITSTATUS(status), READ_BY_CALL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read__some_ranges_not_mapped__reads_the_others),
        cmocka_unit_test(read__another_process__reads_its_memory_until_it_is_gone),
        cmocka_unit_test(open__filter_refuses__reads_by_file),
        cmocka_unit_test(open__filter_would_kill__is_not_killed),
        cmocka_unit_test(read__filter_comes_later__is_none_and_then_by_file),
        cmocka_unit_test(open__no_descriptor_left__reads_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
