/* SPDX-License-Identifier: MPL-2.0 */
/* Which sockets are given the mark of their other end, and which have a ZAP handler. */
#include "support/gathered.h"

#include <zmq.h>

static void gather__zap_handler__is_of_its_context_and_no_link(void **state)
{
    (void)state;
    add(0, ZMQ_REP, "inproc://zeromq.zap.01")->words[SEGMENT_CONTEXT] = 1;
    add(0, ZMQ_PUSH, "tcp://*:1")->words[SEGMENT_CONTEXT] = 0;
    add(0, ZMQ_PUSH, "tcp://*:2")->words[SEGMENT_CONTEXT] = 1;
    add(0, ZMQ_PUSH, "tcp://*:3")->words[SEGMENT_CONTEXT] = SEGMENT_UNKNOWN;
    add(0, ZMQ_REP, "inproc://zeromq.zap.01")->words[SEGMENT_CONTEXT] = SEGMENT_MAX_CONTEXTS - 1;
    add(0, ZMQ_PUSH, "tcp://*:4")->words[SEGMENT_CONTEXT] = SEGMENT_MAX_CONTEXTS - 1;
    add(0, ZMQ_REP, "inproc://zeromq.zap.02")->words[SEGMENT_CONTEXT] = 0;
    add(0, ZMQ_PUSH, "tcp://*:5")->words[SEGMENT_CONTEXT] = SEGMENT_MAX_CONTEXTS;
    add(1, ZMQ_PUSH, "tcp://*:6")->words[SEGMENT_CONTEXT] = 1;
    gather();
    assert_int_equal(facts.n_sockets, 7);
    assert_int_equal(find("PUSH", "tcp://*:1")->zap, POLICY_ZAP_NONE);
    assert_int_equal(find("PUSH", "tcp://*:2")->zap, POLICY_ZAP_HANDLER);
    assert_int_equal(find("PUSH", "tcp://*:3")->zap, POLICY_ZAP_NONE);
    assert_int_equal(find("PUSH", "tcp://*:4")->zap, POLICY_ZAP_HANDLER);
    assert_int_equal(find("PUSH", "tcp://*:5")->zap, POLICY_ZAP_NONE);
    assert_int_equal(find("PUSH", "tcp://*:6")->zap, POLICY_ZAP_NONE);
    /* In a context that has no number it is a socket like others. */
    set_up(state);
    add(0, ZMQ_REP, "inproc://zeromq.zap.01")->words[SEGMENT_CONTEXT] = SEGMENT_MAX_CONTEXTS;
    gather();
    assert_int_equal(facts.n_sockets, 1);
    assert_int_equal(facts.sockets[0]->zap, POLICY_ZAP_NONE);
}

/* Without a tap one address of each socket is known: any that answers may be a handler besides. */
static void
gather__zap_handler_without_a_tap__is_known_or_may_be_one_of_those_that_answer(void **state)
{
    static const struct {
        uint32_t type;
        const char *endpoint;
        uint64_t context;
        enum policy_zap expected;
    } sockets[] = {
        {ZMQ_PUB, "tcp://*:1", 0, POLICY_ZAP_NONE},
        {ZMQ_PUB, "tcp://*:2", 1, POLICY_ZAP_HANDLER},
        {ZMQ_REP, "inproc://zeromq.zap.01", 1, POLICY_ZAP_NONE},
        {ZMQ_PUB, "tcp://*:3", 2, POLICY_ZAP_UNKNOWN},
        {ZMQ_REP, "tcp://*:4", 2, POLICY_ZAP_NONE}, /* it is not its own handler */
        {ZMQ_ROUTER, "tcp://*:5", 3, POLICY_ZAP_UNKNOWN},
        {ZMQ_ROUTER, "tcp://*:6", 3, POLICY_ZAP_UNKNOWN},
        {ZMQ_PUB, "tcp://*:7", SEGMENT_UNKNOWN, POLICY_ZAP_UNKNOWN},
    };
    (void)state;
    size_t n = sizeof(sockets) / sizeof(*sockets);
    for (size_t i = 0; i < n; i++)
        add_peeked(0, sockets[i].type, sockets[i].endpoint)->words[SEGMENT_CONTEXT] =
            sockets[i].context;
    gather();
    assert_int_equal(facts.n_sockets, n - 1);
    for (size_t i = 0; i < n; i++) {
        if (i == 2)
            continue;
        const char *type = sockets[i].type == ZMQ_PUB   ? "PUB"
                           : sockets[i].type == ZMQ_REP ? "REP"
                                                        : "ROUTER";
        assert_int_equal(find(type, sockets[i].endpoint)->zap, sockets[i].expected);
    }
}

