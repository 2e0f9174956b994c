/* SPDX-License-Identifier: MPL-2.0 */
/* Return values and errno of every call, good and bad. */
#include "cases.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <zmq.h>

static void null_arguments(void)
{
    char byte = 0;
    zmq_msg_t message;
    size_t n = 1;
    struct iovec part = {&byte, 1};
    zmq_msg_init(&message);
    cases_report("ctx_term", zmq_ctx_term(NULL));
    cases_report("ctx_shutdown", zmq_ctx_shutdown(NULL));
    cases_report("ctx_destroy", zmq_ctx_destroy(NULL));
    cases_report("term", zmq_term(NULL));
    cases_report("ctx_set", zmq_ctx_set(NULL, ZMQ_IO_THREADS, 1));
    cases_report("ctx_get", zmq_ctx_get(NULL, ZMQ_IO_THREADS));
    cases_report_handle("socket", zmq_socket(NULL, ZMQ_PUSH));
    cases_report("close", zmq_close(NULL));
    cases_report("setsockopt", zmq_setsockopt(NULL, ZMQ_LINGER, &byte, 1));
    cases_report("getsockopt", zmq_getsockopt(NULL, ZMQ_LINGER, &byte, &n));
    cases_report("bind", zmq_bind(NULL, "inproc://x"));
    cases_report("connect", zmq_connect(NULL, "inproc://x"));
    cases_report("unbind", zmq_unbind(NULL, "inproc://x"));
    cases_report("disconnect", zmq_disconnect(NULL, "inproc://x"));
    cases_report("monitor", zmq_socket_monitor(NULL, "inproc://x", ZMQ_EVENT_ALL));
    cases_report("send", zmq_send(NULL, &byte, 1, 0));
    cases_report("send_const", zmq_send_const(NULL, &byte, 1, 0));
    cases_report("msg_send", zmq_msg_send(&message, NULL, 0));
    cases_report("sendmsg", zmq_sendmsg(NULL, &message, 0));
    cases_report("sendiov", zmq_sendiov(NULL, &part, 1, 0));
    cases_report("recv", zmq_recv(NULL, &byte, 1, 0));
    cases_report("msg_recv", zmq_msg_recv(&message, NULL, 0));
    cases_report("recvmsg", zmq_recvmsg(NULL, &message, 0));
    cases_report("recviov", zmq_recviov(NULL, &part, &n, 0));
    cases_report("poll", zmq_poll(NULL, 0, 0));
    cases_report("proxy", zmq_proxy(NULL, NULL, NULL));
}

static void closed_socket(void)
{
    char byte = 0;
    size_t n = 1;
    zmq_msg_t message;
    zmq_msg_init(&message);
    void *context = zmq_ctx_new();
    void *keep_alive = zmq_socket(context, ZMQ_PUSH);
    void *socket = zmq_socket(context, ZMQ_PUSH);
    cases_report("close", zmq_close(socket));
    cases_report("close again", zmq_close(socket));
    cases_report("send", zmq_send(socket, &byte, 1, ZMQ_DONTWAIT));
    cases_report("msg_send", zmq_msg_send(&message, socket, ZMQ_DONTWAIT));
    cases_report("recv", zmq_recv(socket, &byte, 1, ZMQ_DONTWAIT));
    cases_report("getsockopt", zmq_getsockopt(socket, ZMQ_LINGER, &byte, &n));
    cases_report("bind", zmq_bind(socket, "inproc://x"));
    cases_report("monitor", zmq_socket_monitor(socket, "inproc://x", ZMQ_EVENT_ALL));
    cases_report("close", zmq_close(keep_alive));
    cases_report("ctx_term", zmq_ctx_term(context));
}

static void bad_arguments(void)
{
    int value = 1;
    void *context = zmq_ctx_new();
    cases_report_handle("socket of no type", zmq_socket(context, 99));
    cases_report_handle("socket of type -1", zmq_socket(context, -1));
    void *push = zmq_socket(context, ZMQ_PUSH), *pull = zmq_socket(context, ZMQ_PULL);
    cases_report("ctx_set", zmq_ctx_set(context, 999, 1));
    cases_report("ctx_set max", zmq_ctx_set(context, ZMQ_MAX_SOCKETS, 0));
    cases_report("ctx_get", zmq_ctx_get(context, 999));
    static const char *const endpoints[] = {
        "",
        "x",
        "tcp://",
        "tcp://nowhere",
        "bogus://x",
        "inproc://",
        "ipc://",
        "pgm://127.0.0.1:1",
        "udp://127.0.0.1:1",
        "tcp://*:x",
    };
    for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++) {
        printf("%s\n", endpoints[i]);
        cases_report("bind", zmq_bind(push, endpoints[i]));
        cases_report("connect", zmq_connect(push, endpoints[i]));
        cases_report("unbind", zmq_unbind(push, endpoints[i]));
        cases_report("disconnect", zmq_disconnect(push, endpoints[i]));
    }
    cases_report("bind", zmq_bind(push, "inproc://a"));
    cases_report("bind again", zmq_bind(pull, "inproc://a"));
    cases_report("send to receiver", zmq_send(pull, "x", 1, 0));
    cases_report("recv from sender", zmq_recv(push, &value, 1, 0));
    cases_report("send to nobody", zmq_send(push, "x", 1, ZMQ_DONTWAIT));
    cases_report("recv nothing", zmq_recv(pull, &value, 1, ZMQ_DONTWAIT));
    cases_report("option size", zmq_setsockopt(push, ZMQ_LINGER, &value, 1));
    cases_report("no option", zmq_setsockopt(push, 9999, &value, sizeof value));
    cases_report("subscribe", zmq_setsockopt(push, ZMQ_SUBSCRIBE, "", 0));
    cases_report("timeout", zmq_setsockopt(push, ZMQ_SNDTIMEO, &value, sizeof value));
    cases_report("send times out", zmq_send(push, "x", 1, 0));
    cases_report("close", zmq_close(push));
    cases_report("close", zmq_close(pull));
    cases_report("ctx_term", zmq_ctx_term(context));
}

