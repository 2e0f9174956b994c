/* SPDX-License-Identifier: MPL-2.0 */
/* What the checks are given: processes, and what is known of their sockets. */
#include "support/gathered.h"

#include <zmq.h>

static void gather__sockets__have_their_process_type_and_place(void **state)
{
    (void)state;
    struct told *told = add(0, ZMQ_PUSH, "tcp://10.0.0.5:5556");
    told->words[SEGMENT_CONTEXT] = 3;
    told->words[SEGMENT_SEND_HWM] = 1000;
    gather();
    assert_int_equal(facts.n_processes, 1);
    assert_int_equal(facts.n_sockets, 1);
    assert_int_equal(facts.directory_result, 0);
    const struct policy_socket *socket = facts.sockets[0];
    assert_ptr_equal(socket->process, facts.processes);
    assert_int_equal(socket->process->pid, 100);
    assert_string_equal(socket->process->program, "program0");
    assert_string_equal(socket->type, "PUSH");
    assert_int_equal(socket->traits, tap_type_traits(ZMQ_PUSH));
    assert_int_equal(socket->place.transport, POLICY_TCP);
    assert_int_equal(socket->place.reach, POLICY_BEYOND);
    assert_int_equal(socket->context, 3);
    assert_true(socket->peer_hwm == SEGMENT_UNKNOWN);
    assert_true(socket->now_ns > UINT64_C(1000000000000000000));
    assert_int_equal(socket->zap, POLICY_ZAP_NONE);
    assert_int_equal(policy_fact(socket, POLICY_SEND_HWM), 1000);
    assert_false(policy_knows(socket, POLICY_LINGER));
}

static void gather__counters__are_known_where_the_capability_is(void **state)
{
    static const struct {
        uint32_t type;
        unsigned capability, word;
        enum policy_fact fact;
    } rows[] = {
        {ZMQ_PUSH, SEGMENT_CAPABILITY_MESSAGES, SEGMENT_SENT_MESSAGES, POLICY_SENT_MESSAGES},
        {ZMQ_PUB, SEGMENT_CAPABILITY_PUBLISH_DROPS, SEGMENT_DROPPED_HWM, POLICY_DROPPED_HWM},
        {ZMQ_ROUTER, SEGMENT_CAPABILITY_ROUTER_DROPS, SEGMENT_DROPPED_HWM, POLICY_DROPPED_HWM},
    };
    static const struct {
        enum segment_capability_state state;
        bool is_known;
    } states[] = {{SEGMENT_CAPABILITY_UNSET, false},
                  {SEGMENT_CAPABILITY_ON, true},
                  {SEGMENT_CAPABILITY_OFF, false},
                  {SEGMENT_CAPABILITY_BOUND, true}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        for (size_t j = 0; j < 4; j++) {
            set_up(state);
            add(0, rows[i].type, "tcp://*:1")->words[rows[i].word] = 9;
            know(0, rows[i].capability, states[j].state);
            gather();
            uint64_t expected = states[j].is_known ? 9 : SEGMENT_UNKNOWN;
            assert_true(policy_fact(facts.sockets[0], rows[i].fact) == expected);
        }
    }
}

static void gather__drops_of_a_type_that_drops_none__are_not_known(void **state)
{
    (void)state;
    add(0, ZMQ_PUSH, "tcp://*:1")->words[SEGMENT_DROPPED_HWM] = 0;
    add(0, ZMQ_PUB, "tcp://*:2")->words[SEGMENT_DROPPED_HWM] = 0;
    add(0, ZMQ_ROUTER, "tcp://*:3")->words[SEGMENT_DROPPED_HWM] = 0;
    for (size_t i = 0; i < 3; i++)
        played.sockets[i].words[SEGMENT_SENT_MESSAGES] = 1;
    for (unsigned i = 0; i < SEGMENT_MAX_CAPABILITIES; i++)
        know(0, i, SEGMENT_CAPABILITY_ON);
    know(0, SEGMENT_CAPABILITY_PUBLISH_DROPS, SEGMENT_CAPABILITY_OFF);
    know(0, SEGMENT_CAPABILITY_ROUTER_DROPS, SEGMENT_CAPABILITY_OFF);
    gather();
    assert_false(policy_knows(find("PUSH", "tcp://*:1"), POLICY_DROPPED_HWM));
    assert_true(policy_knows(find("PUB", "tcp://*:2"), POLICY_SENT_MESSAGES));
    assert_true(policy_knows(find("ROUTER", "tcp://*:3"), POLICY_SENT_MESSAGES));
    assert_true(policy_knows(find("PUSH", "tcp://*:1"), POLICY_SENT_MESSAGES));
    assert_false(policy_knows(find("PUB", "tcp://*:2"), POLICY_DROPPED_HWM));
}

