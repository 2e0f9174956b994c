/* SPDX-License-Identifier: MPL-2.0 */
/* Monitors of a libzmq that calls itself: what is asked of it for a socket, and in which order. */
#include "tap/events/hub.h"

#include "support/cmocka.h"
#include "support/tap_hubbed.h"

#include <limits.h>
#include <string.h>
#include <zmq.h>

/*
 * A socket is made
 */
static void attach__first_of_a_context__has_a_consumer_made(void **state)
{
    (void)state;
    hub_entries[hubbed.a->index] = (struct hub_entry){.version = 7, .is_closing = true};
    assert_true(hubbed_attach(hubbed.a));
    HUBBED_ASSERT_SAID("make 6 mark 0 linger 0 monitor owna ffff id a connect owna note a");
    assert_false(hub_entries[hubbed.a->index].is_closing);
    assert_int_equal(hub_entries[hubbed.a->index].version, 1);
    assert_int_equal(hub_entries[hubbed.a->index].ticket, hubbed.ticket);
    assert_ptr_equal(hubbed_hub()->context, tap_played_context);
    assert_true(hub_has_any);
    assert_true(hubbed_attach(hubbed.b));
    HUBBED_ASSERT_SAID("monitor ownb ffff id b connect ownb note b");
    assert_int_equal(hubbed_hub()->n_attached, 2);
    assert_int_not_equal(hub_entries[hubbed.a->index].ticket, hub_entries[hubbed.b->index].ticket);
}

static void attach__something_fails__goes_without(void **state)
{
    (void)state;
    static const char *const fails[][2] = {
        {"descriptor", ""},
        {"make", "make 6"},
        {"mark", "make 6 mark 0 close"},
        {"linger", "make 6 mark 0 linger 0 close"},
        {"monitor own", "make 6 mark 0 linger 0 monitor owna ffff"},
        {"id", "monitor owna ffff id a monitor none 0"},
        {"connect", "monitor owna ffff id a connect owna monitor none 0"},
    };
    for (size_t i = 0; i < sizeof(fails) / sizeof(*fails); i++) {
        hubbed.failing = fails[i][0];
        assert_false(hubbed_attach(hubbed.a));
        HUBBED_ASSERT_SAID(fails[i][1]);
        assert_int_equal(hub_entries[hubbed.a->index].ticket, 0);
        assert_int_equal(hubbed_hub()->n_attached, 0);
        assert_int_equal(hub_has_any, i >= 4);
    }
}

static void attach__no_thread_or_context_is_over__goes_without(void **state)
{
    (void)state;
    hubbed.is_running = false;
    assert_false(hubbed_attach(hubbed.a));
    hubbed.is_running = true;
    hub_end_context(tap_played_context);
    assert_false(hubbed_attach(hubbed.a));
    HUBBED_ASSERT_SAID("");
    hub_begin_context(tap_played_context);
    assert_true(hubbed_attach(hubbed.a));
}

static void attach__descriptors__half_are_the_program_s(void **state)
{
    (void)state;
    hubbed.fd_now = 10;
    assert_false(hubbed_attach(hubbed.a));
    HUBBED_ASSERT_SAID("");
    hubbed.limit.rlim_cur = 22;
    hub_start();
    assert_true(hubbed_attach(hubbed.a));
    hubbed.fd_now = INT_MAX - 1;
    hubbed.limit.rlim_cur = RLIM_INFINITY;
    hub_start();
    assert_true(hubbed_attach(hubbed.b));
    hubbed.limit.rlim_cur = 2;
    hub_start();
    assert_false(hubbed_attach(hubbed.b));
    hubbed.limit_fails = -1;
    hub_start();
    assert_true(hubbed_attach(hubbed.b));
}

/*
 * A socket is closed
 */
static void close__without_a_monitor__is_free_at_once(void **state)
{
    (void)state;
    hub_close_socket(hubbed.a);
    assert_false(hubbed.a->is_used);
    assert_int_equal(hubbed_hub()->n_closing, 0);
}