static void print_options(void *context, int type)
{
    void *socket = zmq_socket(context, type);
    printf("type %d\n", type);
    for (int option = 0; socket && option < 130; option++) {
        unsigned char value[256];
        size_t size = sizeof value;
        memset(value, 0, sizeof value);
        errno = 0;
        int rc = zmq_getsockopt(socket, option, value, &size);
        printf("  %d: %d %d size %zu", option, rc, rc < 0 ? errno : 0, rc == 0 ? size : 0);
        for (size_t i = 0; rc == 0 && i < size && option != ZMQ_FD; i++)
            printf(" %02x", value[i]);
        putchar('\n');
    }
    zmq_close(socket);
}

static void option_values(void)
{
    void *context = zmq_ctx_new();
    for (int option = 0; option < 12; option++)
        cases_report("ctx_get", zmq_ctx_get(context, option));
    for (int type = ZMQ_PAIR; type <= ZMQ_STREAM; type++)
        print_options(context, type);
    cases_report("ctx_set", zmq_ctx_set(context, ZMQ_MAX_SOCKETS, 12));
    cases_report("ctx_get", zmq_ctx_get(context, ZMQ_MAX_SOCKETS));
    cases_report("ctx_term", zmq_ctx_term(context));
}

/* errno is the program's: a call that succeeds leaves it as libzmq alone would. */
static void errno_kept(void)
{
    void *context = zmq_ctx_new();
    void *push = zmq_socket(context, ZMQ_PUSH), *pull = zmq_socket(context, ZMQ_PULL);
    char data[8];
    zmq_bind(pull, "inproc://errno");
    zmq_connect(push, "inproc://errno");
    for (int i = 0; i < 3; i++) {
        errno = 1234;
        int rc = zmq_send(push, "hello", 5, 0);
        printf("send %d errno %d\n", rc, errno);
        errno = 1234;
        rc = zmq_recv(pull, data, 3, 0);
        printf("recv %d errno %d %.3s\n", rc, errno, data);
        errno = 1234;
        rc = zmq_recv(pull, data, 3, ZMQ_DONTWAIT);
        printf("recv %d errno %d\n", rc, errno);
    }
    zmq_close(push);
    zmq_close(pull);
    cases_report("term", zmq_term(context));
}

static void legacy_spellings(void)
{
    void *context = zmq_init(2);
    cases_report("io threads", zmq_ctx_get(context, ZMQ_IO_THREADS));
    cases_report_handle("init(-1)", zmq_init(-1));
    void *push = zmq_socket(context, ZMQ_PUSH), *pull = zmq_socket(context, ZMQ_PULL);
    zmq_msg_t message;
    char text[] = "abc";
    struct iovec parts[3] = {{text, 1}, {text, 0}, {text, 3}}, received[3];
    size_t n = 3;
    zmq_bind(pull, "inproc://legacy");
    zmq_connect(push, "inproc://legacy");
    zmq_msg_init_size(&message, 7);
    memset(zmq_msg_data(&message), 7, 7);
    cases_report("sendmsg", zmq_sendmsg(push, &message, 0));
    printf("left in the message: %zu\n", zmq_msg_size(&message));
    cases_report("recvmsg", zmq_recvmsg(pull, &message, 0));
    zmq_msg_close(&message);
    cases_report("sendiov", zmq_sendiov(push, parts, 3, ZMQ_SNDMORE));
    cases_report("recviov", zmq_recviov(pull, received, &n, 0));
    printf("%zu parts\n", n);
    for (size_t i = 0; i < n; i++)
        free(received[i].iov_base);
    cases_report("sendiov of none", zmq_sendiov(push, parts, 0, 0));
    n = 0;
    cases_report("recviov of none", zmq_recviov(pull, received, &n, ZMQ_DONTWAIT));
    cases_report("send of none", zmq_send(push, NULL, 0, 0));
    cases_report("recv into none", zmq_recv(pull, NULL, 0, 0));
    zmq_close(push);
    zmq_close(pull);
    cases_report("ctx_destroy", zmq_ctx_destroy(context));
}

int main(int argc, char **argv)
{
    static const struct cases_case cases[] = {
        {"null_arguments", null_arguments}, {"closed_socket", closed_socket},
        {"bad_arguments", bad_arguments},   {"option_values", option_values},
        {"errno_kept", errno_kept},         {"legacy_spellings", legacy_spellings},
    };
    return cases_main(cases, sizeof cases / sizeof *cases, argc, argv);
}