static void gather__proxied_or_attached__lacks_what_no_hook_saw(void **state)
{
    (void)state;
    struct told *told[] = {add(0, ZMQ_PUSH, "tcp://*:1"), add(0, ZMQ_PUSH, "tcp://*:2"),
                           add(0, ZMQ_PUSH, "tcp://*:3")};
    know(0, SEGMENT_CAPABILITY_MESSAGES, SEGMENT_CAPABILITY_ON);
    know(0, SEGMENT_CAPABILITY_EVENTS, SEGMENT_CAPABILITY_ON);
    for (size_t i = 0; i < 3; i++)
        told[i]->words[SEGMENT_SENT_MESSAGES] = told[i]->words[SEGMENT_SEND_HWM] =
            told[i]->words[SEGMENT_EVENT_CONNECT_RETRIED] = 5;
    told[1]->words[SEGMENT_PROXIED] = 1;
    told[2]->words[SEGMENT_ATTACHED] = 1;
    for (size_t i = 0; i < 2; i++) {
        know(0, SEGMENT_CAPABILITY_QUEUE_DEPTH, i ? SEGMENT_CAPABILITY_ON : SEGMENT_CAPABILITY_OFF);
        gather();
        assert_true(policy_knows(find("PUSH", "tcp://*:1"), POLICY_SENT_MESSAGES));
        assert_int_equal(policy_knows(find("PUSH", "tcp://*:2"), POLICY_SENT_MESSAGES), i);
        assert_int_equal(policy_knows(find("PUSH", "tcp://*:3"), POLICY_SENT_MESSAGES), i);
        assert_true(policy_knows(find("PUSH", "tcp://*:2"), POLICY_CONNECT_RETRIES));
        assert_false(policy_knows(find("PUSH", "tcp://*:3"), POLICY_CONNECT_RETRIES));
        /* A gauge says itself whether it is known. */
        assert_true(policy_knows(find("PUSH", "tcp://*:3"), POLICY_SEND_HWM));
    }
}

static void gather__peeked__knows_what_the_reader_tells(void **state)
{
    (void)state;
    static const enum policy_fact told_by_reader[] = {
        POLICY_PEERS,         POLICY_SEND_HWM,      POLICY_RECEIVE_HWM,
        POLICY_LINGER,        POLICY_SNDTIMEO,      POLICY_RCVTIMEO,
        POLICY_MAXMSGSIZE,    POLICY_SENT_MESSAGES, POLICY_RECEIVED_MESSAGES,
        POLICY_CONFLATE,      POLICY_MECHANISM,     POLICY_HEARTBEAT_IVL,
        POLICY_HANDSHAKE_IVL, POLICY_TCP_KEEPALIVE, POLICY_CURVE_SERVER};
    struct told *told = add_peeked(0, ZMQ_ROUTER, "tcp://*:1");
    for (size_t i = 0; i < N_WORDS; i++)
        told->words[i] = i == SEGMENT_PROXIED || i == SEGMENT_ATTACHED ? 0 : 1;
    for (unsigned i = 0; i < SEGMENT_MAX_CAPABILITIES; i++)
        know(0, i, SEGMENT_CAPABILITY_ON);
    gather();
    assert_true(facts.processes[0].is_untapped);
    for (size_t i = 0; i < POLICY_N_FACTS; i++) {
        bool is_told = false;
        for (size_t j = 0; j < sizeof(told_by_reader) / sizeof(*told_by_reader); j++)
            is_told = is_told || told_by_reader[j] == i;
        assert_int_equal(policy_knows(facts.sockets[0], (enum policy_fact)i), is_told);
    }
    /* Nobody told of it in a segment: the tap would know it all. */
    told->is_peeked = false;
    gather();
    assert_false(facts.processes[0].is_untapped);
    for (size_t i = 0; i < POLICY_N_FACTS; i++)
        assert_true(policy_knows(facts.sockets[0], (enum policy_fact)i));
}

