/* SPDX-License-Identifier: MPL-2.0 */
/* Queues of sockets that the program closes: what is lost with them, and what is sent still. */
#include "support/cmocka.h"
#include "support/tap_ended.h"

#include <string.h>
#include <zmq.h>

static void close__no_linger__loses_what_is_queued(void **state)
{
    (void)state;
    ended_write_messages(0, 10, 4);
    ended_close_socket();
    assert_true(ended.n_drained > 0); /* whether a peer has come */
    ended_look_after(1);
    assert_int_equal(ended.n_targets, 1);
    assert_ptr_equal(ended.targets[0].context, tap_played_context->handle);
    assert_int_equal(ended.targets[0].n_io_threads, 2);
    ended.is_there[0] = false;
    ended_look_after(40);
    ASSERT_LOST(0, 0); /* it was not seen to stand still */
}

static void close__stood_still_until_linger_was_over__is_lost(void **state)
{
    (void)state;
    static const struct {
        uint64_t still_ms, last_ms; /* for how long, and when it was seen last after the close */
        bool is_lost;
    } rows[] = {{20, 80, true},  {19, 80, false}, {20, 79, false},
                {30, 100, true}, {50, 500, true}, {0, 100, false}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        uint64_t before = ended_lost(SEGMENT_DROPPED_LINGER);
        ended.is_there[0] = true;
        ended_write_messages(0, 10, 4);
        ended_set_linger(100);
        ended_close_socket();
        ended_look_after(rows[i].last_ms - rows[i].still_ms);
        ended_write_messages(0, 10, 5); /* another one is sent */
        ended_look();
        assert_int_equal(ended.n_targets, 1);
        ended_look_after(rows[i].still_ms);
        ended.is_there[0] = false;
        ended_look_after(1);
        assert_int_equal(ended_lost(SEGMENT_DROPPED_LINGER) - before, rows[i].is_lost ? 5 : 0);
        ended_look_after(1);
        assert_int_equal(ended.n_targets, 0); /* it is forgotten */
        uint64_t *words_before = ended.words;
        ended_open_socket(ZMQ_PUSH);
        assert_ptr_equal(ended.words, words_before);
    }
}

static void close__lingers_for_ever__is_sent(void **state)
{
    (void)state;
    ended_write_messages(0, 10, 4);
    ended_set_linger(-1);
    ended_close_socket();
    ended_look_after(1);
    assert_int_equal(endings_next_round_ns(), UINT64_MAX);
    ended_look_after(1000);
    ended.is_there[0] = false;
    ended_look_after(1);
    ASSERT_LOST(0, 0);
}

static void close__nobody_ever_came__is_lost_whatever_linger_says(void **state)
{
    (void)state;
    ended.has_peers = false;
    ended_write_messages(0, 10, 4);
    ended_set_linger(5000);
    ended_close_socket();
    ended_look_after(1);
    ended.is_there[0] = false;
    ended_look_after(1);
    ASSERT_LOST(6, 0);
}

/* Before any look after the close, and after one that the open socket had. */
static void close__gone_by_the_first_look__is_lost_once(void **state)
{
    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        uint64_t before = ended_lost(SEGMENT_DROPPED_LINGER);
        ended.has_peers = false;
        ended.is_there[0] = true;
        ended_write_messages(0, 10, 4);
        if (turn == 1)
            ended_look_after(1);
        ended.is_there[0] = false;
        ended_set_linger(5000);
        ended_close_socket();
        ended_look_after(1);
        ended_look_after(1);
        assert_int_equal(ended_lost(SEGMENT_DROPPED_LINGER) - before, 6);
        assert_int_equal(ended_lost(SEGMENT_DROPPED_DISCONNECT), 0);
        ended_open_socket(ZMQ_PUSH);
    }
}

