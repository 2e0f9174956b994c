/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Lies to whoever reads it from outside: a thread named as libzmq's, whose stack leads to a context
 * that is none, with sockets that are copies of a real one and point to each other, to nothing, or
 * to pipes without end. Prints "ok" and waits for its end.
 *
 * usage: hostile_context KIND
 *   endless  a list of sockets that is longer than may be
 *   loops    one socket many times; pipes that are their own peers
 *   nothing  lists that lie in memory which is not there
 *   moving   all of it changes all the time
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <zmq.h>

#define N_SOCKETS   100000
#define OBJECT_SIZE 4096
#define CONTEXT_TAG 0xabadcafe
#define SOCKET_TAG  0xbaddecaf

struct context {
    uint64_t words[8];
    uint64_t tag;
    uintptr_t begin, end, limit;
    uint64_t rest[40];
};

static struct context context;
static uintptr_t list[N_SOCKETS];
static unsigned char fakes[64][OBJECT_SIZE];

static void set(unsigned char *object, size_t offset, uintptr_t value)
{
    memcpy(object + offset, &value, sizeof(value));
}

/* A copy of a real socket that belongs to the false context, its vector of pipes as given. */
static void make_fake(unsigned char *fake, const void *real, uintptr_t begin, uintptr_t end)
{
    memcpy(fake, real, 1024);
    for (size_t i = 1024; i < 2000; i += 4)
        memcpy(fake + i, (const unsigned char *)real + i, 4);
    set(fake, 8, (uintptr_t)&context);
    for (size_t i = 24; i + 40 < 2000; i += 8) {
        uint32_t tag;
        memcpy(&tag, fake + i, sizeof(tag));
        if (tag != SOCKET_TAG)
            continue;
        set(fake, i + 16, begin);
        set(fake, i + 24, end);
        set(fake, i + 32, end);
        for (size_t j = i + 40; j + 24 < i + 200; j += 8) { /* texts that are too long */
            set(fake, j, (uintptr_t)fake);
            set(fake, j + 8, 3000);
            set(fake, j + 16, UINTPTR_MAX);
        }
    }
}

static void *wait_as_libzmq(void *unused)
{
    void *volatile on_stack[16];
    (void)unused;
    prctl(PR_SET_NAME, "ZMQbg/IO/9");
    for (int i = 0; i < 16; i++)
        on_stack[i] = &context;
    for (;;) {
        usleep(100000);
        if (!on_stack[0])
            abort();
    }
    return NULL;
}

static void fill(const char *kind, const void *real, const void *other)
{
    int is_nothing = strcmp(kind, "nothing") == 0;
    uintptr_t hole = (uintptr_t)mmap(NULL, 1 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 64; i++) {
        uintptr_t begin = is_nothing ? hole : (uintptr_t)list;
        make_fake(fakes[i], i % 2 ? real : other, begin, begin + (i % 4 ? 480000u : 800000u));
    }
    for (int i = 0; i < N_SOCKETS; i++)
        list[i] = (uintptr_t)fakes[strcmp(kind, "loops") == 0 ? 0 : i % 64];
    context.tag = CONTEXT_TAG;
    context.begin = is_nothing ? hole : (uintptr_t)list;
    context.end = context.begin + 8 * N_SOCKETS;
    context.limit = context.end;
}

int main(int argc, char **argv)
{
    const char *kind = argc > 1 ? argv[1] : "loops";
    void *real_context = zmq_ctx_new();
    void *push = zmq_socket(real_context, ZMQ_PUSH), *pull = zmq_socket(real_context, ZMQ_PULL);
    pthread_t thread;
    zmq_bind(pull, "inproc://real");
    zmq_connect(push, "inproc://real");
    zmq_send(push, "x", 1, 0);
    fill(kind, push, pull);
    pthread_create(&thread, NULL, wait_as_libzmq, NULL);
    puts("ok");
    fflush(stdout);
    for (uintptr_t i = 0;; i++) {
        if (strcmp(kind, "moving") == 0) {
            context.end = context.begin + 8 * (i % N_SOCKETS);
            memcpy(fakes[i % 64], fakes[(i + 7) % 64], OBJECT_SIZE);
            list[i % N_SOCKETS] = i % 3 ? (uintptr_t)fakes[i % 64] : i * 8;
        } else {
            pause();
        }
    }
}
