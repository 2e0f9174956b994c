/* SPDX-License-Identifier: MPL-2.0 */
/*
 * two_threads - one socket, and two threads that use it.
 *
 * usage: two_threads CASE. Those in `wrong` use it at once, again and again, until the end of the
 * standard input; those in `right` one after the other, each in a way that libzmq allows: they
 * print "done" and then wait for that end.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#define ROUNDS 3000

static void *context, *used, *peer;
static atomic_bool is_over;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sigjmp_buf outside;

static void *make(int type, int peer_type)
{
    const int mark = 5, none = 0;
    context = zmq_ctx_new();
    used = zmq_socket(context, type);
    peer = zmq_socket(context, peer_type);
    zmq_setsockopt(used, ZMQ_LINGER, &none, sizeof none);
    zmq_setsockopt(peer, ZMQ_LINGER, &none, sizeof none);
    zmq_setsockopt(used, ZMQ_SNDHWM, &mark, sizeof mark);
    zmq_setsockopt(peer, ZMQ_RCVHWM, &mark, sizeof mark);
    if (zmq_bind(used, "inproc://used") || zmq_connect(peer, "inproc://used"))
        exit(2);
    return used;
}

static void receive(void)
{
    char text[8];
    zmq_recv(used, text, sizeof text, 0);
}

static void pause_for(long ms)
{
    usleep((useconds_t)ms * 1000);
}

static void *receive_always(void *unused)
{
    while (!is_over)
        receive();
    return unused;
}

static void *send_always(void *unused)
{
    while (!is_over)
        zmq_send(used, "x", 1, 0);
    return unused;
}

static void *feed(void *unused)
{
    while (!is_over) {
        zmq_send(peer, "x", 1, 0);
        pause_for(20);
    }
    return unused;
}

static void *drain(void *unused)
{
    char text[8];
    while (!is_over) {
        zmq_recv(peer, text, sizeof text, 0);
        pause_for(20);
    }
    return unused;
}

static void *watch_input(void *unused)
{
    while (getchar() != EOF)
        continue;
    _exit(0); /* the others may be anywhere */
    return unused;
}

/*
 * Wrong
 */
static void run(void *(*one)(void *), void *(*another)(void *), void *(*third)(void *))
{
    pthread_t thread;
    pthread_create(&thread, NULL, watch_input, NULL);
    pthread_create(&thread, NULL, one, NULL);
    if (third)
        pthread_create(&thread, NULL, third, NULL);
    puts("begun");
    fflush(stdout);
    another(NULL);
}

static void *send_at_times(void *unused)
{
    while (!is_over) {
        zmq_send(used, "x", 1, ZMQ_DONTWAIT);
        pause_for(50);
    }
    return unused;
}

static void *set_at_times(void *unused)
{
    const int linger = 5;
    while (!is_over) {
        zmq_setsockopt(used, ZMQ_LINGER, &linger, sizeof linger);
        pause_for(50);
    }
    return unused;
}

static void *close_once(void *unused)
{
    pause_for(300); /* by then the other one waits */
    zmq_close(used);
    for (;;)
        pause();
    return unused;
}

static void receive_and_send(void)
{
    make(ZMQ_DEALER, ZMQ_DEALER);
    run(receive_always, send_at_times, NULL);
}

static void receive_both(void)
{
    make(ZMQ_PULL, ZMQ_PUSH);
    run(receive_always, receive_always, feed);
}

static void send_both(void)
{
    make(ZMQ_PUSH, ZMQ_PULL);
    run(send_always, send_always, drain);
}

/* A publisher's hooks are others. */
static void receive_and_publish(void)
{
    make(ZMQ_XPUB, ZMQ_SUB);
    run(receive_always, send_at_times, NULL);
}

static void receive_and_set(void)
{
    make(ZMQ_SUB, ZMQ_PUB);
    run(receive_always, set_at_times, NULL);
}

static void receive_and_close(void)
{
    make(ZMQ_PULL, ZMQ_PUSH);
    run(receive_always, close_once, NULL);
}

/*
 * Right
 */
