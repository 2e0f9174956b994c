/* SPDX-License-Identifier: MPL-2.0 */
/* Queues of open sockets that end: what is counted as lost with them, what may have been read. */
#include "support/cmocka.h"
#include "support/tap_ended.h"

#include <string.h>
#include <zmq.h>

static void disconnect__queue_is_gone_after_its_end_was_told__is_lost(void **state)
{
    (void)state;
    ended_write_messages(0, 10, 4);
    ended_look();
    ended_tell(ZMQ_EVENT_DISCONNECTED);
    assert_int_equal(endings_next_round_ns(), 0); /* at once */
    ended_look_after(1);                          /* it is read no more, and is there still */
    assert_int_equal(endings_next_round_ns(), UINT64_MAX);
    ASSERT_LOST(0, 0);
    ended.is_there[0] = false;
    ended_look_after(1);
    assert_true(ended.n_drained > 0);
    ASSERT_LOST(0, 6);
    ended_look_after(1);
    ASSERT_LOST(0, 6);
}

static void disconnect__no_end_was_told__may_have_been_read(void **state)
{
    (void)state;
    ended_write_messages(0, 10, 4);
    ended_look();
    ended_look_after(1);
    ended.is_there[0] = false;
    ended_look_after(1);
    ASSERT_LOST(0, 0);
}

static void disconnect__told_after_it_was_seen_last__may_have_been_read(void **state)
{
    (void)state;
    ended_write_messages(0, 10, 4);
    ended_look();
    ended_tell(ZMQ_EVENT_CONNECTED);
    assert_int_equal(endings_next_round_ns(), UINT64_MAX);
    ended_tell(ZMQ_EVENT_DISCONNECTED);
    ended.is_there[0] = false;
    ended_look_after(1);
    ASSERT_LOST(0, 0);
}

static void disconnect__another_end_after_the_last_look__may_be_its_own(void **state)
{
    (void)state;
    ended_write_messages(0, 10, 4);
    ended_look();
    ended_tell(ZMQ_EVENT_DISCONNECTED);
    ended_look_after(1);
    ended_tell(ZMQ_EVENT_DISCONNECTED);
    ended.is_there[0] = false;
    ended_look_after(1);
    ASSERT_LOST(0, 0);
}

static void disconnect__over_inproc__is_lost_only_if_nobody_reads(void **state)
{
    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        ended.peers[0].owner = ENDED_OTHER_ID;
        ended.is_there[0] = true;
        ended_write_messages(0, 10, 4);
        ended.is_read_on = turn == 0;
        ended_look_after(1);
        ended_tell(ZMQ_EVENT_DISCONNECTED);
        ended_look_after(1);
        ended.is_there[0] = false;
        ended_look_after(1);
        ASSERT_LOST(0, turn == 0 ? 0 : 6);
    }
}

static void set_option(int number)
{
    const struct registry_option option = {number, NULL, 0};
    endings_option_changed(ended.socket_now, &option);
}

static void disconnect__socket_ends_connections_by_itself__is_not_certain(void **state)
{
    (void)state;
    static const struct {
        int option;
        bool is_cutting;
    } rows[] = {{ZMQ_ROUTER_HANDOVER, true},
                {ZMQ_ROUTER_RAW, true},
                {ZMQ_REQ_RELAXED, true},
                {ZMQ_REQ_CORRELATE, false}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        endings_reset(ended.socket_now);
        uint64_t before = ended_lost(SEGMENT_DROPPED_DISCONNECT);
        set_option(rows[i].option);
        ended.is_there[0] = true;
        ended_write_messages(0, 10, 4);
        ended_look_after(1);
        ended_tell(ZMQ_EVENT_DISCONNECTED);
        ended_look_after(1);
        ended.is_there[0] = false;
        ended_look_after(1);
        assert_int_equal(ended_lost(SEGMENT_DROPPED_DISCONNECT) - before,
                         rows[i].is_cutting ? 0 : 6);
    }
}

static void cut__by_the_program__is_settled_when_its_call_is_over(void **state)
{
    (void)state;
    ended_write_messages(0, 10, 4);
    ended_look();
    endings_begin_cut(ended.socket_now);
    ended_look_after(1);
    ended.is_there[0] = false;
    ended_look_after(1); /* it waits: an end may be told within the call */
    ASSERT_LOST(0, 0);
    endings_end_cut(ended.socket_now);
    ended_look_after(1);
    ASSERT_LOST(0, 0); /* an end came after the last look */
    ended.is_there[0] = true;
    ended_look_after(1);
    endings_begin_cut(ended.socket_now);
    endings_end_cut(ended.socket_now);
    ended_look_after(1);
    ended.is_there[0] = false;
    ended_look_after(1);
    ASSERT_LOST(0, 6);
}

static void look__could_not_be_read__waits_for_one_that_could(void **state)
{
    (void)state;
    ended_write_messages(0, 10, 4);
    ended_look();
    ended_tell(ZMQ_EVENT_DISCONNECTED);
    ended_look_after(1);
    ended.is_valid = false;
    ended.is_there[0] = false;
    ended_look_after(1);
    ASSERT_LOST(0, 0);
    ended.is_valid = true;
    ended_look_after(1);
    ASSERT_LOST(0, 6);
}

static void look__types_that_send_nothing_of_their_own__are_not_watched(void **state)
{
    (void)state;
    static const struct {
        int type;
        bool is_watched;
    } rows[] = {{ZMQ_SUB, false}, {ZMQ_XSUB, false}, {ZMQ_STREAM, false}, {12, false},
                {ZMQ_PULL, true}, {ZMQ_PUB, true},   {ZMQ_PAIR, true}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct pipe_target target = {.socket = &ended.object};
        registry_close_socket(ended.socket_now);
        registry_free_socket(ended.socket_now);
        ended_open_socket(rows[i].type);
        endings_begin_round();
        endings_prepare(ended.socket_now, &target);
        assert_int_equal(target.visit != NULL, rows[i].is_watched);
        assert_int_equal(target.data != NULL, rows[i].is_watched);
        endings_settle(&target, 1);
    }
    struct pipe_target target = {.socket = &ended.object};
    segment_word_set(&ended.words[SEGMENT_OPTION_CONFLATE], 1);
    endings_prepare(ended.socket_now, &target);
    assert_null(target.visit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(disconnect__queue_is_gone_after_its_end_was_told__is_lost),
        CASE(disconnect__no_end_was_told__may_have_been_read),
        CASE(disconnect__told_after_it_was_seen_last__may_have_been_read),
        CASE(disconnect__another_end_after_the_last_look__may_be_its_own),
        CASE(disconnect__over_inproc__is_lost_only_if_nobody_reads),
        CASE(disconnect__socket_ends_connections_by_itself__is_not_certain),
        CASE(cut__by_the_program__is_settled_when_its_call_is_over),
        CASE(look__could_not_be_read__waits_for_one_that_could),
        CASE(look__types_that_send_nothing_of_their_own__are_not_watched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
