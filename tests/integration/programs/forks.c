/* SPDX-License-Identifier: MPL-2.0 */
/*
 * forks - makes children in the way named, and says who has sent how much on sockets of his own.
 *
 * usage: forks WAY
 *
 * Prints a line for each process that has: its pid and what it sent. What a child sends on its
 * parent's sockets counts nowhere.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#define N_MESSAGES   100
#define N_CHILDREN   20
#define N_FORKS      300
#define N_SOCKETS    100
#define DEADLINE_S   20
#define MAX_ACCOUNTS 1000

struct account {
    pid_t pid;
    atomic_ulong n;
};

static struct {
    atomic_uint n;
    struct account accounts[MAX_ACCOUNTS];
} * shared;

static void *context, *sockets[N_SOCKETS];
static struct account *own; /* of this process, once it has sockets */
static atomic_bool is_done;

/* A publisher that nobody hears takes what it is given without any other thread. On a parent's
 * socket libzmq refuses, once it looks which process it is. */
static void send_some(int n)
{
    for (int i = 0; i < n; i++) {
        int rc = zmq_send(sockets[i % N_SOCKETS], "x", 1, 0);
        if (own && rc != 1)
            _exit(20);
        if (own)
            atomic_fetch_add(&own->n, 1);
    }
}

static void open_sockets_of(void *its_context)
{
    own = &shared->accounts[atomic_fetch_add(&shared->n, 1)];
    own->pid = getpid();
    context = its_context;
    for (int i = 0; i < N_SOCKETS; i++) {
        sockets[i] = zmq_socket(context, ZMQ_PUB);
        if (!sockets[i])
            _exit(21);
    }
}

static void open_sockets(void)
{
    open_sockets_of(zmq_ctx_new());
}

static void close_sockets(void)
{
    for (int i = 0; i < N_SOCKETS; i++) {
        if (zmq_close(sockets[i]) != 0)
            _exit(22);
    }
    if (zmq_ctx_term(context) != 0)
        _exit(23);
}

static void be_a_child(void)
{
    own = NULL;
    alarm(DEADLINE_S);
}

static void use_parents_sockets(void)
{
    char byte;
    be_a_child();
    send_some(N_MESSAGES);
    if (zmq_recv(sockets[0], &byte, 1, ZMQ_DONTWAIT) != -1)
        _exit(24);
}

static void work_anew(void)
{
    open_sockets();
    send_some(N_MESSAGES);
    close_sockets();
}

static void wait_for_child(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (status != 0) {
        printf("a child ended with exit %d signal %d\n", WEXITSTATUS(status), WTERMSIG(status));
        exit(1);
    }
}

static pid_t clone_barely(void)
{
    return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static pid_t fork_well(void)
{
    return fork();
}

/* Both use the parent's sockets first, then their own, then leave. */
static void make_children(pid_t (*make)(void), void (*leave)(int))
{
    open_sockets();
    for (int i = 0; i < N_CHILDREN; i++) {
        send_some(N_MESSAGES);
        pid_t pid = make();
        if (pid == 0) {
            use_parents_sockets();
            if (i % 2)
                work_anew();
            leave(0);
        }
        wait_for_child(pid);
    }
    send_some(N_MESSAGES);
}

static void forked(void)
{
    make_children(fork_well, _exit);
}

static void forked_that_exit(void)
{
    make_children(fork_well, exit);
}

static void cloned(void)
{
    make_children(clone_barely, _exit);
}

static void cloned_that_exit(void)
{
    make_children(clone_barely, exit);
}

/* A child of vfork has its parent's memory: what it sends is its parent's. */
static void shared_memory(void)
{
    open_sockets();
    for (int i = 0; i < N_CHILDREN; i++) {
        pid_t pid = vfork();
        if (pid == 0) {
            if (zmq_send(sockets[0], "x", 1, 0) == 1)
                atomic_fetch_add(&own->n, 1);
            _exit(0);
        }
        wait_for_child(pid);
    }
    send_some(N_MESSAGES);
}

/* The program's own handlers, of which one runs before those of any library that is loaded later.
 */
static bool has_handler;

static void work_in_handler(void)
{
    if (!has_handler)
        return;
    be_a_child();
    work_anew();
}

__attribute__((constructor)) static void begin(void)
{
    pthread_atfork(NULL, NULL, work_in_handler);
}

static void in_a_handler(void)
{
    open_sockets();
    has_handler = true;
    for (int i = 0; i < N_CHILDREN; i++) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        wait_for_child(pid);
    }
    send_some(N_MESSAGES);
}

