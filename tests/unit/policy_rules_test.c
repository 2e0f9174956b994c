/* SPDX-License-Identifier: MPL-2.0 */
/* Each check on facts that break it, that keep it, that do not tell, and that it leaves alone. */
#include "collectors/policy/policy_findings.h"
#include "collectors/policy/policy_settings_read.h"
#include "collectors/tap/tap_types.h"

#include "support/cmocka.h"
#include "support/temporary_directory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#define SECOND UINT64_C(1000000000)
#define AWAY   "tcp://10.0.0.5:5556"
#define HERE   "tcp://127.0.0.1:5556"
#define NONE   ((uint64_t)-1) /* infinite: -1 as zmq_getsockopt gives it */

static struct policy_settings *settings;

static int setup(void **state)
{
    (void)state;
    return policy_settings_read(NULL, &settings, NULL);
}

static int teardown(void **state)
{
    (void)state;
    policy_settings_destroy(&settings);
    return 0;
}

struct given {
    enum policy_fact fact;
    uint64_t value;
};

struct example {
    const char *check;
    int type;
    const char *endpoint;
    struct given given[5]; /* ends at POLICY_OPENED_NS with 0 */
    enum policy_verdict expected;
};

static const struct example examples[] = {
    {"plaintext_tcp", ZMQ_PUB, AWAY, {{POLICY_MECHANISM, ZMQ_NULL}}, POLICY_BROKEN},
    {"plaintext_tcp", ZMQ_PUB, "tcp://*:5", {{POLICY_MECHANISM, ZMQ_NULL}}, POLICY_BROKEN},
    {"plaintext_tcp",
     ZMQ_PUB,
     "epgm://eth0;239.1.1.1:5",
     {{POLICY_MECHANISM, ZMQ_NULL}},
     POLICY_BROKEN},
    {"plaintext_tcp", ZMQ_PUB, AWAY, {{POLICY_MECHANISM, ZMQ_CURVE}}, POLICY_KEPT},
    {"plaintext_tcp", ZMQ_PUB, AWAY, {{0}}, POLICY_UNKNOWN},
    {"plaintext_tcp", ZMQ_PUB, HERE, {{POLICY_MECHANISM, ZMQ_NULL}}, POLICY_NOT_FOR},
    {"plaintext_tcp", ZMQ_PUB, "inproc://x", {{POLICY_MECHANISM, ZMQ_NULL}}, POLICY_NOT_FOR},
    {"plaintext_tcp", ZMQ_PUB, "", {{POLICY_MECHANISM, ZMQ_NULL}}, POLICY_NOT_FOR},
    {"plain_over_tcp", ZMQ_REP, AWAY, {{POLICY_MECHANISM, ZMQ_PLAIN}}, POLICY_BROKEN},
    {"plain_over_tcp", ZMQ_REP, AWAY, {{POLICY_MECHANISM, ZMQ_NULL}}, POLICY_KEPT},
    {"plain_over_tcp", ZMQ_REP, HERE, {{POLICY_MECHANISM, ZMQ_PLAIN}}, POLICY_NOT_FOR},
    {"curve_without_zap",
     ZMQ_REP,
     HERE,
     {{POLICY_MECHANISM, ZMQ_CURVE}, {POLICY_CURVE_SERVER, 1}},
     POLICY_BROKEN},
    {"curve_without_zap",
     ZMQ_REP,
     HERE,
     {{POLICY_MECHANISM, ZMQ_CURVE}, {POLICY_CURVE_SERVER, 0}},
     POLICY_NOT_FOR},
    {"curve_without_zap", ZMQ_REP, HERE, {{POLICY_MECHANISM, ZMQ_CURVE}}, POLICY_UNKNOWN},
    {"wildcard_bind", ZMQ_PUB, "tcp://*:5556", {{0}}, POLICY_BROKEN},
    {"wildcard_bind", ZMQ_PUB, "tcp://0.0.0.0:5556", {{0}}, POLICY_BROKEN},
    {"wildcard_bind", ZMQ_PUB, "tcp://[::]:5556", {{0}}, POLICY_BROKEN},
    {"wildcard_bind", ZMQ_PUB, AWAY, {{0}}, POLICY_KEPT},
    {"unlimited_hwm",
     ZMQ_PUSH,
     HERE,
     {{POLICY_SEND_HWM, 0}, {POLICY_RECEIVE_HWM, 9}, {POLICY_CONFLATE, 0}},
     POLICY_BROKEN},
    {"unlimited_hwm",
     ZMQ_PULL,
     HERE,
     {{POLICY_SEND_HWM, 9}, {POLICY_RECEIVE_HWM, 0}, {POLICY_CONFLATE, 0}},
     POLICY_BROKEN},
    {"unlimited_hwm", ZMQ_PULL, HERE, {{POLICY_RECEIVE_HWM, 0}}, POLICY_UNKNOWN},
    {"unlimited_hwm",
     ZMQ_ROUTER,
     HERE,
     {{POLICY_SEND_HWM, 0}, {POLICY_RECEIVE_HWM, 9}, {POLICY_CONFLATE, 1}},
     POLICY_BROKEN},
    {"unlimited_hwm", ZMQ_PUSH, HERE, {{POLICY_SEND_HWM, 9}, {POLICY_RECEIVE_HWM, 0}}, POLICY_KEPT},
    {"unlimited_hwm", ZMQ_PUSH, HERE, {{POLICY_SEND_HWM, 0}, {POLICY_CONFLATE, 1}}, POLICY_NOT_FOR},
    {"unlimited_hwm", ZMQ_PUSH, HERE, {{POLICY_RECEIVE_HWM, 0}}, POLICY_UNKNOWN},
    {"hwm_memory",
     ZMQ_PUSH,
     HERE,
     {{POLICY_SEND_HWM, 1000},
      {POLICY_SENT_MESSAGES, 10},
      {POLICY_SENT_BYTES, 20 << 20},
      {POLICY_PEERS, 1}},
     POLICY_BROKEN},
    {"hwm_memory",
     ZMQ_PUSH,
     HERE,
     {{POLICY_SEND_HWM, 1000}, {POLICY_SENT_MESSAGES, 10}, {POLICY_SENT_BYTES, 1000}},
     POLICY_KEPT},
    {"hwm_memory", ZMQ_PUSH, HERE, {{POLICY_SEND_HWM, 1000}}, POLICY_UNKNOWN},
    {"no_max_message_size",
     ZMQ_PULL,
     AWAY,
     {{POLICY_BINDS, 1}, {POLICY_MAXMSGSIZE, NONE}},
     POLICY_BROKEN},
    {"no_max_message_size",
     ZMQ_PULL,
     AWAY,
     {{POLICY_BINDS, 1}, {POLICY_MAXMSGSIZE, 4096}},
     POLICY_KEPT},
    {"no_max_message_size",
     ZMQ_PULL,
     AWAY,
     {{POLICY_BINDS, 0}, {POLICY_MAXMSGSIZE, NONE}},
     POLICY_NOT_FOR},
    {"no_max_message_size",
     ZMQ_PUSH,
     AWAY,
     {{POLICY_BINDS, 1}, {POLICY_MAXMSGSIZE, NONE}},
     POLICY_NOT_FOR},
    {"no_max_message_size", ZMQ_PULL, AWAY, {{POLICY_MAXMSGSIZE, NONE}}, POLICY_UNKNOWN},
    {"no_heartbeat",
     ZMQ_SUB,
     AWAY,
     {{POLICY_HEARTBEAT_IVL, 0}, {POLICY_OPENED_NS, SECOND}},
     POLICY_BROKEN},
    {"no_heartbeat",
     ZMQ_SUB,
     AWAY,
     {{POLICY_HEARTBEAT_IVL, 0}, {POLICY_OPENED_NS, 990 * SECOND}},
     POLICY_NOT_FOR},
    {"no_heartbeat",
     ZMQ_SUB,
     AWAY,
     {{POLICY_HEARTBEAT_IVL, 500}, {POLICY_OPENED_NS, SECOND}},
     POLICY_KEPT},
    {"no_heartbeat",
     ZMQ_SUB,
     AWAY,
     {{POLICY_HEARTBEAT_IVL, 0}, {POLICY_TCP_KEEPALIVE, 1}, {POLICY_OPENED_NS, SECOND}},
     POLICY_KEPT},
    {"no_handshake_timeout",
     ZMQ_PUB,
     AWAY,
     {{POLICY_BINDS, 1}, {POLICY_HANDSHAKE_IVL, 0}},
     POLICY_BROKEN},
    {"no_handshake_timeout",
     ZMQ_PUB,
     AWAY,
     {{POLICY_BINDS, 1}, {POLICY_HANDSHAKE_IVL, 30000}},
     POLICY_KEPT},
    {"no_handshake_timeout", ZMQ_PUB, AWAY, {{POLICY_BINDS, 1}}, POLICY_UNKNOWN},
    {"infinite_linger", ZMQ_PUSH, HERE, {{POLICY_LINGER, NONE}}, POLICY_BROKEN},
    {"infinite_linger", ZMQ_PUSH, HERE, {{POLICY_LINGER, 100}}, POLICY_KEPT},
    {"infinite_linger", ZMQ_PULL, HERE, {{POLICY_LINGER, NONE}}, POLICY_NOT_FOR},
    {"infinite_linger", ZMQ_PUSH, "inproc://x", {{POLICY_LINGER, NONE}}, POLICY_NOT_FOR},
    {"zero_linger", ZMQ_PUSH, HERE, {{POLICY_LINGER, 0}, {POLICY_SENT_MESSAGES, 1}}, POLICY_BROKEN},
    {"zero_linger", ZMQ_PUSH, HERE, {{POLICY_LINGER, 0}, {POLICY_SENT_MESSAGES, 0}}, POLICY_KEPT},
    {"zero_linger", ZMQ_PUB, HERE, {{POLICY_LINGER, 0}, {POLICY_SENT_MESSAGES, 1}}, POLICY_NOT_FOR},
    {"infinite_receive_timeout",
     ZMQ_REQ,
     HERE,
     {{POLICY_RCVTIMEO, NONE}, {POLICY_RECEIVE_BLOCKED_NS, 2 * SECOND}},
     POLICY_BROKEN},
    {"infinite_receive_timeout",
     ZMQ_REQ,
     HERE,
     {{POLICY_RCVTIMEO, NONE}, {POLICY_RECEIVE_BLOCKED_NS, 0}},
     POLICY_KEPT},
    {"infinite_receive_timeout",
     ZMQ_REQ,
     HERE,
     {{POLICY_RCVTIMEO, 5000}, {POLICY_RECEIVE_BLOCKED_NS, 2 * SECOND}},
     POLICY_KEPT},
    {"infinite_receive_timeout",
     ZMQ_PULL,
     HERE,
     {{POLICY_RCVTIMEO, NONE}, {POLICY_RECEIVE_BLOCKED_NS, 2 * SECOND}},
     POLICY_NOT_FOR},
    {"infinite_send_timeout",
     ZMQ_PUSH,
     HERE,
     {{POLICY_SNDTIMEO, NONE},
      {POLICY_SEND_BLOCKED_NS, 0},
      {POLICY_SEND_BLOCKED_NO_PEER_NS, 2 * SECOND}},
     POLICY_BROKEN},
    {"infinite_send_timeout",
     ZMQ_PUSH,
     HERE,
     {{POLICY_SNDTIMEO, 100},
      {POLICY_SEND_BLOCKED_NS, 2 * SECOND},
      {POLICY_SEND_BLOCKED_NO_PEER_NS, 0}},
     POLICY_KEPT},
    {"infinite_send_timeout",
     ZMQ_PULL,
     HERE,
     {{POLICY_SNDTIMEO, NONE}, {POLICY_SEND_BLOCKED_NS, 2 * SECOND}},
     POLICY_NOT_FOR},
    {"ipc_abstract", ZMQ_PUB, "ipc://@name", {{0}}, POLICY_BROKEN},
    {"ipc_abstract", ZMQ_PUB, "ipc:///run/x", {{0}}, POLICY_KEPT},
    {"incompatible_peers",
     ZMQ_PUB,
     HERE,
     {{POLICY_BAD_METADATA, 2}, {POLICY_REFUSED, 0}},
     POLICY_BROKEN},
    {"incompatible_peers",
     ZMQ_PUB,
     HERE,
     {{POLICY_BAD_METADATA, 0}, {POLICY_REFUSED, 0}},
     POLICY_KEPT},
    {"incompatible_peers", ZMQ_PUB, HERE, {{0}}, POLICY_UNKNOWN},
    {"hwm_reached", ZMQ_PUB, HERE, {{POLICY_DROPPED_HWM, 7}, {POLICY_SEND_HWM, 10}}, POLICY_BROKEN},
    {"hwm_reached",
     ZMQ_PUSH,
     HERE,
     {{POLICY_SEND_AT_HWM_NS, 60 * SECOND}, {POLICY_SEND_HWM, 10}},
     POLICY_BROKEN},
    {"hwm_reached",
     ZMQ_PUSH,
     HERE,
     {{POLICY_SEND_AT_HWM_NS, SECOND}, {POLICY_SEND_HWM, 10}},
     POLICY_KEPT},
    {"hwm_reached", ZMQ_PUSH, HERE, {{POLICY_SEND_HWM, 10}}, POLICY_UNKNOWN},
    {"unroutable_unnoticed",
     ZMQ_ROUTER,
     HERE,
     {{POLICY_DROPPED_UNROUTABLE, 1}, {POLICY_ROUTER_MANDATORY, 0}},
     POLICY_BROKEN},
    {"unroutable_unnoticed",
     ZMQ_ROUTER,
     HERE,
     {{POLICY_DROPPED_UNROUTABLE, 0}, {POLICY_ROUTER_MANDATORY, 0}},
     POLICY_KEPT},
    {"unroutable_unnoticed", ZMQ_REP, HERE, {{POLICY_DROPPED_UNROUTABLE, 1}}, POLICY_NOT_FOR},
    {"hwm_memory",
     ZMQ_PULL,
     HERE,
     {{POLICY_RECEIVE_HWM, 1000},
      {POLICY_RECEIVED_MESSAGES, 1000},
      {POLICY_RECEIVED_BYTES, 10000},
      {POLICY_LARGEST_RECEIVED, 2 << 20}},
     POLICY_BROKEN},
    {"hwm_memory",
     ZMQ_PULL,
     HERE,
     {{POLICY_RECEIVE_HWM, 1000},
      {POLICY_RECEIVED_MESSAGES, 1000},
      {POLICY_RECEIVED_BYTES, 10000},
      {POLICY_LARGEST_RECEIVED, 1 << 20}},
     POLICY_KEPT},
    {"hwm_memory",
     ZMQ_PUSH,
     HERE,
     {{POLICY_SEND_HWM, 1000}, {POLICY_LARGEST_SENT, 2 << 20}},
     POLICY_BROKEN},
    {"wildcard_bind", ZMQ_PUB, "tcp://0.0.0.0:5", {{POLICY_BINDS, 1}}, POLICY_BROKEN},
    {"wildcard_bind",
     ZMQ_PUB,
     "tcp://0.0.0.0:5", /* it connects to this host */
     {{POLICY_CONNECTS, 1}, {POLICY_BINDS, 0}},
     POLICY_NOT_FOR},
    {"no_max_message_size",
     ZMQ_PULL,
     "tcp://*:5", /* where it must be bound, as of a program without the tap */
     {{POLICY_MAXMSGSIZE, (uint64_t)-1}},
     POLICY_BROKEN},
    {"no_max_message_size", ZMQ_PULL, AWAY, {{POLICY_MAXMSGSIZE, (uint64_t)-1}}, POLICY_UNKNOWN},
    {"infinite_send_timeout",
     ZMQ_PUSH,
     HERE,
     {{POLICY_SNDTIMEO, (uint64_t)-1}, {POLICY_SEND_BLOCKED_NS, SECOND - 1}},
     POLICY_KEPT},
    {"infinite_send_timeout",
     ZMQ_PUSH,
     HERE,
     {{POLICY_SNDTIMEO, (uint64_t)-1}, {POLICY_SEND_BLOCKED_NS, SECOND}},
     POLICY_BROKEN},
    {"call_out_of_turn", ZMQ_REQ, HERE, {{POLICY_API_ERROR_KINDS, 1}}, POLICY_BROKEN},
    {"call_out_of_turn", ZMQ_REQ, HERE, {{POLICY_API_ERROR_KINDS, ~1 & 0xfff}}, POLICY_KEPT},
    {"call_out_of_turn", ZMQ_REQ, HERE, {{POLICY_API_ERROR_KINDS, 0}}, POLICY_KEPT},
    {"call_out_of_turn", ZMQ_REQ, HERE, {{0}}, POLICY_UNKNOWN},
    {"api_misuse", ZMQ_REQ, HERE, {{POLICY_API_ERROR_KINDS, 1}}, POLICY_KEPT},
    {"api_misuse", ZMQ_REQ, HERE, {{POLICY_API_ERROR_KINDS, 1 << 8}}, POLICY_BROKEN},
    {"api_misuse",
     ZMQ_REQ,
     HERE,
     {{POLICY_API_ERROR_KINDS, 1 << 2 | 1 << 6 | 1 << 11 | 1 << 12}},
     POLICY_KEPT},
    {"api_misuse", ZMQ_REQ, HERE, {{POLICY_API_ERROR_KINDS, 0}}, POLICY_KEPT},
    {"api_misuse", ZMQ_REQ, HERE, {{0}}, POLICY_UNKNOWN},
    {"concurrent_use", ZMQ_PUSH, HERE, {{POLICY_CONCURRENT_CALLS, 1}}, POLICY_BROKEN},
    {"concurrent_use", ZMQ_PUSH, HERE, {{POLICY_CONCURRENT_CALLS, 0}}, POLICY_KEPT},
    {"concurrent_use", ZMQ_PUSH, HERE, {{0}}, POLICY_UNKNOWN},
    {"concurrent_use", 13 /* CLIENT */, HERE, {{POLICY_CONCURRENT_CALLS, 1}}, POLICY_NOT_FOR},
    {"starved_socket",
     ZMQ_PULL,
     HERE,
     {{POLICY_RECEIVE_QUEUE, 7},
      {POLICY_RECEIVE_AGE_NS, 30 * SECOND},
      {POLICY_LAST_RECEIVED_NS, 970 * SECOND}},
     POLICY_BROKEN},
    {"starved_socket",
     ZMQ_PULL,
     HERE,
     {{POLICY_RECEIVE_QUEUE, 7}, {POLICY_RECEIVE_AGE_NS, 30 * SECOND}},
     POLICY_BROKEN},
    {"starved_socket",
     ZMQ_PULL,
     HERE,
     {{POLICY_RECEIVE_QUEUE, 7},
      {POLICY_RECEIVE_AGE_NS, 30 * SECOND},
      {POLICY_LAST_RECEIVED_NS, 970 * SECOND + 1}},
     POLICY_KEPT},
    {"starved_socket",
     ZMQ_PULL,
     HERE,
     {{POLICY_RECEIVE_QUEUE, 7}, {POLICY_RECEIVE_AGE_NS, 30 * SECOND - 1}},
     POLICY_KEPT},
    {"starved_socket", ZMQ_PULL, HERE, {{POLICY_RECEIVE_QUEUE, 0}}, POLICY_KEPT},
    {"starved_socket", ZMQ_PULL, HERE, {{POLICY_RECEIVE_QUEUE, 7}}, POLICY_UNKNOWN},
    {"starved_socket", ZMQ_PULL, HERE, {{0}}, POLICY_UNKNOWN},
    {"starved_socket",
     ZMQ_XPUB,
     HERE,
     {{POLICY_RECEIVE_QUEUE, 7}, {POLICY_RECEIVE_AGE_NS, 90 * SECOND}},
     POLICY_NOT_FOR},
    {"no_reconnect_backoff",
     ZMQ_SUB,
     AWAY,
     {{POLICY_CONNECT_RETRIES, 500}, {POLICY_RECONNECT_IVL_MAX, 0}},
     POLICY_BROKEN},
    {"no_reconnect_backoff",
     ZMQ_SUB,
     AWAY,
     {{POLICY_CONNECT_RETRIES, 500}, {POLICY_RECONNECT_IVL_MAX, 9000}},
     POLICY_KEPT},
};

