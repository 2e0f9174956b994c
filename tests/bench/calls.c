/* SPDX-License-Identifier: MPL-2.0 */
/*
 * calls - the calls whose instructions are counted, each spelling in a function of its own.
 *
 * usage: calls SPELLING COUNT. callgrind collects only inside `measured` (--toggle-collect).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

static void send_buffer(void *push)
{
    zmq_send(push, "x", 1, ZMQ_DONTWAIT);
}

static void send_message(void *push)
{
    zmq_msg_t message;
    zmq_msg_init_size(&message, 1);
    zmq_msg_send(&message, push, ZMQ_DONTWAIT);
}

static void receive_buffer(void *pull)
{
    char data[8];
    zmq_recv(pull, data, sizeof data, ZMQ_DONTWAIT);
}

static void receive_message(void *pull)
{
    zmq_msg_t message;
    zmq_msg_init(&message);
    zmq_msg_recv(&message, pull, ZMQ_DONTWAIT);
    zmq_msg_close(&message);
}

__attribute__((noinline)) void measured(void (*call)(void *), void *socket, long count);

__attribute__((noinline)) void measured(void (*call)(void *), void *socket, long count)
{
    for (long i = 0; i < count; i++)
        call(socket);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*call)(void *);
        int is_send;
    } spellings[] = {{"send", send_buffer, 1},
                     {"msg_send", send_message, 1},
                     {"recv", receive_buffer, 0},
                     {"msg_recv", receive_message, 0}};
    const int unlimited = 0, warm_up = 2000;
    if (argc != 3)
        return 2;
    long count = atol(argv[2]);
    void *context = zmq_ctx_new();
    void *push = zmq_socket(context, ZMQ_PUSH), *pull = zmq_socket(context, ZMQ_PULL);
    zmq_setsockopt(push, ZMQ_SNDHWM, &unlimited, sizeof unlimited);
    zmq_setsockopt(pull, ZMQ_RCVHWM, &unlimited, sizeof unlimited);
    zmq_bind(pull, "inproc://calls");
    zmq_connect(push, "inproc://calls");
    for (long i = 0; i < count + warm_up; i++)
        send_buffer(push);
    for (long i = 0; i < warm_up; i++)
        receive_buffer(pull);
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++)
        if (strcmp(argv[1], spellings[i].name) == 0)
            measured(spellings[i].call, spellings[i].is_send ? push : pull, count);
    zmq_close(push);
    zmq_close(pull);
    zmq_ctx_term(context);
    return 0;
}
