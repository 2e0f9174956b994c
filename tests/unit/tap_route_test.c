/* SPDX-License-Identifier: MPL-2.0 */
/* What a ROUTER loses. Each case is sent as bytes and as messages. */
#include "tap/counting/route.h"

#include "support/cmocka.h"
#include "support/tap_routed.h"

/*
 * A ROUTER
 */
static void router__peer_is_there__its_messages_arrive(void **state)
{
    (void)state;
    routed_send_parts("a", "x", NULL);
    routed_expect_counted(1, 2);
    routed_send_parts("bb", "xyz", "zz");
    routed_send_parts("a", "more", NULL);
    assert_string_equal(routed.delivered[0], "x.more.");
    assert_string_equal(routed.delivered[1], "xyz,zz.");
    routed_expect_counted(3, 2 + 7 + 5);
    routed_expect_dropped(0, 0);
    assert_int_equal(routed.n_set, 0);
    assert_int_equal(TAP_PLAYED_WORD(routed.socket, LARGEST_SENT), 4);
    assert_int_equal(routed_n_api_errors(), 0);
}

static void router__peer_is_not_there__message_is_unroutable_and_swallowed(void **state)
{
    (void)state;
    routed_send_parts("who", "x", "yy");
    routed_expect_dropped(1, 0);
    routed_expect_counted(1, 6);
    assert_string_equal(routed.asked, "who");
    routed_send_parts("a", "x", NULL);
    routed_send_parts("nobody", "z", NULL);
    assert_string_equal(routed.delivered[0], "x.");
    assert_string_equal(routed.delivered[1], "");
    assert_string_equal(routed.asked, routed.is_large ? "whoanobody" : "whonobody");
    routed_expect_dropped(2, 0);
    routed_expect_counted(3, 6 + 2 + 7);
    routed_send_parts("b", "x", "y");
    assert_string_equal(routed.delivered[1], "x,y.");
    assert_string_equal(routed.ignored, "xyyz");
    routed_expect_dropped(2, 0);
    assert_false(routed.is_within);
}

static void router__peer_is_full__message_is_dropped_for_the_mark(void **state)
{
    (void)state;
    routed.pipes[1].is_writable = 0;
    routed_send_parts("b", "x", "yy");
    routed_expect_dropped(0, 1);
    routed_expect_counted(1, 4);
    routed.pipes[1].is_writable = 1;
    routed_send_parts("b", "z", NULL);
    assert_string_equal(routed.delivered[1], "z.");
    routed_expect_dropped(0, 1);
}

static void make_room(void)
{
    routed.pipes[1].is_writable = 1;
}

/* It has read routed.meanwhile. */
static int set_and_make_room(void *handle, int option, const void *value, size_t size)
{
    make_room();
    return routed_set_option(handle, option, value, size);
}

static void router__room_when_asked__message_arrives(void **state)
{
    (void)state;
    routed.pipes[1].is_writable = 0;
    tap_played.setsockopt = set_and_make_room;
    routed_send_parts("b", "x", "yy");
    assert_string_equal(routed.delivered[1], "x,yy.");
    routed_expect_dropped(0, 0);
    routed_expect_counted(1, 4);
    routed.pipes[1].is_writable = 0;
    routed_send_parts("b", "z", NULL);
    assert_string_equal(routed.delivered[1], "x,yy.z.");
    routed_expect_dropped(0, 0);
    assert_string_equal(routed.asked, "bb");
    assert_int_equal(routed.n_set, 4);
}

static void router__terminated__is_asked_nothing(void **state)
{
    (void)state;
    routed.is_terminated = true;
    if (routed.is_large) {
        assert_int_equal(routed_send_frame("none", ZMQ_SNDMORE), -1);
        assert_int_equal(errno, ETERM);
        return;
    }
    assert_int_equal(routed_send_frame("none", ZMQ_SNDMORE), 4);
    assert_int_equal(errno, 77);
    assert_int_equal(routed.n_set, 1);
    assert_string_equal(routed.asked, "");
    routed_expect_dropped(0, 0);
}

/* The end of the message that libzmq would drop is refused. */
static int refuse_empty(void *handle, const void *data, size_t size, int flags)
{
    if (size == 0) {
        assert_int_equal(flags, ZMQ_DONTWAIT);
        return routed_refuse(ETERM);
    }
    return routed_send_bytes(handle, data, size, flags);
}

static void router__end_is_refused__is_asked_nothing(void **state)
{
    (void)state;
    tap_played.send = refuse_empty;
    routed_send("none", ZMQ_SNDMORE);
    assert_int_equal(routed.n_set, 0);
    routed_expect_dropped(0, 0);
}

