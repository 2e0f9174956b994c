/* SPDX-License-Identifier: MPL-2.0 */
/* What the rules of problems see of a socket: each word of its lane where it belongs. */
#include "problems/problem_view.h"

#include "collectors/tap/tap_types.h"
#include "segment/segment_writer.h"

#include "support/cmocka.h"
#include "support/temporary_directory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

static char folder[64];
static struct segment_table *table;
static struct segment_writer *writer;

static int set_up(void **state)
{
    (void)state;
    temporary_directory_make(folder);
    assert_int_equal(segment_table_new(64, &table), 0);
    return segment_writer_new(table, folder, &writer);
}

static int tear_down(void **state)
{
    (void)state;
    segment_writer_destroy(&writer);
    segment_table_destroy(&table);
    temporary_directory_remove(folder);
    return 0;
}

static uint64_t *open_socket(uint32_t type, const char *endpoint, const char *name)
{
    uint32_t lane, group = segment_table_group(table, type, endpoint, name);
    assert_int_equal(segment_table_take_lane(table, group, &lane), 0);
    return segment_table_words(table, lane);
}

static void take(struct problem_view *view)
{
    assert_int_equal(segment_writer_publish(writer), 0);
    assert_int_equal(problem_view_take(folder, NULL, view), 0);
}

static void take__words__are_where_they_belong(void **state)
{
    (void)state;
    struct problem_view view;
    uint64_t *words = open_socket(ZMQ_ROUTER, "tcp://127.0.0.1:5555", "jobs");
    segment_word_set(&words[SEGMENT_SERIAL], 7);
    const struct {
        uint32_t word, last; /* a sum of these */
        enum problem_counter counter;
    } counters[] = {
        {SEGMENT_DROPPED_HWM, SEGMENT_DROPPED_HWM, PROBLEM_DROPPED_FULL},
        {SEGMENT_DROPPED_UNROUTABLE, SEGMENT_DROPPED_UNROUTABLE, PROBLEM_DROPPED_UNROUTABLE},
        {SEGMENT_HANDSHAKE_AUTH_BASE, SEGMENT_HANDSHAKE_AUTH_BASE + SEGMENT_HANDSHAKE_AUTH_SIZE - 1,
         PROBLEM_FAILED_AUTH},
        {SEGMENT_HANDSHAKE_PROTOCOL_BASE,
         SEGMENT_HANDSHAKE_PROTOCOL_BASE + SEGMENT_HANDSHAKE_PROTOCOL_SIZE - 1,
         PROBLEM_FAILED_PROTOCOL},
        {SEGMENT_HANDSHAKE_TRANSPORT_BASE,
         SEGMENT_HANDSHAKE_TRANSPORT_BASE + SEGMENT_HANDSHAKE_TRANSPORT_SIZE - 1,
         PROBLEM_FAILED_TRANSPORT},
        {SEGMENT_EVENT_DISCONNECTED, SEGMENT_EVENT_DISCONNECTED, PROBLEM_DISCONNECTS},
        {SEGMENT_EVENT_HANDSHAKE_SUCCEEDED, SEGMENT_EVENT_HANDSHAKE_SUCCEEDED, PROBLEM_HANDSHAKES},
        {SEGMENT_EVENT_CONNECT_RETRIED, SEGMENT_EVENT_CONNECT_RETRIED, PROBLEM_RETRIES},
        {SEGMENT_SENT_MESSAGES, SEGMENT_SENT_MESSAGES, PROBLEM_SENT},
        {SEGMENT_RECEIVED_MESSAGES, SEGMENT_RECEIVED_MESSAGES, PROBLEM_RECEIVED},
        {SEGMENT_SEND_AT_HWM_NS, SEGMENT_SEND_AT_HWM_NS, PROBLEM_AT_HWM_NS},
    };
    for (size_t i = 0; i < PROBLEM_N_COUNTERS; i++) {
        segment_word_add(&words[counters[i].word], 100 + i);
        segment_word_add(&words[counters[i].last], 1000);
    }
    static const enum segment_lane_word gauges[] = {SEGMENT_OPENED_NS,    SEGMENT_LAST_RECEIVED_NS,
                                                    SEGMENT_PEERS,        SEGMENT_CONNECTS,
                                                    SEGMENT_SEND_QUEUE,   SEGMENT_RECEIVE_QUEUE,
                                                    SEGMENT_SEND_FULLEST, SEGMENT_RECEIVE_FULLEST,
                                                    SEGMENT_SEND_AGE_NS,  SEGMENT_RECEIVE_AGE_NS};
    for (size_t i = 0; i < sizeof(gauges) / sizeof(*gauges); i++)
        segment_word_set(&words[gauges[i]], 50 + i);
    take(&view);
    assert_int_equal(view.n, 1);
    assert_true(view.is_complete);
    const struct problem_socket *found = &view.sockets[0];
    for (size_t i = 0; i < PROBLEM_N_COUNTERS; i++) {
        assert_int_equal(found->counters[counters[i].counter], 1100 + i);
        assert_int_equal(found->recent[i], 0);
    }
    assert_int_equal(found->pid, getpid());
    assert_int_equal(found->serial, 7);
    assert_string_equal(found->type, "ROUTER");
    assert_int_equal(found->traits, tap_type_traits(ZMQ_ROUTER));
    assert_string_equal(found->program, "problem_view_test");
    assert_string_equal(found->address, "tcp://127.0.0.1:5555");
    assert_string_equal(found->name, "jobs");
    assert_true(found->is_network && !found->is_silent && !found->is_peeked);
    assert_int_equal(found->opened_ns, 50);
    assert_int_equal(found->last_received_ns, 51);
    assert_int_equal(found->peers, 52);
    assert_int_equal(found->connects, 53);
    assert_int_equal(found->send_queue, 54);
    assert_int_equal(found->receive_queue, 55);
    assert_int_equal(found->send_fullest, 56);
    assert_int_equal(found->receive_fullest, 57);
    assert_int_equal(found->send_age_ns, 58);
    assert_int_equal(found->receive_age_ns, 59);
    problem_view_finish(&view);
    assert_null(view.sockets);
    assert_int_equal(view.n, 0);
}

