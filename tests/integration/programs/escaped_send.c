/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Leaves a send that waits: by a cancellation ("cancel"), or by a jump out of a signal handler
 * ("jump"). Prints "left", waits for a line, then sends once more and prints "sent".
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

static void *push, *pull;
static sigjmp_buf outside;

static void fill(void)
{
    while (zmq_send(push, "x", 1, 0) == 1)
        continue;
}

static void *fill_in_thread(void *unused)
{
    fill();
    return unused;
}

static void jump(int number)
{
    siglongjmp(outside, number);
}

static void leave_by_jump(void)
{
    signal(SIGALRM, jump);
    if (sigsetjmp(outside, 1) == 0) {
        alarm(1); /* by then it waits, on any machine */
        fill();
    }
}

static void leave_by_cancellation(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, fill_in_thread, NULL);
    usleep(1000000); /* the same */
    pthread_cancel(thread);
    pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
    char text[8];
    int limit = 5;
    void *context = zmq_ctx_new();
    push = zmq_socket(context, ZMQ_PUSH);
    pull = zmq_socket(context, ZMQ_PULL);
    zmq_setsockopt(push, ZMQ_SNDHWM, &limit, sizeof limit);
    zmq_setsockopt(pull, ZMQ_RCVHWM, &limit, sizeof limit);
    if (argc < 2 || zmq_bind(pull, "inproc://escape") || zmq_connect(push, "inproc://escape"))
        return 2;
    if (strcmp(argv[1], "jump") == 0)
        leave_by_jump();
    else
        leave_by_cancellation();
    puts("left");
    fflush(stdout);
    if (!fgets(text, sizeof text, stdin))
        return 3;
    while (zmq_recv(pull, text, sizeof text, ZMQ_DONTWAIT) == 1)
        continue;
    if (zmq_send(push, "x", 1, 0) == 1)
        puts("sent");
    zmq_close(push);
    zmq_close(pull);
    return zmq_ctx_term(context);
}