/* libzmq frees a message that nobody hears before its send returns: the child returns into a call
 * that its parent made. */
static pid_t middle;

static void fork_in_free(void *data, void *unused)
{
    (void)unused;
    free(data);
    middle = fork();
    if (middle == 0)
        be_a_child();
}

static void in_the_middle_of_a_call(void)
{
    open_sockets();
    for (int i = 0; i < N_CHILDREN; i++) {
        zmq_msg_t message;
        zmq_msg_init_data(&message, malloc(100), 100, fork_in_free, NULL);
        int rc = zmq_msg_send(&message, sockets[i % 3], 0);
        if (middle == 0) {
            send_some(N_MESSAGES);
            _exit(rc == 100 ? 0 : 26);
        }
        wait_for_child(middle);
        atomic_fetch_add(&own->n, rc == 100);
        send_some(1);
    }
}

/* Others send meanwhile, on sockets of their own. */
static void *send_meanwhile(void *unused)
{
    (void)unused;
    void *socket = zmq_socket(context, ZMQ_PUB);
    while (!atomic_load(&is_done)) {
        if (zmq_send(socket, "x", 1, 0) == 1)
            atomic_fetch_add(&shared->accounts[0].n, 1);
    }
    zmq_close(socket);
    return NULL;
}

static void beside_threads(void)
{
    pthread_t threads[2];
    open_sockets();
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, send_meanwhile, NULL);
    for (int i = 0; i < N_CHILDREN; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            use_parents_sockets();
            work_anew();
            _exit(0);
        }
        wait_for_child(pid);
    }
    atomic_store(&is_done, true);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
}

/* The tap looks up whose libzmq this is for, each time; and libzmq itself takes no lock. */
static int refuse(void)
{
    return zmq_send(NULL, "x", 1, 0) == -1 && errno == ENOTSOCK ? 0 : 27;
}

/* Others are where the dynamic linker's lock is held, most of their time. */
static void *look_up_meanwhile(void *unused)
{
    (void)unused;
    while (!atomic_load(&is_done))
        refuse();
    return NULL;
}

static void beside_lookups(void)
{
    pthread_t threads[2];
    open_sockets();
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, look_up_meanwhile, NULL);
    for (int i = 0; i < N_FORKS; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            be_a_child();
            _exit(refuse());
        }
        wait_for_child(pid);
    }
    atomic_store(&is_done, true);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    send_some(N_MESSAGES);
}

/* As a program does that makes its context before it forks its workers. */
static void of_a_context_before(void)
{
    void *early = zmq_ctx_new();
    for (int i = 0; i < N_CHILDREN; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            open_sockets_of(early);
            send_some(N_MESSAGES);
            _exit(0);
        }
        wait_for_child(pid);
    }
    open_sockets_of(early);
    send_some(N_MESSAGES);
    close_sockets();
}

/* Each child has a child. */
static void for_generations(void)
{
    work_anew();
    for (int i = 0; i < N_CHILDREN; i++) {
        pid_t pid = i % 2 ? fork() : clone_barely();
        if (pid != 0) {
            wait_for_child(pid);
            if (i > 0)
                _exit(0);
            return;
        }
        alarm(DEADLINE_S);
        work_anew();
    }
    _exit(0);
}

static const struct {
    const char *name;
    void (*run)(void);
} ways[] = {
    {"forked", forked},
    {"forked_that_exit", forked_that_exit},
    {"cloned", cloned},
    {"cloned_that_exit", cloned_that_exit},
    {"shared_memory", shared_memory},
    {"in_a_handler", in_a_handler},
    {"in_the_middle_of_a_call", in_the_middle_of_a_call},
    {"beside_threads", beside_threads},
    {"beside_lookups", beside_lookups},
    {"of_a_context_before", of_a_context_before},
    {"for_generations", for_generations},
};

int main(int argc, char **argv)
{
    const size_t n_ways = sizeof ways / sizeof *ways;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return 1;
    for (size_t i = 0; i < n_ways; i++) {
        if (argc < 2)
            puts(ways[i].name);
        else if (strcmp(argv[1], ways[i].name) == 0)
            ways[i].run();
    }
    for (unsigned i = 0; i < atomic_load(&shared->n); i++)
        printf("%d %lu\n", (int)shared->accounts[i].pid, atomic_load(&shared->accounts[i].n));
    (void)fflush(stdout);
    return 0;
}
