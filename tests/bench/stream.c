/* SPDX-License-Identifier: MPL-2.0 */
/*
 * stream - one thread sends messages of one byte, another receives them.
 *
 * usage: stream inproc|tcp COUNT PLACES. Prints messages per second, as the receiver saw them, and
 * the CPU time of the whole process in nanoseconds a message.
 *
 * PLACES is the seed of random sizes by which the sockets and the queue are moved in the heap:
 * which of their words lie in one cache line is chance, and changes the rate by half.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <zmq.h>

static long count;
static char endpoint[256];
static void *context;

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

static void *send_all(void *unused)
{
    (void)unused;
    void *before_socket = move_heap();
    void *push = zmq_socket(context, ZMQ_PUSH);
    void *before_queue = move_heap();
    check(zmq_connect(push, endpoint) == 0, "connect");
    for (long i = 0; i < count; i++)
        check(zmq_send(push, "x", 1, 0) == 1, "send");
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

int main(int argc, char **argv)
{
    pthread_t thread;
    char data[8];
    size_t size = sizeof endpoint;
    if (argc != 4)
        return 2;
    count = atol(argv[2]);
    srandom((unsigned)atol(argv[3]));
    void *before_context = move_heap();
    context = zmq_ctx_new();
    void *before_socket = move_heap();
    void *pull = zmq_socket(context, ZMQ_PULL);
    const char *wanted = strcmp(argv[1], "tcp") == 0 ? "tcp://127.0.0.1:*" : "inproc://stream";
    check(zmq_bind(pull, wanted) == 0, "bind");
    check(zmq_getsockopt(pull, ZMQ_LAST_ENDPOINT, endpoint, &size) == 0, "endpoint");
    pthread_create(&thread, NULL, send_all, NULL);
    check(zmq_recv(pull, data, sizeof data, 0) == 1, "recv");
    double begin = seconds(), cpu_begin = cpu_seconds();
    for (long i = 1; i < count; i++)
        check(zmq_recv(pull, data, sizeof data, 0) == 1, "recv");
    printf("%.0f %.1f\n", (double)(count - 1) / (seconds() - begin),
           (cpu_seconds() - cpu_begin) * 1e9 / (double)(count - 1));
    pthread_join(thread, NULL);
    zmq_close(pull);
    zmq_ctx_term(context);
    free(before_socket);
    free(before_context);
    return 0;
}
