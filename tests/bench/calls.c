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

/* Two calls. */
static void send_two_frames(void *push)
{
    zmq_send(push, "x", 1, ZMQ_SNDMORE);
    zmq_send(push, "x", 1, 0);
}

static void send_two_messages(void *push)
{
    zmq_msg_t message;
    zmq_msg_init_size(&message, 1);
    zmq_msg_send(&message, push, ZMQ_SNDMORE);
    send_message(push);
}

/* Two calls: the peer's id, and one frame. */
static void route_buffer(void *router)
{
    zmq_send(router, "peer", 4, ZMQ_SNDMORE);
    zmq_send(router, "x", 1, 0);
}

static void route_message(void *router)
{
    zmq_msg_t id;
    zmq_msg_init_size(&id, 4);
    memcpy(zmq_msg_data(&id), "peer", 4);
    zmq_msg_send(&id, router, ZMQ_SNDMORE);
    send_message(router);
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

/* A publisher that has one subscriber, which has no limit. */
static void *make_publisher(void *context, void **ret_peer)
{
    const int unlimited = 0;
    void *publisher = zmq_socket(context, ZMQ_XPUB), *peer = zmq_socket(context, ZMQ_SUB);
    char data[8];
    zmq_setsockopt(publisher, ZMQ_SNDHWM, &unlimited, sizeof unlimited);
    zmq_setsockopt(peer, ZMQ_RCVHWM, &unlimited, sizeof unlimited);
    zmq_bind(publisher, "inproc://publisher");
    zmq_connect(peer, "inproc://publisher");
    zmq_setsockopt(peer, ZMQ_SUBSCRIBE, "", 0);
    zmq_recv(publisher, data, sizeof data, 0);
    *ret_peer = peer;
    return publisher;
}

/* A ROUTER that has one peer, which has no limit. */
static void *make_router(void *context, void **ret_peer)
{
    const int unlimited = 0;
    char data[8];
    void *router = zmq_socket(context, ZMQ_ROUTER), *peer = zmq_socket(context, ZMQ_DEALER);
    zmq_setsockopt(router, ZMQ_SNDHWM, &unlimited, sizeof unlimited);
    zmq_setsockopt(peer, ZMQ_RCVHWM, &unlimited, sizeof unlimited);
    zmq_setsockopt(peer, ZMQ_ROUTING_ID, "peer", 4);
    zmq_bind(router, "inproc://router");
    zmq_connect(peer, "inproc://router");
    zmq_send(peer, "x", 1, 0);
    while (zmq_recv(router, data, sizeof data, 0) != 1)
        continue;
    *ret_peer = peer;
    return router;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*call)(void *);
        int socket;
    } spellings[] = {{"send", send_buffer, 0},
                     {"msg_send", send_message, 0},
                     {"send of two frames", send_two_frames, 0},
                     {"msg_send of two frames", send_two_messages, 0},
                     {"send by a publisher", send_buffer, 3},
                     {"msg_send by a publisher", send_message, 3},
                     {"recv", receive_buffer, 1},
                     {"msg_recv", receive_message, 1},
                     {"send to ROUTER", route_buffer, 2},
                     {"msg_send to ROUTER", route_message, 2}};
    const int unlimited = 0, warm_up = 2000;
    if (argc != 3)
        return 2;
    long count = atol(argv[2]);
    void *context = zmq_ctx_new();
    void *push = zmq_socket(context, ZMQ_PUSH), *pull = zmq_socket(context, ZMQ_PULL), *peer,
         *subscriber;
    void *sockets[] = {push, pull, make_router(context, &peer),
                       make_publisher(context, &subscriber)};
    zmq_setsockopt(push, ZMQ_SNDHWM, &unlimited, sizeof unlimited);
    zmq_setsockopt(pull, ZMQ_RCVHWM, &unlimited, sizeof unlimited);
    zmq_bind(pull, "inproc://calls");
    zmq_connect(push, "inproc://calls");
    for (long i = 0; i < count + warm_up; i++)
        send_buffer(push);
    for (long i = 0; i < warm_up; i++) {
        receive_buffer(pull);
        route_buffer(sockets[2]);
        send_buffer(sockets[3]);
    }
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++)
        if (strcmp(argv[1], spellings[i].name) == 0)
            measured(spellings[i].call, sockets[spellings[i].socket], count);
    for (size_t i = 0; i < sizeof sockets / sizeof *sockets; i++)
        zmq_close(sockets[i]);
    zmq_close(peer);
    zmq_close(subscriber);
    zmq_ctx_term(context);
    return 0;
}
