/* SPDX-License-Identifier: MPL-2.0 */
/*
 * full_speed - a thread sends and another receives, as fast as they can, and each says how far.
 *
 * usage: full_speed FILE ENDPOINT MARK. FILE has four 64-bit counts: messages whose sending has
 * begun, and is done; whose receiving has begun, and is done. Ends with its input.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zmq.h>

struct counts {
    _Atomic uint64_t sending, sent, receiving, received;
};

static struct counts *counts;

static void check(int is_well, const char *what)
{
    if (!is_well) {
        perror(what);
        exit(1);
    }
}

static void *receive_all(void *pull)
{
    while (counts) {
        char byte;
        atomic_fetch_add(&counts->receiving, 1);
        check(zmq_recv(pull, &byte, 1, 0) == 1, "zmq_recv");
        atomic_fetch_add(&counts->received, 1);
    }
    return NULL;
}

static void *send_all(void *push)
{
    while (counts) {
        atomic_fetch_add(&counts->sending, 1);
        check(zmq_send(push, "x", 1, 0) == 1, "zmq_send");
        atomic_fetch_add(&counts->sent, 1);
    }
    return NULL;
}

static void *open_socket(void *context, int type, int mark)
{
    void *socket = zmq_socket(context, type);
    check(socket != NULL, "zmq_socket");
    check(zmq_setsockopt(socket, ZMQ_SNDHWM, &mark, sizeof(mark)) == 0, "ZMQ_SNDHWM");
    check(zmq_setsockopt(socket, ZMQ_RCVHWM, &mark, sizeof(mark)) == 0, "ZMQ_RCVHWM");
    return socket;
}

int main(int argc, char **argv)
{
    pthread_t receiver, sender;
    char endpoint[256];
    size_t size = sizeof(endpoint);
    int fd = argc == 4 ? open(argv[1], O_RDWR) : -1;
    check(fd >= 0 && ftruncate(fd, sizeof(*counts)) == 0, "FILE");
    counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    check(counts != MAP_FAILED, "mmap");
    void *context = zmq_ctx_new();
    void *push = open_socket(context, ZMQ_PUSH, atoi(argv[3]));
    void *pull = open_socket(context, ZMQ_PULL, atoi(argv[3]));
    check(zmq_bind(pull, argv[2]) == 0, "zmq_bind");
    check(zmq_getsockopt(pull, ZMQ_LAST_ENDPOINT, endpoint, &size) == 0, "ZMQ_LAST_ENDPOINT");
    check(zmq_connect(push, endpoint) == 0, "zmq_connect");
    check(pthread_create(&receiver, NULL, receive_all, pull) == 0, "pthread_create");
    check(pthread_create(&sender, NULL, send_all, push) == 0, "pthread_create");
    puts("ready");
    fflush(stdout);
    (void)getchar();
    _exit(0);
}