static void gather__contexts__the_open_one_nearest_to_its_limit(void **state)
{
    (void)state;
    struct segment_context *contexts = played.processes[0].contexts;
    add(0, ZMQ_PUSH, "tcp://*:1");
    gather();
    assert_false(facts.processes[0].context_sockets.is_known);
    played.processes[0].n_contexts = 5;
    contexts[0] = (struct segment_context){1, 5, 0, 1}; /* of no limit nothing is said */
    contexts[1] = (struct segment_context){1, 10, 100, 1};
    contexts[2] = (struct segment_context){1, 9, 30, 1};
    contexts[3] = (struct segment_context){0, 30, 30, 1};
    contexts[4] = (struct segment_context){1, 20, 100, 1};
    contexts[5] = (struct segment_context){1, 99, 100, 1};
    gather();
    const struct policy_usage *usage = &facts.processes[0].context_sockets;
    assert_true(usage->is_known);
    assert_int_equal(usage->used, 9);
    assert_int_equal(usage->limit, 30);
    /* One that is as near is no nearer. */
    contexts[4] = (struct segment_context){1, 30, 100, 1};
    gather();
    assert_int_equal(facts.processes[0].context_sockets.limit, 30);
    contexts[0].max_sockets = 50;
    played.processes[0].n_contexts = 1;
    gather();
    assert_int_equal(facts.processes[0].context_sockets.limit, 50);
    played.processes[0].n_contexts = 0;
    gather();
    assert_false(facts.processes[0].context_sockets.is_known);
}

static void gather__libraries__are_those_that_were_told(void **state)
{
    (void)state;
    struct segment_header *process = &played.processes[0];
    add(0, ZMQ_PUSH, "tcp://*:1");
    process->n_libraries = 2;
    process->libraries[0] = (struct segment_library){4, 3, 5, 0, "/one"};
    process->libraries[1] = (struct segment_library){4, 2, 1, 0, ""};
    process->libraries[2] = (struct segment_library){9, 9, 9, 0, "/none"};
    memset(process->libraries[1].path, 'a', sizeof(process->libraries[1].path)); /* has no end */
    gather();
    const struct policy_process *got = &facts.processes[0];
    assert_int_equal(got->n_libraries, 2);
    assert_int_equal(got->libraries[0].major, 4);
    assert_int_equal(got->libraries[0].minor, 3);
    assert_int_equal(got->libraries[0].patch, 5);
    assert_string_equal(got->libraries[0].path, "/one");
    assert_int_equal(got->libraries[1].patch, 1);
    assert_int_equal(strlen(got->libraries[1].path), sizeof(process->libraries[1].path) - 1);
}

static void gather__errors_of_calls__are_known_where_they_are_counted(void **state)
{
    (void)state;
    add(0, ZMQ_PUSH, "tcp://*:1");
    played.processes[0].api_errors[1] = 6;
    static const struct {
        enum segment_capability_state state;
        bool is_known;
    } states[] = {{SEGMENT_CAPABILITY_UNSET, false},
                  {SEGMENT_CAPABILITY_ON, true},
                  {SEGMENT_CAPABILITY_OFF, false},
                  {SEGMENT_CAPABILITY_BOUND, true}};
    for (size_t i = 0; i < 4; i++) {
        know(0, SEGMENT_CAPABILITY_MISUSE, states[i].state);
        gather();
        assert_int_equal(facts.processes[0].are_api_errors_known, states[i].is_known);
        assert_int_equal(facts.processes[0].api_errors[1], 6);
    }
}

