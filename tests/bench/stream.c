/* SPDX-License-Identifier: MPL-2.0 */
/*
 * stream - one thread sends messages of one byte, another receives them.
 *
 * usage: stream inproc|tcp COUNT PLACES [HOW]. Prints messages per second, as the receiver saw
 * them, and the CPU time of the whole process in nanoseconds a message.
 *
 * HOW is "calls", by zmq_send and zmq_recv; or as libzmq's own measurements do it: "messages", by
 * zmq_sendmsg and zmq_recvmsg (inproc_thr), "processes", the same between two (local_thr and
 * remote_thr, over tcp), or "round", a message there and back between two threads (inproc_lat).
 *
 * PLACES is the seed of random sizes by which the sockets and the queue are moved in the heap:
 * which of their words lie in one cache line is chance, and changes the rate by half.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

static long count;
static char endpoint[256];
static void *context;
static bool is_by_message, is_round;

static void check(int is_good, const char *what)
{
    if (!is_good) {
        fprintf(stderr, "%s: %s\n", what, zmq_strerror(zmq_errno()));
        exit(1);
    }
}

/* What is allocated next lies elsewhere in a page. */
static void *move_heap(void)
{
    void *block = malloc(24 + 16 * ((size_t)random() % 256));
    check(block != NULL, "malloc");
    return block;
}

static void send_one(void *socket)
{
    zmq_msg_t message;
    if (!is_by_message) {
        check(zmq_send(socket, "x", 1, 0) == 1, "send");
        return;
    }
    check(zmq_msg_init_size(&message, 1) == 0, "message");
    check(zmq_sendmsg(socket, &message, 0) == 1, "sendmsg");
    zmq_msg_close(&message);
}

/* The message is the receiver's own, as libzmq's measurements have it. */
static void receive_one(void *socket, zmq_msg_t *message)
{
    char data[8];
    if (is_by_message)
        check(zmq_recvmsg(socket, message, 0) == 1, "recvmsg");
    else
        check(zmq_recv(socket, data, sizeof data, 0) == 1, "recv");
}

static void *send_all(void *unused)
{
    (void)unused;
    zmq_msg_t message;
    void *before_socket = move_heap();
    void *push = zmq_socket(context, is_round ? ZMQ_REQ : ZMQ_PUSH);
    void *before_queue = move_heap();
    check(zmq_connect(push, endpoint) == 0, "connect");
    zmq_msg_init(&message);
    for (long i = 0; i < count; i++) {
        send_one(push);
        if (is_round)
            receive_one(push, &message);
    }
    zmq_msg_close(&message);
    zmq_close(push);
    free(before_queue);
    free(before_socket);
    return NULL;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

static void receive_all(void *pull)
{
    zmq_msg_t message;
    double begin = 0, cpu_begin = 0;
    zmq_msg_init(&message);
    for (long i = 0; i < count; i++) {
        receive_one(pull, &message);
        if (is_round)
            send_one(pull);
        if (i == 0) {
            begin = seconds();
            cpu_begin = cpu_seconds();
        }
    }
    printf("%.0f %.1f\n", (double)(count - 1) / (seconds() - begin),
           (cpu_seconds() - cpu_begin) * 1e9 / (double)(count - 1));
    zmq_msg_close(&message);
}

/* The other process is told the endpoint, and makes its own context. */
static pid_t fork_sender(int *ret_fd)
{
    int ends[2];
    check(pipe(ends) == 0, "pipe");
    pid_t pid = fork();
    check(pid >= 0, "fork");
    *ret_fd = ends[1];
    if (pid > 0) {
        close(ends[0]);
        return pid;
    }
    close(ends[1]);
    check(read(ends[0], endpoint, sizeof endpoint) > 0, "no endpoint");
    context = zmq_ctx_new();
    send_all(NULL);
    zmq_ctx_term(context);
    exit(0);
}

static void read_arguments(int argc, char **argv)
{
    count = atol(argv[2]);
    srandom((unsigned)atol(argv[3]));
    is_by_message = argc == 5 && strcmp(argv[4], "calls") != 0;
    is_round = argc == 5 && strcmp(argv[4], "round") == 0;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    size_t size = sizeof endpoint;
    int fd = -1;
    if (argc != 4 && argc != 5)
        return 2;
    read_arguments(argc, argv);
    pid_t pid = argc == 5 && strcmp(argv[4], "processes") == 0 ? fork_sender(&fd) : 0;
    void *before_context = move_heap();
    context = zmq_ctx_new();
    void *before_socket = move_heap();
    void *pull = zmq_socket(context, is_round ? ZMQ_REP : ZMQ_PULL);
    const char *wanted = strcmp(argv[1], "tcp") == 0 ? "tcp://127.0.0.1:*" : "inproc://stream";
    check(zmq_bind(pull, wanted) == 0, "bind");
    check(zmq_getsockopt(pull, ZMQ_LAST_ENDPOINT, endpoint, &size) == 0, "endpoint");
    if (pid)
        check(write(fd, endpoint, sizeof endpoint) > 0, "write");
    else
        pthread_create(&thread, NULL, send_all, NULL);
    receive_all(pull);
    if (pid)
        waitpid(pid, NULL, 0);
    else
        pthread_join(thread, NULL);
    zmq_close(pull);
    zmq_ctx_term(context);
    free(before_socket);
    free(before_context);
    return 0;
}
