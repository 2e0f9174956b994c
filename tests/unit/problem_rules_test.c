/* SPDX-License-Identifier: MPL-2.0 */
/* Each rule just below and just above its bounds, on sockets that are made up. */
#include "base/clock.h"
#include "collectors/tap/tap_types.h"
#include "problems/problem.h"
#include "support/cmocka.h"

#include <stdlib.h>
#include <string.h>

#define NOW  (1000 * CLOCK_NS_PER_SECOND)
#define S    CLOCK_NS_PER_SECOND
#define BOTH (TAP_TYPE_SENDS | TAP_TYPE_RECEIVES)

static char feed[] = "tcp://*:1", link_one[] = "tcp:1", other[] = "tcp:2", none[] = "";

/* Well, and with nothing to say of it. */
static struct problem_socket quiet(uint64_t pid)
{
    struct problem_socket socket = {.pid = pid,
                                    .serial = 1,
                                    .type = "DEALER",
                                    .traits = BOTH,
                                    .program = "p",
                                    .address = feed,
                                    .name = none,
                                    .link = none,
                                    .is_network = true,
                                    .opened_ns = NOW - 100 * S,
                                    .last_received_ns = NOW - 50 * S,
                                    .peers = 1,
                                    .connects = 1};
    return socket;
}

static struct problems find(struct problem_socket *sockets, size_t n)
{
    struct problem_view view = {
        .sockets = sockets, .n = n, .now_ns = NOW, .recent_ns = 60 * S, .is_complete = true};
    struct problems problems;
    assert_int_equal(problems_find(&view, NULL, &problems), 0);
    return problems;
}

/* What is found of the socket alone: a kind and whether it is critical, or nothing. */
static void check(const struct problem_socket *socket, int kind, bool is_critical)
{
    struct problem_socket copy = *socket;
    struct problems problems = find(&copy, 1);
    assert_int_equal(problems.n, kind >= 0);
    if (kind >= 0) {
        assert_int_equal(problems.items[0].kind, kind);
        assert_int_equal(problems.items[0].severity, is_critical);
    }
    problems_finish(&problems);
}

#define NOTHING (-1)

