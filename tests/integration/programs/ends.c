/* SPDX-License-Identifier: MPL-2.0 */
/*
 * ends - sends messages that nobody hears, then ends in the way named.
 *
 * usage: ends WAY COUNT_FILE N_SOCKETS N_MESSAGES [PAUSE_MS]
 *
 * COUNT_FILE holds one 64-bit number, the messages that were sent by all that had the file; it is
 * mapped, so that it is true at any end.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#define MAX_SOCKETS 200
#define NOBODY      65534

static uint64_t *count;
static char **words;
static void *context, *sockets[MAX_SOCKETS];
static int n_sockets, n_messages;

static void map_count(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    if (fd < 0 || ftruncate(fd, sizeof(uint64_t)) < 0)
        abort();
    count = mmap(NULL, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (count == MAP_FAILED)
        abort();
}

static void send_all(void)
{
    for (int i = 0; i < n_messages; i++) {
        if (zmq_send(sockets[i % n_sockets], "x", 1, 0) == 1)
            __atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
    }
}

static void open_all(void)
{
    char endpoint[32];
    context = zmq_ctx_new();
    for (int i = 0; i < n_sockets; i++) {
        sockets[i] = zmq_socket(context, ZMQ_PUB);
        (void)snprintf(endpoint, sizeof endpoint, "inproc://s%d", i % 40);
        (void)zmq_bind(sockets[i], endpoint);
    }
}

static void close_all(void)
{
    for (int i = 0; i < n_sockets; i++)
        zmq_close(sockets[i]);
}

static void by_return(void) {}

static void by_exit(void)
{
    exit(0);
}

static void by_exit_handler(void)
{
    atexit(send_all);
    exit(0);
}

extern void (*late_work)(void); /* of a library, in its destructor */

/* An exporter may have seen meanwhile that the tap is done. */
static void send_late(void)
{
    const struct timespec pause = {.tv_nsec = 100000000};
    nanosleep(&pause, NULL);
    send_all();
}

static void by_destructor(void)
{
    late_work = send_late;
    exit(0);
}

static void by_quick_exit(void)
{
    quick_exit(0);
}

static void by__exit(void)
{
    _exit(0);
}

static void by_close(void)
{
    close_all();
    _exit(0);
}

static void by_term(void)
{
    close_all();
    zmq_ctx_term(context);
    _exit(0);
}

static void by_kill(void)
{
    kill(getpid(), SIGKILL);
}

static void by_sigterm(void)
{
    kill(getpid(), SIGTERM);
}

static void by_abort(void)
{
    abort();
}

static void by_fault(void)
{
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
}

static void by_exec(void)
{
    execl("/bin/true", "true", NULL);
}

static void by_exec_of_itself(void)
{
    char way[] = "_exit";
    words[1] = way;
    execv("/proc/self/exe", words);
}

/* Others than its own are not opened any more, those of the tap neither. */
static void by_running_out(void)
{
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_NOFILE, &none);
    send_all();
    _exit(0);
}

static void by_chroot(void)
{
    if (chroot("/proc/self/fdinfo") == 0) /* an empty place */
        send_all();
    _exit(0);
}

static void by_giving_up_user(void)
{
    if (setgid(NOBODY) == 0 && setuid(NOBODY) == 0)
        send_all();
    _exit(0);
}

static void *leave(void *unused)
{
    (void)unused;
    _exit(0);
}

static void by_another_thread(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, leave, NULL);
    pthread_exit(NULL);
}

/* The parent's sockets, which count nowhere. */
static void use_in_child(void)
{
    for (int i = 0; i < n_messages; i++)
        (void)zmq_send(sockets[i % n_sockets], "x", 1, 0);
}

static void work_in_child(void)
{
    use_in_child();
    open_all();
    send_all();
    _exit(0);
}

static void by_fork(void)
{
    pid_t child = fork();
    if (child == 0)
        work_in_child();
    waitpid(child, NULL, 0);
    kill(getpid(), SIGKILL);
}

/* No handler has run in the child: it may make no thread, and so no socket of its own. */
static void by_clone(void)
{
    pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (child == 0) {
        use_in_child();
        _exit(0);
    }
    waitpid(child, NULL, 0);
    send_all();
    kill(getpid(), SIGKILL);
}

static void by_vfork(void)
{
    pid_t child = vfork();
    if (child == 0) {
        execl("/bin/true", "true", NULL);
        _exit(1);
    }
    waitpid(child, NULL, 0);
    send_all();
    _exit(0);
}

static const struct {
    const char *name;
    void (*end)(void);
} ways[] = {
    {"return", by_return},
    {"exit", by_exit},
    {"exit_handler", by_exit_handler},
    {"destructor", by_destructor},
    {"quick_exit", by_quick_exit},
    {"_exit", by__exit},
    {"close", by_close},
    {"term", by_term},
    {"kill", by_kill},
    {"sigterm", by_sigterm},
    {"abort", by_abort},
    {"fault", by_fault},
    {"exec", by_exec},
    {"exec_of_itself", by_exec_of_itself},
    {"running_out", by_running_out},
    {"chroot", by_chroot},
    {"giving_up_user", by_giving_up_user},
    {"another_thread", by_another_thread},
    {"fork", by_fork},
    {"clone", by_clone},
    {"vfork", by_vfork},
};

#define N_WAYS (sizeof ways / sizeof *ways)

int main(int argc, char **argv)
{
    const struct rlimit none = {0, 0};
    if (argc < 5) {
        for (size_t i = 0; i < N_WAYS; i++)
            puts(ways[i].name);
        return 0;
    }
    words = argv;
    map_count(argv[2]);
    n_sockets = atoi(argv[3]);
    n_messages = atoi(argv[4]);
    setrlimit(RLIMIT_CORE, &none);
    if (n_sockets < 1 || n_sockets > MAX_SOCKETS)
        return 2;
    open_all();
    if (argc > 5) {
        const struct timespec pause = {.tv_nsec = atol(argv[5]) * 1000000};
        nanosleep(&pause, NULL);
    }
    send_all();
    for (size_t i = 0; i < N_WAYS; i++) {
        if (strcmp(argv[1], ways[i].name) == 0) {
            ways[i].end();
            return 0;
        }
    }
    return 3;
}