static void router__refused__is_as_libzmq_says(void **state)
{
    (void)state;
    const int frames[] = {0, ZMQ_SNDMORE, 0};
    for (size_t i = 0; i < 3; i++) {
        routed.fails_with = ENOTSUP;
        assert_int_equal(routed_send_frame("a", frames[i]), -1);
        assert_int_equal(errno, ENOTSUP);
        assert_int_equal(routed_n_api_errors(), i + 1);
        routed.fails_with = 0;
        if (i > 0)
            routed_send("a", frames[i]);
    }
    routed.fails_with = ENOTSUP;
    routed_send_frame("a", ZMQ_SNDMORE);
    routed.fails_with = 0;
    routed_send("a", ZMQ_SNDMORE);
    routed.fails_with = ENOTSUP;
    assert_int_equal(routed_send_frame("a", ZMQ_SNDMORE), -1);
    routed.fails_with = 0;
    routed_send("bc", ZMQ_SNDMORE);
    routed_send("c", 0);
    assert_string_equal(routed.delivered[0], "a.bc,c.");
    routed_expect_counted(2, 6);
    routed_expect_dropped(0, 0);
}

static void router__rest_of_a_lost_message_is_refused__is_still_lost(void **state)
{
    (void)state;
    const int frames[] = {ZMQ_SNDMORE, 0};
    routed_send("nobody", ZMQ_SNDMORE);
    for (size_t i = 0; i < 2; i++) {
        routed.fails_with = ETERM;
        assert_int_equal(routed_send_frame("x", frames[i]), -1);
        assert_int_equal(errno, ETERM);
        assert_int_equal(routed_n_api_errors(), i + 1);
        routed.fails_with = 0;
        routed_send("x", frames[i]);
    }
    assert_int_equal(TAP_PLAYED_WORD(routed.socket, LARGEST_SENT), 1);
    routed_expect_counted(1, 8);
    routed_expect_dropped(1, 0);
    assert_string_equal(routed.ignored, "xx");
    routed_send_parts("a", "x", NULL);
    assert_string_equal(routed.delivered[0], "x.");
    routed_expect_dropped(1, 0);
}

static void router__id_and_no_message__is_unroutable(void **state)
{
    (void)state;
    routed_send("a", 0);
    routed_expect_dropped(1, 0);
    routed_expect_counted(1, 1);
    routed.fails_with = ETERM;
    assert_int_equal(routed_send_frame("a", 0), -1);
    assert_int_equal(errno, ETERM);
    routed_expect_dropped(1, 0);
    routed.fails_with = 0;
    routed_send_parts("a", "x", NULL);
    assert_string_equal(routed.delivered[0], "x.");
}

/*
 * Its peer goes
 */
static void lose_rest(void (*how)(void), bool has_more)
{
    routed.pipes[0] = (struct routed_pipe){.is_writable = 1};
    routed_send("a", ZMQ_SNDMORE);
    routed_send("x", ZMQ_SNDMORE);
    how();
    if (has_more) {
        routed_send("yy", ZMQ_SNDMORE);
        routed.fails_with = ETERM;
        assert_int_equal(routed_send_frame("zz", 0), -1);
        routed.fails_with = 0;
    }
    routed_send("zz", 0);
    routed_send_parts("b", "x", NULL);
}

static void router__peer_goes_between_frames__rest_is_lost(void **state)
{
    (void)state;
    lose_rest(routed_go, false);
    routed_expect_dropped(1, 0);
    routed_expect_counted(2, 6);
    lose_rest(routed_go_and_forget, false);
    routed_expect_dropped(2, 0);
    routed_expect_counted(4, 12);
    lose_rest(routed_go, true);
    routed_expect_dropped(3, 0);
    routed_expect_counted(6, 20);
    lose_rest(routed_go_and_forget, true);
    routed_expect_dropped(4, 0);
    routed_expect_counted(8, 28);
    assert_string_equal(routed.delivered[1], "x.x.x.x.");
    assert_string_equal(routed.ignored, "");
}

static void router__peer_goes_in_the_call__message_is_lost(void **state)
{
    (void)state;
    routed_send("a", ZMQ_SNDMORE);
    routed.meanwhile = routed_go;
    routed_send("x", 0);
    routed_expect_dropped(1, 0);
    routed_expect_counted(1, 2);
    routed.pipes[0] = (struct routed_pipe){.is_writable = 1};
    routed_send("a", ZMQ_SNDMORE);
    routed.meanwhile = routed_go;
    routed_send("x", ZMQ_SNDMORE);
    routed_expect_dropped(2, 0);
    routed_send("x", ZMQ_SNDMORE);
    routed_send("x", 0);
    routed_expect_dropped(2, 0);
    routed_expect_counted(2, 6);
    routed_send_parts("b", "x", NULL);
    assert_string_equal(routed.delivered[1], "x.");
    routed_expect_dropped(2, 0);
}