static void fill(struct policy_socket *socket, const struct policy_process *process, int type,
                 const char *endpoint)
{
    *socket = (struct policy_socket){.process = process,
                                     .type = tap_type_name((uint32_t)type),
                                     .traits = tap_type_traits((uint32_t)type),
                                     .place = policy_place_of(endpoint),
                                     .peer_hwm = SEGMENT_UNKNOWN,
                                     .others_received_ns = 996 * SECOND,
                                     .now_ns = 1000 * SECOND};
    (void)snprintf(socket->endpoint, sizeof(socket->endpoint), "%s", endpoint);
    for (size_t i = 0; i < POLICY_N_FACTS; i++)
        socket->facts[i] = SEGMENT_UNKNOWN;
}

static enum policy_verdict look(const struct example *example, struct policy_detail *detail)
{
    static const struct policy_process process = {.program = "p"};
    struct policy_socket socket;
    fill(&socket, &process, example->type, example->endpoint);
    for (size_t i = 0; i < 5; i++) {
        if (example->given[i].fact != POLICY_OPENED_NS || example->given[i].value)
            socket.facts[example->given[i].fact] = example->given[i].value;
    }
    const struct policy_check *check = policy_check_find(example->check);
    assert_non_null(check);
    return check->socket_rule(&socket, settings, detail);
}

