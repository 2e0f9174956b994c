/* SPDX-License-Identifier: MPL-2.0 */
/* As many sockets as libzmq and the system give, and the same errors when they give no more. */
#include "cases.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zmq.h>

#define MAX_SOCKETS 4096

static void *sockets[MAX_SOCKETS];

static void set_descriptors(rlim_t n)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = n < limit.rlim_max ? n : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        perror("setrlimit");
}

/* Opens sockets of all types until it fails. */
static int open_all(void *context)
{
    int n = 0;
    while (n < MAX_SOCKETS && (sockets[n] = zmq_socket(context, n % 12)))
        n++;
    if (n < MAX_SOCKETS)
        cases_report("the next socket", -1);
    printf("%d sockets\n", n);
    return n;
}

static void close_all(void *context, int n)
{
    for (int i = 0; i < n; i++)
        if (zmq_close(sockets[i]) < 0)
            cases_report("close", -1);
    cases_report("ctx_term", zmq_ctx_term(context));
}

static void default_max_sockets(void)
{
    set_descriptors(65536);
    void *context = zmq_ctx_new();
    int n = open_all(context);
    cases_report("ctx_get", zmq_ctx_get(context, ZMQ_MAX_SOCKETS));
    for (int i = 0; i < 10; i++)
        zmq_close(sockets[i]);
    int again = 0; /* a slot is free once the reaper has done with its socket */
    while (again < 10)
        if ((sockets[again] = zmq_socket(context, ZMQ_PUSH)))
            again++;
    cases_report_handle("one more", zmq_socket(context, ZMQ_PUSH));
    close_all(context, n);
}

static void own_max_sockets(void)
{
    static const int limits[] = {1, 2, 10, 1500};
    set_descriptors(65536);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        void *context = zmq_ctx_new();
        cases_report("ctx_set", zmq_ctx_set(context, ZMQ_MAX_SOCKETS, limits[i]));
        cases_report("ctx_get", zmq_ctx_get(context, ZMQ_MAX_SOCKETS));
        cases_report("socket limit", zmq_ctx_get(context, ZMQ_SOCKET_LIMIT));
        int n = open_all(context);
        cases_report("ctx_get", zmq_ctx_get(context, ZMQ_MAX_SOCKETS));
        /* Too late: libzmq takes the value and does not use it. */
        cases_report("ctx_set", zmq_ctx_set(context, ZMQ_MAX_SOCKETS, limits[i] + 5));
        cases_report("ctx_get", zmq_ctx_get(context, ZMQ_MAX_SOCKETS));
        cases_report_handle("one more", zmq_socket(context, ZMQ_PUSH));
        close_all(context, n);
    }
}

static void largest_max_sockets(void)
{
    void *context = zmq_ctx_new();
    int limit = zmq_ctx_get(context, ZMQ_SOCKET_LIMIT);
    cases_report("ctx_set", zmq_ctx_set(context, ZMQ_MAX_SOCKETS, limit));
    cases_report("ctx_get", zmq_ctx_get(context, ZMQ_MAX_SOCKETS));
    cases_report("ctx_set", zmq_ctx_set(context, ZMQ_MAX_SOCKETS, limit + 1));
    void *socket = cases_report_handle("socket", zmq_socket(context, ZMQ_PUSH));
    zmq_close(socket);
    cases_report("ctx_term", zmq_ctx_term(context));
}

static void out_of_descriptors(void)
{
    static const rlim_t limits[] = {24, 64, 256};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        set_descriptors(limits[i]);
        void *context = zmq_ctx_new();
        int n = open_all(context);
        zmq_close(sockets[--n]);
        while (!(sockets[n] = zmq_socket(context, ZMQ_PUSH)))
            ; /* until the reaper has freed the descriptor */
        close_all(context, n + 1);
    }
}

/* Opens files until there is no descriptor left, also none that the tap had for a moment. */
static int fill_with_files(int *ret_fds)
{
    int n = 0;
    for (int pass = 0; pass < 5; pass++) {
        int fd;
        while ((fd = open("/dev/null", O_RDONLY)) >= 0)
            ret_fds[n++] = fd;
        zmq_poll(NULL, 0, 150);
    }
    return n;
}

/* Files first, sockets then: together as many as there are descriptors, also where the tap had
 * some and gave them back. Again with the files closed. */