static struct told *add_end(uint32_t type, const char *endpoint, uint64_t binds, uint64_t hwm)
{
    struct told *told = add(0, type, endpoint);
    told->words[SEGMENT_BINDS] = binds;
    told->words[SEGMENT_RECEIVE_HWM] = hwm;
    return told;
}

static uint64_t peer_hwm(const char *sender, const char *receiver)
{
    set_up(NULL);
    add_end(ZMQ_PUSH, sender, 0, 5);
    add_end(ZMQ_PULL, receiver, 1, 77);
    gather();
    assert_true(find("PULL", receiver)->peer_hwm == SEGMENT_UNKNOWN);
    return find("PUSH", sender)->peer_hwm;
}

static void gather__links__are_of_one_port_or_path(void **state)
{
    (void)state;
    assert_int_equal(peer_hwm("tcp://127.0.0.1:5556", "tcp://*:5556"), 77);
    assert_int_equal(peer_hwm("ipc:///run/a", "ipc:///run/a"), 77);
    assert_true(peer_hwm("tcp://127.0.0.1:5556", "tcp://*:5557") == SEGMENT_UNKNOWN);
    assert_true(peer_hwm("tcp://10.0.0.5:5556", "tcp://*:5556") == SEGMENT_UNKNOWN);
    assert_true(peer_hwm("ipc:///run/a", "ipc:///run/b") == SEGMENT_UNKNOWN);
    assert_true(peer_hwm("inproc://a", "inproc://a") == SEGMENT_UNKNOWN);
    assert_true(peer_hwm("tcp://*:*", "tcp://*:*") == SEGMENT_UNKNOWN);
    assert_true(peer_hwm("tcp://*:0", "tcp://*:0") == SEGMENT_UNKNOWN);
    assert_true(peer_hwm("ipc://*:0", "ipc://*:0") == 77);
}

static void gather__long_names__are_links_up_to_the_room_for_them(void **state)
{
    char path[400];
    (void)state;
    memset(path, 'a', sizeof(path));
    memcpy(path, "ipc://", 6);
    path[299] = '\0';
    assert_int_equal(peer_hwm(path, path), 77);
    path[299] = 'a';
    path[300] = '\0';
    assert_true(peer_hwm(path, path) == SEGMENT_UNKNOWN);
    char port[400] = "tcp://127.0.0.1";
    memset(port + 15, '1', sizeof(port) - 15);
    port[15] = ':';
    port[15 + 296] = '\0';
    assert_int_equal(peer_hwm(port, port), 77);
    port[15 + 296] = '1';
    port[15 + 297] = '\0';
    assert_true(peer_hwm(port, port) == SEGMENT_UNKNOWN);
}

