/* SPDX-License-Identifier: MPL-2.0 */
/* What is said of each kind of problem, and how it is written as JSON. */
#include "base/clock.h"
#include "problems/problem.h"
#include "support/cmocka.h"

#include <stdio.h>
#include <string.h>

#define S       CLOCK_NS_PER_SECOND
#define UNKNOWN SEGMENT_UNKNOWN
#define PERCENT UINT64_C(10000000) /* in billionths */

static char address[] = "tcp://*:1", named[] = "orders", none[] = "";
static struct problem_socket culprit, others[10];
static struct problem_view view;
static struct problem problem;
static struct string_buffer out;

static int set_up(void **state)
{
    (void)state;
    view = (struct problem_view){.recent_ns = 60 * S, .is_complete = true};
    culprit = (struct problem_socket){
        .pid = 7, .type = "PULL", .program = "feed", .address = address, .name = none};
    problem = (struct problem){.socket = &culprit, .n_sockets = 1, .for_ns = UNKNOWN, .value = 2};
    for (size_t i = 0; i < 10; i++) {
        others[i] = (struct problem_socket){
            .pid = 20 + i, .type = "PUSH", .address = address, .name = none};
        (void)snprintf(others[i].program, sizeof(others[i].program), "p%zu", i);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    string_buffer_finish(&out);
    return 0;
}

static const char *words(void)
{
    string_buffer_clear(&out);
    problem_append_words(&out, &problem, &view);
    return out.data ? out.data : "";
}

static const char *words_of(enum problem_kind kind, uint64_t value)
{
    problem.kind = kind;
    problem.value = value;
    return words();
}

static void blocks(unsigned n)
{
    problem.n_blocked = n;
    for (unsigned i = 0; i < n && i < PROBLEM_MAX_BLOCKED; i++)
        problem.blocked[i] = &others[i];
}

static void words__stuck__says_since_when(void **state)
{
    (void)state;
    assert_string_equal(words_of(PROBLEM_RECEIVER_STUCK, 1), "has never received; 1 message waits");
    culprit.last_received_ns = UNKNOWN;
    assert_string_equal(words_of(PROBLEM_RECEIVER_STUCK, 2), "has never received; 2 messages wait");
    culprit.last_received_ns = 5;
    problem.for_ns = 8 * S;
    assert_string_equal(words(), "stopped receiving 8 s ago; 2 messages wait");
    problem.n_sockets = 3;
    assert_string_equal(words(), "stopped receiving 8 s ago; 2 messages wait (3 sockets)");
}

static void words__durations__have_two_units_at_most(void **state)
{
    static const struct {
        uint64_t s;
        const char *text;
    } rows[] = {{0, "0 s"},           {119, "119 s"},           {120, "2 min"},
                {179, "2 min"},       {7199, "119 min"},        {7200, "2 h 0 min"},
                {7260, "2 h 1 min"},  {10859, "3 h 0 min"},     {172799, "47 h 59 min"},
                {172800, "2 d 0 h"},  {176400, "2 d 1 h"},      {176399, "2 d 0 h"},
                {259199, "2 d 23 h"}, {100000000, "1157 d 9 h"}};
    (void)state;
    culprit.last_received_ns = 5;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char expected[100];
        problem.for_ns = rows[i].s * S + S - 1;
        (void)snprintf(expected, sizeof(expected), "stopped receiving %s ago; 2 messages wait",
                       rows[i].text);
        assert_string_equal(words(), expected);
    }
}

static void words__blocked__each_program_once(void **state)
{
    (void)state;
#define NEVER "has never received; 2 messages wait"
    blocks(1);
    assert_string_equal(words(), NEVER "; p0 is blocked by it");
    blocks(3);
    assert_string_equal(words(), NEVER "; p0, p1, p2 are blocked by it");
    memcpy(others[2].program, "p0", 3);
    assert_string_equal(words(), NEVER "; p0, p1 are blocked by it");
    others[2].recent[PROBLEM_DROPPED_FULL] = 1;
    assert_string_equal(words(), NEVER "; p0, p1 are blocked by it; p0 drops messages for it");
    others[0].recent[PROBLEM_DROPPED_FULL] = others[1].recent[PROBLEM_DROPPED_FULL] = 9;
    assert_string_equal(words(), NEVER "; p0, p1 drop messages for it");
    blocks(8);
    assert_string_equal(words(), NEVER "; p3, p4, p5, p6, p7 are blocked by it"
                                       "; p0, p1 drop messages for it");
    blocks(10);
    assert_string_equal(words(), NEVER "; p3, p4, p5, p6, p7 are blocked by it"
                                       "; p0, p1 drop messages for it (and 2 more)");
}

static void words__slow__says_how_full_and_how_old(void **state)
{
    (void)state;
    culprit.receive_fullest = 89 * PERCENT + PERCENT / 2;
    assert_string_equal(words_of(PROBLEM_RECEIVER_SLOW, 1),
                        "receives more slowly than it is sent to: its queue is at 90 % of its high "
                        "water mark, 1 message waits");
    culprit.receive_fullest--;
    problem.for_ns = S - 1;
    assert_non_null(strstr(words(), "at 89 % of its high water mark, 1 message waits"));
    assert_null(strstr(words(), "oldest"));
    problem.for_ns = S;
    blocks(1);
    assert_non_null(strstr(words(), ", 1 message waits, the oldest for 1 s; p0 is blocked by it"));
}

