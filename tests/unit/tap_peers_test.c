/* SPDX-License-Identifier: MPL-2.0 */
/* Peers from the events of connections: ends, failures, what the program ends itself, limits. */
#include "tap/events/peers.h"
#include "tap/ground/tables.h"

#include "support/cmocka.h"

#include <stdio.h>

#define HERE "tcp://127.0.0.1:5555"

static int begin(void **state)
{
    (void)state;
    peers_forked();
    return 0;
}

static void ended__of_a_peer__is_one_less(void **state)
{
    struct peers peers = {0};
    (void)state;
    peers_opened(&peers, HERE, 7);
    assert_true(peers_has_connection(&peers));
    assert_int_equal(peers_count(&peers), 0);
    peers_succeeded(&peers, HERE);
    assert_int_equal(peers_count(&peers), 1);
    peers_succeeded(&peers, HERE); /* of nobody */
    assert_int_equal(peers_count(&peers), 1);
    assert_int_equal(peers_ended(&peers, HERE, 7), PEERS_END_NORMAL);
    assert_int_equal(peers_count(&peers), 0);
    assert_false(peers_has_connection(&peers));
    assert_int_equal(peers_ended(&peers, HERE, 7), PEERS_END_NORMAL);
    assert_int_equal(peers_count(&peers), 0);
}

static void ended__in_the_handshake__is_refused_unless_told_before(void **state)
{
    struct peers peers = {0};
    (void)state;
    peers_opened(&peers, HERE, 7);
    assert_int_equal(peers_ended(&peers, HERE, 7), PEERS_END_REFUSED);
    peers_opened(&peers, HERE, 8);
    assert_true(peers_failed(&peers, HERE));
    assert_false(peers_failed(&peers, HERE)); /* the same in other words */
    assert_int_equal(peers_ended(&peers, HERE, 8), PEERS_END_NORMAL);
    assert_int_equal(peers_count(&peers), 0);
    assert_true(peers_failed(&peers, "tcp://127.0.0.1:1")); /* of an address never heard of */
}

/* The oldest of many that are in the handshake is forgotten, and no other. */
static void ended__more_in_the_handshake_than_are_kept__knows_the_latest(void **state)
{
    enum { N_FORGOTTEN = 3, N = PEERS_N_RECENT + N_FORGOTTEN };
    struct peers peers = {0};
    (void)state;
    for (int fd = 1; fd <= N; fd++)
        peers_opened(&peers, HERE, fd);
    for (int fd = 1; fd <= N; fd++)
        assert_int_equal(peers_ended(&peers, HERE, fd),
                         fd <= N_FORGOTTEN ? PEERS_END_NORMAL : PEERS_END_REFUSED);
    assert_false(peers_has_connection(&peers));
}

static void succeeded__of_several__is_the_youngest(void **state)
{
    struct peers peers = {0};
    (void)state;
    peers_opened(&peers, HERE, 1);
    peers_opened(&peers, HERE, 2);
    peers_succeeded(&peers, HERE);
    assert_int_equal(peers_ended(&peers, HERE, 1), PEERS_END_REFUSED);
    assert_int_equal(peers_count(&peers), 1);
    assert_int_equal(peers_ended(&peers, HERE, 2), PEERS_END_NORMAL);
    assert_int_equal(peers_count(&peers), 0);
}

static void dropped__by_the_program__is_ignored_until_it_is_given_again(void **state)
{
    struct peers peers = {0};
    (void)state;
    peers_opened(&peers, HERE, 1);
    peers_succeeded(&peers, HERE);
    peers_drop(&peers, HERE);
    assert_int_equal(peers_count(&peers), 0);
    peers_opened(&peers, HERE, 2);
    peers_succeeded(&peers, HERE);
    assert_int_equal(peers_count(&peers), 0);
    assert_false(peers_has_connection(&peers));
    peers_expect_connection(&peers, HERE);
    peers_opened(&peers, HERE, 3);
    peers_succeeded(&peers, HERE);
    assert_int_equal(peers_count(&peers), 1);
}

static void dropped__wildcard__is_each_address_of_the_port(void **state)
{
    static const char *const wildcards[] = {"tcp://0.0.0.0:5555", "tcp://*:5555",
                                            "tcp://[::]:5555"};
    (void)state;
    for (size_t i = 0; i < sizeof wildcards / sizeof *wildcards; i++) {
        struct peers peers = {0};
        peers_opened(&peers, HERE, 1);
        peers_succeeded(&peers, HERE);
        peers_opened(&peers, "tcp://127.0.0.1:5556", 2);
        peers_succeeded(&peers, "tcp://127.0.0.1:5556");
        peers_drop(&peers, wildcards[i]);
        assert_int_equal(peers_count(&peers), 1);
        peers_expect_others(&peers, wildcards[i]);
        peers_opened(&peers, HERE, 3);
        peers_succeeded(&peers, HERE);
        assert_int_equal(peers_count(&peers), 2);
    }
}

static void without_handshake__a_connection__is_a_peer(void **state)
{
    struct peers peers = {.is_without_handshake = true};
    (void)state;
    peers_opened(&peers, HERE, 1);
    assert_int_equal(peers_count(&peers), 1);
}

static void addresses__more_than_there_is_room_for__are_unknown_to_that_socket(void **state)
{
    enum { N_SOCKETS = 64 };
    static struct peers many[N_SOCKETS];
    struct peers other = {0};
    char address[32];
    (void)state;
    for (unsigned i = 0; i < PEERS_MAX_ADDRESSES; i++) {
        snprintf(address, sizeof address, "ipc:///%u", i);
        peers_opened(&many[i % N_SOCKETS], address, 1);
        assert_false(many[i % N_SOCKETS].is_unknown);
    }
    peers_opened(&other, HERE, 1);
    assert_int_equal(peers_count(&other), -1);
    assert_true(peers_has_connection(&other));
    for (int i = 0; i < N_SOCKETS; i++) {
        assert_int_equal(peers_count(&many[i]), 0);
        peers_finish(&many[i]);
    }
    peers_finish(&other);
    peers_opened(&other, HERE, 1);
    peers_succeeded(&other, HERE);
    assert_int_equal(peers_count(&other), 1);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ended__of_a_peer__is_one_less),
        TEST(ended__in_the_handshake__is_refused_unless_told_before),
        TEST(ended__more_in_the_handshake_than_are_kept__knows_the_latest),
        TEST(succeeded__of_several__is_the_youngest),
        TEST(dropped__by_the_program__is_ignored_until_it_is_given_again),
        TEST(dropped__wildcard__is_each_address_of_the_port),
        TEST(without_handshake__a_connection__is_a_peer),
        TEST(addresses__more_than_there_is_room_for__are_unknown_to_that_socket),
    };
    return tables_map() == 0 ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
