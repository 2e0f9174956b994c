/* SPDX-License-Identifier: MPL-2.0 */
/* What is read of a socket's options from outside is what libzmq says of them itself. */
#include "peek/peek_options.h"
#include "peek/peek_target.h"
#include "queues/pipe_bytes.h"

#include "base/procfs.h"
#include "support/cmocka.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

static struct peek_target target = {.process_fd = -1, .pagemap_fd = -1};
static void *context;

static int begin(void **state)
{
    (void)state;
    uint64_t start_ticks;
    int procfs_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    context = zmq_ctx_new();
    int r = procfs_start_time(procfs_fd, getpid(), &start_ticks);
    if (r == 0)
        r = peek_target_open(&target, procfs_fd, getpid(), start_ticks);
    close(procfs_fd);
    return r;
}

static int finish(void **state)
{
    (void)state;
    peek_target_close(&target);
    return zmq_ctx_term(context);
}

static void set(void *socket, int option, int value)
{
    assert_int_equal(zmq_setsockopt(socket, option, &value, sizeof(value)), 0);
}

static void set_text(void *socket, int option, const char *text)
{
    assert_int_equal(zmq_setsockopt(socket, option, text, strlen(text)), 0);
}

static int64_t get(void *socket, int option)
{
    int value = 0;
    size_t size = sizeof(value);
    assert_int_equal(zmq_getsockopt(socket, option, &value, &size), 0);
    return value;
}

static struct peek_options assert_known(void *socket, int type)
{
    struct peek_options options;
    int64_t maxmsgsize;
    size_t size = sizeof(maxmsgsize);
    assert_int_equal(zmq_getsockopt(socket, ZMQ_MAXMSGSIZE, &maxmsgsize, &size), 0);
    assert_true(peek_options_read(&target, (uintptr_t)socket, type, &options));
    assert_int_equal(options.maxmsgsize, maxmsgsize);
    assert_int_equal(options.linger, get(socket, ZMQ_LINGER));
    assert_int_equal(options.rcvtimeo, get(socket, ZMQ_RCVTIMEO));
    assert_int_equal(options.sndtimeo, get(socket, ZMQ_SNDTIMEO));
    assert_int_equal(options.immediate, get(socket, ZMQ_IMMEDIATE));
    assert_int_equal(options.tcp_keepalive, get(socket, ZMQ_TCP_KEEPALIVE));
    assert_int_equal(options.mechanism, get(socket, ZMQ_MECHANISM));
    assert_int_equal(options.conflate, get(socket, ZMQ_CONFLATE));
    assert_int_equal(options.handshake_ivl, get(socket, ZMQ_HANDSHAKE_IVL));
    assert_int_equal(options.heartbeat_ivl, get(socket, ZMQ_HEARTBEAT_IVL));
    return options;
}

static void read__sockets_of_all_types__are_as_they_were_made(void **state)
{
    (void)state;
    for (int type = ZMQ_PAIR; type <= ZMQ_STREAM; type++) {
        void *socket = zmq_socket(context, type);
        assert_non_null(socket);
        assert_int_equal(assert_known(socket, type).is_server, 0);
        zmq_close(socket);
    }
}

static void read__options_that_were_set__are_as_libzmq_says(void **state)
{
    (void)state;
    const int64_t size = INT64_C(5000000000);
    void *socket = zmq_socket(context, ZMQ_PULL);
    set(socket, ZMQ_LINGER, 77);
    set(socket, ZMQ_RCVTIMEO, 1234);
    set(socket, ZMQ_SNDTIMEO, 4321);
    set(socket, ZMQ_IMMEDIATE, 1);
    set(socket, ZMQ_TCP_KEEPALIVE, 1);
    set(socket, ZMQ_CONFLATE, 1);
    set(socket, ZMQ_HANDSHAKE_IVL, 0);
    set(socket, ZMQ_HEARTBEAT_IVL, 10000);
    set(socket, ZMQ_IPV6, 1);
    assert_int_equal(zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &size, sizeof(size)), 0);
    (void)assert_known(socket, ZMQ_PULL);
    zmq_close(socket);
}

