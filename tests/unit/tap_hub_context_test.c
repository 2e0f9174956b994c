/* SPDX-License-Identifier: MPL-2.0 */
/* What the tap has in a context for its monitors: when it is read, given back and ended. */
#include "tap/events/hub.h"

#include "support/cmocka.h"
#include "support/tap_hubbed.h"

#include <limits.h>
#include <string.h>
#include <zmq.h>

/*
 * Descriptors run out
 */
static void shed__the_program_wants_none__all_is_given_back(void **state)
{
    (void)state;
    hubbed_attach_both();
    hubbed.n_unread = 2;
    errno = 42;
    assert_true(hub_shed());
    assert_int_equal(errno, 42);
    HUBBED_ASSERT_SAID("monitor none 0 monitor none 0 read close");
    assert_null(hubbed_hub()->consumer);
    assert_int_equal(hub_entries[hubbed.a->index].ticket, 0);
    assert_false(hubbed_attach(hubbed.a));
    hub_begin_context(tap_played_context);
    assert_false(hubbed_attach(hubbed.a)); /* nor in another context */
    assert_false(hub_shed());
    HUBBED_ASSERT_SAID("");
    hub_forked();
    assert_true(hubbed_attach(hubbed.a));
}

static void shed__a_monitor_is_wanted_or_its_socket_closing__consumer_stays(void **state)
{
    (void)state;
    hubbed_attach_both();
    assert_int_equal(hubbed_request(hubbed.a, "inproc://m", 4, 1), 0);
    hub_close_socket(hubbed.b);
    hubbed.said[0] = '\0';
    assert_false(hub_shed());
    HUBBED_ASSERT_SAID("");
    assert_ptr_equal(hubbed_hub()->consumer, HUBBED_CONSUMER);
    assert_int_equal(hubbed_request(hubbed.a, NULL, 0, 1), 0);
    hubbed.said[0] = '\0';
    assert_true(hub_shed());
    HUBBED_ASSERT_SAID("monitor none 0");
    assert_int_equal(hubbed_hub()->n_attached, 1);
    hubbed_finish(hubbed.b);
    assert_true(hub_shed());
    HUBBED_ASSERT_SAID("close");
}

/*
 * Contexts
 */
static void end_context__its_sockets_alone__are_finished(void **state)
{
    (void)state;
    struct registry_context *other = registry_add_context(&hubbed.said, &tap_played);
    hubbed_attach_both();
    hub_close_socket(hubbed.b);
    struct registry_socket *elsewhere = registry_open_socket(other, &hubbed.failing, ZMQ_PUB);
    hub_entries[elsewhere->index] = (struct hub_entry){.ticket = 77};
    errno = 42;
    hub_end_context(tap_played_context);
    assert_int_equal(errno, 42);
    HUBBED_ASSERT_SAID("close");
    assert_false(hubbed.b->is_used);
    assert_int_equal(hubbed_hub()->n_attached, 0);
    assert_int_equal(hub_entries[elsewhere->index].ticket, 77);
    assert_true(hubbed_hub()->is_over);
    hub_end_context(tap_played_context);
    HUBBED_ASSERT_SAID("");
    hub_end_context(other);
    assert_true(hub_of(other)->is_over);
    registry_remove_context(other);
}

static void end_context__an_entry_is_free__it_is_not_touched(void **state)
{
    (void)state;
    hubbed_attach_both();
    hub_close_socket(hubbed.b);
    hubbed_finish(hubbed.b);
    hub_entries[hubbed.b->index].ticket = 9;
    hub_end_context(tap_played_context);
    assert_int_equal(hub_entries[hubbed.b->index].ticket, 9);
}

static void close__of_a_hub_alone__no_socket_gets_a_monitor_any_more(void **state)
{
    (void)state;
    hubbed_attach_both();
    lock_acquire(&hub_lock);
    hub_close(hubbed_hub());
    hub_close(hubbed_hub());
    lock_release(&hub_lock);
    HUBBED_ASSERT_SAID("close");
    assert_false(hubbed_attach(hubbed.a));
    hubbed_hub()->n_attached = hubbed_hub()->n_closing = 7; /* of a context that was here */
    hub_begin_context(tap_played_context);
    assert_int_equal(hubbed_hub()->n_attached, 0);
    assert_int_equal(hubbed_hub()->n_closing, 0);
    assert_true(hubbed_attach(hubbed.a));
}

