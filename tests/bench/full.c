/* SPDX-License-Identifier: MPL-2.0 */
/*
 * full - sends to peers whose queues are full, or that are not there.
 *
 * usage: full CASE COUNT. callgrind collects only inside `measured` (--toggle-collect).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define MAX_PEERS 100

static void *context, *peers[MAX_PEERS];
static int n_peers;

static void *limited(int type)
{
    const int one = 1;
    void *socket = zmq_socket(context, type);
    zmq_setsockopt(socket, ZMQ_SNDHWM, &one, sizeof one);
    zmq_setsockopt(socket, ZMQ_RCVHWM, &one, sizeof one);
    return socket;
}

/* The sender, with `n` peers that never read. */
static void *sender_of(int type, int peer_type, int n)
{
    char data[8];
    void *socket = limited(type);
    zmq_bind(socket, "inproc://full");
    for (int i = 0; i < n; i++) {
        void *peer = limited(peer_type);
        peers[n_peers++] = peer;
        if (peer_type == ZMQ_SUB)
            zmq_setsockopt(peer, ZMQ_SUBSCRIBE, "", 0);
        zmq_setsockopt(peer, ZMQ_ROUTING_ID, "peer", 4);
        zmq_connect(peer, "inproc://full");
        if (peer_type == ZMQ_DEALER) {
            zmq_send(peer, "x", 1, 0);
            while (zmq_recv(socket, data, sizeof data, 0) != 1)
                continue;
        }
    }
    return socket;
}

static void send_one(void *socket)
{
    zmq_send(socket, "x", 1, ZMQ_DONTWAIT);
}

static void route_to_peer(void *router)
{
    zmq_send(router, "peer", 4, ZMQ_SNDMORE);
    zmq_send(router, "x", 1, 0);
}

static void route_to_nobody(void *router)
{
    zmq_send(router, "gone", 4, ZMQ_SNDMORE);
    zmq_send(router, "x", 1, 0);
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
        int type, peer_type, n_peers;
        void (*call)(void *);
    } cases[] = {
        {"PUB, 1 full subscriber", ZMQ_PUB, ZMQ_SUB, 1, send_one},
        {"PUB, 10 full subscribers", ZMQ_PUB, ZMQ_SUB, 10, send_one},
        {"PUB, 100 full subscribers", ZMQ_PUB, ZMQ_SUB, 100, send_one},
        {"PUSH, refused", ZMQ_PUSH, ZMQ_PULL, 1, send_one},
        {"ROUTER, peer full", ZMQ_ROUTER, ZMQ_DEALER, 1, route_to_peer},
        {"ROUTER, peer unknown", ZMQ_ROUTER, ZMQ_DEALER, 1, route_to_nobody},
    };
    if (argc != 3)
        return 2;
    context = zmq_ctx_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (strcmp(argv[1], cases[i].name) != 0)
            continue;
        void *socket = sender_of(cases[i].type, cases[i].peer_type, cases[i].n_peers);
        for (int j = 0; j < 100; j++) /* until it is full */
            cases[i].call(socket);
        measured(cases[i].call, socket, atol(argv[2]));
        zmq_close(socket);
    }
    for (int i = 0; i < n_peers; i++)
        zmq_close(peers[i]);
    zmq_ctx_term(context);
    return 0;
}