static void read__security__is_told_without_its_secrets(void **state)
{
    (void)state;
    void *socket = zmq_socket(context, ZMQ_ROUTER);
    set(socket, ZMQ_PLAIN_SERVER, 1);
    struct peek_options options = assert_known(socket, ZMQ_ROUTER);
    assert_int_equal(options.mechanism, ZMQ_PLAIN);
    assert_int_equal(options.is_server, 1);
    set_text(socket, ZMQ_PLAIN_USERNAME, "a user");
    set_text(socket, ZMQ_PLAIN_PASSWORD, "a password");
    options = assert_known(socket, ZMQ_ROUTER);
    assert_int_equal(options.mechanism, ZMQ_PLAIN);
    assert_int_equal(options.is_server, 0);
    zmq_close(socket);
    if (!zmq_has("curve"))
        return;
    socket = zmq_socket(context, ZMQ_PUB);
    set(socket, ZMQ_CURVE_SERVER, 1);
    options = assert_known(socket, ZMQ_PUB);
    assert_int_equal(options.mechanism, ZMQ_CURVE);
    assert_int_equal(options.is_server, 1);
    zmq_close(socket);
}

/* Texts that do not fit into a std::string, and sets with members. */
static void read__long_texts_and_filters__are_no_obstacle(void **state)
{
    (void)state;
    void *socket = zmq_socket(context, ZMQ_SUB);
    set_text(socket, ZMQ_SOCKS_PROXY, "proxy.with.a.long.name.example:1080");
    set_text(socket, ZMQ_ZAP_DOMAIN, "a domain of more than fifteen bytes");
    set_text(socket, ZMQ_TCP_ACCEPT_FILTER, "127.0.0.1");
    for (unsigned id = 1; id < 5; id++) {
        assert_int_equal(zmq_setsockopt(socket, ZMQ_IPC_FILTER_UID, &id, sizeof(id)), 0);
        assert_int_equal(zmq_setsockopt(socket, ZMQ_IPC_FILTER_PID, &id, sizeof(id)), 0);
    }
    (void)assert_known(socket, ZMQ_SUB);
    zmq_close(socket);
}

static void assert_unknown(const unsigned char *bytes, int type)
{
    struct peek_options options = {.linger = 1};
    assert_false(peek_options_read(&target, (uintptr_t)bytes, type, &options));
    assert_memory_equal(&options, &peek_options_unknown, sizeof(options));
    assert_int_equal(options.linger, PIPE_UNKNOWN);
    assert_int_equal(options.heartbeat_ivl, PIPE_UNKNOWN);
}

/* A socket's bytes elsewhere: what points into it points into another one. */
static void read__what_does_not_agree__is_not_known(void **state)
{
    (void)state;
    static unsigned char bytes[2048];
    void *socket = zmq_socket(context, ZMQ_PUSH);
    struct peek_options options;
    assert_unknown(bytes, ZMQ_PAIR);
    assert_unknown(NULL, ZMQ_PUSH);
    memcpy(bytes, socket, 1100);
    assert_unknown(bytes, ZMQ_PUSH);
    assert_false(peek_options_read(&target, (uintptr_t)socket, ZMQ_PULL, &options));
    zmq_close(socket);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read__sockets_of_all_types__are_as_they_were_made),
        cmocka_unit_test(read__options_that_were_set__are_as_libzmq_says),
        cmocka_unit_test(read__security__is_told_without_its_secrets),
        cmocka_unit_test(read__long_texts_and_filters__are_no_obstacle),
        cmocka_unit_test(read__what_does_not_agree__is_not_known),
    };
    return cmocka_run_group_tests(tests, begin, finish);
}