static void router__peer_is_gone_and_refused__is_not_lost(void **state)
{
    (void)state;
    static void (*const ways[])(void) = {routed_go, routed_go_and_forget};
    for (size_t i = 0; i < 2; i++) {
        routed.pipes[0] = (struct routed_pipe){.is_writable = 1};
        routed_send("a", ZMQ_SNDMORE);
        ways[i]();
        routed.fails_with = ETERM;
        assert_int_equal(routed_send_frame("x", 0), -1);
        routed_expect_dropped(i, 0);
        routed.fails_with = 0;
        routed_send("x", 0);
        routed_expect_dropped(i + 1, 0);
    }
}

/*
 * What the program sets
 */
static void mandatory__set__is_told_itself(void **state)
{
    (void)state;
    routed_option_set(ZMQ_ROUTER_MANDATORY, 1, sizeof(int));
    routed.is_mandatory = true;
    assert_int_equal(routed_send_frame("nobody", ZMQ_SNDMORE), -1);
    assert_int_equal(errno, EHOSTUNREACH);
    routed_expect_dropped(0, 0);
    assert_int_equal(routed.n_set, 0);
    routed.is_mandatory = false;
    routed_option_set(ZMQ_ROUTER_MANDATORY, 0, sizeof(int));
    routed_send_parts("nobody", "x", NULL);
    routed_expect_dropped(1, 0);
}