static void take__several__in_their_order_without_zap(void **state)
{
    (void)state;
    struct problem_view view;
    static const char *const endpoints[] = {"inproc://a", "inproc://zeromq.zap.01", "", "ipc:///b"};
    for (size_t i = 0; i < 4; i++)
        segment_word_set(&open_socket(ZMQ_PULL, endpoints[i], NULL)[SEGMENT_SERIAL], 9 - i);
    take(&view);
    assert_int_equal(view.n, 3);
    assert_int_equal(view.sockets[0].serial, 6);
    assert_true(view.sockets[0].is_network);
    assert_int_equal(view.sockets[1].serial, 7);
    assert_false(view.sockets[1].is_network);
    assert_string_equal(view.sockets[1].address, "");
    assert_int_equal(view.sockets[2].serial, 9);
    assert_false(view.sockets[2].is_network);
    problem_view_finish(&view);
}

static void take__no_folder_or_none__has_no_sockets(void **state)
{
    (void)state;
    struct problem_view view;
    assert_int_equal(problem_view_take("/nowhere/at/all", NULL, &view), 0);
    assert_int_equal(view.n, 0);
    problem_view_finish(&view);
    assert_int_equal(problem_view_take("/etc/passwd", NULL, &view), -ENOTDIR);
}

static void compare__by_process_and_then_by_socket(void **state)
{
    (void)state;
    const struct problem_socket rows[] = {{.pid = 1, .start_ticks = 9, .serial = 9},
                                          {.pid = 2, .start_ticks = 1, .serial = 9},
                                          {.pid = 2, .start_ticks = 2, .serial = 1},
                                          {.pid = 2, .start_ticks = 2, .serial = 2}};
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < 4; k++) {
            int order = problem_socket_compare(&rows[i], &rows[k]);
            assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
        }
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(take__words__are_where_they_belong),
        CASE(take__several__in_their_order_without_zap),
        CASE(take__no_folder_or_none__has_no_sockets),
        CASE(compare__by_process_and_then_by_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
