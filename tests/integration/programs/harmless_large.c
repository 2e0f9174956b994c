/* SPDX-License-Identifier: MPL-2.0 */
/* More than the tap has places for, and threads whose own data is larger than its stacks. */
#include "cases.h"

#include <stdio.h>
#include <sys/resource.h>
#include <zmq.h>

#define N_CONTEXTS    9
#define N_OF_CONTEXT  1000
#define THREADS_BYTES (1 << 20)

static _Thread_local char of_each_thread[THREADS_BYTES];

static void large_thread_local_data(void)
{
    void *context = zmq_ctx_new(), *push, *pull;
    char byte;
    for (size_t i = 0; i < sizeof of_each_thread; i += 4096)
        *(volatile char *)&of_each_thread[i] = 1;
    cases_pair(context, &push, &pull);
    cases_report("send", zmq_send(push, "x", 1, 0));
    cases_report("recv", zmq_recv(pull, &byte, 1, 0));
    cases_report("close", zmq_close(push));
    cases_report("close", zmq_close(pull));
    cases_report("ctx_term", zmq_ctx_term(context));
}

static void *sockets[N_CONTEXTS * N_OF_CONTEXT];

/* The last ones are used like the first, and where one is closed another is made. */
static void thousands_of_sockets(void)
{
    const int n = N_CONTEXTS * N_OF_CONTEXT;
    void *contexts[N_CONTEXTS];
    int n_sent = 0;
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    for (int i = 0; i < N_CONTEXTS; i++)
        contexts[i] = zmq_ctx_new();
    for (int i = 0; i < n; i++)
        if (!(sockets[i] = zmq_socket(contexts[i / N_OF_CONTEXT], ZMQ_PUB)))
            cases_report("socket", -1);
    for (int turn = 0; turn < 3; turn++) {
        for (int i = 0; i < n; i++)
            n_sent += zmq_send(sockets[i], "x", 1, 0) == 1;
        zmq_close(sockets[turn]);
        sockets[turn] = zmq_socket(contexts[0], ZMQ_PUB);
    }
    printf("%d sent\n", n_sent);
    for (int i = 0; i < n; i++)
        zmq_close(sockets[i]);
    for (int i = 0; i < N_CONTEXTS; i++)
        cases_report("ctx_term", zmq_ctx_term(contexts[i]));
}

int main(int argc, char **argv)
{
    static const struct cases_case cases[] = {
        {"large_thread_local_data", large_thread_local_data},
        {"thousands_of_sockets", thousands_of_sockets},
    };
    return cases_main(cases, sizeof cases / sizeof *cases, argc, argv);
}