static void gather__several_sockets__are_of_one_process_until_another_comes(void **state)
{
    (void)state;
    add(0, ZMQ_PUSH, "tcp://*:1");
    add(0, ZMQ_PUSH, "tcp://*:2");
    add(1, ZMQ_PUSH, "tcp://*:3");
    played.processes[2].pid = 101; /* the same number, in another namespace */
    add(2, ZMQ_PUSH, "tcp://*:4");
    gather();
    assert_int_equal(facts.n_processes, 3);
    assert_ptr_equal(find("PUSH", "tcp://*:1")->process, find("PUSH", "tcp://*:2")->process);
    assert_string_equal(find("PUSH", "tcp://*:4")->process->program, "program2");
    /* And by number, where programs are called the same. */
    (void)snprintf(played.processes[1].program, sizeof(played.processes[1].program), "program0");
    gather();
    assert_int_equal(facts.n_processes, 3);
    assert_int_equal(find("PUSH", "tcp://*:3")->process->pid, 101);
}

static void gather__descriptors__of_the_process_that_proc_has(void **state)
{
    (void)state;
    add(0, ZMQ_PUSH, "tcp://*:1");
    add(0, ZMQ_PUSH, "tcp://*:2");
    add(1, ZMQ_PUSH, "tcp://*:3");
    played.processes[1].pid_namespace++; /* its number is that of somebody else here */
    add_peeked(2, ZMQ_PUSH, "tcp://*:4");
    played.processes[2].pid_namespace = 0; /* the reader gives the numbers that /proc has */
    played.used = 7;
    played.limit = 1024;
    gather();
    assert_int_equal(played.n_descriptors, 2);
    assert_int_equal(played.descriptors_pids[0], 100);
    assert_int_equal(played.descriptors_pids[1], 102);
    assert_true(facts.processes[0].is_reachable);
    assert_false(facts.processes[1].is_reachable);
    assert_true(facts.processes[2].is_reachable);
    assert_true(facts.processes[0].descriptors.is_known);
    assert_int_equal(facts.processes[0].descriptors.used, 7);
    assert_int_equal(facts.processes[0].descriptors.limit, 1024);
    assert_false(facts.processes[1].descriptors.is_known);
    played.descriptors_result = -EACCES;
    gather();
    assert_false(facts.processes[0].descriptors.is_known);
}

static void gather__told_by_both__the_tap_is_heard(void **state)
{
    (void)state;
    add(0, ZMQ_PUSH, "tcp://*:1");
    add_peeked(0, ZMQ_PUSH, "tcp://*:2");
    add_peeked(0, ZMQ_PUSH, "tcp://*:3");
    add_peeked(1, ZMQ_PUSH, "tcp://*:4");
    add_peeked(1, ZMQ_PUSH, "tcp://*:5");
    gather();
    assert_int_equal(facts.n_processes, 2);
    assert_int_equal(facts.n_sockets, 3);
    assert_false(find("PUSH", "tcp://*:1")->process->is_untapped);
    assert_true(find("PUSH", "tcp://*:4")->process->is_untapped);
    assert_ptr_equal(find("PUSH", "tcp://*:4")->process, find("PUSH", "tcp://*:5")->process);
    /* A tapped process of another namespace, of the same number, is another process. */
    played.processes[0].pid_namespace++;
    gather();
    assert_int_equal(facts.n_sockets, 5);
}

static void gather__no_reader__tapped_programs_alone(void **state)
{
    (void)state;
    add(0, ZMQ_PUSH, "tcp://*:1");
    add_peeked(1, ZMQ_PUSH, "tcp://*:2");
    assert_int_equal(policy_facts_gather("/segments", NULL, &facts), 0);
    assert_int_equal(facts.n_sockets, 1);
}

