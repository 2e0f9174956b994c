/* SPDX-License-Identifier: MPL-2.0 */
/* A socket's options as libzmq tells them, and what it does not tell, from the calls. */
#include "tap/counting/options.h"

#include "support/cmocka.h"
#include "support/tap_played.h"

#include <errno.h>
#include <string.h>
#include <zmq.h>

static struct registry_socket *socket_now;
static unsigned asked[256];
static size_t size_of_domain;
static int refused; /* this option */

static int get(void *handle, int option, void *value, size_t *size)
{
    assert_ptr_equal(handle, socket_now->handle);
    asked[option]++;
    errno = EIO;
    if (option == refused)
        return -1;
    if (option == ZMQ_ZAP_DOMAIN) {
        assert_int_equal(*size, 256);
        *size = size_of_domain;
    } else if (option == ZMQ_MAXMSGSIZE) {
        assert_int_equal(*size, sizeof(int64_t));
        const int64_t wide = -1;
        memcpy(value, &wide, sizeof(wide));
    } else {
        assert_int_equal(*size, sizeof(int));
        const int number = option == ZMQ_LINGER ? -1 : 1000 + option;
        memcpy(value, &number, sizeof(number));
    }
    return 0;
}

static void open_another(int type)
{
    socket_now = tap_played_open(type);
    options_reset(socket_now);
    memset(asked, 0, sizeof(asked));
}

static int set_up(void **state)
{
    (void)state;
    tap_played_begin();
    tap_played.getsockopt = get;
    size_of_domain = 1;
    refused = 0;
    open_another(ZMQ_PUSH);
    return 0;
}

static unsigned n_asked(void)
{
    unsigned n = 0;
    for (size_t i = 0; i < 256; i++)
        n += asked[i];
    return n;
}

static void set_option(int number, int value, size_t size)
{
    const struct registry_option option = {number, &value, size};
    options_changed(socket_now, &option);
}

static void read__all__each_in_its_word(void **state)
{
    (void)state;
    static const struct {
        int option;
        uint32_t word;
    } rows[] = {
        {ZMQ_SNDHWM, SEGMENT_SEND_HWM},
        {ZMQ_RCVHWM, SEGMENT_RECEIVE_HWM},
        {ZMQ_SNDTIMEO, SEGMENT_OPTION_SNDTIMEO},
        {ZMQ_RCVTIMEO, SEGMENT_OPTION_RCVTIMEO},
        {ZMQ_HEARTBEAT_IVL, SEGMENT_OPTION_HEARTBEAT_IVL},
        {ZMQ_IMMEDIATE, SEGMENT_OPTION_IMMEDIATE},
        {ZMQ_CONFLATE, SEGMENT_OPTION_CONFLATE},
        {ZMQ_MECHANISM, SEGMENT_OPTION_MECHANISM},
        {ZMQ_RECONNECT_IVL, SEGMENT_OPTION_RECONNECT_IVL},
        {ZMQ_RECONNECT_IVL_MAX, SEGMENT_OPTION_RECONNECT_IVL_MAX},
        {ZMQ_TCP_KEEPALIVE, SEGMENT_OPTION_TCP_KEEPALIVE},
        {ZMQ_BACKLOG, SEGMENT_OPTION_BACKLOG},
        {ZMQ_HANDSHAKE_IVL, SEGMENT_OPTION_HANDSHAKE_IVL},
        {ZMQ_CURVE_SERVER, SEGMENT_OPTION_CURVE_SERVER},
        {ZMQ_PLAIN_SERVER, SEGMENT_OPTION_PLAIN_SERVER},
        {ZMQ_IPV6, SEGMENT_OPTION_IPV6},
        {ZMQ_HEARTBEAT_TIMEOUT, SEGMENT_OPTION_HEARTBEAT_TIMEOUT},
        {ZMQ_HEARTBEAT_TTL, SEGMENT_OPTION_HEARTBEAT_TTL},
    };
    errno = 42;
    options_read_all(socket_now);
    assert_int_equal(errno, 42);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        assert_int_equal(segment_word_get(&socket_now->words[rows[i].word]), 1000 + rows[i].option);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, OPTION_LINGER), UINT64_MAX); /* -1, of int */
    assert_int_equal(TAP_PLAYED_WORD(socket_now, OPTION_MAXMSGSIZE), UINT64_MAX);
    assert_int_equal(n_asked(), sizeof(rows) / sizeof(*rows) + 3);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, OPTION_ZAP_DOMAIN), 0);
    size_of_domain = 2;
    options_read_all(socket_now);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, OPTION_ZAP_DOMAIN), 1);
}

