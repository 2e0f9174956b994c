/* SPDX-License-Identifier: MPL-2.0 */
/* What libzmq drops it drops in the same way: results, errno, readiness, and what arrives. */
#include "cases.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

static void *context;

static void *make(int type, int sndhwm, int rcvhwm)
{
    int linger = 0;
    void *socket = zmq_socket(context, type);
    zmq_setsockopt(socket, ZMQ_SNDHWM, &sndhwm, sizeof sndhwm);
    zmq_setsockopt(socket, ZMQ_RCVHWM, &rcvhwm, sizeof rcvhwm);
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    return socket;
}

static void set(void *socket, int option, int value)
{
    cases_report("option", zmq_setsockopt(socket, option, &value, sizeof value));
}

static void end(void *first, void *second)
{
    zmq_close(first);
    if (second)
        zmq_close(second);
    cases_report("ctx_term", zmq_ctx_term(context));
}

static void print_readiness(void *socket)
{
    int events = 0;
    size_t size = sizeof events;
    zmq_pollitem_t item = {socket, 0, ZMQ_POLLIN | ZMQ_POLLOUT, 0};
    zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size);
    printf("poll %d revents %d events %d\n", zmq_poll(&item, 1, 0), item.revents, events);
}

/* What other sockets of this thread have done is taken in now. A send does so too, but not if the
 * last time is less than a millisecond or so ago (libzmq 4.3.4, socket_base_t::process_commands),
 * and what comes of it would depend on chance. */
static void take_in(void *socket)
{
    int events;
    size_t size = sizeof events;
    zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size);
}

static int send_to(void *router, const char *id, const char *text)
{
    int rc = zmq_send(router, id, strlen(id), ZMQ_SNDMORE | ZMQ_DONTWAIT);
    if (rc < 0)
        return rc;
    return zmq_send(router, text, strlen(text), ZMQ_DONTWAIT);
}

static int count_received(void *socket)
{
    int n = 0, more;
    size_t size = sizeof more;
    char data[16];
    while (zmq_recv(socket, data, sizeof data, ZMQ_DONTWAIT) >= 0)
        if (zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size) == 0 && !more)
            n++;
    return n;
}

/* A ROUTER with a small mark and a DEALER named "peer" that it knows. */
static void pair(void **ret_router, void **ret_dealer)
{
    char data[8];
    context = zmq_ctx_new();
    *ret_router = make(ZMQ_ROUTER, 3, 3);
    *ret_dealer = make(ZMQ_DEALER, 3, 3);
    zmq_setsockopt(*ret_dealer, ZMQ_ROUTING_ID, "peer", 4);
    zmq_bind(*ret_router, "inproc://router");
    zmq_connect(*ret_dealer, "inproc://router");
    zmq_send(*ret_dealer, "hello", 5, 0);
    zmq_recv(*ret_router, data, sizeof data, 0);
    zmq_recv(*ret_router, data, sizeof data, 0);
}

static void router_and_send_spellings(void)
{
    void *router, *dealer;
    zmq_msg_t message;
    pair(&router, &dealer);
    for (int i = 0; i < 3; i++) {
        cases_report("send to nobody", send_to(router, "nobody", "text"));
        zmq_msg_init_size(&message, 6);
        memcpy(zmq_msg_data(&message), "nobody", 6);
        cases_report("msg_send", zmq_msg_send(&message, router, ZMQ_SNDMORE));
        printf("%zu bytes left\n", zmq_msg_size(&message));
        zmq_msg_init_size(&message, 4);
        memset(zmq_msg_data(&message), 0, 4);
        cases_report("msg_send", zmq_msg_send(&message, router, ZMQ_SNDMORE));
        cases_report("last frame", zmq_send_const(router, "end", 3, 0));
        cases_report("a single frame", zmq_send(router, "nobody", 6, 0));
        cases_report("an empty id", zmq_send(router, "", 0, ZMQ_SNDMORE));
        cases_report("its body", zmq_send(router, "body", 4, 0));
        print_readiness(router);
    }
    printf("%d received\n", count_received(dealer));
    end(router, dealer);
}

static void router_full(void)
{
    void *router, *dealer;
    pair(&router, &dealer);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 20; i++)
            cases_report("send", send_to(router, "peer", "text"));
        print_readiness(router);
        printf("%d received\n", count_received(dealer));
        take_in(router);
    }
    end(router, dealer);
}

static void router_mandatory(void)
{
    void *router, *dealer;
    pair(&router, &dealer);
    set(router, ZMQ_ROUTER_MANDATORY, 1);
    cases_report("send to nobody", send_to(router, "nobody", "text"));
    for (int i = 0; i < 10; i++)
        cases_report("send", send_to(router, "peer", "text"));
    print_readiness(router);
    set(router, ZMQ_ROUTER_MANDATORY, 0);
    cases_report("send to nobody", send_to(router, "nobody", "text"));
    cases_report("send", send_to(router, "peer", "text"));
    print_readiness(router);
    printf("%d received\n", count_received(dealer));
    end(router, dealer);
}

static void router_waits_where_it_may(void)
{
    void *router, *dealer;
    pair(&router, &dealer);
    set(router, ZMQ_ROUTER_MANDATORY, 1);
    set(router, ZMQ_SNDTIMEO, 20);
    for (int i = 0; i < 8; i++) {
        int rc = cases_report("id", zmq_send(router, "peer", 4, ZMQ_SNDMORE));
        if (rc >= 0)
            cases_report("body", zmq_send(router, "text", 4, 0));
    }
    end(router, dealer);
}