static void *use_locked(void *unused)
{
    char text[8];
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&lock);
        zmq_send(peer, "x", 1, 0);
        receive();
        zmq_send(used, "y", 1, 0);
        zmq_recv(peer, text, sizeof text, 0);
        pthread_mutex_unlock(&lock);
    }
    return unused;
}

/* With a lock. */
static void locked(void)
{
    pthread_t thread;
    make(ZMQ_PAIR, ZMQ_PAIR);
    pthread_create(&thread, NULL, use_locked, NULL);
    use_locked(NULL);
    pthread_join(thread, NULL);
}

static void *receive_once(void *unused)
{
    receive();
    return unused;
}

/* From thread to thread, by their beginning and end; each waits in its receive. */
static void handed_over(void)
{
    make(ZMQ_PAIR, ZMQ_PAIR);
    for (int i = 0; i < 20; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, receive_once, NULL);
        pause_for(10);
        zmq_send(peer, "x", 1, 0);
        pthread_join(thread, NULL);
        zmq_send(used, "x", 1, ZMQ_DONTWAIT);
    }
    zmq_close(used);
}

static void *receive_to_the_end(void *unused)
{
    receive(); /* ETERM */
    zmq_close(used);
    return unused;
}

/* The context is shut down while a thread waits. */
static void shut_down(void)
{
    pthread_t thread;
    make(ZMQ_PULL, ZMQ_PUSH);
    pthread_create(&thread, NULL, receive_to_the_end, NULL);
    pause_for(300);
    zmq_ctx_shutdown(context);
    pthread_join(thread, NULL);
}

/* What has left its call in another way is not in it any more. */
static void *use_after(void *unused)
{
    for (int i = 0; i < 100; i++) {
        zmq_send(used, "x", 1, ZMQ_DONTWAIT);
        zmq_send(peer, "x", 1, ZMQ_DONTWAIT);
        receive();
    }
    return unused;
}

static void cancelled(void)
{
    pthread_t thread;
    make(ZMQ_PAIR, ZMQ_PAIR);
    pthread_create(&thread, NULL, receive_always, NULL);
    pause_for(300);
    pthread_cancel(thread);
    pthread_join(thread, NULL);
    use_after(NULL);
}

static void jump(int number)
{
    siglongjmp(outside, number);
}

static void left_by_jump(void)
{
    pthread_t thread;
    make(ZMQ_PAIR, ZMQ_PAIR);
    signal(SIGALRM, jump);
    if (sigsetjmp(outside, 1) == 0) {
        alarm(1);
        receive();
    }
    pthread_create(&thread, NULL, use_after, NULL);
    pthread_join(thread, NULL);
}

static void send_in_handler(int number)
{
    (void)number;
    zmq_send(used, "x", 1, ZMQ_DONTWAIT);
    zmq_send(peer, "x", 1, ZMQ_DONTWAIT);
}

/* A handler does, in the thread that waits, what libzmq does not like: but it is one thread. */
static void in_handler(void)
{
    make(ZMQ_PAIR, ZMQ_PAIR);
    struct sigaction action = {.sa_handler = send_in_handler, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &action, NULL);
    alarm(1);
    receive();
}

static const struct {
    const char *name;
    void (*function)(void);
    int is_right;
} cases[] = {
    {"receive_and_send", receive_and_send, 0},
    {"receive_both", receive_both, 0},
    {"send_both", send_both, 0},
    {"receive_and_publish", receive_and_publish, 0},
    {"receive_and_set", receive_and_set, 0},
    {"receive_and_close", receive_and_close, 0},
    {"locked", locked, 1},
    {"handed_over", handed_over, 1},
    {"shut_down", shut_down, 1},
    {"cancelled", cancelled, 1},
    {"left_by_jump", left_by_jump, 1},
    {"in_handler", in_handler, 1},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof cases / sizeof *cases; i++) {
        if (strcmp(argv[1], cases[i].name) == 0) {
            cases[i].function();
            puts("done");
            fflush(stdout);
            watch_input(NULL);
        }
    }
    return 2;
}
