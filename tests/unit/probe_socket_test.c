/* SPDX-License-Identifier: MPL-2.0 */
/* Every option that could take data, memory or time from anybody is set, on every kind of socket.
 */
#include "collectors/probe/probe_socket.h"

#include "support/cmocka.h"

#include <string.h>

static zsock_t *events;

static struct probe_settings settings_of(int peer)
{
    return (struct probe_settings){
        .peer = peer,
        .method = PROBE_METHOD_SOCKET,
        .timeout_ms = 1234,
        .heartbeat_interval_ms = 700,
        .heartbeat_timeout_ms = 2100,
        .receive_hwm = 77,
        .max_message_bytes = 4567,
    };
}

static int get(const struct probe_socket *socket, int option)
{
    int value = -12345;
    size_t size = sizeof(value);
    assert_int_equal(zmq_getsockopt(zsock_resolve(socket->socket), option, &value, &size), 0);
    return value;
}

static int64_t get_max_message(const struct probe_socket *socket)
{
    int64_t value = 0;
    size_t size = sizeof(value);
    assert_int_equal(zmq_getsockopt(zsock_resolve(socket->socket), ZMQ_MAXMSGSIZE, &value, &size),
                     0);
    return value;
}

static void check_common(const struct probe_socket *socket)
{
    assert_int_equal(get(socket, ZMQ_LINGER), 0);
    assert_int_equal(get(socket, ZMQ_SNDTIMEO), 0);
    assert_int_equal(get(socket, ZMQ_RCVTIMEO), 0);
    assert_int_equal(get(socket, ZMQ_IMMEDIATE), 1);
    assert_int_equal(get(socket, ZMQ_RECONNECT_IVL), -1);
    assert_int_equal(get(socket, ZMQ_RECONNECT_IVL_MAX), 0);
    assert_true(get(socket, ZMQ_HANDSHAKE_IVL) > 1234);
    assert_true(get(socket, ZMQ_CONNECT_TIMEOUT) > 1234);
    assert_int_equal(get(socket, ZMQ_TCP_KEEPALIVE), 1);
    assert_in_range(get(socket, ZMQ_BACKLOG), 1, 1000);
    assert_in_range(get(socket, ZMQ_SNDHWM), 1, PROBE_SUBSCRIPTIONS_MAX + 1);
    assert_in_range(get(socket, ZMQ_RCVHWM), 1, 1000); /* 0 would be no limit */
}

static void open__each_peer_type__has_safe_options(void **state)
{
    (void)state;
    unsigned n_types = 0;
    for (int peer = 0; peer < PROBE_PEER_N; peer++) {
        if (probe_pairing_get(peer)->own_type < 0)
            continue;
        struct probe_settings settings = settings_of(peer);
        struct probe_socket socket = PROBE_SOCKET_INIT;
        assert_int_equal(probe_socket_open(&socket, &settings, true, events), 0);
        assert_int_equal(get(&socket, ZMQ_TYPE), probe_pairing_get(peer)->own_type);
        check_common(&socket);
        assert_in_range(get_max_message(&socket), 1, 65536);
        assert_int_equal(get(&socket, ZMQ_HEARTBEAT_IVL), 700);
        assert_int_equal(get(&socket, ZMQ_HEARTBEAT_TIMEOUT), 2100);
        probe_socket_close(&socket);
        n_types++;
    }
    assert_int_equal(n_types, 7);
}

static void open__with_subscriptions__takes_the_configured_limits(void **state)
{
    (void)state;
    const char *subscriptions[] = {"a", "b", "c"};
    struct probe_settings settings = settings_of(PROBE_PEER_PUB);
    settings.subscriptions = subscriptions;
    settings.n_subscriptions = 3;
    struct probe_socket socket = PROBE_SOCKET_INIT;
    assert_int_equal(probe_socket_open(&socket, &settings, false, events), 0);
    check_common(&socket);
    assert_int_equal(get(&socket, ZMQ_RCVHWM), 77);
    assert_int_equal(get_max_message(&socket), 4567);
    assert_in_range(get(&socket, ZMQ_SNDHWM), 3, 10); /* room for each of them */
    assert_int_equal(get(&socket, ZMQ_HEARTBEAT_IVL), 0);
    probe_socket_close(&socket);
}

static void open__security__is_as_configured(void **state)
{
    (void)state;
    struct probe_settings settings = settings_of(PROBE_PEER_ROUTER);
    struct probe_socket socket = PROBE_SOCKET_INIT;
    settings.security.mechanism = PROBE_PLAIN;
    settings.security.username = "monitor";
    strcpy(settings.security.password, "geheim");
    assert_int_equal(probe_socket_open(&socket, &settings, true, events), 0);
    assert_int_equal(get(&socket, ZMQ_MECHANISM), ZMQ_PLAIN);
    assert_int_equal(get(&socket, ZMQ_PLAIN_SERVER), 0);
    probe_socket_close(&socket);

    char public_key[41], secret_key[41];
    assert_int_equal(zmq_curve_keypair(public_key, secret_key), 0);
    settings.security = (struct probe_security){.mechanism = PROBE_CURVE};
    memcpy(settings.security.server_key, public_key, sizeof(public_key));
    assert_int_equal(probe_socket_open(&socket, &settings, true, events), 0);
    char server_key[41];
    size_t size = sizeof(server_key);
    assert_int_equal(
        zmq_getsockopt(zsock_resolve(socket.socket), ZMQ_CURVE_SERVERKEY, server_key, &size), 0);
    assert_string_equal(server_key, public_key);
    assert_int_equal(get(&socket, ZMQ_MECHANISM), ZMQ_CURVE);
    assert_int_equal(get(&socket, ZMQ_CURVE_SERVER), 0);
    probe_socket_close(&socket);
}

static int make_events(void **state)
{
    (void)state;
    zsys_handler_set(NULL);
    return probe_socket_events_new(&events);
}

static int destroy_events(void **state)
{
    (void)state;
    zsock_destroy(&events);
    zsys_shutdown();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open__each_peer_type__has_safe_options),
        cmocka_unit_test(open__with_subscriptions__takes_the_configured_limits),
        cmocka_unit_test(open__security__is_as_configured),
    };
    return cmocka_run_group_tests(tests, make_events, destroy_events);
}
