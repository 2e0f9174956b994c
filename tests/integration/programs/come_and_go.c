/* SPDX-License-Identifier: MPL-2.0 */
/*
 * come_and_go - opens and closes many sockets, of which each says itself what its queue may hold.
 *
 * usage: come_and_go FILE COUNT, begins when it is given a line. One PUSH and one PULL stay, with
 * N_STEADY messages between them. Beside them pairs come and go, N_OPEN of them at a time: the high
 * water mark of both ends is MARK and one more for each message that is sent between them, so the
 * numbers of one are wrong for another that lies in the same memory. FILE has four 64-bit counts:
 * sockets whose opening has begun, and is done; whose closing has begun, and is done.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zmq.h>

#define N_STEADY   11
#define MARK       1000
#define N_MESSAGES 50
#define N_OPEN     64

struct counts {
    _Atomic uint64_t opening, opened, closing, closed;
};

static struct counts *counts;
static void *context;

static void check(int is_well, const char *what)
{
    if (!is_well) {
        perror(what);
        exit(1);
    }
}

/* The reaper closes later: there may be too many for a moment. */
static void *open_socket(int type, int mark)
{
    void *socket;
    atomic_fetch_add(&counts->opening, 1);
    while (!(socket = zmq_socket(context, type))) {
        check(errno == EMFILE, "zmq_socket");
        usleep(1000);
    }
    atomic_fetch_add(&counts->opened, 1);
    check(zmq_setsockopt(socket, ZMQ_SNDHWM, &mark, sizeof(mark)) == 0, "ZMQ_SNDHWM");
    check(zmq_setsockopt(socket, ZMQ_RCVHWM, &mark, sizeof(mark)) == 0, "ZMQ_RCVHWM");
    return socket;
}

static void close_socket(void *socket)
{
    int none = 0;
    check(zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof(none)) == 0, "ZMQ_LINGER");
    atomic_fetch_add(&counts->closing, 1);
    check(zmq_close(socket) == 0, "zmq_close");
    atomic_fetch_add(&counts->closed, 1);
}

/* Over tcp now and then: what is closed there goes later, and its session with it. */
static void connect_pair(void *from, void *to, long i)
{
    char endpoint[64];
    size_t size = sizeof(endpoint);
    (void)snprintf(endpoint, sizeof(endpoint), "inproc://%ld", i);
    check(zmq_bind(to, i % 64 ? endpoint : "tcp://127.0.0.1:*") == 0, "zmq_bind");
    check(zmq_getsockopt(to, ZMQ_LAST_ENDPOINT, endpoint, &size) == 0, "ZMQ_LAST_ENDPOINT");
    check(zmq_connect(from, endpoint) == 0, "zmq_connect");
}

static void send_to(void *socket, int n)
{
    for (int i = 0; i < n; i++)
        check(zmq_send(socket, "x", 1, 0) == 1, "zmq_send");
}

static void come(void *pair[2], long i)
{
    static const int types[][2] = {
        {ZMQ_PUSH, ZMQ_PULL}, {ZMQ_PAIR, ZMQ_PAIR}, {ZMQ_DEALER, ZMQ_DEALER}};
    int n = (int)(i % N_MESSAGES);
    for (int end = 0; end < 2; end++)
        pair[end] = open_socket(types[i % 3][end], MARK + n);
    connect_pair(pair[0], pair[1], i);
    send_to(pair[0], n);
    for (int k = 0; k < n / 2; k++) {
        char byte;
        check(zmq_recv(pair[1], &byte, 1, 0) == 1, "zmq_recv");
    }
}

static void go(void *pair[2], long i)
{
    if (!pair[0])
        return;
    close_socket(pair[i % 2]);
    close_socket(pair[1 - i % 2]);
}

static void come_and_go(long n)
{
    static void *pairs[N_OPEN][2];
    for (long i = 0; i < n; i++) {
        go(pairs[i % N_OPEN], i / N_OPEN);
        come(pairs[i % N_OPEN], i);
    }
    for (long i = 0; i < N_OPEN; i++)
        go(pairs[i], i);
}

int main(int argc, char **argv)
{
    int fd = argc == 3 ? open(argv[1], O_RDWR) : -1;
    check(fd >= 0 && ftruncate(fd, sizeof(*counts)) == 0, "FILE");
    counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    check(counts != MAP_FAILED, "mmap");
    context = zmq_ctx_new();
    void *push = open_socket(ZMQ_PUSH, MARK), *pull = open_socket(ZMQ_PULL, MARK);
    check(zmq_bind(pull, "inproc://steady") == 0, "zmq_bind");
    check(zmq_connect(push, "inproc://steady") == 0, "zmq_connect");
    send_to(push, N_STEADY);
    puts("ready");
    fflush(stdout);
    (void)getchar();
    come_and_go(atol(argv[2]) / 2);
    puts("done");
    fflush(stdout);
    (void)getchar();
    return 0;
}