/* In the meantime somebody came: events go on until libzmq has closed it. */
static void close__somebody_comes_within_linger__may_have_read(void **state)
{
    (void)state;
    static const struct {
        uint64_t kind;
        int version;
        bool is_peer;
    } rows[] = {
        {ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 40305, true},
        {ZMQ_EVENT_CONNECTED, 40305, false},
        {ZMQ_EVENT_ACCEPTED, 40305, false},
        {ZMQ_EVENT_CONNECTED, 40200, true},
        {ZMQ_EVENT_ACCEPTED, 40200, true},
        {ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 40200, false},
    };
    ended.has_peers = false;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        uint64_t before = ended_lost(SEGMENT_DROPPED_LINGER);
        tap_played.version_number = rows[i].version;
        ended.is_there[0] = true;
        ended_write_messages(0, 10, 4);
        ended_set_linger(5000);
        ended_tell(rows[i].kind); /* of a socket that is open: told otherwise */
        endings_closing(ended.socket_now);
        registry_close_socket(ended.socket_now);
        ended_tell(rows[i].kind);
        registry_free_socket(ended.socket_now);
        ended_look_after(1);
        ended.is_there[0] = false;
        ended_look_after(1);
        assert_int_equal(ended_lost(SEGMENT_DROPPED_LINGER) - before, rows[i].is_peer ? 0 : 6);
        ended_open_socket(ZMQ_PUSH);
    }
}

static void close__linger__asks_for_a_look_before_its_end(void **state)
{
    (void)state;
    ended_write_messages(0, 10, 4);
    ended_set_linger(300);
    uint64_t closed_ns = ended.now_ns;
    ended_close_socket();
    ended_look_after(1);
    assert_int_equal(endings_next_round_ns(), closed_ns + 290 * MS);
    ended_look_after(289);
    assert_int_equal(endings_next_round_ns(), UINT64_MAX); /* that is this one */
    ended.is_there[0] = false;
    ended_look_after(1);
    ASSERT_LOST(6, 0);
}

static void close__nothing_queued__is_not_followed(void **state)
{
    (void)state;
    ended_write_messages(0, 10, 10);
    ended_close_socket();
    assert_int_equal(ended.n_drained, 0);
    ended_look_after(1);
    assert_int_equal(ended.n_targets, 0);
}

/* It held something when it was seen last: that was sent before the close. */
static void close__read_since_it_was_seen__is_not_lost(void **state)
{
    (void)state;
    ended_write_messages(0, 10, 4);
    ended_look();
    ended_write_messages(0, 10, 10);
    ended.is_there[0] = false;
    ended.now_ns += MS;
    ended_close_socket();
    ended_look_after(1);
    ended_look_after(100);
    ASSERT_LOST(0, 0);
    assert_int_equal(ended.n_targets, 0);
}

static void close__not_known_shared_or_conflating__is_not_followed(void **state)
{
    (void)state;
    ended.has_peers = false;
    ended_write_messages(0, 10, 4);
    segment_word_set(&ended.words[SEGMENT_OPTION_CONFLATE], 1);
    ended_close_socket();
    ended_open_socket(ZMQ_PUSH);
    ended.layout.is_known = false;
    ended_close_socket();
    ended.layout.is_known = true;
    ended_open_socket(12);
    ended_close_socket();
    ended_open_socket(ZMQ_SUB); /* watched for what it reads alone */
    ended_close_socket();
    ended_look_after(1);
    assert_int_equal(ended.n_targets, 0);
}

static void close__pipes_that_are_none_or_end__are_passed_over(void **state)
{
    (void)state;
    ended.has_peers = false;
    ended.object.end = ended.vector + ENDED_N_PIPES;
    for (size_t i = 0; i < ENDED_N_PIPES; i++)
        ended_write_messages(i, 10, 4);
    ended.pipes[0].state = PIPE_STATE_ENDING;
    ended.pipes[1].vtable = ENDED_VTABLE + 8;
    ended.peers[2].vtable = ENDED_VTABLE + 8;
    ended.pipes[3].peer = NULL;
    ended_close_socket();
    ended_look_after(1);
    assert_int_equal(ended.n_targets, 0);
    ended_open_socket(ZMQ_PUSH);
    ended.vector[0] = NULL;
    ended_close_socket();
    ended_look_after(1);
    assert_int_equal(ended.n_targets, 0);
}

static void close__many__up_to_a_limit(void **state)
{
    (void)state;
    ended.has_peers = false;
    ended_write_messages(0, 10, 4);
    for (uint32_t i = 0; i <= ENDINGS_MAX_CLOSED; i++) {
        ended_close_socket();
        ended_open_socket(ZMQ_PUSH);
    }
    struct pipe_target none = {.socket = NULL};
    endings_begin_round();
    assert_int_equal(endings_add_closed(ended.targets), ENDINGS_MAX_CLOSED);
    endings_settle(&none, 0);
    endings_forked();
    endings_begin_round();
    assert_int_equal(endings_add_closed(ended.targets), 0);
    endings_settle(&none, 0);
}

