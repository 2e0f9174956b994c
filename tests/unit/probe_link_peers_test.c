/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/probe/link_peers.h"

#include "support/cmocka.h"

static void disconnect__after_its_handshake__is_a_peers(void **state)
{
    (void)state;
    static struct link_peers peers;
    peers.n = 0;
    link_peers_accept(&peers, 10);
    link_peers_succeed(&peers);
    link_peers_accept(&peers, 11);
    assert_int_equal(link_peers_count(&peers), 1);
    assert_int_equal(link_peers_disconnect(&peers, 11), LINK_PEERS_HANDSHAKE);
    assert_int_equal(link_peers_count(&peers), 1);
    assert_int_equal(link_peers_disconnect(&peers, 10), LINK_PEERS_PEER);
    assert_int_equal(link_peers_count(&peers), 0);
    assert_int_equal(link_peers_disconnect(&peers, 10), LINK_PEERS_UNKNOWN);
}

static void succeed__an_older_handshake_stands_still__is_the_younger_ones(void **state)
{
    (void)state;
    static struct link_peers peers;
    peers.n = 0;
    link_peers_accept(&peers, 10); /* says nothing */
    link_peers_accept(&peers, 11);
    link_peers_succeed(&peers);
    assert_int_equal(link_peers_disconnect(&peers, 10), LINK_PEERS_HANDSHAKE);
    assert_int_equal(link_peers_disconnect(&peers, 11), LINK_PEERS_PEER);
}

static void accept__same_descriptor_again__replaces_what_was_lost(void **state)
{
    (void)state;
    static struct link_peers peers;
    peers.n = 0;
    link_peers_accept(&peers, 10);
    link_peers_succeed(&peers);
    link_peers_accept(&peers, 10);
    assert_int_equal(peers.n, 1);
    assert_int_equal(link_peers_count(&peers), 0);
}

static void accept__too_many__are_not_followed(void **state)
{
    (void)state;
    static struct link_peers peers;
    peers.n = 0;
    for (int i = 0; i < (int)LINK_PEERS_MAX + 5; i++) {
        link_peers_accept(&peers, i);
        link_peers_succeed(&peers);
    }
    assert_int_equal(link_peers_count(&peers), LINK_PEERS_MAX);
    assert_int_equal(link_peers_disconnect(&peers, (int)LINK_PEERS_MAX), LINK_PEERS_UNKNOWN);
    assert_int_equal(link_peers_disconnect(&peers, 0), LINK_PEERS_PEER);
    assert_int_equal(link_peers_disconnect(&peers, (int)LINK_PEERS_MAX - 1), LINK_PEERS_PEER);
    assert_int_equal(link_peers_count(&peers), LINK_PEERS_MAX - 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(disconnect__after_its_handshake__is_a_peers),
        cmocka_unit_test(succeed__an_older_handshake_stands_still__is_the_younger_ones),
        cmocka_unit_test(accept__same_descriptor_again__replaces_what_was_lost),
        cmocka_unit_test(accept__too_many__are_not_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
