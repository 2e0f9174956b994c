/* SPDX-License-Identifier: MPL-2.0 */
/* The program's own monitor, where the tap reads events: it has them in their order, and as they
 * were, whenever its consumer comes. */
#include "tap/events/hub_state.h"

#include "support/cmocka.h"
#include "support/tap_played.h"

#include <errno.h>
#include <string.h>
#include <zmq.h>

#define TARGET ((void *)0x1234)

uint32_t hub_n_forwarders;

static struct hub_forwarder forwarder;
static const struct monitor_request request = {
    .address = "inproc://m", .events = 0xffff, .type = ZMQ_PAIR};
static bool is_connected, bind_fails, socket_fails, asking_fails;
static unsigned n_closed, n_set;
static char sent[1024]; /* frame by frame; + stands for one that others follow */
static int send_error;  /* of another kind than that nobody is there */

static void *make(void *context, int type)
{
    assert_ptr_equal(context, tap_played_context->handle);
    assert_int_equal(type, ZMQ_PAIR);
    errno = EMFILE;
    return socket_fails ? NULL : TARGET;
}

static int set(void *handle, int option, const void *value, size_t size)
{
    int zero = -1;
    assert_ptr_equal(handle, TARGET);
    assert_int_equal(size, sizeof(zero));
    memcpy(&zero, value, size);
    assert_int_equal(zero, 0);
    assert_true(option == ZMQ_LINGER || option == ZMQ_SNDHWM);
    n_set += option == ZMQ_LINGER ? 1 : 10;
    return 0;
}

static int bind_it(void *handle, const char *address)
{
    assert_ptr_equal(handle, TARGET);
    assert_string_equal(address, "inproc://m");
    errno = EADDRINUSE;
    return bind_fails ? -1 : 0;
}

static int close_it(void *handle)
{
    assert_ptr_equal(handle, TARGET);
    n_closed++;
    errno = EIO;
    return 0;
}

static int send_it(void *handle, const void *bytes, size_t size, int flags)
{
    assert_ptr_equal(handle, TARGET);
    assert_true(flags & ZMQ_DONTWAIT);
    if (!is_connected || send_error) {
        errno = send_error ? send_error : EAGAIN;
        return -1;
    }
    for (size_t i = 0; i < size; i++) {
        char c = ((const char *)bytes)[i];
        const char text[] = {c ? c : '0', '\0'};
        strcat(sent, text);
    }
    strcat(sent, flags & ZMQ_SNDMORE ? "+" : ".");
    return (int)size;
}

static int ask(void *handle, int option, void *value, size_t *size)
{
    assert_ptr_equal(handle, TARGET);
    assert_int_equal(option, ZMQ_EVENTS);
    assert_int_equal(*size, sizeof(int));
    (void)value;
    return asking_fails ? -1 : 0;
}

static int set_up(void **state)
{
    (void)state;
    tap_played_begin();
    tap_played.socket = make;
    tap_played.setsockopt = set;
    tap_played.getsockopt = ask;
    tap_played.bind = bind_it;
    tap_played.close = close_it;
    tap_played.send = send_it;
    is_connected = true;
    bind_fails = socket_fails = asking_fails = false;
    n_closed = n_set = 0;
    send_error = 0;
    sent[0] = '\0';
    hub_n_forwarders = 0;
    forwarder = (struct hub_forwarder){.socket = NULL};
    return hub_forwarder_open(&forwarder, tap_played_context, &request);
}

static int tear_down(void **state)
{
    (void)state;
    hub_forwarder_close(&forwarder);
    assert_int_equal(hub_n_forwarders, 0);
    tap_played_end();
    return 0;
}

#define ASSERT_SENT(expected)                                                                      \
    do {                                                                                           \
        assert_string_equal(sent, expected);                                                       \
        sent[0] = '\0';                                                                            \
    } while (0)

/* An event of three frames, of which the first is the tap's. */
static void send_event(const char *second, const char *third)
{
    struct hub_frames event = {.library = &tap_played, .n = 3};
    tap_played_message(&event.frames[0], "id", 2, true);
    tap_played_message(&event.frames[1], second, strlen(second), true);
    tap_played_message(&event.frames[2], third, strlen(third), false);
    hub_forwarder_send(&forwarder, &event);
    for (size_t i = 0; i < 3; i++)
        tap_played_close(&event.frames[i]);
}

static void open__socket__has_no_limit_and_no_linger(void **state)
{
    (void)state;
    assert_ptr_equal(forwarder.socket, TARGET);
    assert_int_equal(n_set, 11);
    assert_int_equal(forwarder.mask, 0xffff);
    assert_int_equal(hub_n_forwarders, 1);
}

static void open__fails__is_told_as_libzmq_does(void **state)
{
    (void)state;
    struct hub_forwarder other = {.socket = NULL};
    socket_fails = true;
    assert_int_equal(hub_forwarder_open(&other, tap_played_context, &request), -1);
    assert_int_equal(errno, EMFILE);
    assert_int_equal(n_closed, 0);
    socket_fails = false;
    bind_fails = true;
    assert_int_equal(hub_forwarder_open(&other, tap_played_context, &request), -1);
    assert_int_equal(errno, EADDRINUSE);
    assert_int_equal(n_closed, 1);
    assert_null(other.socket);
    assert_int_equal(hub_n_forwarders, 1);
}