static void drain__a_context__is_read_and_flushed(void **state)
{
    (void)state;
    hubbed_attach_both();
    assert_int_equal(hubbed_request(hubbed.a, "inproc://m", 4, 1), 0);
    hubbed.said[0] = '\0';
    struct hub_parcel parcel = {.size = 0};
    hub_entries[hubbed.a->index].forwarder.first = &parcel;
    hubbed.n_unread = 3;
    errno = 42;
    hub_drain_context(tap_played_context);
    assert_int_equal(errno, 42);
    HUBBED_ASSERT_SAID("read flush a");
    hubbed.n_unread = 3;
    hub_drain_all();
    HUBBED_ASSERT_SAID("read");
    hub_entries[hubbed.a->index].forwarder.first = &parcel;
    hub_n_forwarders = 0; /* then none is looked at */
    hub_drain_all();
    HUBBED_ASSERT_SAID("");
    hub_n_forwarders = 1;
    hub_has_any = false;
    hubbed.n_unread = 1;
    hub_drain_all();
    HUBBED_ASSERT_SAID("");
    hub_has_any = true;
    hub_drain_all();
    HUBBED_ASSERT_SAID("read flush a");
    hub_entries[hubbed.b->index].forwarder.first = &parcel;
    hub_drain_all();
    HUBBED_ASSERT_SAID("flush b");
    hubbed_hub()->consumer = NULL;
    hubbed.n_unread = 1;
    hub_drain_all();
    HUBBED_ASSERT_SAID("");
}

static void wait__for_closed_sockets__until_their_last_event(void **state)
{
    (void)state;
    assert_int_equal(hub_wait_for_closed(tap_played_context), 0);
    assert_int_equal(hubbed.n_slept, 0);
    hubbed_attach_both();
    assert_int_equal(hub_wait_for_closed(tap_played_context), 0);
    assert_int_equal(hubbed.n_slept, 0);
    hub_close_socket(hubbed.a);
    hubbed.n_slept_until_closed = 3;
    hubbed.n_unread = 4;
    assert_int_equal(hub_wait_for_closed(tap_played_context), 0);
    assert_int_equal(hubbed.n_slept, 3);
    HUBBED_ASSERT_SAID("read");
    hubbed_hub()->n_closing = 1;
    hubbed.n_slept = 0;
    hubbed.n_slept_until_closed = 0;
    hubbed.is_interrupted = true;
    assert_int_equal(hub_wait_for_closed(tap_played_context), -1);
    assert_int_equal(errno, EINTR);
    assert_int_equal(hubbed.n_slept, 1);
    hubbed.is_interrupted = false;
    hubbed.n_slept = 0;
    assert_int_equal(hub_wait_for_closed(tap_played_context), 0);
    assert_int_equal(hubbed.n_slept, 2000); /* two seconds */
    hubbed_hub()->consumer = NULL;
    assert_int_equal(hub_wait_for_closed(tap_played_context), 0);
    assert_int_equal(hubbed.n_slept, 2000);
}

static void forked__in_the_child__nothing_is_known(void **state)
{
    (void)state;
    hubbed_attach_both();
    assert_int_equal(hubbed_request(hubbed.a, "inproc://m", 4, 1), 0);
    hub_entries[hubbed.b->index].ticket = 0;
    hub_entries[hubbed.b->index].forwarder.socket = HUBBED_FORWARDER; /* alone, too */
    hub_entries[hubbed.b->index].version = 2;
    hub_n_forwarders = 7;
    lock_acquire(&hub_lock);
    hub_forked();
    tap_played_lock_depth = 0;
    assert_int_equal(hub_lock.depth, 0);
    assert_false(hub_has_any);
    assert_null(hubbed_hub()->consumer);
    assert_int_equal(hub_entries[hubbed.a->index].ticket, 0);
    assert_null(hub_entries[hubbed.a->index].forwarder.socket);
    assert_null(hub_entries[hubbed.b->index].forwarder.socket);
    assert_int_equal(hub_entries[hubbed.b->index].version, 0);
    assert_int_equal(hub_n_forwarders, 0);
    assert_int_equal(hub_entries[hubbed.a->index].version, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUBBED_CASE(shed__the_program_wants_none__all_is_given_back),
        HUBBED_CASE(shed__a_monitor_is_wanted_or_its_socket_closing__consumer_stays),
        HUBBED_CASE(end_context__its_sockets_alone__are_finished),
        HUBBED_CASE(end_context__an_entry_is_free__it_is_not_touched),
        HUBBED_CASE(close__of_a_hub_alone__no_socket_gets_a_monitor_any_more),
        HUBBED_CASE(drain__a_context__is_read_and_flushed),
        HUBBED_CASE(wait__for_closed_sockets__until_their_last_event),
        HUBBED_CASE(forked__in_the_child__nothing_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
