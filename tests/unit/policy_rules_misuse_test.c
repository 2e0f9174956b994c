/* SPDX-License-Identifier: MPL-2.0 */
/* What the checks of use need beside a socket's own facts: other sockets, and the process. */
#include "collectors/policy/policy_settings_read.h"
#include "collectors/policy/policy_table.h"
#include "collectors/tap/tap_types.h"

#include "support/cmocka.h"

#include <zmq.h>

#define SECOND UINT64_C(1000000000)

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

static void fill(struct policy_socket *socket, const struct policy_process *process)
{
    *socket = (struct policy_socket){.process = process,
                                     .type = "PULL",
                                     .traits = tap_type_traits(ZMQ_PULL),
                                     .now_ns = 1000 * SECOND};
    for (size_t i = 0; i < POLICY_N_FACTS; i++)
        socket->facts[i] = SEGMENT_UNKNOWN;
}

static enum policy_verdict starved_beside(uint64_t others_received_ns)
{
    static const struct policy_process process = {.program = "p"};
    struct policy_socket socket;
    struct policy_detail detail;
    fill(&socket, &process);
    socket.facts[POLICY_RECEIVE_QUEUE] = 7;
    socket.facts[POLICY_RECEIVE_AGE_NS] = 60 * SECOND;
    socket.others_received_ns = others_received_ns;
    return policy_check_find("starved_socket")->socket_rule(&socket, settings, &detail);
}

/* Where nobody receives, the program stands still, and starves nobody. */
static void look__starved__only_while_others_receive(void **state)
{
    (void)state;
    assert_int_equal(starved_beside(0), POLICY_KEPT);
    assert_int_equal(starved_beside(995 * SECOND), POLICY_KEPT);
    assert_int_equal(starved_beside(995 * SECOND + 1), POLICY_BROKEN);
    assert_int_equal(starved_beside(1000 * SECOND), POLICY_BROKEN);
}

/* Whose queues wait for the program. */
static void look__starved__is_for_those_that_receive(void **state)
{
    (void)state;
    static const struct {
        uint32_t type;
        bool is_for;
    } rows[] = {{ZMQ_PULL, true},  {ZMQ_ROUTER, true}, {ZMQ_SUB, true},
                {ZMQ_PUSH, false}, {ZMQ_PUB, false},   {ZMQ_XPUB, false}};
    static const struct policy_process process = {.program = "p"};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct policy_socket socket;
        struct policy_detail detail;
        fill(&socket, &process);
        socket.traits = tap_type_traits(rows[i].type);
        enum policy_verdict verdict =
            policy_check_find("starved_socket")->socket_rule(&socket, settings, &detail);
        assert_int_equal(verdict, rows[i].is_for ? POLICY_UNKNOWN : POLICY_NOT_FOR);
    }
}

/* With a queue that is known, its age has to be; and a message that came by its side. */
static void look__starved__bounds(void **state)
{
    (void)state;
    static const struct policy_process process = {.program = "p"};
    const uint64_t patience_ns = (uint64_t)settings->starved_ms * 1000000;
    struct policy_socket socket;
    struct policy_detail detail;
    const struct policy_check *check = policy_check_find("starved_socket");
    fill(&socket, &process);
    socket.others_received_ns = 1000 * SECOND;
    socket.facts[POLICY_RECEIVE_QUEUE] = 0;
    assert_int_equal(check->socket_rule(&socket, settings, &detail), POLICY_KEPT);
    socket.facts[POLICY_RECEIVE_QUEUE] = 1;
    assert_int_equal(check->socket_rule(&socket, settings, &detail), POLICY_UNKNOWN);
    socket.facts[POLICY_RECEIVE_AGE_NS] = patience_ns - 1;
    assert_int_equal(check->socket_rule(&socket, settings, &detail), POLICY_KEPT);
    socket.facts[POLICY_RECEIVE_AGE_NS] = patience_ns;
    assert_int_equal(check->socket_rule(&socket, settings, &detail), POLICY_BROKEN);
    socket.facts[POLICY_LAST_RECEIVED_NS] = 1000 * SECOND - patience_ns;
    assert_int_equal(check->socket_rule(&socket, settings, &detail), POLICY_BROKEN);
    socket.facts[POLICY_LAST_RECEIVED_NS]++;
    assert_int_equal(check->socket_rule(&socket, settings, &detail), POLICY_KEPT);
}

/* Of two processes: what is beside a socket, by the thread that receives. */
static void receivers_find__threads__only_their_own_sockets(void **state)
{
    static struct policy_process processes[2];
    static const struct {
        int process;
        uint64_t thread, last_ns, expected_ns;
    } rows[] = {
        {0, 1, 50, 70},
        {0, 1, 70, 60},
        {0, 1, 60, 70},
        {0, 2, 90, 0},
        {0, SEGMENT_UNKNOWN, SEGMENT_UNKNOWN, 90},
        {0, SEGMENT_UNKNOWN, 20, 90},
        {1, SEGMENT_UNKNOWN, 10, 30},
        {1, SEGMENT_UNKNOWN, 30, 10},
    };
    enum { N = sizeof(rows) / sizeof(*rows) };
    struct policy_socket sockets[N], *pointers[N];
    (void)state;
    for (size_t i = 0; i < N; i++) {
        fill(&sockets[i], &processes[rows[i].process]);
        sockets[i].facts[POLICY_RECEIVER] = rows[i].thread;
        sockets[i].facts[POLICY_LAST_RECEIVED_NS] = rows[i].last_ns;
        pointers[i] = &sockets[i];
    }
    struct policy_facts facts = {.sockets = pointers, .n_sockets = N};
    assert_int_equal(policy_receivers_find(&facts), 0);
    for (size_t i = 0; i < N; i++) {
        print_message("# %zu\n", i);
        assert_int_equal(sockets[i].others_received_ns, rows[i].expected_ns);
        assert_ptr_equal(pointers[i], &sockets[i]);
    }
}

static void look__no_socket__by_the_two_errors(void **state)
{
    const struct policy_check *check = policy_check_find("no_socket");
    struct policy_detail detail;
    struct policy_process process = {.are_api_errors_known = true};
    (void)state;
    process.api_errors[2] = process.api_errors[4] = 1; /* EINVAL, ETERM */
    assert_int_equal(check->process_rule(&process, settings, &detail), POLICY_KEPT);
    process.api_errors[0] = 1;
    assert_int_equal(check->process_rule(&process, settings, &detail), POLICY_BROKEN);
    process.api_errors[0] = 0;
    process.api_errors[1] = 1;
    assert_int_equal(check->process_rule(&process, settings, &detail), POLICY_BROKEN);
    process.are_api_errors_known = false;
    assert_int_equal(check->process_rule(&process, settings, &detail), POLICY_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(look__starved__only_while_others_receive),
        cmocka_unit_test(look__starved__is_for_those_that_receive),
        cmocka_unit_test(look__starved__bounds),
        cmocka_unit_test(receivers_find__threads__only_their_own_sockets),
        cmocka_unit_test(look__no_socket__by_the_two_errors),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
