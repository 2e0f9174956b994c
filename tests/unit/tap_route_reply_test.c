/* SPDX-License-Identifier: MPL-2.0 */
/* What a REP loses, and which sockets are watched. */
#include "tap/counting/route.h"

#include "tap/counting/message.h"

#include "support/cmocka.h"
#include "support/tap_routed.h"

/*
 * A REP: its peer is set by the request.
 */
static void receive_from(size_t i)
{
    routed.is_within = true;
    routed.object.current_out = routed.is_there[i] ? (uintptr_t)&routed.pipes[i] : 0;
}

static void rep__requester_is_there__reply_arrives(void **state)
{
    (void)state;
    receive_from(0);
    routed_send("xx", 0);
    receive_from(1);
    routed_send("x", ZMQ_SNDMORE);
    routed_send("yyy", 0);
    assert_string_equal(routed.delivered[0], "xx.");
    assert_string_equal(routed.delivered[1], "x,yyy.");
    routed_expect_counted(2, 6);
    routed_expect_dropped(0, 0);
}

static void rep__requester_is_gone__reply_is_unroutable(void **state)
{
    (void)state;
    routed.is_there[0] = false;
    receive_from(0);
    routed_send("xx", ZMQ_SNDMORE);
    routed_expect_dropped(1, 0);
    routed_send("x", ZMQ_SNDMORE);
    routed_send("x", 0);
    routed_expect_dropped(1, 0);
    routed_expect_counted(1, 4);
    receive_from(0);
    routed.fails_with = ETERM;
    assert_int_equal(routed_send_frame("x", 0), -1);
    routed_expect_dropped(1, 0);
    routed.fails_with = 0;
    routed_send("x", 0);
    routed_expect_dropped(2, 0);
    receive_from(0);
    routed_send("", 0);
    routed_expect_dropped(3, 0);
    receive_from(1);
    routed_send("y", 0);
    assert_string_equal(routed.delivered[1], "y.");
    routed_expect_dropped(3, 0);
    assert_int_equal(routed.n_set, 0); /* a REP would abort */
}

static void rep__some_queue_is_full__reply_is_dropped_for_the_mark(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < ROUTED_N_PEERS; i++) {
        routed.is_there[0] = false;
        receive_from(0);
        routed.pipes[i].is_writable = 0;
        routed_send("x", 0);
        routed_expect_dropped(i, i + 1);
        routed.pipes[i].state = ROUTED_ENDED; /* then it tells nothing */
        receive_from(0);
        routed_send("x", 0);
        routed_expect_dropped(i + 1, i + 1);
        routed.pipes[i] = (struct routed_pipe){.is_writable = 1};
    }
    routed.pipes[2].is_writable = 0;
    routed.object.end = routed.vector + 2;
    receive_from(0);
    routed_send("x", 0);
    routed_expect_dropped(ROUTED_N_PEERS + 1, ROUTED_N_PEERS);
}

static void make_room(void)
{
    routed.pipes[1].is_writable = 1;
}

static void rep__room_comes_in_the_call__was_full(void **state)
{
    (void)state;
    routed.is_there[0] = false;
    receive_from(0);
    routed.pipes[1].is_writable = 0;
    routed.meanwhile = make_room;
    routed_send("x", 0);
    routed_expect_dropped(0, 1);
}

static void rep__requester_goes__reply_is_unroutable(void **state)
{
    (void)state;
    receive_from(0);
    routed_send("x", ZMQ_SNDMORE);
    routed_go();
    routed_send("x", 0);
    routed_expect_dropped(1, 0);
    routed.pipes[0] = (struct routed_pipe){.is_writable = 1};
    receive_from(0);
    routed.meanwhile = routed_go;
    routed_send("x", 0);
    routed_expect_dropped(2, 0);
    routed_expect_counted(2, 3);
}

/*
 * Others
 */
static void opened__of_another_type_or_not_known__is_not_watched(void **state)
{
    (void)state;
    routed_close();
    routed_open(ZMQ_DEALER);
    assert_ptr_equal(routed.socket->slot->send_hook, message_send);
    routed_option_set(ZMQ_ROUTER_MANDATORY, 0, sizeof(int));
    assert_ptr_equal(routed.socket->slot->send_hook, message_send);
    routed_close();
    routed.learned.routes.is_known = false;
    for (size_t i = 0; i < 2; i++) {
        routed_open(i == 0 ? ZMQ_ROUTER : ZMQ_REP);
        assert_ptr_equal(routed.socket->slot->send_hook, message_send);
        assert_ptr_equal(routed.socket->slot->msg_send_hook, message_msg_send);
        routed_close();
    }
}

static void reset__entry_is_used_again__options_are_forgotten(void **state)
{
    (void)state;
    routed_option_set(ZMQ_ROUTER_RAW, 1, sizeof(int));
    routed_close();
    routed_open(ZMQ_ROUTER);
    routed_send_parts("nobody", "x", NULL);
    routed_expect_dropped(1, 0);
    routed_close();
    routed.learned.routes.is_known = false;
    routed_open(ZMQ_ROUTER);
    routed_option_set(ZMQ_ROUTER_RAW, 0, sizeof(int));
    assert_ptr_equal(routed.socket->slot->send_hook, message_send);
}

static void library__not_understood__capability_says_why(void **state)
{
    (void)state;
    const struct segment_capability *shown =
        &tap_played_table->header->capabilities[SEGMENT_CAPABILITY_ROUTER_DROPS];
    route_add_library(&tap_played);
    assert_int_equal(shown->state, SEGMENT_CAPABILITY_ON);
    strcpy(routed.learned.routes.reason, "of the test");
    routed.learned.routes.is_known = false;
    route_add_library(&tap_played);
    assert_int_equal(shown->state, SEGMENT_CAPABILITY_OFF);
    assert_string_equal(shown->reason, "of the test");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REP(rep__requester_is_there__reply_arrives),
        REP(rep__requester_is_gone__reply_is_unroutable),
        REP(rep__some_queue_is_full__reply_is_dropped_for_the_mark),
        REP(rep__room_comes_in_the_call__was_full),
        REP(rep__requester_goes__reply_is_unroutable),
        ROUTER(opened__of_another_type_or_not_known__is_not_watched),
        ROUTER(reset__entry_is_used_again__options_are_forgotten),
        ROUTER(library__not_understood__capability_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