static void gather__failures__of_the_directory_are_told_of_memory_end_it(void **state)
{
    (void)state;
    add_peeked(0, ZMQ_PUSH, "tcp://*:1");
    played.tap_result = -EACCES;
    gather();
    assert_int_equal(facts.directory_result, -EACCES);
    assert_int_equal(facts.n_sockets, 1);
    policy_facts_finish(&facts);
    played.tap_result = -ENOMEM;
    assert_int_equal(try_gather(), -ENOMEM);
    assert_int_equal(facts.n_sockets, 0);
    played.tap_result = 0;
    played.peek_result = -ENOMEM;
    assert_int_equal(try_gather(), -ENOMEM);
    assert_null(facts.sockets);
}

static void gather__more_processes_than_fit__are_left_out(void **state)
{
    (void)state;
    add(0, ZMQ_PUSH, "tcp://*:1");
    played.processes[0].pid_namespace++;
    played.n_more = 4096;
    gather();
    assert_int_equal(facts.n_processes, 4096);
    assert_int_equal(facts.n_sockets, 4096);
}

static void gather__order__by_program_type_address_and_number(void **state)
{
    static const struct {
        size_t process;
        uint32_t type;
        const char *endpoint;
    } sorted[] = {
        {0, ZMQ_PULL, "tcp://*:9"}, {0, ZMQ_PUSH, "tcp://*:1"}, {0, ZMQ_PUSH, "tcp://*:2"},
        {1, ZMQ_PULL, "tcp://*:1"}, {2, ZMQ_PULL, "tcp://*:1"}, {3, ZMQ_PULL, "tcp://*:1"},
    };
    static const size_t order[] = {2, 4, 3, 5, 0, 1};
    (void)state;
    for (size_t i = 2; i < 4; i++)
        (void)snprintf(played.processes[i].program, sizeof(played.processes[i].program),
                       "program1");
    for (size_t i = 0; i < 6; i++)
        add(sorted[order[i]].process, sorted[order[i]].type, sorted[order[i]].endpoint);
    gather();
    assert_int_equal(facts.n_sockets, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(facts.sockets[i]->process->pid, 100 + sorted[i].process);
        assert_string_equal(facts.sockets[i]->type, tap_type_name(sorted[i].type));
        assert_string_equal(facts.sockets[i]->endpoint, sorted[i].endpoint);
    }
}

static void gather__receivers__are_told_of_their_neighbours(void **state)
{
    (void)state;
    struct told *one = add(0, ZMQ_PULL, "tcp://*:1"), *other = add(0, ZMQ_PULL, "tcp://*:2");
    one->words[SEGMENT_RECEIVER] = other->words[SEGMENT_RECEIVER] = 44;
    one->words[SEGMENT_LAST_RECEIVED_NS] = 8;
    other->words[SEGMENT_LAST_RECEIVED_NS] = 6;
    gather();
    assert_int_equal(find("PULL", "tcp://*:1")->others_received_ns, 6);
    assert_int_equal(find("PULL", "tcp://*:2")->others_received_ns, 8);
}

static void gather__nothing__is_no_error(void **state)
{
    (void)state;
    gather();
    assert_int_equal(facts.n_sockets, 0);
    assert_int_equal(facts.n_processes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(gather__sockets__have_their_process_type_and_place),
        CASE(gather__counters__are_known_where_the_capability_is),
        CASE(gather__drops_of_a_type_that_drops_none__are_not_known),
        CASE(gather__proxied_or_attached__lacks_what_no_hook_saw),
        CASE(gather__peeked__knows_what_the_reader_tells),
        CASE(gather__contexts__the_open_one_nearest_to_its_limit),
        CASE(gather__libraries__are_those_that_were_told),
        CASE(gather__errors_of_calls__are_known_where_they_are_counted),
        CASE(gather__several_sockets__are_of_one_process_until_another_comes),
        CASE(gather__descriptors__of_the_process_that_proc_has),
        CASE(gather__told_by_both__the_tap_is_heard),
        CASE(gather__no_reader__tapped_programs_alone),
        CASE(gather__failures__of_the_directory_are_told_of_memory_end_it),
        CASE(gather__more_processes_than_fit__are_left_out),
        CASE(gather__order__by_program_type_address_and_number),
        CASE(gather__receivers__are_told_of_their_neighbours),
        CASE(gather__nothing__is_no_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