/* The receiver is closed: what the sender has queued for it over inproc is read by nobody. */
static void receiver_closed__over_inproc__loses_the_senders_queue(void **state)
{
    (void)state;
    struct registry_socket *sender = ended.socket_now;
    ended.peers[0].owner = ENDED_OTHER_ID;
    ended_write_messages(0, 10, 4);
    ended_look();
    /* The receiver's own end is the peer; the sender's the pipe. */
    static struct ended_object other;
    static struct ended_pipe *its[1];
    its[0] = &ended.peers[0];
    other = (struct ended_object){.owner = ENDED_OTHER_ID, .begin = its, .end = its + 1};
    struct registry_socket *receiver = registry_open_socket(tap_played_context, &other, ZMQ_PULL);
    endings_reset(receiver);
    segment_word_set(&receiver->words[SEGMENT_OPTION_CONFLATE], 0);
    ended_write_messages(0, 12, 7);
    endings_closing(receiver);
    registry_close_socket(receiver);
    registry_free_socket(receiver);
    assert_int_equal(ended.n_drained, 0); /* of no connection */
    ended.is_there[0] = false;
    ended.socket_now = sender;
    ended_look_after(1);
    ended_look_after(1);
    assert_int_equal(segment_word_get(&sender->words[SEGMENT_DROPPED_DISCONNECT]), 10 - 7);
    assert_int_equal(segment_word_get(&receiver->words[SEGMENT_DROPPED_LINGER]), 0);
}

/* A receiver of pipe `i` alone is closed, over inproc. */
static void close_receiver(size_t i)
{
    static struct ended_object objects[ENDED_N_PIPES];
    static struct ended_pipe *vectors[ENDED_N_PIPES];
    vectors[i] = &ended.peers[i];
    objects[i] = (struct ended_object){
        .owner = ENDED_OTHER_ID, .begin = &vectors[i], .end = &vectors[i] + 1};
    struct registry_socket *receiver = registry_open_socket(tap_played_context, &objects[i],
                                                            ZMQ_PULL);
    endings_reset(receiver);
    segment_word_set(&receiver->words[SEGMENT_OPTION_CONFLATE], 0);
    endings_closing(receiver);
    registry_close_socket(receiver);
    registry_free_socket(receiver);
}

static void close_the_second(void)
{
    close_receiver(1);
    close_receiver(2);
}

/* What was handed over before a look is settled with it, and what is meanwhile with the next one.
 */
static void receiver_closed__within_a_look__is_taken_over_by_the_next(void **state)
{
    (void)state;
    static const uint64_t written[] = {10, 20, 40};
    ended.object.end = ended.vector + 3;
    for (size_t i = 0; i < 3; i++) {
        ended.peers[i].owner = ENDED_OTHER_ID;
        ended.is_there[i] = true;
        ended_write_messages(i, written[i], 5);
    }
    ended_look();
    close_receiver(0);
    ended.within = close_the_second;
    ended.is_there[0] = false;
    ended_look_after(1);
    ended.within = NULL;
    ended_look_after(1);
    ASSERT_LOST(0, 5);
    ended.is_there[1] = ended.is_there[2] = false;
    ended_look_after(1);
    ended_look_after(1);
    ASSERT_LOST(0, 5 + 15 + 35);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(close__no_linger__loses_what_is_queued),
        CASE(close__stood_still_until_linger_was_over__is_lost),
        CASE(close__lingers_for_ever__is_sent),
        CASE(close__nobody_ever_came__is_lost_whatever_linger_says),
        CASE(close__gone_by_the_first_look__is_lost_once),
        CASE(close__somebody_comes_within_linger__may_have_read),
        CASE(close__linger__asks_for_a_look_before_its_end),
        CASE(close__nothing_queued__is_not_followed),
        CASE(close__read_since_it_was_seen__is_not_lost),
        CASE(close__not_known_shared_or_conflating__is_not_followed),
        CASE(close__pipes_that_are_none_or_end__are_passed_over),
        CASE(close__many__up_to_a_limit),
        CASE(receiver_closed__over_inproc__loses_the_senders_queue),
        CASE(receiver_closed__within_a_look__is_taken_over_by_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
