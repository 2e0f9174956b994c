/* SPDX-License-Identifier: MPL-2.0 */
/* What the reader and its launcher cannot do, tried in processes of their own. */
#include "peek/peek_sandbox.h"

#include "support/cmocka.h"
#include "support/sanitizer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_refused(long result)
{
    bool is = result < 0 && errno == EPERM;
    errno = 0;
    return is;
}

static long copy(unsigned long flags)
{
    long pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0)
        _exit(0);
    return pid;
}

/* 0: all of it is refused, else the number of what is not. */
static int try_what_neither_may(void)
{
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    char byte = 0, *const none[] = {NULL};
    struct iovec vector = {&byte, 1};
    if (!is_refused(open("/dev/null", O_WRONLY)) || !is_refused(open("/tmp", O_TMPFILE | O_RDWR)))
        return 1;
    if (!is_refused(socket(AF_INET, SOCK_STREAM, 0)) ||
        !is_refused(socket(AF_UNIX, SOCK_STREAM, 0)))
        return 2;
    if (!is_refused(execve("/bin/true", none, none)))
        return 3;
    if (!is_refused(ptrace(PTRACE_SEIZE, getppid(), NULL, NULL)) ||
        !is_refused(syscall(SYS_process_vm_writev, getppid(), &vector, 1ul, &vector, 1ul, 0ul)))
        return 4;
    if (!is_refused(mount("none", "/mnt", "tmpfs", 0, NULL)) || !is_refused(setuid(1)))
        return 5;
    if (!is_refused((long)mmap(NULL, 4096, PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)))
        return 6;
    if (!is_refused(copy(CLONE_VM)) || !is_refused(copy(CLONE_NEWUSER)) ||
        !is_refused(copy(CLONE_FILES)))
        return 7;
    if (!is_refused(syscall(SYS_prlimit64, getppid(), RLIMIT_FSIZE, &limit, NULL)))
        return 8;
    return 0;
}

static int run_reader(void)
{
    int r = try_what_neither_may();
    if (r == 0 && !is_refused(copy(0)))
        r = 20;
    if (r == 0 && !is_refused(kill(getppid(), 0)))
        r = 21;
    if (r == 0 && !is_refused(syscall(SYS_recvmsg, 3, NULL, 0)))
        r = 22;
    return r;
}

static int run_launcher(int fd)
{
    int status, r = peek_sandbox_enter_launcher(fd);
    if (r < 0)
        return 30;
    r = try_what_neither_may();
    if (r != 0)
        return r;
    pid_t reader = fork();
    if (reader == 0)
        _exit(peek_sandbox_enter_launched(3) < 0 ? 31 : run_reader());
    if (reader < 0 || waitpid(reader, &status, 0) != reader || !WIFEXITED(status))
        return 32;
    if (WEXITSTATUS(status) != 0)
        return 40 + WEXITSTATUS(status);
    if (fcntl(3, F_GETFD) < 0 || fcntl(4, F_GETFD) >= 0)
        return 33;
    return 0;
}

static int end_of(int (*run)(int fd))
{
    int fds[2], status;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(run(fds[1]));
    close(fds[0]);
    close(fds[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int run_reader_alone(int fd)
{
    return peek_sandbox_enter(fd) < 0 ? 31 : run_reader();
}

static void reader__in_its_sandbox__can_pass_nothing_on(void **state)
{
    (void)state;
    sanitizer_skip_under_address();
    assert_int_equal(end_of(run_reader_alone), 0);
}

static void launcher__in_its_sandbox__can_make_copies_of_itself_and_no_more(void **state)
{
    (void)state;
    sanitizer_skip_under_address();
    assert_int_equal(end_of(run_launcher), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reader__in_its_sandbox__can_pass_nothing_on),
        cmocka_unit_test(launcher__in_its_sandbox__can_make_copies_of_itself_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
