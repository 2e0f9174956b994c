/* SPDX-License-Identifier: MPL-2.0 */
/* Checks with a number, just below it and at it; and what a finding says of numbers. */
#include "collectors/policy/policy_settings_read.h"
#include "collectors/policy/policy_table.h"
#include "collectors/tap/tap_types.h"

#include "support/cmocka.h"

#include <stdio.h>
#include <string.h>
#include <zmq.h>

#define SECOND UINT64_C(1000000000)
#define NOW    (1000 * SECOND)
#define AWAY   "tcp://10.0.0.5:5556"
#define MEBI   (UINT64_C(1) << 20)

static const struct policy_process process = {.program = "p"};

static struct policy_socket socket_of(int type)
{
    struct policy_socket socket = {.process = &process,
                                   .type = tap_type_name((uint32_t)type),
                                   .traits = tap_type_traits((uint32_t)type),
                                   .place = policy_place_of(AWAY),
                                   .peer_hwm = SEGMENT_UNKNOWN,
                                   .now_ns = NOW};
    (void)snprintf(socket.endpoint, sizeof(socket.endpoint), "%s", AWAY);
    for (size_t i = 0; i < POLICY_N_FACTS; i++)
        socket.facts[i] = SEGMENT_UNKNOWN;
    return socket;
}

struct given {
    enum policy_fact fact;
    uint64_t value;
};

static void look__numbers__from_the_bound_on(void **state)
{
    /* The last fact has the number that the check is about; one less keeps it. */
    static const struct {
        const char *check;
        int type;
        struct given given[3];
        int64_t bound;
    } rows[] = {
        {"hwm_memory", ZMQ_PUSH, {{POLICY_LARGEST_SENT, MEBI}, {POLICY_SEND_HWM, 1025}}, 1025},
        {"no_reconnect_backoff",
         ZMQ_SUB,
         {{POLICY_RECONNECT_IVL_MAX, 0}, {POLICY_CONNECT_RETRIES, 100}},
         100},
        {"hwm_reached",
         ZMQ_PUSH,
         {{POLICY_SEND_HWM, 7}, {POLICY_SEND_AT_HWM_NS, 10 * SECOND}},
         10 * SECOND},
        {"infinite_receive_timeout",
         ZMQ_REQ,
         {{POLICY_RCVTIMEO, (uint64_t)-1}, {POLICY_RECEIVE_BLOCKED_NS, SECOND}},
         SECOND},
    };
    struct policy_settings *settings = NULL;
    (void)state;
    assert_int_equal(policy_settings_read(NULL, &settings, NULL), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const struct policy_check *check = policy_check_find(rows[i].check);
        struct policy_socket socket = socket_of(rows[i].type);
        struct policy_detail detail = {""};
        print_message("# %s\n", rows[i].check);
        for (size_t j = 0; j < 2; j++)
            socket.facts[rows[i].given[j].fact] = rows[i].given[j].value;
        assert_int_equal(check->socket_rule(&socket, settings, &detail), POLICY_BROKEN);
        assert_string_not_equal(detail.text, "");
        socket.facts[rows[i].given[1].fact] = (uint64_t)rows[i].bound - 1;
        assert_int_equal(check->socket_rule(&socket, settings, &detail), POLICY_KEPT);
    }
    policy_settings_destroy(&settings);
}

static void look__heartbeat__once_it_is_open_for_long(void **state)
{
    struct policy_settings *settings = NULL;
    struct policy_socket socket = socket_of(ZMQ_PULL);
    struct policy_detail detail;
    (void)state;
    assert_int_equal(policy_settings_read(NULL, &settings, NULL), 0);
    socket.facts[POLICY_HEARTBEAT_IVL] = 0;
    socket.facts[POLICY_OPENED_NS] = NOW - 60 * SECOND;
    assert_int_equal(policy_rule_heartbeat(&socket, settings, &detail), POLICY_BROKEN);
    socket.facts[POLICY_OPENED_NS]++;
    assert_int_equal(policy_rule_heartbeat(&socket, settings, &detail), POLICY_NOT_FOR);
    policy_settings_destroy(&settings);
}