static void gather__ends__one_binds_and_one_receives(void **state)
{
    static const struct {
        uint32_t sender, receiver;
        uint64_t sender_binds, receiver_binds, hwm;
        bool is_link;
    } rows[] = {
        {ZMQ_PUSH, ZMQ_PULL, 0, 1, 3, true},
        {ZMQ_PUSH, ZMQ_PULL, 2, 0, 3, true},
        {ZMQ_PUSH, ZMQ_PULL, 0, 0, 3, false},
        {ZMQ_PUSH, ZMQ_PULL, 1, 1, 3, false},
        {ZMQ_PUSH, ZMQ_PULL, SEGMENT_UNKNOWN, 0, 3, false},
        {ZMQ_PUSH, ZMQ_PULL, 0, SEGMENT_UNKNOWN, 3, false},
        {ZMQ_PUSH, ZMQ_PULL, 0, 1, SEGMENT_UNKNOWN, false},
        {ZMQ_PUSH, ZMQ_PUSH, 0, 1, 3, false},
        {ZMQ_PULL, ZMQ_PULL, 0, 1, 3, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        set_up(state);
        struct told *sender = add_end(rows[i].sender, "tcp://lo:1", rows[i].sender_binds, 9);
        add_end(rows[i].receiver, "tcp://*:1", rows[i].receiver_binds, rows[i].hwm);
        sender->words[SEGMENT_RECEIVE_HWM] = SEGMENT_UNKNOWN;
        gather();
        uint64_t expected = rows[i].is_link ? rows[i].hwm : SEGMENT_UNKNOWN;
        assert_true(find(tap_type_name(rows[i].sender), "tcp://lo:1")->peer_hwm == expected);
    }
}

static void gather__several_receivers__the_lowest_mark_counts(void **state)
{
    static const struct {
        uint64_t marks[3], lowest;
    } rows[] = {{{5, 3, 4}, 3},
                {{3, 4, 5}, 3},
                {{0, 4, 0}, 4},
                {{4, 0, 0}, 4},
                {{0, 0, 0}, 0},
                {{0, 4, 3}, 3},
                {{0, 0, SEGMENT_UNKNOWN}, 0}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        set_up(state);
        add_end(ZMQ_PUSH, "ipc:///a", 1, 9);
        for (size_t j = 0; j < 3; j++)
            add_end(ZMQ_PULL, "ipc:///a", 0, rows[i].marks[j]);
        gather();
        assert_int_equal(find("PUSH", "ipc:///a")->peer_hwm, rows[i].lowest);
    }
}

static void gather__several_links__each_is_by_itself(void **state)
{
    (void)state;
    add_end(ZMQ_PULL, "ipc:///b", 0, 2);
    add_end(ZMQ_PUSH, "ipc:///c", 1, 9);
    add_end(ZMQ_PULL, "ipc:///a", 0, 1);
    add_end(ZMQ_PUSH, "ipc:///b", 1, 9);
    add_end(ZMQ_PULL, "ipc:///c", 0, 3);
    add_end(ZMQ_PUSH, "ipc:///a", 1, 9);
    add_end(ZMQ_PUSH, "ipc:///d", 1, 9);
    gather();
    assert_int_equal(find("PUSH", "ipc:///a")->peer_hwm, 1);
    assert_int_equal(find("PUSH", "ipc:///b")->peer_hwm, 2);
    assert_int_equal(find("PUSH", "ipc:///c")->peer_hwm, 3);
    assert_true(find("PUSH", "ipc:///d")->peer_hwm == SEGMENT_UNKNOWN);
}

static void gather__a_crowd_at_one_address__some_are_compared(void **state)
{
    size_t n_linked = 0;
    (void)state;
    for (size_t i = 0; i < 80; i++)
        add_end(ZMQ_DEALER, "ipc:///a", i % 2, 7);
    gather();
    for (size_t i = 0; i < 80; i++)
        n_linked += facts.sockets[i]->peer_hwm == 7;
    assert_int_equal(n_linked, 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(gather__zap_handler__is_of_its_context_and_no_link),
        CASE(gather__zap_handler_without_a_tap__is_known_or_may_be_one_of_those_that_answer),
        CASE(gather__links__are_of_one_port_or_path),
        CASE(gather__long_names__are_links_up_to_the_room_for_them),
        CASE(gather__ends__one_binds_and_one_receives),
        CASE(gather__several_receivers__the_lowest_mark_counts),
        CASE(gather__several_links__each_is_by_itself),
        CASE(gather__a_crowd_at_one_address__some_are_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
