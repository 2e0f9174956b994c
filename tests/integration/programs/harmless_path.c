/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The path of a message, under glass: a thread that may make no system call but libzmq's own few
 * (a lock that has to be waited for is one, too), and whose allocations are counted.
 */
#include "cases.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <zmq.h>

static __thread bool is_watched;
static __thread unsigned n_allocations;

/* The program's own come before the C library's. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *place, size_t size);
void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void *realloc(void *place, size_t size);

void *malloc(size_t size)
{
    n_allocations += is_watched;
    return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    n_allocations += is_watched;
    return __libc_calloc(n, size);
}

void *realloc(void *place, size_t size)
{
    n_allocations += is_watched;
    return __libc_realloc(place, size);
}

/* libzmq wakes and asks its mailboxes, and looks whether it was forked; the others are the thread's
 * end. poll is ppoll on arm64. */
static const unsigned int allowed[] = {
#ifdef SYS_poll
    SYS_poll,
#endif
    SYS_ppoll, SYS_read, SYS_write, SYS_getpid, SYS_exit, SYS_madvise, SYS_rt_sigprocmask,
};

/* For this thread alone; anything else ends the process. */
static void allow_little(void)
{
    enum { N = sizeof allowed / sizeof *allowed };
    struct sock_filter code[N + 3];
    unsigned short size = 0;
    code[size++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                                offsetof(struct seccomp_data, nr));
    for (unsigned char i = 0; i < N; i++)
        code[size++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allowed[i],
                                                    (unsigned char)(N - i), 0);
    code[size++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    code[size++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {size, code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) {
        perror("seccomp");
        exit(77);
    }
}

static void *push, *pull;

/* One message at a time: libzmq's queues use the same two chunks for ever. */
static int exchange(int n)
{
    char data[8];
    int done = 0;
    for (int i = 0; i < n; i++) {
        zmq_msg_t message;
        done += zmq_send(push, "a", 1, ZMQ_SNDMORE) == 1 && zmq_send_const(push, "b", 1, 0) == 1;
        done += zmq_recv(pull, data, sizeof data, 0) == 1;
        zmq_msg_init(&message);
        done += zmq_msg_recv(&message, pull, 0) == 1;
        done += zmq_msg_send(&message, push, 0) == 1;
        done += zmq_recv(pull, data, sizeof data, 0) == 1;
        zmq_msg_close(&message);
        done += zmq_recv(pull, data, sizeof data, ZMQ_DONTWAIT) == -1;
    }
    return done;
}

static void *work(void *unused)
{
    (void)unused;
    printf("warm: %d\n", exchange(2000));
    fflush(stdout);
    allow_little();
    is_watched = true;
    long done = exchange(20000);
    is_watched = false;
    return (void *)(done * 1000 + n_allocations);
}

/* Several of the tap's rounds long. */
static void no_call_and_no_allocation(void)
{
    pthread_t thread;
    void *context = zmq_ctx_new(), *result;
    push = zmq_socket(context, ZMQ_PUSH);
    pull = zmq_socket(context, ZMQ_PULL);
    cases_report("bind", zmq_bind(pull, "inproc://path"));
    cases_report("connect", zmq_connect(push, "inproc://path"));
    pthread_create(&thread, NULL, work, NULL);
    pthread_join(thread, &result);
    printf("done: %ld, allocations: %ld\n", (long)result / 1000, (long)result % 1000);
    zmq_close(push);
    zmq_close(pull);
    cases_report("ctx_term", zmq_ctx_term(context));
}

int main(int argc, char **argv)
{
    static const struct cases_case cases[] = {
        {"no_call_and_no_allocation", no_call_and_no_allocation},
    };
    return cases_main(cases, sizeof cases / sizeof *cases, argc, argv);
}