static void reply_to_one_that_is_gone(void)
{
    char data[8];
    context = zmq_ctx_new();
    void *reply = make(ZMQ_REP, 3, 3);
    zmq_bind(reply, "inproc://reply");
    for (int i = 0; i < 5; i++) {
        void *request = make(ZMQ_REQ, 3, 3);
        zmq_connect(request, "inproc://reply");
        zmq_send(request, "question", 8, 0);
        cases_report("recv", zmq_recv(reply, data, sizeof data, 0));
        if (i % 2)
            zmq_close(request);
        cases_report("send", zmq_send(reply, "answer", 6, 0));
        cases_report("send again", zmq_send(reply, "answer", 6, ZMQ_DONTWAIT));
        if (i % 2 == 0) {
            cases_report("recv", zmq_recv(request, data, sizeof data, 0));
            zmq_close(request);
        }
    }
    end(reply, NULL);
}

static void publisher(int type, int nodrop)
{
    context = zmq_ctx_new();
    void *publisher = make(type, 3, 3), *subscriber = make(ZMQ_SUB, 3, 3);
    char data[8];
    zmq_setsockopt(subscriber, ZMQ_SUBSCRIBE, "A", 1);
    zmq_bind(publisher, "inproc://publisher");
    zmq_connect(subscriber, "inproc://publisher");
    if (nodrop)
        set(publisher, ZMQ_XPUB_NODROP, 1);
    if (type == ZMQ_XPUB)
        cases_report("subscription", zmq_recv(publisher, data, sizeof data, 0));
    take_in(publisher);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 15; i++) {
            cases_report("send", zmq_send(publisher, i % 3 ? "A" : "B", 1, ZMQ_DONTWAIT));
            if (i % 5 == 0) {
                cases_report("first", zmq_send(publisher, "A", 1, ZMQ_DONTWAIT | ZMQ_SNDMORE));
                cases_report("last", zmq_send(publisher, "x", 1, ZMQ_DONTWAIT));
            }
        }
        print_readiness(publisher);
        printf("%d received\n", count_received(subscriber));
        take_in(publisher);
    }
    end(publisher, subscriber);
}

static void publisher_full(void)
{
    publisher(ZMQ_PUB, 0);
}

static void extended_publisher_full(void)
{
    publisher(ZMQ_XPUB, 0);
}

static void extended_publisher_that_waits(void)
{
    publisher(ZMQ_XPUB, 1);
}

static void senders_that_wait(void)
{
    static const int types[][2] = {
        {ZMQ_PUSH, ZMQ_PULL}, {ZMQ_DEALER, ZMQ_DEALER}, {ZMQ_PAIR, ZMQ_PAIR}};
    for (int i = 0; i < 3; i++) {
        context = zmq_ctx_new();
        void *sender = make(types[i][0], 3, 3), *receiver = make(types[i][1], 3, 3);
        set(sender, ZMQ_SNDTIMEO, 10);
        print_readiness(sender);
        cases_report("no peer", zmq_send(sender, "x", 1, 0));
        cases_report("no peer", zmq_send(sender, "x", 1, ZMQ_DONTWAIT));
        zmq_bind(receiver, "inproc://receiver");
        zmq_connect(sender, "inproc://receiver");
        for (int j = 0; j < 8; j++) {
            cases_report("first", zmq_send(sender, "x", 1, ZMQ_SNDMORE));
            cases_report("last", zmq_send(sender, "y", 1, 0));
            cases_report("at once", zmq_send(sender, "z", 1, ZMQ_DONTWAIT));
        }
        print_readiness(sender);
        printf("%d received\n", count_received(receiver));
        end(sender, receiver);
    }
}

static void send_first_frames(void *router, int variant)
{
    char id[100];
    memset(id, 'n', sizeof id);
    size_t size = variant % 2 ? sizeof id : 6;
    if (variant < 4) {
        zmq_msg_t message;
        zmq_msg_init_size(&message, size);
        memcpy(zmq_msg_data(&message), id, size);
        cases_report("id", zmq_msg_send(&message, router, ZMQ_SNDMORE));
    } else {
        cases_report("id", zmq_send(router, id, size, ZMQ_SNDMORE));
    }
    if (variant / 2 % 2)
        cases_report("more", zmq_send(router, "more", 4, ZMQ_SNDMORE));
}

/* The rest of a message that nobody gets is refused as any other is, once the context is ended. */
static void router_after_the_end(void)
{
    for (int variant = 0; variant < 16; variant++) {
        context = zmq_ctx_new();
        void *router = zmq_socket(context, ZMQ_ROUTER);
        zmq_msg_t message;
        zmq_bind(router, "inproc://router");
        send_first_frames(router, variant % 8);
        zmq_ctx_shutdown(context);
        zmq_poll(NULL, 0, 20);
        if (variant >= 8)
            print_readiness(router);
        cases_report("more", zmq_send(router, "x", 1, ZMQ_SNDMORE));
        zmq_msg_init_size(&message, 3);
        cases_report("last", zmq_msg_send(&message, router, 0));
        printf("%zu bytes left\n", zmq_msg_size(&message));
        zmq_msg_close(&message);
        end(router, NULL);
    }
}

int main(int argc, char **argv)
{
    static const struct cases_case cases[] = {
        {"router_and_send_spellings", router_and_send_spellings},
        {"router_full", router_full},
        {"router_mandatory", router_mandatory},
        {"router_after_the_end", router_after_the_end},
        {"router_waits_where_it_may", router_waits_where_it_may},
        {"reply_to_one_that_is_gone", reply_to_one_that_is_gone},
        {"publisher_full", publisher_full},
        {"extended_publisher_full", extended_publisher_full},
        {"extended_publisher_that_waits", extended_publisher_that_waits},
        {"senders_that_wait", senders_that_wait},
    };
    return cases_main(cases, sizeof cases / sizeof *cases, argc, argv);
}