static void stuck__each_bound__just_below_and_above(void **state)
{
    (void)state;
    static const struct {
        uint64_t queue, age_ns, last_ns, fullest;
        int kind;
        bool is_critical;
    } cases[] = {
        {2, 3 * S / 2, NOW - 3 * S / 2, 0, PROBLEM_RECEIVER_STUCK, false},
        {1, 100 * S, NOW - 100 * S, 0, NOTHING, false},       /* may be one nobody means to read */
        {2, 3 * S / 2 - 1, NOW - 100 * S, 0, NOTHING, false}, /* they have just come */
        {2, 100 * S, NOW - 3 * S / 2 + 1, 0, NOTHING, false}, /* it takes one now and then */
        {2, 100 * S, NOW - 60 * S + 1, 0, PROBLEM_RECEIVER_STUCK, false},
        {2, 100 * S, NOW - 60 * S, 0, PROBLEM_RECEIVER_STUCK, true},
        {2, 2 * S, NOW - 2 * S, 799999999, PROBLEM_RECEIVER_STUCK, false},
        {2, 2 * S, NOW - 2 * S, 800000000, PROBLEM_RECEIVER_STUCK, true},
        {2, 2 * S, 0, 0, PROBLEM_RECEIVER_STUCK, false}, /* it never took one */
        {2, 2 * S, SEGMENT_UNKNOWN, 0, PROBLEM_RECEIVER_STUCK, false},
        {SEGMENT_UNKNOWN, 100 * S, NOW - 100 * S, 0, NOTHING, false},
        {2, SEGMENT_UNKNOWN, NOW - 100 * S, 0, NOTHING, false},
        {2, 0, NOW, 799999999, NOTHING, false},
        {2, 0, NOW, 800000000, PROBLEM_RECEIVER_SLOW, false},
        {2, 0, NOW, 949999999, PROBLEM_RECEIVER_SLOW, false},
        {2, 0, NOW, 950000000, PROBLEM_RECEIVER_SLOW, true},
        {1, 0, NOW, 1000000000, NOTHING, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct problem_socket socket = quiet(7);
        socket.receive_queue = cases[i].queue;
        socket.receive_age_ns = cases[i].age_ns;
        socket.last_received_ns = cases[i].last_ns;
        socket.receive_fullest = cases[i].fullest;
        check(&socket, cases[i].kind, cases[i].is_critical);
    }
}

static void sender__each_bound__just_below_and_above(void **state)
{
    (void)state;
    static const struct {
        uint64_t queue, age_ns, fullest, dropped;
        int kind;
        bool is_critical;
    } cases[] = {
        {9, 0, 799999999, 0, NOTHING, false},
        {9, 0, 800000000, 0, PROBLEM_SEND_QUEUE_FULL, false},
        {9, 0, 949999999, 0, PROBLEM_SEND_QUEUE_FULL, false},
        {9, 0, 950000000, 0, PROBLEM_SEND_QUEUE_FULL, true},
        {9, 100 * S, 950000000, 0, PROBLEM_SEND_QUEUE_FULL, true}, /* not old as well */
        {9, 100 * S, 950000000, 1, PROBLEM_DROPS, true},           /* nor full as well */
        {2, 60 * S - 1, 0, 0, NOTHING, false},
        {2, 60 * S, 0, 0, PROBLEM_MESSAGES_OLD, false},
        {1, 100 * S, 0, 0, NOTHING, false},
        {2, SEGMENT_UNKNOWN, SEGMENT_UNKNOWN, 0, NOTHING, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct problem_socket socket = quiet(7);
        socket.send_queue = cases[i].queue;
        socket.send_age_ns = cases[i].age_ns;
        socket.send_fullest = cases[i].fullest;
        socket.recent[PROBLEM_DROPPED_FULL] = cases[i].dropped;
        check(&socket, cases[i].kind, cases[i].is_critical);
    }
}

/* It takes nothing more until half of it has been read. */
static void full__was_at_its_mark_and_has_not_moved__is_full_still(void **state)
{
    (void)state;
    static const struct {
        uint64_t age_ns, fullest, at_hwm_ns;
        bool is_full;
    } cases[] = {
        {3 * S / 2, 500000000, 1, true},        {3 * S / 2, 500000000, 0, false},
        {3 * S / 2, 499999999, 1, false},       {3 * S / 2 - 1, 500000000, 1, false},
        {SEGMENT_UNKNOWN, 500000000, 1, false}, {100 * S, SEGMENT_UNKNOWN, 1, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct problem_socket socket = quiet(7);
        socket.send_queue = 1;
        socket.send_age_ns = cases[i].age_ns;
        socket.send_fullest = cases[i].fullest;
        socket.recent[PROBLEM_AT_HWM_NS] = cases[i].at_hwm_ns;
        check(&socket, cases[i].is_full ? PROBLEM_SEND_QUEUE_FULL : NOTHING, cases[i].is_full);
    }
}

static void no_peer__only_of_a_network_socket_that_connected_a_while_ago(void **state)
{
    (void)state;
    struct problem_socket socket = quiet(7);
    socket.peers = 0;
    socket.opened_ns = NOW - 5 * S;
    check(&socket, PROBLEM_NO_PEER, false);
    socket.opened_ns = NOW - 5 * S + 1;
    check(&socket, NOTHING, false);
    socket.opened_ns = NOW - 100 * S;
    socket.connects = 0;
    check(&socket, NOTHING, false);
    socket.connects = SEGMENT_UNKNOWN;
    check(&socket, NOTHING, false);
    socket.connects = 1;
    socket.is_network = false;
    check(&socket, NOTHING, false);
    socket.is_network = true;
    socket.peers = SEGMENT_UNKNOWN;
    check(&socket, NOTHING, false);
}

static void connections__failed_handshakes_are_no_second_problem(void **state)
{
    (void)state;
    struct problem_socket socket = quiet(7);
    socket.recent[PROBLEM_DISCONNECTS] = 5;
    check(&socket, NOTHING, false);
    socket.recent[PROBLEM_DISCONNECTS] = 6;
    check(&socket, PROBLEM_FLAPPING, false);
    socket.recent[PROBLEM_FAILED_AUTH] = 1;
    check(&socket, PROBLEM_HANDSHAKES_FAIL, false);
    socket.peers = 0;
    socket.connects = 0;
    check(&socket, PROBLEM_HANDSHAKES_FAIL, true);
    socket.opened_ns = NOW - 5 * S; /* a first peer may still come */
    check(&socket, PROBLEM_HANDSHAKES_FAIL, true);
    socket.opened_ns++;
    check(&socket, PROBLEM_HANDSHAKES_FAIL, false);
    socket.opened_ns = SEGMENT_UNKNOWN;
    check(&socket, PROBLEM_HANDSHAKES_FAIL, true);
    socket.opened_ns = NOW - 100 * S;
    socket.recent[PROBLEM_HANDSHAKES] = 1; /* one that comes and goes */
    check(&socket, PROBLEM_HANDSHAKES_FAIL, false);
    socket = quiet(7);
    socket.recent[PROBLEM_DROPPED_UNROUTABLE] = 1;
    check(&socket, PROBLEM_UNROUTABLE, true);
}

static struct problem_socket stuck(uint64_t pid, char *of_link)
{
    struct problem_socket socket = quiet(pid);
    socket.receive_queue = 9;
    socket.receive_age_ns = 9 * S;
    socket.last_received_ns = NOW - 9 * S;
    socket.link = of_link;
    return socket;
}

static struct problem_socket full(uint64_t pid, char *of_link)
{
    struct problem_socket socket = quiet(pid);
    socket.send_queue = 9;
    socket.send_fullest = 1000000000;
    socket.link = of_link;
    return socket;
}

static void symptom__of_the_same_link__is_named_in_its_cause(void **state)
{
    (void)state;
    struct problem_socket sockets[] = {stuck(1, link_one), full(2, link_one), full(3, other),
                                       full(4, none)};
    struct problems problems = find(sockets, 4);
    assert_int_equal(problems.n, 3);
    size_t cause = problems.items[0].kind == PROBLEM_RECEIVER_STUCK ? 0 : 2;
    assert_int_equal(problems.items[cause].kind, PROBLEM_RECEIVER_STUCK);
    assert_int_equal(problems.items[cause].n_blocked, 1);
    assert_int_equal(problems.items[cause].blocked[0]->pid, 2);
    problems_finish(&problems);

    /* Two that know no link are none; one that cannot send is not blocked. */
    struct problem_socket strangers[] = {stuck(1, none), full(2, none)};
    problems = find(strangers, 2);
    assert_int_equal(problems.n, 2);
    problems_finish(&problems);
    struct problem_socket mute[] = {stuck(1, link_one), full(2, link_one)};
    mute[1].traits = TAP_TYPE_RECEIVES;
    problems = find(mute, 2);
    assert_int_equal(problems.n, 2);
    problems_finish(&problems);
}

static void blocked__more_than_there_is_room__are_counted(void **state)
{
    (void)state;
    struct problem_socket sockets[PROBLEM_MAX_BLOCKED + 4];
    sockets[0] = stuck(1, link_one);
    for (unsigned i = 1; i < PROBLEM_MAX_BLOCKED + 4; i++)
        sockets[i] = full(1 + i, link_one);
    struct problems problems = find(sockets, PROBLEM_MAX_BLOCKED + 4);
    assert_int_equal(problems.n, 1);
    assert_int_equal(problems.items[0].n_blocked, PROBLEM_MAX_BLOCKED + 3);
    struct problem_view view = {.now_ns = NOW};
    struct string_buffer words = {0};
    problem_append_words(&words, &problems.items[0], &view);
    assert_non_null(strstr(words.data, "; p is blocked by it (and 3 more)"));
    string_buffer_finish(&words);
    problems_finish(&problems);
}

static void alike__of_one_process__are_one_with_the_worst_of_each(void **state)
{
    (void)state;
    struct problem_socket sockets[] = {stuck(1, none), stuck(1, none), stuck(2, none)};
    sockets[1].receive_age_ns = 80 * S;
    sockets[1].last_received_ns = NOW - 70 * S;
    struct problems problems = find(sockets, 3);
    assert_int_equal(problems.n, 2);
    assert_int_equal(problems.items[0].n_sockets, 2);
    assert_int_equal(problems.items[0].value, 18);
    assert_int_equal(problems.items[0].for_ns, 70 * S);
    assert_int_equal(problems.items[0].severity, PROBLEM_CRITICAL);
    assert_int_equal(problems.items[1].n_sockets, 1);
    problems_finish(&problems);
}

static void silent__process__is_one_and_nothing_else_is_said_of_it(void **state)
{
    (void)state;
    struct problem_socket sockets[] = {stuck(1, none), stuck(1, none), stuck(2, none)};
    sockets[0].is_silent = sockets[1].is_silent = true;
    struct problems problems = find(sockets, 3);
    assert_int_equal(problems.n, 2);
    assert_int_equal(problems.items[0].kind, PROBLEM_SILENT);
    assert_int_equal(problems.items[0].n_sockets, 1);
    assert_int_equal(problems.items[1].socket->pid, 2);
    problems_finish(&problems);
}

static void many__beyond_the_limit__are_said_to_be_missing(void **state)
{
    (void)state;
    const size_t n = PROBLEMS_MAX + 1;
    struct problem_socket *sockets = calloc(n, sizeof(*sockets));
    assert_non_null(sockets);
    for (size_t i = 0; i < n; i++)
        sockets[i] = stuck(1 + i, none);
    struct problems problems = find(sockets, n - 1);
    assert_true(problems.is_complete);
    problems_finish(&problems);
    problems = find(sockets, n);
    assert_int_equal(problems.n, PROBLEMS_MAX);
    assert_false(problems.is_complete);
    problems_finish(&problems);
    free(sockets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stuck__each_bound__just_below_and_above),
        cmocka_unit_test(sender__each_bound__just_below_and_above),
        cmocka_unit_test(full__was_at_its_mark_and_has_not_moved__is_full_still),
        cmocka_unit_test(no_peer__only_of_a_network_socket_that_connected_a_while_ago),
        cmocka_unit_test(connections__failed_handshakes_are_no_second_problem),
        cmocka_unit_test(symptom__of_the_same_link__is_named_in_its_cause),
        cmocka_unit_test(blocked__more_than_there_is_room__are_counted),
        cmocka_unit_test(alike__of_one_process__are_one_with_the_worst_of_each),
        cmocka_unit_test(silent__process__is_one_and_nothing_else_is_said_of_it),
        cmocka_unit_test(many__beyond_the_limit__are_said_to_be_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