static void close__with_a_monitor__is_free_after_the_last_event(void **state)
{
    (void)state;
    hubbed_attach_both();
    assert_int_equal(hubbed_request(hubbed.a, "inproc://m", 1, 1), 0);
    hub_close_socket(hubbed.a);
    assert_true(hubbed.a->is_used);
    assert_null(hubbed.a->slot);
    assert_true(hub_entries[hubbed.a->index].is_closing);
    assert_int_equal(hubbed_hub()->n_closing, 1);
    HUBBED_ASSERT_SAID("open inproc://m 1 1 0");
    hubbed_finish(hubbed.a);
    hubbed_finish(hubbed.b);
    HUBBED_ASSERT_SAID("end");
    assert_false(hubbed.a->is_used);
    assert_true(hubbed.b->is_used);
    assert_int_equal(hub_entries[hubbed.a->index].ticket, 0);
    assert_false(hub_entries[hubbed.a->index].is_closing);
    assert_int_equal(hubbed_hub()->n_closing, 0);
    assert_int_equal(hubbed_hub()->n_attached, 0);
    hubbed_finish(hubbed.b);
    assert_int_equal(hubbed_hub()->n_attached, 0);
}

/*
 * The program's monitor
 */
static void request__no_monitor_of_ours__is_libzmq_s(void **state)
{
    (void)state;
    assert_int_equal(hubbed_request(hubbed.a, "inproc://m", 0x12, 1), 0);
    assert_int_equal(hubbed_request(hubbed.a, "inproc://m", UINT64_C(0x1200000000), 2), 0);
    assert_int_equal(hubbed_request(hubbed.a, NULL, 0, 1), 0);
    HUBBED_ASSERT_SAID("monitor inproc://m 12 versioned inproc://m 1200000000 2 0 monitor none 0");
    hubbed.failing = "monitor";
    assert_int_equal(hubbed_request(hubbed.a, "inproc://m", 0x12, 1), -1);
    assert_int_equal(errno, EPROTO);
}

static void request__libzmq_refuses_at_once__is_left_to_it(void **state)
{
    (void)state;
    static const char *const addresses[] = {"tcp://m", "inproc://", "inproc:/m", ""};
    hubbed_attach_both();
    hubbed.failing = "monitor";
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(hubbed_request(hubbed.a, addresses[i], 1, 1), -1);
        assert_true(strncmp(hubbed.said, "monitor", 7) == 0);
        hubbed.said[0] = '\0';
    }
    tap_played.version_number = 40302;
    assert_int_equal(hubbed_request(hubbed.a, "inproc://m", 0x10000, 1), -1);
    HUBBED_ASSERT_SAID("monitor inproc://m 10000");
    assert_int_equal(hubbed_request(hubbed.a, "inproc://m", 0xffff, 1), 0);
    HUBBED_ASSERT_SAID("open inproc://m ffff 1 0");
    hubbed.failing = NULL;
    assert_int_equal(hubbed_request(hubbed.a, "inproc://n", 0x10000, 2), 0);
    HUBBED_ASSERT_SAID(
        "stop 1 versioned owna 1ffff 2 0 id a connect owna note a open inproc://n 10000 2 0");
    tap_played.version_number = 40301;
    assert_int_equal(hubbed_request(hubbed.b, "inproc://m", 0x10000, 1), 0);
    HUBBED_ASSERT_SAID("monitor ownb ffff id b connect ownb note b open inproc://m 10000 1 0");
}