static void send__consumer_is_there__has_all_but_the_id(void **state)
{
    (void)state;
    send_event("a", "b");
    ASSERT_SENT("a+b.");
    assert_int_equal(forwarder.n_parcels, 0);
}

static void send__consumer_comes_later__has_all_in_their_order(void **state)
{
    (void)state;
    is_connected = false;
    send_event("a", "b");
    send_event("c", "");
    ASSERT_SENT("");
    assert_int_equal(forwarder.n_parcels, 4);
    hub_forwarder_flush(&forwarder);
    assert_int_equal(forwarder.n_parcels, 4);
    is_connected = asking_fails = true; /* the context has ended */
    hub_forwarder_flush(&forwarder);
    assert_int_equal(forwarder.n_parcels, 4);
    asking_fails = false;
    send_event("e", "f");
    ASSERT_SENT("a+b.c+.e+f.");
    assert_int_equal(forwarder.n_parcels, 0);
    assert_null(forwarder.first);
    assert_null(forwarder.last);
    is_connected = false;
    send_event("g", "h");
    is_connected = true;
    hub_forwarder_flush(&forwarder);
    ASSERT_SENT("g+h.");
}

static void send__another_error__is_lost_and_not_kept(void **state)
{
    (void)state;
    send_error = ETERM;
    send_event("a", "b");
    assert_int_equal(forwarder.n_parcels, 0);
    send_error = 0;
    is_connected = false;
    send_event("c", "d");
    is_connected = true;
    send_error = ETERM;
    hub_forwarder_flush(&forwarder);
    assert_int_equal(forwarder.n_parcels, 0);
}

static void send__too_many_wait__are_lost(void **state)
{
    (void)state;
    is_connected = false;
    send_event("a", "b");
    forwarder.n_parcels = 1000000;
    send_event("c", "d");
    assert_int_equal(forwarder.n_parcels, 1000002);
    send_event("e", "f");
    assert_int_equal(forwarder.n_parcels, 1000002);
    is_connected = true;
    hub_forwarder_flush(&forwarder);
    ASSERT_SENT("a+b.c+d.");
}

static void stop__wanted__is_the_last_event(void **state)
{
    (void)state;
    hub_forwarder_stop(&forwarder, 1);
    char kind[] = {(char)(ZMQ_EVENT_MONITOR_STOPPED & 0xff), ZMQ_EVENT_MONITOR_STOPPED >> 8};
    assert_int_equal(kind[0], 0);
    assert_int_equal(strlen(sent), 8);
    assert_memory_equal(sent,
                        "0\x04"
                        "0000+.",
                        8);
    sent[0] = '\0';
    assert_int_equal(n_closed, 1);
    assert_null(forwarder.socket);
    assert_int_equal(hub_n_forwarders, 0);
    hub_forwarder_close(&forwarder);
    assert_int_equal(n_closed, 1);
    assert_int_equal(hub_forwarder_open(&forwarder, tap_played_context, &request), 0);
    hub_forwarder_stop(&forwarder, 2);
    ASSERT_SENT("0\x04"
                "000000+\x01"
                "0000000+00000000++.");
    assert_int_equal(n_closed, 2);
}

static void stop__not_wanted_or_nobody_there__is_closed(void **state)
{
    (void)state;
    forwarder.mask = ZMQ_EVENT_MONITOR_STOPPED - 1;
    hub_forwarder_stop(&forwarder, 1);
    ASSERT_SENT("");
    assert_int_equal(n_closed, 1);
    assert_int_equal(hub_forwarder_open(&forwarder, tap_played_context, &request), 0);
    is_connected = false;
    send_event("a", "b");
    is_connected = true;
    hub_forwarder_stop(&forwarder, 1);
    ASSERT_SENT("a+b.0\x04"
                "0000+.");
    assert_int_equal(hub_forwarder_open(&forwarder, tap_played_context, &request), 0);
    is_connected = false;
    send_event("a", "b");
    hub_forwarder_stop(&forwarder, 1);
    assert_null(forwarder.first);
    assert_int_equal(n_closed, 3);
    assert_int_equal(forwarder.n_parcels, 0);
}

static void forget__in_a_child__leaves_the_socket(void **state)
{
    (void)state;
    is_connected = false;
    send_event("a", "b");
    hub_forwarder_forget(&forwarder);
    assert_null(forwarder.first);
    assert_null(forwarder.socket);
    assert_int_equal(n_closed, 0);
    hub_n_forwarders = 0;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(open__socket__has_no_limit_and_no_linger),
        CASE(open__fails__is_told_as_libzmq_does),
        CASE(send__consumer_is_there__has_all_but_the_id),
        CASE(send__consumer_comes_later__has_all_in_their_order),
        CASE(send__another_error__is_lost_and_not_kept),
        CASE(send__too_many_wait__are_lost),
        CASE(stop__wanted__is_the_last_event),
        CASE(stop__not_wanted_or_nobody_there__is_closed),
        CASE(forget__in_a_child__leaves_the_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
