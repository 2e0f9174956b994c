/* SPDX-License-Identifier: MPL-2.0 */
/* Programs that put a seccomp filter on themselves, before and after they have sockets. */
#include "cases.h"
#include "filter.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zmq.h>

/* Half a second of traffic, several of the tap's rounds long. */
static void exchange(void *push, void *pull)
{
    zmq_pollitem_t nothing = {pull, 0, ZMQ_POLLIN, 0};
    for (int i = 0; i < 25; i++) {
        char data[8];
        cases_report("send", zmq_send(push, "hello", 5, 0));
        cases_report("recv", zmq_recv(pull, data, sizeof data, 0));
        zmq_poll(&nothing, 1, 20);
    }
}

static void filter_after_sockets(enum filter_kind kind, int is_fatal)
{
    void *context = zmq_ctx_new(), *push, *pull;
    cases_pair(context, &push, &pull);
    exchange(push, pull);
    filter_apply(kind, is_fatal);
    exchange(push, pull);
    cases_report("close", zmq_close(push));
    cases_report("close", zmq_close(pull));
    cases_report("ctx_term", zmq_ctx_term(context));
}

static void program_before_sockets(void)
{
    filter_apply(FILTER_SERVICE, 1);
    void *context = zmq_ctx_new(), *push, *pull;
    cases_pair(context, &push, &pull);
    exchange(push, pull);
    cases_report("close", zmq_close(push));
    cases_report("close", zmq_close(pull));
    cases_report("ctx_term", zmq_ctx_term(context));
}

static void program_after_sockets(void)
{
    filter_after_sockets(FILTER_SERVICE, 1);
}

static void strict_after_sockets(void)
{
    filter_after_sockets(FILTER_STRICT, 1);
}

static void refusing_after_sockets(void)
{
    filter_after_sockets(FILTER_STRICT, 0);
}

/* No name is looked up, for which libc would read files. */
static void own_use_of_libzmq(void)
{
    void *context = zmq_ctx_new();
    void *push = zmq_socket(context, ZMQ_PUSH), *pull = zmq_socket(context, ZMQ_PULL);
    cases_report("bind", zmq_bind(pull, "ipc://@filtered-pull"));
    cases_report("connect", zmq_connect(push, "ipc://@filtered-pull"));
    exchange(push, pull);
    void *third = zmq_socket(context, ZMQ_ROUTER);
    cases_report("bind", zmq_bind(third, "ipc://@filtered"));
    cases_report("unbind", zmq_unbind(third, "ipc://@filtered"));
    cases_report("monitor", zmq_socket_monitor(third, "inproc://monitor", ZMQ_EVENT_ALL));
    cases_report("close", zmq_close(third));
    cases_report("close", zmq_close(push));
    cases_report("close", zmq_close(pull));
    cases_report("ctx_term", zmq_ctx_term(context));
}

static void libzmq_alone_after_sockets(void)
{
    void *context = zmq_ctx_new(), *push, *pull;
    cases_pair(context, &push, &pull);
    exchange(push, pull);
    filter_apply(FILTER_LIBZMQ, 1);
    exchange(push, pull);
    own_use_of_libzmq();
    cases_report("close", zmq_close(push));
    cases_report("close", zmq_close(pull));
    cases_report("ctx_term", zmq_ctx_term(context));
}

static void libzmq_alone_before_sockets(void)
{
    filter_apply(FILTER_LIBZMQ_START, 1);
    own_use_of_libzmq();
}

static void libzmq_alone_refusing(void)
{
    filter_apply(FILTER_LIBZMQ_START, 0);
    own_use_of_libzmq();
    own_use_of_libzmq();
}

int main(int argc, char **argv)
{
    static const struct cases_case cases[] = {
        {"program_before_sockets", program_before_sockets},
        {"program_after_sockets", program_after_sockets},
        {"strict_after_sockets", strict_after_sockets},
        {"refusing_after_sockets", refusing_after_sockets},
        {"libzmq_alone_after_sockets", libzmq_alone_after_sockets},
        {"libzmq_alone_before_sockets", libzmq_alone_before_sockets},
        {"libzmq_alone_refusing", libzmq_alone_refusing},
    };
    mallopt(M_ARENA_MAX, 2); /* else malloc reads in /sys how many processors there are */
    return cases_main(cases, sizeof cases / sizeof *cases, argc, argv);
}
