/* SPDX-License-Identifier: MPL-2.0 */
/* Programs that put a seccomp filter on themselves, before and after they have sockets. */
#include "cases.h"
#include "filter.h"

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

static void service_before_sockets(void)
{
    filter_apply(FILTER_SERVICE, 1);
    void *context = zmq_ctx_new(), *push, *pull;
    cases_pair(context, &push, &pull);
    exchange(push, pull);
    cases_report("close", zmq_close(push));
    cases_report("close", zmq_close(pull));
    cases_report("ctx_term", zmq_ctx_term(context));
}

static void service_after_sockets(void)
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

int main(int argc, char **argv)
{
    static const struct cases_case cases[] = {
        {"service_before_sockets", service_before_sockets},
        {"service_after_sockets", service_after_sockets},
        {"strict_after_sockets", strict_after_sockets},
        {"refusing_after_sockets", refusing_after_sockets},
    };
    return cases_main(cases, sizeof cases / sizeof *cases, argc, argv);
}