static void look__examples__break_the_check_or_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++) {
        struct policy_detail detail = {""};
        enum policy_verdict verdict = look(&examples[i], &detail);
        print_message("# %zu %s %s: %d\n", i, examples[i].check, examples[i].endpoint, verdict);
        assert_int_equal(verdict, examples[i].expected);
        assert_int_equal(detail.text[0] != '\0', verdict == POLICY_BROKEN);
    }
}

static void place_of__endpoints__lead_within_or_beyond(void **state)
{
    static const struct {
        const char *endpoint;
        enum policy_transport transport;
        enum policy_reach reach;
    } places[] = {
        {"tcp://127.0.0.1:1", POLICY_TCP, POLICY_WITHIN},
        {"tcp://127.8.9.1:*", POLICY_TCP, POLICY_WITHIN},
        {"tcp://localhost:1", POLICY_TCP, POLICY_WITHIN},
        {"tcp://lo:1", POLICY_TCP, POLICY_WITHIN},
        {"tcp://[::1]:1", POLICY_TCP, POLICY_WITHIN},
        {"tcp://[::ffff:127.0.0.1]:1", POLICY_TCP, POLICY_WITHIN},
        {"tcp://*:*", POLICY_TCP, POLICY_WILDCARD},
        {"tcp://[::]:1", POLICY_TCP, POLICY_WILDCARD},
        {"tcp://eth0:1", POLICY_TCP, POLICY_BEYOND},
        {"tcp://192.168.0.7;10.0.0.1:1", POLICY_TCP, POLICY_BEYOND},
        {"tcp://feed.example.org:1", POLICY_TCP, POLICY_BEYOND},
        {"tcp://[fe80::1%eth0]:1", POLICY_TCP, POLICY_BEYOND},
        {"ipc:///run/x", POLICY_IPC, POLICY_WITHIN},
        {"inproc://x", POLICY_INPROC, POLICY_WITHIN},
        {"(other)", POLICY_NOWHERE, POLICY_WITHIN},
        {"", POLICY_NOWHERE, POLICY_WITHIN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        struct policy_place place = policy_place_of(places[i].endpoint);
        print_message("# %s\n", places[i].endpoint);
        assert_int_equal(place.transport, places[i].transport);
        assert_int_equal(place.reach, places[i].reach);
    }
}

/* The mode of what is bound, and that of its folder. */
static void look__ipc_path__by_mode_and_folder(void **state)
{
    static const struct {
        unsigned mode, folder;
        enum policy_verdict expected;
    } modes[] = {{0755, 0755, POLICY_KEPT},
                 {0777, 0755, POLICY_BROKEN},
                 {0700, 0777, POLICY_BROKEN},
                 {0700, 01777, POLICY_KEPT}};
    char folder[64], path[96], endpoint[128];
    struct policy_process process = {.pid = (uint64_t)getpid(), .is_reachable = true};
    struct policy_socket socket;
    struct policy_detail detail;
    const struct policy_check *check = policy_check_find("ipc_open_to_others");
    (void)state;
    temporary_directory_make(folder);
    (void)snprintf(path, sizeof(path), "%s/socket", folder);
    (void)snprintf(endpoint, sizeof(endpoint), "ipc://%s", path);
    fclose(fopen(path, "w"));
    fill(&socket, &process, ZMQ_PUB, endpoint);
    for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
        assert_int_equal(chmod(path, modes[i].mode), 0);
        assert_int_equal(chmod(folder, modes[i].folder), 0);
        assert_int_equal(check->socket_rule(&socket, settings, &detail), modes[i].expected);
    }
    socket.facts[POLICY_BINDS] = 0;
    assert_int_equal(check->socket_rule(&socket, settings, &detail), POLICY_NOT_FOR);
    socket.facts[POLICY_BINDS] = 1;
    process.is_reachable = false;
    assert_int_equal(check->socket_rule(&socket, settings, &detail), POLICY_UNKNOWN);
    temporary_directory_remove(folder);
}

static void table__rows__are_whole_and_each_has_an_example_that_breaks_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < policy_n_checks; i++) {
        const struct policy_check *check = &policy_checks[i];
        bool has_example = !check->socket_rule || strcmp(check->name, "ipc_open_to_others") == 0 ||
                           strcmp(check->name, "unequal_hwm") == 0;
        print_message("# %s\n", check->name);
        assert_true(strlen(check->what) && strlen(check->why) && strlen(check->fix_c) &&
                    strlen(check->fix_python) && strlen(check->except));
        assert_int_equal(!!check->socket_rule + !!check->process_rule + !!check->library_rule, 1);
        assert_ptr_equal(policy_check_find(check->name), check);
        for (size_t j = 0; j < sizeof(examples) / sizeof(*examples); j++)
            has_example |= strcmp(examples[j].check, check->name) == 0 &&
                           examples[j].expected == POLICY_BROKEN;
        assert_true(has_example);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(look__examples__break_the_check_or_not),
        cmocka_unit_test(place_of__endpoints__lead_within_or_beyond),
        cmocka_unit_test(look__ipc_path__by_mode_and_folder),
        cmocka_unit_test(table__rows__are_whole_and_each_has_an_example_that_breaks_it),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
