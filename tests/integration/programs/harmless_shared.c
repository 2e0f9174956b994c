/* SPDX-License-Identifier: MPL-2.0 */
/*
 * harmless_shared - what a program shares with its libraries, after sockets of every type were
 * made, used and closed: it prints all of it.
 */
#include "cases.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

static const int types[] = {ZMQ_PAIR,   ZMQ_PUB,  ZMQ_SUB,  ZMQ_REQ,  ZMQ_REP,  ZMQ_DEALER,
                            ZMQ_ROUTER, ZMQ_PULL, ZMQ_PUSH, ZMQ_XPUB, ZMQ_XSUB, ZMQ_STREAM};
#define N_TYPES (sizeof types / sizeof *types)

static void use_sockets(void)
{
    void *sockets[N_TYPES], *context = zmq_ctx_new();
    for (size_t i = 0; i < N_TYPES; i++) {
        char endpoint[32];
        sockets[i] = zmq_socket(context, types[i]);
        snprintf(endpoint, sizeof endpoint, "inproc://shared%zu", i);
        if (types[i] != ZMQ_STREAM)
            zmq_bind(sockets[i], endpoint);
    }
    for (size_t i = 0; i < N_TYPES; i++)
        zmq_close(sockets[i]);
    cases_report("ctx_term", zmq_ctx_term(context));
}

static void random_numbers(void)
{
    unsigned short state[3] = {1, 2, 3};
    struct random_data data = {0};
    char buffer[64];
    int32_t number = 0;
    initstate_r(7, buffer, sizeof buffer, &data);
    srand(42);
    srand48(42);
    for (int i = 0; i < 3; i++) {
        use_sockets();
        random_r(&data, &number);
        printf("%d %ld %ld %f %ld %d\n", rand(), random(), lrand48(), drand48(), nrand48(state),
               (int)number);
    }
    srandom(7);
    use_sockets();
    printf("%ld %d\n", random(), rand());
}

static void print_signals(void)
{
    sigset_t mask, pending;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    sigpending(&pending);
    for (int i = 1; i < NSIG; i++) {
        struct sigaction action;
        bool is_known = sigaction(i, NULL, &action) == 0;
        printf("%d: %s%s%s%s flags %x\n", i, sigismember(&mask, i) == 1 ? "blocked " : "",
               sigismember(&pending, i) == 1 ? "pending " : "",
               !is_known                      ? "unknown"
               : action.sa_handler == SIG_DFL ? "default"
               : action.sa_handler == SIG_IGN ? "ignored"
                                              : "handled",
               sigismember(&action.sa_mask, SIGTERM) == 1 ? " masks TERM" : "",
               is_known ? (unsigned)action.sa_flags : 0);
    }
}

static void nothing(int number)
{
    (void)number;
}

static void signals(void)
{
    struct sigaction action = {.sa_handler = nothing, .sa_flags = SA_RESTART};
    sigset_t some;
    sigemptyset(&some);
    sigaddset(&some, SIGUSR1);
    sigaddset(&some, SIGPIPE);
    sigprocmask(SIG_BLOCK, &some, NULL);
    sigaddset(&action.sa_mask, SIGTERM);
    sigaction(SIGUSR2, &action, NULL);
    signal(SIGHUP, SIG_IGN);
    raise(SIGUSR1);
    use_sockets();
    print_signals();
}

static void print_descriptors(void)
{
    for (int i = 0; i < 64; i++)
        if (fcntl(i, F_GETFD) >= 0)
            printf("descriptor %d\n", i);
    printf("next %d\n", dup(0));
}

static void descriptors(void)
{
    use_sockets();
    print_descriptors();
}

extern char **environ;

static void surroundings(void)
{
    char folder[4096];
    struct rlimit limit;
    setlocale(LC_ALL, "C.UTF-8");
    umask(027);
    if (chdir("/usr") != 0)
        return;
    setenv("SHARED", "as it was", 1);
    char **before = environ;
    use_sockets();
    mode_t mask = umask(0);
    printf("%s %s %o %s %d\n", setlocale(LC_ALL, NULL), getcwd(folder, sizeof folder),
           (unsigned)mask, getenv("SHARED"), environ == before);
    for (unsigned i = 0; i < RLIM_NLIMITS; i++)
        if (getrlimit(i, &limit) == 0)
            printf("limit %u: %lld %lld\n", i, (long long)limit.rlim_cur,
                   (long long)limit.rlim_max);
    printf("daylight %d %s, priority %d\n", daylight, tzname[0], getpriority(PRIO_PROCESS, 0));
}

static void errors(void)
{
    errno = EXDEV;
    void *context = zmq_ctx_new();
    printf("ctx_new: %s\n", strerrorname_np(errno));
    errno = EXDEV;
    void *socket = zmq_socket(context, ZMQ_ROUTER);
    printf("socket: %s\n", strerrorname_np(errno));
    dlopen("/nowhere/lib.so", RTLD_NOW);
    errno = EXDEV;
    zmq_close(socket);
    printf("close: %s\n", strerrorname_np(errno));
    zmq_ctx_term(context);
    use_sockets();
    const char *text = dlerror();
    printf("%s\n", text ? text : "no error");
    text = dlerror();
    printf("%s\n", text ? text : "no error");
}

static void first(void)
{
    puts("first registered");
}

static void second(void)
{
    puts("second registered");
    use_sockets();
}

static void buffers_and_exit(void)
{
    static char buffer[256];
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    printf("in the buffer");
    atexit(first);
    fputs("half a line on stderr", stderr);
    use_sockets();
    atexit(second);
    printf("; %zu bytes\n", strlen(buffer));
}

int main(int argc, char **argv)
{
    static const struct cases_case cases[] = {
        {"random_numbers", random_numbers},
        {"signals", signals},
        {"descriptors", descriptors},
        {"surroundings", surroundings},
        {"errors", errors},
        {"buffers_and_exit", buffers_and_exit},
    };
    return cases_main(cases, sizeof cases / sizeof *cases, argc, argv);
}