static void request__served__earlier_events_and_monitor_end(void **state)
{
    (void)state;
    hubbed_attach_both();
    hubbed.n_unread = 3;
    assert_int_equal(hubbed_request(hubbed.a, "inproc://m", 1, 1), 0);
    HUBBED_ASSERT_SAID("read open inproc://m 1 1 0");
    assert_true(hub_is_urgent());
    hubbed.n_unread = 2;
    assert_int_equal(hubbed_request(hubbed.a, "inproc://n", 2, 1), 0);
    HUBBED_ASSERT_SAID("read stop 1 open inproc://n 2 1 0");
    assert_int_equal(hubbed_request(hubbed.a, NULL, 0, 1), 0);
    HUBBED_ASSERT_SAID("stop 1");
    assert_false(hub_is_urgent());
    assert_int_equal(hubbed_request(hubbed.a, NULL, 0, 1), 0);
    HUBBED_ASSERT_SAID("");
    hubbed.failing = "open";
    assert_int_equal(hubbed_request(hubbed.a, "inproc://n", 2, 1), -1);
    assert_int_equal(errno, EPROTO);
}

static void request__another_version__monitor_is_made_anew(void **state)
{
    (void)state;
    hubbed_attach_both();
    uint32_t ticket = hub_entries[hubbed.a->index].ticket;
    assert_int_equal(hubbed_request(hubbed.a, "inproc://m", 4, 2), 0);
    HUBBED_ASSERT_SAID("versioned owna ffff 2 0 id a connect owna note a open inproc://m 4 2 0");
    assert_int_not_equal(hub_entries[hubbed.a->index].ticket, ticket);
    assert_int_equal(hub_entries[hubbed.a->index].version, 2);
    assert_int_equal(hubbed_hub()->n_attached, 2);
    assert_int_equal(hubbed_request(hubbed.a, "inproc://m", 4, 2), 0);
    HUBBED_ASSERT_SAID("stop 2 open inproc://m 4 2 0");
    assert_int_equal(hubbed_request(hubbed.a, "inproc://m", 4, 1), 0);
    HUBBED_ASSERT_SAID("stop 2 monitor owna ffff id a connect owna note a open inproc://m 4 1 0");
    assert_int_equal(hubbed_request(hubbed.a, "inproc://m", 0x30000, 3),
                     0); /* no event is ever of it */
    HUBBED_ASSERT_SAID("stop 1 open inproc://m 0 1 0");
    hubbed.failing = "versioned";
    assert_int_equal(hubbed_request(hubbed.a, "inproc://m", 4, 2), -1);
    assert_int_equal(errno, EPROTO);
    HUBBED_ASSERT_SAID("stop 1 versioned owna ffff 2 0");
    assert_int_equal(hub_entries[hubbed.a->index].ticket, 0);
    assert_int_equal(hubbed_hub()->n_attached, 1);
}

static void request__type__is_one_that_libzmq_has(void **state)
{
    (void)state;
    hubbed_attach_both();
    struct monitor_request wanted = {.address = "inproc://m", .version = 2, .is_versioned = true};
    for (wanted.type = ZMQ_PAIR; wanted.type < ZMQ_STREAM + 10; wanted.type++) {
        int type = wanted.type;
        bool is_known = type == ZMQ_PAIR || type == ZMQ_PUB || type == ZMQ_PUSH;
        errno = 0;
        assert_int_equal(hub_request(hubbed.a, &wanted), is_known ? 0 : -1);
        assert_true(is_known || errno == EINVAL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUBBED_CASE(attach__first_of_a_context__has_a_consumer_made),
        HUBBED_CASE(attach__something_fails__goes_without),
        HUBBED_CASE(attach__no_thread_or_context_is_over__goes_without),
        HUBBED_CASE(attach__descriptors__half_are_the_program_s),
        HUBBED_CASE(close__without_a_monitor__is_free_at_once),
        HUBBED_CASE(close__with_a_monitor__is_free_after_the_last_event),
        HUBBED_CASE(request__no_monitor_of_ours__is_libzmq_s),
        HUBBED_CASE(request__libzmq_refuses_at_once__is_left_to_it),
        HUBBED_CASE(request__served__earlier_events_and_monitor_end),
        HUBBED_CASE(request__another_version__monitor_is_made_anew),
        HUBBED_CASE(request__type__is_one_that_libzmq_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
