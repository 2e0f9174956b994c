/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Signals whose handlers fork or exit in the middle of zmq_socket, zmq_setsockopt, zmq_close and
 * their like, and threads that do all of it at once.
 *
 * The signal comes at a given call of clock_gettime or eventfd, for which this program stands in:
 * libzmq and whatever is preloaded make them in the middle of their work, under their locks. One
 * child after another is interrupted one call later, until one is not.
 */
#include "cases.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#define MAX_CALLS   200
#define DEADLINE_S  20
#define NOT_REACHED 77
#define N_THREADS   4
#define N_LIVES     10

static _Thread_local int n_until_signal; /* 0: none is to come */

static void count_down(void)
{
    if (n_until_signal > 0 && --n_until_signal == 0)
        raise(SIGUSR1);
}

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
    count_down();
    return (int)syscall(SYS_clock_gettime, clock, ret_time);
}

int eventfd(unsigned int value, int flags)
{
    count_down();
    return (int)syscall(SYS_eventfd2, value, flags);
}

static void demand(int is_true, int line)
{
    if (!is_true)
        _exit(line);
}

#define DEMAND(condition) demand(condition, __LINE__)

/* Whatever can be done without another thread, as a forked process has none. */
static void use_sockets(void *context)
{
    int linger = 0;
    char byte;
    void *push = zmq_socket(context, ZMQ_PUSH), *pull = zmq_socket(context, ZMQ_PULL);
    void *router = zmq_socket(context, ZMQ_ROUTER);
    DEMAND(push && pull && router);
    DEMAND(zmq_setsockopt(push, ZMQ_LINGER, &linger, sizeof linger) == 0);
    DEMAND(zmq_bind(pull, "inproc://interrupted") == 0);
    DEMAND(zmq_connect(push, "inproc://interrupted") == 0);
    DEMAND(zmq_send(push, "x", 1, 0) == 1 && zmq_recv(pull, &byte, 1, 0) == 1);
    DEMAND(zmq_send(router, "nobody", 6, ZMQ_SNDMORE) == 6 && zmq_send(router, "x", 1, 0) == 1);
    DEMAND(zmq_unbind(pull, "inproc://interrupted") == 0);
    DEMAND(zmq_close(router) == 0 && zmq_close(push) == 0 && zmq_close(pull) == 0);
}

static volatile pid_t grandchild;

static volatile pid_t grandchild;

/* It does not return into libzmq, whose locks know the process that took them. */
static void fork_here(int number)
{
    (void)number;
    grandchild = fork();
    if (grandchild != 0)
        return;
    alarm(DEADLINE_S);
    void *context = zmq_ctx_new();
    use_sockets(context);
    DEMAND(zmq_ctx_term(context) == 0);
    exit(0);
}

static void exit_here(int number)
{
    (void)number;
    exit(0);
}

static void exit_quickly_here(int number)
{
    (void)number;
    _exit(0);
}

static void be_interrupted(int n_calls)
{
    alarm(DEADLINE_S);
    n_until_signal = n_calls;
    void *context = zmq_ctx_new();
    use_sockets(context);
    int n_left = n_until_signal;
    n_until_signal = 0;
    if (grandchild > 0) {
        int status;
        DEMAND(waitpid(grandchild, &status, 0) == grandchild && status == 0);
    }
    DEMAND(zmq_ctx_term(context) == 0);
    exit(n_left > 0 ? NOT_REACHED : 0);
}

static void interrupt_each(void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};
    int status = 0, i = 1;
    sigaction(SIGUSR1, &action, NULL);
    for (; i < MAX_CALLS && status == 0; i++) {
        pid_t child = fork();
        if (child == 0)
            be_interrupted(i);
        waitpid(child, &status, 0);
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_REACHED)
        puts(i > 3 ? "each was well" : "none was interrupted");
    else
        printf("interrupted at call %d: exit %d signal %d\n", i - 1, WEXITSTATUS(status),
               WTERMSIG(status));
}

static void handler_forks(void)
{
    interrupt_each(fork_here);
}

static void handler_exits(void)
{
    interrupt_each(exit_here);
}

static void handler_exits_quickly(void)
{
    interrupt_each(exit_quickly_here);
}

/*
 * Threads
 */
static void *shared_context;
static atomic_int n_lives, n_named;

