/* SPDX-License-Identifier: MPL-2.0 */
/* Threads of every sort that a program may have: small, cancelled, and one after another. */
#include "cases.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#include <zmq.h>

#define SMALL_STACK ((size_t)32768) /* libzmq itself does with a little less */

static void *context;
static sem_t at_work;

static void *whole_life(void *unused)
{
    void *own = zmq_ctx_new(), *push, *pull, *monitor;
    char byte;
    (void)unused;
    cases_pair(own, &push, &pull);
    for (int i = 0; i < 100; i++)
        if (zmq_send(push, "x", 1, 0) != 1 || zmq_recv(pull, &byte, 1, 0) != 1)
            cases_report("exchange", -1);
    cases_report("monitor", zmq_socket_monitor(pull, "inproc://monitor", ZMQ_EVENT_ALL));
    monitor = zmq_socket(own, ZMQ_PAIR);
    cases_report("connect", zmq_connect(monitor, "inproc://monitor"));
    cases_report("stop", zmq_socket_monitor(pull, NULL, 0));
    cases_report("close", zmq_close(monitor));
    cases_report("close", zmq_close(push));
    cases_report("close", zmq_close(pull));
    cases_report("ctx_term", zmq_ctx_term(own));
    return NULL;
}

/* Where the first context is made, the tap starts. */
static void small_stack(void)
{
    pthread_attr_t attributes;
    pthread_t thread;
    size_t least = (size_t)sysconf(_SC_THREAD_STACK_MIN);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, least > SMALL_STACK ? least : SMALL_STACK);
    for (int i = 0; i < 3; i++) {
        pthread_create(&thread, &attributes, whole_life, NULL);
        pthread_join(thread, NULL);
    }
    pthread_attr_destroy(&attributes);
}

static void *receive(void *socket)
{
    char byte;
    sem_post(&at_work);
    zmq_recv(socket, &byte, 1, 0);
    return NULL;
}

static void *receive_message(void *socket)
{
    zmq_msg_t message;
    zmq_msg_init(&message);
    sem_post(&at_work);
    zmq_msg_recv(&message, socket, 0);
    return NULL;
}

static void *send_nowhere(void *socket)
{
    sem_post(&at_work);
    zmq_send(socket, "x", 1, 0);
    return NULL;
}

static void cancel(void *(*work)(void *), void *socket)
{
    pthread_t thread;
    void *result;
    pthread_create(&thread, NULL, work, socket);
    sem_wait(&at_work);
    pthread_cancel(thread);
    pthread_join(thread, &result);
    printf("cancelled: %d\n", result == PTHREAD_CANCELED);
}

/* libzmq waits in poll(2), where a thread may be cancelled: nothing of the tap's may be held. */
static void cancelled_while_blocked(void)
{
    char byte;
    context = zmq_ctx_new();
    void *lonely = zmq_socket(context, ZMQ_PUSH), *pull = zmq_socket(context, ZMQ_PULL), *push;
    sem_init(&at_work, 0, 0);
    cases_report("bind", zmq_bind(pull, "inproc://cancelled"));
    cancel(receive, pull);
    cancel(receive_message, pull);
    cancel(send_nowhere, lonely);
    push = zmq_socket(context, ZMQ_PUSH);
    cases_report("connect", zmq_connect(push, "inproc://cancelled"));
    cases_report("send", zmq_send(push, "x", 1, 0));
    cases_report("recv", zmq_recv(pull, &byte, 1, 0));
    zmq_close(lonely);
    zmq_close(push);
    zmq_close(pull);
    cases_report("ctx_term", zmq_ctx_term(context));
}

struct baton {
    void *push, *pull;
    int n;
};

static void *take_turn(void *data)
{
    struct baton *baton = data;
    char byte;
    for (int i = 0; i < 10; i++)
        baton->n += zmq_send(baton->push, "x", 1, 0) == 1 &&
                    zmq_recv(baton->pull, &byte, 1, 0) == 1;
    return NULL;
}

/* A socket may be handed on, where one thread ends before the next begins. */
static void sockets_handed_on(void)
{
    struct baton baton = {0};
    context = zmq_ctx_new();
    cases_pair(context, &baton.push, &baton.pull);
    for (int i = 0; i < 50; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, take_turn, &baton);
        pthread_join(thread, NULL);
    }
    printf("%d messages\n", baton.n);
    zmq_close(baton.push);
    zmq_close(baton.pull);
    cases_report("ctx_term", zmq_ctx_term(context));
}

/* A coroutine has what stack its program gives it: 4 KiB is enough for libzmq's sends and sockets
 * once it has started, 8 KiB for a first socket. Below the stack is a page that faults. */
static ucontext_t main_stack, coroutine;

static void *new_stack(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *place = mmap(NULL, 2 * page + size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                       -1, 0);
    mprotect(place, 2 * page, PROT_NONE);
    return place + 2 * page;
}

static void run_on(size_t size, void (*function)(void))
{
    getcontext(&coroutine);
    coroutine.uc_stack.ss_sp = new_stack(size);
    coroutine.uc_stack.ss_size = size;
    coroutine.uc_link = &main_stack;
    makecontext(&coroutine, function, 0);
    swapcontext(&main_stack, &coroutine);
}

static void *first, *second;

static void make_first_sockets(void)
{
    first = zmq_socket(context, ZMQ_PUSH);
    second = zmq_socket(context, ZMQ_PULL);
}

static void use_sockets(void)
{
    static const int types[] = {ZMQ_PUB, ZMQ_XPUB, ZMQ_ROUTER, ZMQ_REP, ZMQ_DEALER, ZMQ_PAIR};
    static char byte;
    static int linger;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        void *socket = zmq_socket(context, types[i]);
        zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
        zmq_send(socket, "x", 1, ZMQ_DONTWAIT);
        zmq_close(socket);
    }
    for (int i = 0; i < 10; i++) {
        zmq_send(first, "x", 1, 0);
        zmq_recv(second, &byte, 1, 0);
    }
}

static void coroutine_with_little_stack(void)
{
    context = zmq_ctx_new();
    run_on(8192, make_first_sockets);
    cases_report("bind", zmq_bind(first, "inproc://coroutine"));
    cases_report("connect", zmq_connect(second, "inproc://coroutine"));
    zmq_close(zmq_socket(context, ZMQ_PAIR));
    run_on(4096, use_sockets);
    cases_report("close", zmq_close(first));
    cases_report("close", zmq_close(second));
    cases_report("ctx_term", zmq_ctx_term(context));
}

int main(int argc, char **argv)
{
    static const struct cases_case cases[] = {
        {"small_stack", small_stack},
        {"coroutine_with_little_stack", coroutine_with_little_stack},
        {"cancelled_while_blocked", cancelled_while_blocked},
        {"sockets_handed_on", sockets_handed_on},
    };
    return cases_main(cases, sizeof cases / sizeof *cases, argc, argv);
}
