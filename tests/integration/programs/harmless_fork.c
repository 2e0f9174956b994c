/* SPDX-License-Identifier: MPL-2.0 */
/* Processes that fork, become daemons, and start other programs while sockets are open. */
#include "cases.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

extern char **environ;

static void *context, *push, *pull;

static void open_sockets(void)
{
    context = zmq_ctx_new();
    cases_pair(context, &push, &pull);
}

static void exchange_and_close(void)
{
    char data[8] = "";
    cases_report("send", zmq_send(push, "hello", 5, 0));
    cases_report("recv", zmq_recv(pull, data, sizeof data, 0));
    puts(data);
    cases_report("close", zmq_close(push));
    cases_report("close", zmq_close(pull));
    cases_report("ctx_term", zmq_ctx_term(context));
    fflush(stdout);
}

static void wait_for_child(pid_t child)
{
    int status = 0;
    if (waitpid(child, &status, 0) != child)
        perror("waitpid");
    printf("child: exit %d signal %d\n", WEXITSTATUS(status),
           WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

/* Runs `work` in a child, then goes on as the parent. */
static void in_child(void (*work)(void))
{
    open_sockets();
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        work();
        exit(3);
    }
    wait_for_child(child);
    exchange_and_close();
}

static void nothing(void) {}

static void child_exits(void)
{
    in_child(nothing);
}

static void leave_quickly(void)
{
    _exit(4);
}

static void child_leaves_quickly(void)
{
    in_child(leave_quickly);
}

static void work_anew(void)
{
    open_sockets();
    exchange_and_close();
}

static void child_has_its_own_context(void)
{
    in_child(work_anew);
}

static void work_for_generations(void)
{
    work_anew();
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        work_anew();
        exit(5);
    }
    wait_for_child(child);
}

static void child_has_children(void)
{
    in_child(work_for_generations);
}

static void leave_sockets_open(void)
{
    open_sockets();
}

static void child_leaves_sockets_open(void)
{
    in_child(leave_sockets_open);
}

/* What a daemon does: all descriptors closed, others opened under the same numbers. */
static void become_a_daemon(void)
{
    enum { N = 40 };
    char folder[] = "/tmp/zt-daemon-XXXXXX", path[64];
    setsid();
    for (int fd = 3; fd < 256; fd++)
        close(fd);
    if (!mkdtemp(folder))
        exit(1);
    snprintf(path, sizeof path, "%s/file", folder);
    for (int fd = 3; fd < N; fd++)
        if (open(path, O_CREAT | O_RDWR | O_APPEND, 0600) != fd)
            puts("another number");
    open_sockets();
    for (int i = 0; i < 1000; i++) {
        char data[8];
        zmq_send(push, "hello", 5, 0);
        zmq_recv(pull, data, sizeof data, 0);
    }
    exchange_and_close();
    struct stat status;
    int n_open = 0;
    for (int fd = 3; fd < N; fd++)
        n_open += fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size == 0;
    printf("%d of %d files still open and empty\n", n_open, N - 3);
    unlink(path);
    rmdir(folder);
}

static void daemon_closes_all_descriptors(void)
{
    in_child(become_a_daemon);
}

/* The same in a process that has had sockets itself, and ended them. */
static void descriptors_closed_between_contexts(void)
{
    work_anew();
    become_a_daemon();
}

static void run_true(void)
{
    char path[] = "/bin/echo", word[] = "another program";
    char *words[] = {path, word, NULL};
    execv(path, words);
}

static void child_executes(void)
{
    in_child(run_true);
}

static void spawn_and_system(void)
{
    char path[] = "/bin/echo", word[] = "spawned";
    char *words[] = {path, word, NULL};
    pid_t child;
    open_sockets();
    fflush(stdout);
    if (posix_spawn(&child, path, NULL, NULL, words, environ) == 0)
        wait_for_child(child);
    fflush(stdout);
    cases_report("system", system("echo from a shell"));
    exchange_and_close();
}

static void *fork_here(void *unused)
{
    (void)unused;
    pid_t child = fork();
    if (child == 0) {
        work_anew();
        exit(6);
    }
    wait_for_child(child);
    return NULL;
}

static void thread_forks(void)
{
    pthread_t thread;
    open_sockets();
    fflush(stdout);
    pthread_create(&thread, NULL, fork_here, NULL);
    pthread_join(thread, NULL);
    exchange_and_close();
}

/* Forks again and again while other threads open and close sockets. */
static volatile int is_done;

static void *open_and_close(void *unused)
{
    (void)unused;
    while (!is_done) {
        void *socket = zmq_socket(context, ZMQ_PUSH);
        zmq_send(socket, "x", 1, ZMQ_DONTWAIT);
        zmq_close(socket);
    }
    return NULL;
}

static void forks_while_sockets_are_made(void)
{
    pthread_t threads[2];
    int n_good = 0;
    open_sockets();
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, open_and_close, NULL);
    for (int i = 0; i < 100; i++) {
        int status = -1;
        pid_t child = fork();
        if (child == 0) {
            void *own = zmq_ctx_new(), *socket = zmq_socket(own, ZMQ_PAIR);
            _exit(socket && zmq_close(socket) == 0 && zmq_ctx_term(own) == 0 ? 0 : 1);
        }
        waitpid(child, &status, 0);
        n_good += status == 0;
    }
    is_done = 1;
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    printf("%d of 100 children were well\n", n_good);
    exchange_and_close();
}

static void execute_oneself(void)
{
    const char *left = getenv("IMAGES_LEFT");
    char name[] = "harmless_fork", word[] = "execute_oneself";
    char *words[] = {name, word, NULL};
    work_anew();
    if (left && strcmp(left, "0") == 0)
        return;
    setenv("IMAGES_LEFT", left && *left == '1' ? "0" : "1", 1);
    execv("/proc/self/exe", words);
    perror("execv");
}

int main(int argc, char **argv)
{
    static const struct cases_case cases[] = {
        {"child_exits", child_exits},
        {"child_leaves_quickly", child_leaves_quickly},
        {"child_has_its_own_context", child_has_its_own_context},
        {"child_has_children", child_has_children},
        {"child_leaves_sockets_open", child_leaves_sockets_open},
        {"daemon_closes_all_descriptors", daemon_closes_all_descriptors},
        {"descriptors_closed_between_contexts", descriptors_closed_between_contexts},
        {"child_executes", child_executes},
        {"spawn_and_system", spawn_and_system},
        {"thread_forks", thread_forks},
        {"forks_while_sockets_are_made", forks_while_sockets_are_made},
        {"execute_oneself", execute_oneself},
    };
    return cases_main(cases, sizeof cases / sizeof *cases, argc, argv);
}
