/* SPDX-License-Identifier: MPL-2.0 */
#include "filter.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const unsigned int refused[] = {
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_ptrace,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_bpf,
    SYS_kcmp,
    SYS_openat,
};

/* Made from what strace shows of a program with tcp, ipc and inproc sockets in two contexts. */
static const unsigned int allowed[] = {
#ifdef SYS_poll
    SYS_poll,
#endif
#ifdef SYS_epoll_wait
    SYS_epoll_wait,
#endif
#ifdef SYS_unlink
    SYS_unlink,
#endif
    SYS_accept4,
    SYS_bind,
    SYS_brk,
    SYS_clock_nanosleep,
    SYS_clone,
    SYS_clone3,
    SYS_close,
    SYS_connect,
    SYS_epoll_create1,
    SYS_epoll_ctl,
    SYS_epoll_pwait,
    SYS_eventfd2,
    SYS_exit,
    SYS_exit_group,
    SYS_fcntl,
    SYS_futex,
    SYS_getpeername,
    SYS_getpid,
    SYS_getsockname,
    SYS_getsockopt,
    SYS_listen,
    SYS_madvise,
    SYS_mmap,
    SYS_mprotect,
    SYS_munmap,
    SYS_ppoll,
    SYS_prctl,
    SYS_read,
    SYS_recvfrom,
    SYS_recvmsg,
    SYS_rseq,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_sched_getparam,
    SYS_sched_getscheduler,
    SYS_sched_setscheduler,
    SYS_sendto,
    SYS_set_robust_list,
    SYS_setsockopt,
    SYS_socket,
    SYS_unlinkat,
    SYS_write,
    /* At the start, for which libc looks into /etc and /sys: */
    SYS_fstat,
    SYS_getdents64,
    SYS_getrandom,
    SYS_ioctl,
    SYS_lseek,
#ifdef SYS_newfstatat
    SYS_newfstatat,
#endif
    SYS_openat,
    SYS_rt_sigaction,
    SYS_sched_getaffinity,
    SYS_uname,
};
#ifdef SYS_newfstatat
#define N_AT_START 10
#else
#define N_AT_START 9
#endif

/* Compares the call's number with each of `n`, then does what `otherwise` says, or `found`. */
static unsigned short write_filter(struct sock_filter *code, const unsigned int *calls,
                                   unsigned char n, const unsigned int actions[2])
{
    unsigned short size = 0;
    code[size++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                                offsetof(struct seccomp_data, nr));
    for (unsigned char i = 0; i < n; i++)
        code[size++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i],
                                                    (unsigned char)(n - i), 0);
    code[size++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, actions[0]);
    code[size++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, actions[1]);
    return size;
}

void filter_apply(enum filter_kind kind, int is_fatal)
{
    enum {
        N_REFUSED = sizeof refused / sizeof *refused,
        N_ALLOWED = sizeof allowed / sizeof *allowed
    };
    const unsigned int no = is_fatal ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ERRNO | EPERM;
    const unsigned int yes = SECCOMP_RET_ALLOW;
    struct sock_filter code[N_REFUSED + N_ALLOWED + 3];
    struct sock_fprog program = {.filter = code};
    if (kind == FILTER_LIBZMQ)
        program.len = write_filter(code, allowed, N_ALLOWED - N_AT_START,
                                   (unsigned int[]){no, yes});
    else if (kind == FILTER_LIBZMQ_START)
        program.len = write_filter(code, allowed, N_ALLOWED, (unsigned int[]){no, yes});
    else /* the last one of those refused is openat */
        program.len = write_filter(code, refused, kind == FILTER_STRICT ? N_REFUSED : N_REFUSED - 1,
                                   (unsigned int[]){yes, no});
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) != 0) {
        perror("seccomp");
        exit(77);
    }
}
