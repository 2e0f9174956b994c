/* SPDX-License-Identifier: MPL-2.0 */
#include "peek/peek_sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define N_CAPABILITIES 64
#define MAX_FILES      8192u
#define MAX_MEMORY     (UINT64_C(8) << 30) /* tables of which little is touched */

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#define ARCHITECTURE 0u /* no filter is known: the reader does not run */
#endif

#ifndef CAP_CHECKPOINT_RESTORE
#define CAP_CHECKPOINT_RESTORE 40
#endif

/* Where it has them. The last is for /proc/PID/map_files: a library whose file was deleted. */
#define KEPT                                                                                       \
    ((UINT64_C(1) << CAP_SYS_PTRACE) | (UINT64_C(1) << CAP_DAC_READ_SEARCH) |                      \
     (UINT64_C(1) << CAP_CHECKPOINT_RESTORE))

static int drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    for (int i = 0; i < N_CAPABILITIES; i++) {
        if (!(KEPT >> i & 1) && prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1)
            (void)prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
    }
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (syscall(SYS_capget, &header, data) < 0)
        return -errno;
    for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        data[i].permitted &= (uint32_t)(KEPT >> (32 * i));
        data[i].effective = data[i].permitted;
        data[i].inheritable = 0;
    }
    return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

static int limit(unsigned resource, rlim_t most)
{
    struct rlimit limit;
    if (getrlimit(resource, &limit) < 0)
        return -errno;
    if (limit.rlim_max > most)
        limit.rlim_max = most;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(resource, &limit) < 0 ? -errno : 0;
}

#define LOAD(field)  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ALLOW        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define REFUSE       BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)
#define PERMIT(name) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), ALLOW

/* The low word of an argument; all processors that are known put it first. */
#define ARGUMENT(i) LOAD(args[i])
#define WRITING     (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY))

/* Of a call, an argument must have none of `bits`. */
#define PERMIT_WITHOUT(name, i, bits)                                                              \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 4), ARGUMENT(i),                            \
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (uint32_t)(bits), 1, 0), ALLOW, REFUSE

#define CALLS_OF_A_READER                                                                          \
    PERMIT(process_vm_readv), PERMIT(pread64), PERMIT(read), PERMIT(write), PERMIT(close),         \
        PERMIT(newfstatat), PERMIT(fstat), PERMIT(fstatfs), PERMIT(getdents64),                    \
        PERMIT(readlinkat), PERMIT(lseek), PERMIT(fcntl), PERMIT(clock_gettime), PERMIT(ppoll),    \
        PERMIT(brk), PERMIT(munmap), PERMIT(mremap), PERMIT(madvise), PERMIT(futex),               \
        PERMIT(getpid), PERMIT(gettid), PERMIT(getppid), PERMIT(getrandom), PERMIT(rt_sigreturn),  \
        PERMIT(rt_sigprocmask), PERMIT(restart_syscall), PERMIT(exit), PERMIT(exit_group),         \
        PERMIT_WITHOUT(openat, 2, WRITING), PERMIT_WITHOUT(mmap, 2, PROT_EXEC),                    \
        PERMIT_WITHOUT(mprotect, 2, PROT_EXEC)

/* A copy of the process, not a thread nor a namespace; limits of its own. */
#define CALLS_OF_A_LAUNCHER                                                                        \
    PERMIT(recvmsg), PERMIT(wait4), PERMIT(kill), PERMIT_WITHOUT(clone, 0, ~COPY_FLAGS),           \
        PERMIT(set_robust_list), PERMIT(getsockopt), PERMIT(dup3), PERMIT(close_range),            \
        PERMIT(prctl), PERMIT_WITHOUT(prlimit64, 0, ~0u)
#define COPY_FLAGS ((uint32_t)(CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | 0xff))

#define OF_THIS_ARCHITECTURE                                                                       \
    LOAD(arch), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),                           \
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS), LOAD(nr)

static int filter(const struct sock_fprog *program)
{
    if (ARCHITECTURE == 0)
        return -ENOSYS;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0) < 0 ? -errno : 0;
}

static int filter_reader(void)
{
    static struct sock_filter code[] = {OF_THIS_ARCHITECTURE, CALLS_OF_A_READER, REFUSE};
    return filter(&(struct sock_fprog){.len = sizeof(code) / sizeof(*code), .filter = code});
}

static int filter_launcher(void)
{
    static struct sock_filter code[] = {OF_THIS_ARCHITECTURE, CALLS_OF_A_READER,
                                        CALLS_OF_A_LAUNCHER, REFUSE};
    return filter(&(struct sock_fprog){.len = sizeof(code) / sizeof(*code), .filter = code});
}

static int keep_one(int fd)
{
    if (fd != 3 && dup3(fd, 3, O_CLOEXEC) < 0)
        return -errno;
    return syscall(SYS_close_range, 4u, ~0u, 0) < 0 && errno != ENOSYS ? -errno : 0;
}

/* What was there before stays closed: 0, 1 and 2 lead nowhere but to the log of errors. */
static int close_others(int fd)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
        return -errno;
    return keep_one(fd);
}

static int end_with_parent(void)
{
    return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ? -errno : 0;
}

/* All that neither needs. */
static int give_up(int fd)
{
    signal(SIGPIPE, SIG_IGN);
    int r = close_others(fd);
    if (r == 0)
        r = end_with_parent();
    if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        r = -errno;
    if (r == 0)
        r = drop_capabilities();
    if (r == 0)
        r = limit(RLIMIT_NOFILE, MAX_FILES);
    if (r == 0)
        r = limit(RLIMIT_FSIZE, 0);
    if (r == 0)
        r = limit(RLIMIT_CORE, 0);
    if (r == 0)
        r = limit(RLIMIT_AS, MAX_MEMORY);
    if (r == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        r = -errno;
    return r;
}

static int become_reader(void)
{
    int r = limit(RLIMIT_NPROC, 0);
    return r == 0 ? filter_reader() : r;
}

int peek_sandbox_enter(int fd)
{
    int r = give_up(fd);
    return r == 0 ? become_reader() : r;
}

int peek_sandbox_enter_launcher(int fd)
{
    int r = give_up(fd);
    return r == 0 ? filter_launcher() : r;
}

int peek_sandbox_enter_launched(int fd)
{
    int r = keep_one(fd);
    if (r == 0)
        r = end_with_parent(); /* which a new process has not inherited */
    return r == 0 ? become_reader() : r;
}