static void watch(void *context, void *socket, const char *endpoint)
{
    void *monitor = zmq_socket(context, ZMQ_PAIR);
    zmq_msg_t message;
    DEMAND(zmq_socket_monitor(socket, endpoint, ZMQ_EVENT_ALL) == 0);
    DEMAND(zmq_connect(monitor, endpoint) == 0);
    zmq_msg_init(&message);
    while (zmq_msg_recv(&message, monitor, ZMQ_DONTWAIT) >= 0)
        continue;
    zmq_msg_close(&message);
    DEMAND(zmq_socket_monitor(socket, NULL, 0) == 0 && zmq_close(monitor) == 0);
}

/* Over TCP: its peers, the messages that a full subscriber loses, and an id that nobody has. */
static void live(void *context)
{
    int mark = 2, linger = 0;
    char endpoint[256], name[64], byte;
    void *push, *pull, *pub = zmq_socket(context, ZMQ_PUB), *sub = zmq_socket(context, ZMQ_SUB);
    void *router = zmq_socket(context, ZMQ_ROUTER);
    DEMAND(pub && sub && router);
    cases_pair(context, &push, &pull);
    /* A name of its own: libzmq gives one free when its thread has ended the socket. */
    snprintf(name, sizeof name, "inproc://monitor-%d", atomic_fetch_add(&n_named, 1));
    watch(context, pull, name);
    zmq_setsockopt(pub, ZMQ_SNDHWM, &mark, sizeof mark);
    zmq_setsockopt(pub, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(sub, ZMQ_RCVHWM, &mark, sizeof mark);
    zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "", 0);
    cases_bind(pub, endpoint);
    DEMAND(zmq_connect(sub, endpoint) == 0);
    for (int i = 0; i < 200; i++) {
        DEMAND(zmq_send(push, "x", 1, 0) == 1 && zmq_recv(pull, &byte, 1, 0) == 1);
        DEMAND(zmq_send(pub, "x", 1, 0) == 1);
        DEMAND(zmq_send(router, "x", 1, i % 2 ? 0 : ZMQ_SNDMORE) == 1);
    }
    zmq_disconnect(sub, endpoint);
    DEMAND(zmq_close(push) == 0 && zmq_close(pull) == 0 && zmq_close(router) == 0);
    DEMAND(zmq_close(sub) == 0 && zmq_close(pub) == 0);
}

static void *live_in_shared_context(void *unused)
{
    (void)unused;
    for (int i = 0; i < N_LIVES; i++, atomic_fetch_add(&n_lives, 1))
        live(shared_context);
    return NULL;
}

static void *live_in_own_contexts(void *unused)
{
    (void)unused;
    for (int i = 0; i < N_LIVES; i++, atomic_fetch_add(&n_lives, 1)) {
        void *context = zmq_ctx_new();
        live(context);
        DEMAND(zmq_ctx_term(context) == 0);
    }
    return NULL;
}

static void *steer_proxy(void *unused)
{
    void *front = zmq_socket(shared_context, ZMQ_PULL);
    void *back = zmq_socket(shared_context, ZMQ_PUSH);
    (void)unused;
    DEMAND(zmq_bind(front, "inproc://front") == 0 && zmq_bind(back, "inproc://back") == 0);
    zmq_proxy(front, back, NULL);
    DEMAND(zmq_close(front) == 0 && zmq_close(back) == 0);
    return NULL;
}

static void run_threads(void *(*work)(void *))
{
    pthread_t threads[N_THREADS];
    for (int i = 0; i < N_THREADS; i++)
        pthread_create(&threads[i], NULL, work, NULL);
    for (int i = 0; i < N_THREADS; i++)
        pthread_join(threads[i], NULL);
    printf("%d lives\n", n_lives);
}

static void threads_with_contexts(void)
{
    run_threads(live_in_own_contexts);
}

static void threads_of_one_context(void)
{
    pthread_t proxy;
    shared_context = zmq_ctx_new();
    pthread_create(&proxy, NULL, steer_proxy, NULL);
    run_threads(live_in_shared_context);
    cases_report("shutdown", zmq_ctx_shutdown(shared_context));
    pthread_join(proxy, NULL);
    cases_report("ctx_term", zmq_ctx_term(shared_context));
}

int main(int argc, char **argv)
{
    static const struct cases_case cases[] = {
        {"handler_forks", handler_forks},
        {"handler_exits", handler_exits},
        {"handler_exits_quickly", handler_exits_quickly},
        {"threads_with_contexts", threads_with_contexts},
        {"threads_of_one_context", threads_of_one_context},
    };
    return cases_main(cases, sizeof cases / sizeof *cases, argc, argv);
}