static void look__unequal_hwm__from_the_factor_on(void **state)
{
    static const struct {
        uint64_t own, other;
        enum policy_verdict expected;
    } rows[] = {
        {1000, 1999, POLICY_KEPT}, {1000, 2000, POLICY_BROKEN}, {2000, 1000, POLICY_BROKEN},
        {1999, 1000, POLICY_KEPT}, {0, 1000, POLICY_BROKEN},    {1000, 0, POLICY_BROKEN},
        {0, 0, POLICY_KEPT},
    };
    struct policy_settings *settings = NULL;
    (void)state;
    assert_int_equal(policy_settings_read(NULL, &settings, NULL), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct policy_socket socket = socket_of(ZMQ_PUSH);
        struct policy_detail detail;
        print_message("# %zu\n", i);
        socket.facts[POLICY_SEND_HWM] = rows[i].own;
        socket.peer_hwm = rows[i].other;
        assert_int_equal(policy_rule_unequal_hwm(&socket, settings, &detail), rows[i].expected);
    }
    policy_settings_destroy(&settings);
}

static void look__timeouts__zero_is_no_infinite_one(void **state)
{
    struct policy_settings *settings = NULL;
    struct policy_socket socket = socket_of(ZMQ_REQ);
    struct policy_detail detail;
    (void)state;
    assert_int_equal(policy_settings_read(NULL, &settings, NULL), 0);
    socket.facts[POLICY_RECEIVE_BLOCKED_NS] = socket.facts[POLICY_SEND_BLOCKED_NS] = 9 * SECOND;
    socket.facts[POLICY_RCVTIMEO] = socket.facts[POLICY_SNDTIMEO] = 0;
    assert_int_equal(policy_rule_receive_timeout(&socket, settings, &detail), POLICY_KEPT);
    assert_int_equal(policy_rule_send_timeout(&socket, settings, &detail), POLICY_KEPT);
    socket.facts[POLICY_RCVTIMEO] = socket.facts[POLICY_SNDTIMEO] = (uint64_t)-1;
    assert_int_equal(policy_rule_receive_timeout(&socket, settings, &detail), POLICY_BROKEN);
    assert_int_equal(policy_rule_send_timeout(&socket, settings, &detail), POLICY_BROKEN);
    policy_settings_destroy(&settings);
}

static void look__hwm_reached__names_a_mark_that_would_have_held(void **state)
{
    struct policy_settings *settings = NULL;
    struct policy_socket socket = socket_of(ZMQ_PUB);
    struct policy_detail detail;
    static const char yaml[] = "full_for: 0\n";
    struct config_document *document = NULL;
    (void)state;
    assert_int_equal(config_document_parse("c", yaml, strlen(yaml), &document, NULL), 0);
    assert_int_equal(policy_settings_read(config_document_root(document), &settings, NULL), 0);
    config_document_destroy(&document);
    socket.facts[POLICY_SEND_HWM] = 100;
    socket.facts[POLICY_DROPPED_HWM] = 23;
    assert_int_equal(policy_rule_hwm_reached(&socket, settings, &detail), POLICY_BROKEN);
    assert_string_equal(detail.text, "23 messages dropped at a mark of 100; a mark of 123 would "
                                     "have held them");
    socket.facts[POLICY_DROPPED_HWM] = 0;
    assert_int_equal(policy_rule_hwm_reached(&socket, settings, &detail), POLICY_KEPT);
    socket.facts[POLICY_SEND_AT_HWM_NS] = 0;
    assert_int_equal(policy_rule_hwm_reached(&socket, settings, &detail), POLICY_KEPT);
    socket.facts[POLICY_SEND_AT_HWM_NS] = 1;
    assert_int_equal(policy_rule_hwm_reached(&socket, settings, &detail), POLICY_BROKEN);
    policy_settings_destroy(&settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(look__numbers__from_the_bound_on),
        cmocka_unit_test(look__heartbeat__once_it_is_open_for_long),
        cmocka_unit_test(look__unequal_hwm__from_the_factor_on),
        cmocka_unit_test(look__timeouts__zero_is_no_infinite_one),
        cmocka_unit_test(look__hwm_reached__names_a_mark_that_would_have_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
