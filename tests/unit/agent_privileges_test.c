/* SPDX-License-Identifier: MPL-2.0 */
/* What an exporter has given up, tried in a process of its own. */
#include "agent/agent_privileges.h"

#include "support/cmocka.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t permitted(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    return syscall(SYS_capget, &header, data) < 0
               ? ~UINT64_C(0)
               : data[0].permitted | (uint64_t)data[1].permitted << 32;
}

static long copy_from(long call, pid_t pid)
{
    static char from[8], to[8];
    struct iovec local = {to, sizeof(to)}, remote = {from, sizeof(from)};
    errno = 0;
    return syscall(call, pid, &local, 1ul, &remote, 1ul, 0ul);
}

static bool is_refused(long result)
{
    return result < 0 && errno == EPERM;
}

/* 0: as it must be, else the number of what is not. */
static int look(bool has_reader, uint64_t before, pid_t other)
{
    const uint64_t looks = UINT64_C(1) << CAP_SYS_PTRACE | UINT64_C(1) << 40;
    agent_privileges_drop(has_reader);
    if ((permitted() & looks) != (has_reader ? 0 : before & looks))
        return 1;
    if (!is_refused(copy_from(SYS_process_vm_readv, other)))
        return 2;
    if (!is_refused(copy_from(SYS_process_vm_writev, other)))
        return 3;
    errno = 0;
    if (!is_refused(ptrace(PTRACE_SEIZE, other, NULL, NULL)))
        return 4;
    return copy_from(SYS_process_vm_readv, getpid()) == 8 &&
                   copy_from(SYS_process_vm_writev, getpid()) == 8
               ? 0
               : 5;
}

static void drop__then__memory_of_others_is_closed_and_its_own_is_not(void **state)
{
    (void)state;
    int held[2];
    assert_int_equal(pipe(held), 0);
    pid_t other = fork(); /* whose memory may be read: the same user's, and a child's */
    if (other == 0) {
        close(held[1]);
        _exit((int)read(held[0], &other, 1));
    }
    if (copy_from(SYS_process_vm_readv, other) != 8) {
        print_message("nobody may read others here\n");
        close(held[1]);
        waitpid(other, NULL, 0);
        skip();
    }
    for (int has_reader = 0; has_reader < 2; has_reader++) {
        int status;
        uint64_t before = permitted();
        pid_t child = fork();
        if (child == 0)
            _exit(look(has_reader, before, other));
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    close(held[1]);
    assert_int_equal(waitpid(other, NULL, 0), other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drop__then__memory_of_others_is_closed_and_its_own_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