static void mandatory__set_and_taken_back_in_a_message__it_goes_on(void **state)
{
    (void)state;
    routed_option_set(ZMQ_ROUTER_MANDATORY, 1, sizeof(int));
    routed.pipes[0].is_writable = 0;
    routed.is_mandatory = true;
    assert_int_equal(routed_send_frame("a", ZMQ_SNDMORE | ZMQ_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(TAP_PLAYED_WORD(routed.socket, SEND_WOULD_BLOCK), 1);
    routed.is_mandatory = false;
    routed.pipes[0].is_writable = 1;
    routed_send("a", ZMQ_SNDMORE);
    routed_option_set(ZMQ_ROUTER_MANDATORY, 0, sizeof(int));
    routed_send("x", 0);
    routed_send("a", ZMQ_SNDMORE);
    routed_option_set(ZMQ_ROUTER_MANDATORY, 1, sizeof(int));
    routed_send("y", 0);
    routed_option_set(ZMQ_ROUTER_MANDATORY, 0, sizeof(int));
    routed_send_parts("b", "z", NULL);
    assert_string_equal(routed.delivered[0], "x.y.");
    assert_string_equal(routed.delivered[1], "z.");
    routed_expect_counted(3, 6);
    routed_expect_dropped(0, 0);
}

static void empty__frames_and_ids__are_counted_as_others(void **state)
{
    (void)state;
    routed_send("", ZMQ_SNDMORE);
    routed_send("", ZMQ_SNDMORE);
    routed_send("", 0);
    routed_send_parts("b", "", NULL);
    assert_string_equal(routed.delivered[0], ",.");
    assert_string_equal(routed.delivered[1], ".");
    routed_expect_counted(2, 1);
    routed.pipes[0].is_writable = 0;
    routed_send_parts("", "", "");
    routed_expect_counted(3, 1);
    routed_expect_dropped(0, 1);
    routed.pipes[0].is_writable = 1;
    routed_send("", 0);
    routed_expect_dropped(1, 1);
    routed_send("", ZMQ_SNDMORE);
    routed_go();
    routed_send("", 0);
    routed_expect_dropped(2, 1);
    routed.pipes[0] = (struct routed_pipe){.is_writable = 1};
    routed_send("", ZMQ_SNDMORE);
    routed_go_and_forget();
    routed_send("", ZMQ_SNDMORE);
    routed_send("", 0);
    routed_expect_dropped(3, 1);
    routed_expect_counted(6, 1);
    routed_send_parts("b", "x", NULL);
    routed_expect_dropped(3, 1);
    assert_string_equal(routed.delivered[1], ".x.");
}

static int set_and_make_room_for_all(void *handle, int option, const void *value, size_t size)
{
    routed.pipes[0].is_writable = 1;
    return routed_set_option(handle, option, value, size);
}

static void empty__id_of_a_full_peer_that_has_room_when_asked__arrives(void **state)
{
    (void)state;
    routed.pipes[0].is_writable = 0;
    tap_played.setsockopt = set_and_make_room_for_all;
    routed_send_parts("", "x", NULL);
    assert_string_equal(routed.delivered[0], "x.");
    routed_expect_dropped(0, 0);
}

static void raw__set__is_left_alone(void **state)
{
    (void)state;
    routed_option_set(ZMQ_ROUTER_RAW, 1, sizeof(int));
    routed_send_parts("nobody", "x", NULL);
    routed_expect_dropped(0, 0);
    routed_option_set(ZMQ_ROUTER_RAW, 0, sizeof(int));
    routed_option_set(ZMQ_ROUTER_MANDATORY, 1, sizeof(int) + 1); /* which libzmq would not take */
    routed_option_set(ZMQ_ROUTER_RAW, 1, sizeof(int) - 1);
    routed_option_set(ZMQ_ROUTER_HANDOVER, 1, sizeof(int));
    routed_send_parts("nobody", "x", NULL);
    routed_expect_dropped(1, 0);
}

static void option__set_in_a_lost_message__holds_from_the_next(void **state)
{
    (void)state;
    routed_send("nobody", ZMQ_SNDMORE);
    routed_option_set(ZMQ_ROUTER_RAW, 1, sizeof(int));
    routed_send("x", 0);
    assert_string_equal(routed.ignored, "x");
    routed_send_parts("nobody", "x", NULL);
    routed_expect_dropped(1, 0);
    assert_string_equal(routed.asked, "nobody");
}

static void option__set_within_a_message__goes_on(void **state)
{
    (void)state;
    routed_send("a", ZMQ_SNDMORE);
    routed_option_set(ZMQ_ROUTER_MANDATORY, 0, sizeof(int));
    routed_send("b", 0);
    assert_string_equal(routed.delivered[0], "b.");
    routed_expect_counted(1, 2);
    routed_expect_dropped(0, 0);
    routed_option_set(ZMQ_ROUTER_MANDATORY, 0, sizeof(int));
    routed_send_parts("b", "x", NULL);
    assert_string_equal(routed.delivered[1], "x.");
}

static void large__peer_is_there__is_asked_first(void **state)
{
    (void)state;
    routed_send("aa", ZMQ_SNDMORE);
    assert_int_equal(routed.n_set, 2);
    routed_send("x", ZMQ_SNDMORE);
    routed_send("x", 0);
    assert_string_equal(routed.delivered[0], "x,x.");
    routed_expect_counted(1, 4);
    routed_expect_dropped(0, 0);
}

static void large__refused_for_another_reason__is_as_libzmq_says(void **state)
{
    (void)state;
    routed.fails_with = ENOTSUP;
    assert_int_equal(routed_send_frame("a", ZMQ_SNDMORE), -1);
    assert_int_equal(errno, ENOTSUP);
    assert_int_equal(routed_n_api_errors(), 1);
    routed_expect_counted(0, 0);
    routed_expect_dropped(0, 0);
    assert_false(routed.is_mandatory);
    routed.fails_with = 0;
    routed_send_parts("a", "x", NULL);
    assert_string_equal(routed.delivered[0], "x.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROUTER(router__peer_is_there__its_messages_arrive),
        ROUTER(router__peer_is_not_there__message_is_unroutable_and_swallowed),
        LARGE(router__peer_is_not_there__message_is_unroutable_and_swallowed),
        ROUTER(router__peer_is_full__message_is_dropped_for_the_mark),
        LARGE(router__peer_is_full__message_is_dropped_for_the_mark),
        ROUTER(router__room_when_asked__message_arrives),
        LARGE(router__room_when_asked__message_arrives),
        ROUTER(router__terminated__is_asked_nothing),
        LARGE(router__terminated__is_asked_nothing),
        ROUTER(router__end_is_refused__is_asked_nothing),
        ROUTER(router__refused__is_as_libzmq_says),
        ROUTER(router__rest_of_a_lost_message_is_refused__is_still_lost),
        LARGE(router__rest_of_a_lost_message_is_refused__is_still_lost),
        ROUTER(router__id_and_no_message__is_unroutable),
        LARGE(router__id_and_no_message__is_unroutable),
        ROUTER(router__peer_goes_between_frames__rest_is_lost),
        LARGE(router__peer_goes_between_frames__rest_is_lost),
        ROUTER(router__peer_goes_in_the_call__message_is_lost),
        ROUTER(router__peer_is_gone_and_refused__is_not_lost),
        ROUTER(mandatory__set__is_told_itself),
        ROUTER(mandatory__set_and_taken_back_in_a_message__it_goes_on),
        ROUTER(empty__frames_and_ids__are_counted_as_others),
        LARGE(empty__frames_and_ids__are_counted_as_others),
        ROUTER(empty__id_of_a_full_peer_that_has_room_when_asked__arrives),
        ROUTER(raw__set__is_left_alone),
        ROUTER(option__set_in_a_lost_message__holds_from_the_next),
        ROUTER(option__set_within_a_message__goes_on),
        LARGE(large__peer_is_there__is_asked_first),
        LARGE(large__refused_for_another_reason__is_as_libzmq_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