static void read__refused__is_not_known(void **state)
{
    (void)state;
    refused = ZMQ_SNDHWM;
    options_read_all(socket_now);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, SEND_HWM), SEGMENT_UNKNOWN);
    refused = ZMQ_ZAP_DOMAIN;
    open_another(ZMQ_PUSH);
    options_read_all(socket_now);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, OPTION_ZAP_DOMAIN), SEGMENT_UNKNOWN);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, SEND_HWM), 1000 + ZMQ_SNDHWM);
}

static void changed__one__is_read_with_what_follows_from_others(void **state)
{
    (void)state;
    errno = 42;
    set_option(ZMQ_SNDHWM, 5, sizeof(int));
    assert_int_equal(errno, 42);
    assert_int_equal(n_asked(), 4);
    assert_true(asked[ZMQ_SNDHWM] && asked[ZMQ_MECHANISM] && asked[ZMQ_CURVE_SERVER] &&
                asked[ZMQ_PLAIN_SERVER]);
    set_option(ZMQ_ZAP_DOMAIN, 0, sizeof(int));
    assert_int_equal(asked[ZMQ_ZAP_DOMAIN], 1);
    unsigned n = n_asked();
    set_option(ZMQ_SUBSCRIBE, 0, sizeof(int));
    set_option(ZMQ_UNSUBSCRIBE, 0, sizeof(int));
    assert_int_equal(n_asked(), n);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, BINDS), SEGMENT_UNKNOWN);
}

static void changed__not_told_by_libzmq__is_from_the_calls(void **state)
{
    (void)state;
    open_another(ZMQ_ROUTER);
    options_read_all(socket_now);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, OPTION_ROUTER_MANDATORY), 0);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, OPTION_XPUB_NODROP), SEGMENT_UNKNOWN);
    set_option(ZMQ_ROUTER_MANDATORY, 2, sizeof(int));
    assert_int_equal(TAP_PLAYED_WORD(socket_now, OPTION_ROUTER_MANDATORY), 1);
    set_option(ZMQ_ROUTER_MANDATORY, 0, 3); /* of another size: refused by libzmq */
    assert_int_equal(TAP_PLAYED_WORD(socket_now, OPTION_ROUTER_MANDATORY), 1);
    set_option(ZMQ_ROUTER_MANDATORY, 0, sizeof(int));
    assert_int_equal(TAP_PLAYED_WORD(socket_now, OPTION_ROUTER_MANDATORY), 0);
    static const int types[] = {ZMQ_PUB, ZMQ_XPUB};
    for (size_t i = 0; i < 2; i++) {
        open_another(types[i]);
        options_read_all(socket_now);
        assert_int_equal(TAP_PLAYED_WORD(socket_now, OPTION_ROUTER_MANDATORY), SEGMENT_UNKNOWN);
        assert_int_equal(TAP_PLAYED_WORD(socket_now, OPTION_XPUB_NODROP), 0);
        set_option(ZMQ_XPUB_NODROP, 1, sizeof(int));
        assert_int_equal(TAP_PLAYED_WORD(socket_now, OPTION_XPUB_NODROP), 1);
        set_option(ZMQ_XPUB_NODROP, 0, sizeof(int));
        assert_int_equal(TAP_PLAYED_WORD(socket_now, OPTION_XPUB_NODROP), 0);
    }
    open_another(ZMQ_PUSH);
    set_option(ZMQ_ROUTER_MANDATORY, 1, sizeof(int));
    assert_int_equal(TAP_PLAYED_WORD(socket_now, OPTION_ROUTER_MANDATORY), SEGMENT_UNKNOWN);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, BINDS), 0);
}

static void endpoints__bound_and_connected__are_counted(void **state)
{
    (void)state;
    options_count_endpoint(socket_now, true, 1);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, CONNECTS), 1);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, BINDS), 0);
    options_count_endpoint(socket_now, false, 1);
    options_count_endpoint(socket_now, false, 1);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, BINDS), 2);
    for (int i = 0; i < 3; i++)
        options_count_endpoint(socket_now, false, -1);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, BINDS), 0);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, CONNECTS), 1);
    options_reset(socket_now);
    options_read_all(socket_now);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, CONNECTS), 0);
    open_another(ZMQ_ROUTER);
    socket_now->is_attached = true; /* none of its calls was seen */
    options_count_endpoint(socket_now, false, 1);
    options_read_all(socket_now);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, BINDS), SEGMENT_UNKNOWN);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, OPTION_ROUTER_MANDATORY), SEGMENT_UNKNOWN);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tap_played_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(read__all__each_in_its_word),
        CASE(read__refused__is_not_known),
        CASE(changed__one__is_read_with_what_follows_from_others),
        CASE(changed__not_told_by_libzmq__is_from_the_calls),
        CASE(endpoints__bound_and_connected__are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