static void words__lately__says_of_how_long(void **state)
{
    (void)state;
    problem.for_ns = 90 * S;
    assert_string_equal(words_of(PROBLEM_NO_PEER, 0), "has no peer: nobody answers there");
    assert_string_equal(words_of(PROBLEM_NO_PEER, 1),
                        "has no peer: nobody answers there; it tried 1 time in the last minute");
    assert_string_equal(words_of(PROBLEM_NO_PEER, 3),
                        "has no peer: nobody answers there; it tried 3 times in the last minute");
    view.recent_ns = 60 * S - 1;
    assert_string_equal(words_of(PROBLEM_FLAPPING, 1), "1 connection was lost in the last 59 s");
    view.recent_ns = 90 * S;
    assert_string_equal(words_of(PROBLEM_FLAPPING, 2),
                        "2 connections were lost in the last minute");
    assert_string_equal(words_of(PROBLEM_UNROUTABLE, 1),
                        "dropped 1 message in the last minute: their receivers are not connected");
    assert_string_equal(words_of(PROBLEM_DROPS, 4),
                        "dropped 4 messages in the last minute: a peer's queue is full, since it "
                        "takes them too slowly");
}

static void words__senders__say_what_waits(void **state)
{
    (void)state;
    culprit.send_fullest = 95 * PERCENT;
    problem.for_ns = 125 * S;
    assert_string_equal(words_of(PROBLEM_SEND_QUEUE_FULL, 2),
                        "its send queue is at 95 % of its high water mark: a peer takes too slowly,"
                        " or not at all; 2 messages wait, the oldest for 2 min");
    assert_string_equal(words_of(PROBLEM_MESSAGES_OLD, 1),
                        "1 message waits to be sent, the oldest for 2 min");
    assert_string_equal(words_of(PROBLEM_SILENT, 1),
                        "runs, but its tap does not write: stopped, out of descriptors, or without "
                        "the segment directory; its queues are not known");
}

static void words__handshakes__the_commonest_cause(void **state)
{
    static const struct {
        uint64_t auth, protocol, transport;
        const char *cause;
    } rows[] = {
        {1, 0, 0, "the peers' keys or passwords are refused"},
        {2, 2, 2, "the peers' keys or passwords are refused"},
        {2, 3, 3, "the peers speak another protocol, mechanism or socket type"},
        {2, 3, 1, "the peers speak another protocol, mechanism or socket type"},
        {2, 1, 3, "the connection breaks before the handshake is done"},
        {2, 3, 4, "the connection breaks before the handshake is done"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char expected[200];
        culprit.recent[PROBLEM_FAILED_AUTH] = rows[i].auth;
        culprit.recent[PROBLEM_FAILED_PROTOCOL] = rows[i].protocol;
        culprit.recent[PROBLEM_FAILED_TRANSPORT] = rows[i].transport;
        (void)snprintf(expected, sizeof(expected), "%u handshake%s failed in the last minute: %s",
                       (unsigned)i + 1, i ? "s" : "", rows[i].cause);
        assert_string_equal(words_of(PROBLEM_HANDSHAKES_FAIL, i + 1), expected);
    }
}

static void json__problems__are_a_list(void **state)
{
    struct problem items[2];
    struct problems problems = {.items = items, .n = 2, .is_complete = false};
    (void)state;
    problem.kind = PROBLEM_RECEIVER_STUCK;
    problem.severity = PROBLEM_CRITICAL;
    culprit.name = named;
    blocks(2);
    memcpy(others[1].program, "a\"\xff", 4);
    items[0] = problem;
    items[1] = (struct problem){.kind = PROBLEM_FLAPPING,
                                .socket = &others[3],
                                .n_sockets = 2,
                                .for_ns = 5 * S + 67890000,
                                .value = 1};
    problems_append_json(&out, &problems, &view);
    assert_string_equal(
        out.data,
        "\"problems\":[{\"kind\":\"receiver_stuck\",\"severity\":\"critical\",\"sockets\":1,"
        "\"program\":\"feed\",\"type\":\"PULL\",\"address\":\"tcp://*:1\",\"socket\":\"orders\","
        "\"pid\":7,\"text\":\"has never received; 2 messages wait; p0, a\\\"\xef\xbf\xbd are "
        "blocked by it\",\"value\":2,\"runbook\":\"ZeroMQReceiverStuck\",\"blocked\":["
        "{\"program\":\"p0\",\"type\":\"PUSH\",\"address\":\"tcp://*:1\",\"pid\":20},"
        "{\"program\":\"a\\\"\xef\xbf\xbd\",\"type\":\"PUSH\",\"address\":\"tcp://*:1\","
        "\"pid\":21}]},"
        "{\"kind\":\"disconnects\",\"severity\":\"warning\",\"sockets\":2,\"program\":\"p3\","
        "\"type\":\"PUSH\",\"address\":\"tcp://*:1\",\"pid\":23,\"text\":\"1 connection was lost "
        "in the last minute (2 sockets)\",\"seconds\":5.067,\"value\":1,"
        "\"runbook\":\"ZeroMQPeerFlapping\",\"blocked\":[]}],\"is_complete\":false");
    assert_false(out.has_failed);
    string_buffer_clear(&out);
    problems_append_json(&out, &(struct problems){.is_complete = true}, &view);
    assert_string_equal(out.data, "\"problems\":[],\"is_complete\":true");
    string_buffer_clear(&out);
    items[0].n_blocked = 10;
    for (unsigned i = 0; i < PROBLEM_MAX_BLOCKED; i++)
        items[0].blocked[i] = &others[i];
    problems.n = 1;
    problems_append_json(&out, &problems, &view);
    assert_non_null(strstr(out.data, "\"pid\":27}]}],"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(words__stuck__says_since_when),
        CASE(words__durations__have_two_units_at_most),
        CASE(words__blocked__each_program_once),
        CASE(words__slow__says_how_full_and_how_old),
        CASE(words__lately__says_of_how_long),
        CASE(words__senders__say_what_waits),
        CASE(words__handshakes__the_commonest_cause),
        CASE(json__problems__are_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