static void descriptors_full_of_files(void)
{
    int fds[64];
    set_descriptors(64);
    void *context = zmq_ctx_new();
    sockets[0] = zmq_socket(context, ZMQ_PUSH);
    int n_files = fill_with_files(fds), n = 1;
    while ((sockets[n] = zmq_socket(context, ZMQ_PUSH)))
        n++;
    cases_report("the next socket", -1);
    printf("%d files and sockets\n", n_files + n);
    while (n_files > 0)
        close(fds[--n_files]);
    sockets[n] = cases_report_handle("socket", zmq_socket(context, ZMQ_PUSH));
    close_all(context, n + 1);
}

static void many_contexts(void)
{
    set_descriptors(65536);
    static void *contexts[100];
    for (int i = 0; i < 100; i++) {
        contexts[i] = zmq_ctx_new();
        sockets[i] = zmq_socket(contexts[i], ZMQ_PUB);
    }
    for (int i = 0; i < 100; i++) {
        if (zmq_close(sockets[i]) < 0)
            cases_report("close", -1);
        if (zmq_ctx_term(contexts[i]) < 0)
            cases_report("ctx_term", -1);
    }
    puts("100 contexts");
}

static void *make_with_linger(void *context, int linger, const char *endpoint)
{
    void *socket = zmq_socket(context, ZMQ_PUSH);
    if (!socket)
        return NULL;
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    zmq_connect(socket, endpoint);
    return socket;
}

/* libzmq keeps the place of a closed socket while it lingers, */
static void place_of_a_lingering_socket(void)
{
    void *context = zmq_ctx_new();
    zmq_ctx_set(context, ZMQ_MAX_SOCKETS, 2);
    void *socket = make_with_linger(context, 1000, "tcp://127.0.0.1:1");
    cases_report("send", zmq_send(socket, "x", 1, 0));
    zmq_close(socket);
    void *other = cases_report_handle("another", zmq_socket(context, ZMQ_PULL));
    cases_report_handle("third", zmq_socket(context, ZMQ_PULL));
    zmq_close(other);
    cases_report("ctx_term", zmq_ctx_term(context));
}

/* until its peer over inproc has read what it sent, */
static void place_of_an_unread_socket(void)
{
    void *context = zmq_ctx_new(), *socket;
    char data[4];
    zmq_ctx_set(context, ZMQ_MAX_SOCKETS, 3);
    void *reader = zmq_socket(context, ZMQ_PULL);
    zmq_bind(reader, "inproc://reader");
    for (int i = 0; i < 2; i++) {
        socket = make_with_linger(context, 0, "inproc://reader");
        zmq_send(socket, "x", 1, 0);
        zmq_close(socket);
    }
    cases_report_handle("third", zmq_socket(context, ZMQ_PUSH));
    while (!(socket = zmq_socket(context, ZMQ_PUSH)))
        zmq_recv(reader, data, sizeof data, ZMQ_DONTWAIT);
    puts("made once it was read");
    zmq_close(socket);
    zmq_close(reader);
    cases_report("ctx_term", zmq_ctx_term(context));
}

/* and until the end of the context if it had connected to nobody. The context is left: libzmq
 * itself needs a place to end it, and aborts (ctx.cpp, terminate, 4.3.4). */
static void place_of_a_pending_connect(void)
{
    void *context = zmq_ctx_new(), *socket;
    int n = 0;
    zmq_ctx_set(context, ZMQ_MAX_SOCKETS, 3);
    while ((socket = make_with_linger(context, 0, "inproc://nobody"))) {
        zmq_close(socket);
        n++;
    }
    cases_report("the next", -1);
    printf("%d sockets\n", n);
}

/* At a high limit too. */
static void thousands_of_descriptors(void)
{
    int n = 0;
    set_descriptors(3000);
    void *context = zmq_ctx_new();
    zmq_ctx_set(context, ZMQ_MAX_SOCKETS, MAX_SOCKETS);
    while (n < MAX_SOCKETS && (sockets[n] = zmq_socket(context, ZMQ_PAIR)))
        n++;
    cases_report("the next socket", -1);
    printf("%d sockets\n", n);
    close_all(context, n);
}

int main(int argc, char **argv)
{
    static const struct cases_case cases[] = {
        {"default_max_sockets", default_max_sockets},
        {"own_max_sockets", own_max_sockets},
        {"largest_max_sockets", largest_max_sockets},
        {"out_of_descriptors", out_of_descriptors},
        {"descriptors_full_of_files", descriptors_full_of_files},
        {"many_contexts", many_contexts},
        {"place_of_a_lingering_socket", place_of_a_lingering_socket},
        {"place_of_an_unread_socket", place_of_an_unread_socket},
        {"place_of_a_pending_connect", place_of_a_pending_connect},
        {"thousands_of_descriptors", thousands_of_descriptors},
    };
    return cases_main(cases, sizeof cases / sizeof *cases, argc, argv);
}
