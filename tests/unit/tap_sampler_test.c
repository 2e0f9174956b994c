/* SPDX-License-Identifier: MPL-2.0 */
/* What a round makes of samples: gauges, times, what is not known any more, what a proxy moved, and
 * how long a round that took long is followed by none. Time is played. */
#include "tap/sampling/sampler.h"

#include "queues/pipe_bytes.h"
#include "tap/ground/capability.h"

#include "support/cmocka.h"
#include "support/tap_sampled.h"

#include <string.h>
#include <zmq.h>

#define MS UINT64_C(1000000)

static char no_library; /* a test's state: none is added for it */

static int set_up(void **state)
{
    tap_sampled_begin(*state != &no_library);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tap_sampled_end();
    return 0;
}

static void next_round(void)
{
    sampled.monotonic_ns += 100 * MS;
    sampled.realtime_ns += 100 * MS;
    sampler_round();
}

static uint64_t word(const struct registry_socket *socket, enum segment_lane_word number)
{
    return segment_word_get(&socket->words[number]);
}

static void round__samples__are_in_the_lanes(void **state)
{
    (void)state;
    sampled.samples[0].n_inproc = 1;
    sampled.samples[1].n_inproc = 2;
    tap_played_context->n_io_threads = 3;
    next_round();
    assert_int_equal(sampled.n_targets, 2);
    assert_int_equal(sampled.n_prepared, 2);
    assert_ptr_equal(sampled.seen[1].context, tap_played_context->handle);
    assert_int_equal(sampled.seen[1].n_io_threads, 3);
    assert_ptr_equal(sampled.seen[0].layout, &sampled.learned.pipes);
    assert_non_null(sampled.seen[0].ages);
    assert_null(sampled.seen[0].ledger);
    assert_int_equal(sampled.seen[0].memo.owner, 0);
    assert_int_equal(word(sampled.a, SEGMENT_SEND_QUEUE), 7);
    assert_int_equal(word(sampled.b, SEGMENT_RECEIVE_QUEUE), 8);
    assert_int_equal(sampled.n_inproc, 3);
    assert_int_equal(sampled.header->samples, 1);
    assert_int_equal(sampled.n_age_rounds, 1);
    assert_int_equal(sampled.n_settled, 1);
    next_round();
    assert_int_equal(sampled.seen[0].memo.owner, 1); /* what the last one found out */
    assert_int_equal(sampled.header->samples, 2);
    sampler_sample_endings();
    assert_int_equal(sampled.n_reads, 3);
    assert_int_equal(sampled.header->samples, 2);
    assert_int_equal(sampled.n_settled, 3);
}

/* Before any other test: what is made is made once. */
static void library__no_memory_or_not_understood__has_no_reader(void **state)
{
    (void)state;
    const struct segment_capability *depth =
        &sampled.header->capabilities[SEGMENT_CAPABILITY_QUEUE_DEPTH];
    sampled.learned.pipes.is_known = false;
    sampler_add_library(&tap_played);
    assert_int_equal(tap_sampled_n_readers + tap_sampled_n_ages, 0);
    sampled.learned.pipes.is_known = true;
    sampled.has_no_memory = true;
    memset(sampled.header->capabilities, 0, sizeof(sampled.header->capabilities));
    sampler_add_library(&tap_played);
    assert_int_equal(depth->state, SEGMENT_CAPABILITY_OFF);
    assert_string_equal(depth->reason, "no memory");
    assert_int_equal(tap_sampled_n_ages, 0);
    sampler_round(); /* nothing to read with */
    assert_int_equal(sampled.n_reads, 0);
    sampled.has_no_memory = false;
    for (int i = 0; i < 2; i++) {
        sampler_add_library(&tap_played);
        assert_int_equal(tap_sampled_n_readers, 1);
        assert_int_equal(tap_sampled_n_ages, 1);
    }
}

static void round__conflating__has_no_ages(void **state)
{
    (void)state;
    segment_word_set(&sampled.a->words[SEGMENT_OPTION_CONFLATE], 1);
    segment_word_set(&sampled.b->words[SEGMENT_OPTION_CONFLATE], 0);
    next_round();
    assert_null(sampled.seen[0].ages);
    assert_non_null(sampled.seen[1].ages);
}

static void round__no_valid_sample__is_unknown_after_ten(void **state)
{
    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        sampled.samples[0].is_valid = true;
        next_round();
        sampled.samples[0].is_valid = false;
        for (int i = 0; i < 9; i++)
            next_round();
        assert_int_equal(word(sampled.a, SEGMENT_SEND_QUEUE), 7);
        next_round();
        assert_int_equal(word(sampled.a, SEGMENT_SEND_QUEUE), SEGMENT_UNKNOWN);
        assert_int_equal(word(sampled.a, SEGMENT_PIPES), SEGMENT_UNKNOWN);
        assert_int_equal(word(sampled.b, SEGMENT_RECEIVE_QUEUE), 8);
        next_round();
    }
}

static void count_message(struct registry_socket *socket, enum segment_lane_word number)
{
    segment_word_add(&socket->words[number], 1);
}

static void round__messages__have_their_time(void **state)
{
    (void)state;
    next_round();
    assert_int_equal(word(sampled.a, SEGMENT_LAST_SENT_NS), SEGMENT_UNKNOWN);
    assert_int_equal(word(sampled.a, SEGMENT_LAST_RECEIVED_NS), SEGMENT_UNKNOWN);
    count_message(sampled.a, SEGMENT_SENT_MESSAGES);
    count_message(sampled.b, SEGMENT_RECEIVED_MESSAGES);
    next_round();
    assert_int_equal(word(sampled.a, SEGMENT_LAST_SENT_NS), 5200 * MS);
    assert_int_equal(word(sampled.b, SEGMENT_LAST_RECEIVED_NS), 5200 * MS);
    assert_int_equal(word(sampled.b, SEGMENT_LAST_SENT_NS), SEGMENT_UNKNOWN);
    next_round();
    assert_int_equal(word(sampled.a, SEGMENT_LAST_SENT_NS), 5200 * MS);
    /* In another lane the time is told again, and what the lane had before is not its own. */
    registry_place_socket(sampled.a, "tcp://*:1");
    next_round();
    assert_int_equal(word(sampled.a, SEGMENT_LAST_SENT_NS), 5200 * MS);
    count_message(sampled.a, SEGMENT_SENT_MESSAGES);
    next_round();
    assert_int_equal(word(sampled.a, SEGMENT_LAST_SENT_NS), 5500 * MS);
    registry_close_socket(sampled.a);
    registry_free_socket(sampled.a);
    registry_close_socket(sampled.b);
    registry_free_socket(sampled.b);
    sampled.a = tap_played_open(ZMQ_PULL); /* has b's lane, where one was received */
    next_round();
    assert_int_equal(word(sampled.a, SEGMENT_LAST_RECEIVED_NS), SEGMENT_UNKNOWN);
    assert_int_equal(word(sampled.a, SEGMENT_LAST_SENT_NS), SEGMENT_UNKNOWN);
}

/* The lane's counter is the one of the sockets before, too. */
static void round__new_socket_in_the_first_lane__has_sent_nothing(void **state)
{
    (void)state;
    assert_int_equal(sampled.a->lane, 0);
    count_message(sampled.a, SEGMENT_SENT_MESSAGES);
    registry_close_socket(sampled.a);
    registry_free_socket(sampled.a);
    sampled.a = tap_played_open(ZMQ_PUSH);
    assert_int_equal(sampled.a->lane, 0);
    next_round();
    assert_int_equal(word(sampled.a, SEGMENT_LAST_SENT_NS), SEGMENT_UNKNOWN);
}

static void round__moves__are_told_once(void **state)
{
    (void)state;
    next_round();
    assert_true(sampler_has_moved()); /* the gauges were not known */
    assert_false(sampler_has_moved());
    next_round();
    assert_false(sampler_has_moved());
    uint64_t *const changed[] = {&sampled.samples[0].send_queue, &sampled.samples[0].receive_queue};
    for (size_t i = 0; i < 2; i++) {
        ++*changed[i];
        next_round();
        assert_true(sampler_has_moved());
        next_round();
        assert_false(sampler_has_moved());
    }
    sampled.samples[1].n_pipes++;
    next_round();
    assert_true(sampler_has_moved());
    count_message(sampled.b, SEGMENT_RECEIVED_MESSAGES);
    next_round();
    assert_true(sampler_has_moved());
    next_round();
    assert_false(sampler_has_moved());
}

/* Histograms and time at the mark weigh the time in which nothing was looked at, to a limit. */
static void round__pauses__weigh_as_the_time_they_took(void **state)
{
    (void)state;
    static const struct {
        uint64_t ms, n_times;
    } rows[] = {{100, 1}, {1, 1}, {149, 1}, {150, 2}, {249, 2}, {250, 2}, {900, 2}};
    sampled.samples[0].send_fullest = 0;
    sampled.samples[0].n_send_full = 1;
    next_round();
    assert_int_equal(word(sampled.a, SEGMENT_SEND_AT_HWM_NS), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        uint64_t before = word(sampled.a, (enum segment_lane_word)SEGMENT_SEND_FILL_BASE);
        uint64_t full_ns = word(sampled.a, SEGMENT_SEND_AT_HWM_NS);
        sampled.monotonic_ns += rows[i].ms * MS;
        sampler_round();
        assert_int_equal(word(sampled.a, (enum segment_lane_word)SEGMENT_SEND_FILL_BASE) - before,
                         rows[i].n_times);
        assert_int_equal(word(sampled.a, SEGMENT_SEND_AT_HWM_NS) - full_ns, rows[i].ms * MS);
    }
}

/* The thread is roused, and what fills up then was not full in the time before. */
static void round__after_a_rest__is_full_for_an_interval(void **state)
{
    (void)state;
    sampled.samples[0].send_queue = sampled.samples[1].receive_queue = 0;
    sampled.samples[0].send_fullest = 0;
    next_round();
    assert_true(sampler_is_at_rest());
    sampled.samples[0].send_queue = 7;
    sampled.samples[0].n_send_full = 1;
    uint64_t before = word(sampled.a, (enum segment_lane_word)SEGMENT_SEND_FILL_BASE);
    sampled.monotonic_ns += 900 * MS;
    sampler_round();
    assert_false(sampler_is_at_rest());
    assert_int_equal(word(sampled.a, SEGMENT_SEND_AT_HWM_NS), 100 * MS);
    assert_int_equal(word(sampled.a, (enum segment_lane_word)SEGMENT_SEND_FILL_BASE) - before, 9);
    sampled.monotonic_ns += 900 * MS;
    sampler_round();
    assert_int_equal(word(sampled.a, SEGMENT_SEND_AT_HWM_NS), 1000 * MS);
}

static void conflated(uint64_t n, uint64_t expected)
{
    sampled.samples[0].n_conflated = n;
    next_round();
    assert_int_equal(word(sampled.a, SEGMENT_CONFLATED), expected);
}

static void round__conflated__is_what_two_samples_agree_on(void **state)
{
    (void)state;
    conflated(5, 0);
    conflated(7, 5);
    conflated(6, 6);
    conflated(6, 6);
    conflated(9, 6);
    conflated(9, 9);
    sampled.samples[0].n_pipes = 2;
    conflated(12, 9);
    conflated(12, 12);
    sampled.samples[0].n_pipes = 1; /* one has gone, and its eight with it */
    conflated(4, 12);
    conflated(6, 12);
    conflated(6, 14);
    conflated(3, 14); /* less, with as many pipes: a reading that was wrong */
    conflated(6, 14);
    conflated(7, 14);
    conflated(7, 15);
}

static void close_a(void)
{
    registry_close_socket(sampled.a);
}

static void replace_a(void)
{
    registry_close_socket(sampled.a);
    registry_free_socket(sampled.a);
    assert_ptr_equal(tap_played_open(ZMQ_PUSH), sampled.a);
}

static void round__socket_is_closed_or_another_meanwhile__is_left_alone(void **state)
{
    (void)state;
    sampled.meanwhile = replace_a;
    next_round();
    assert_int_equal(word(sampled.a, SEGMENT_SEND_QUEUE), SEGMENT_UNKNOWN);
    assert_int_equal(word(sampled.b, SEGMENT_RECEIVE_QUEUE), 8);
    sampled.meanwhile = close_a;
    next_round();
    assert_int_equal(word(sampled.a, SEGMENT_SEND_QUEUE), SEGMENT_UNKNOWN);
    sampled.meanwhile = NULL;
    sampled.n_closed = 3; /* closed ones have messages still, and are read, too */
    next_round();
    assert_int_equal(sampled.n_targets, 4);
    assert_int_equal(sampled.header->samples, 3);
    registry_close_socket(sampled.b);
    sampled.n_closed = 0;
    next_round();
    assert_int_equal(sampled.n_reads, 3); /* there is nothing to read */
    assert_int_equal(sampled.header->samples, 3);
    registry_free_socket(sampled.a);
    registry_free_socket(sampled.b);
}

static void leave_proxy(void)
{
    sampled.proxy_id = 0;
}

static void round__proxy__has_what_its_pipes_count(void **state)
{
    (void)state;
    sampled.proxy_id = 17;
    next_round();
    (void)sampler_has_moved();
    assert_non_null(sampled.seen[0].ledger);
    assert_int_equal(sampled.seen[0].ledger->capacity, 65536);
    assert_null(sampled.seen[1].ledger);
    assert_int_equal(sampled.n_ended_rounds, 1);
    assert_int_equal(sampled.n_proxy_settled, 1);
    next_round();
    assert_false(sampler_has_moved());
    sampled.n_ledger = 1;
    sampled.ledger_now[0].n_read = 5;
    next_round();
    assert_true(sampler_has_moved());
    assert_int_equal(sampled.n_noted, 5);
    assert_int_equal(sampled.n_ended_rounds, 3);
    sampled.n_ledger = 2;
    sampled.ledger_now[1].n_read = 10;
    sampled.is_short = true; /* not all of its pipes are there */
    next_round();
    assert_int_equal(sampled.n_noted, 20);
    assert_int_equal(sampled.n_ended_rounds, 3);
    sampled.is_short = false;
    sampled.samples[0].is_valid = false;
    next_round();
    assert_int_equal(sampled.n_noted, 20);
    assert_int_equal(sampled.n_ended_rounds, 3);
    sampled.samples[0].is_valid = true;
    next_round();
    assert_int_equal(sampled.n_noted, 35);
    assert_int_equal(sampled.n_ended_rounds, 4); /* the one that was short is over */
    sampled.meanwhile = leave_proxy;
    next_round();
    assert_int_equal(sampled.n_noted, 35);
    assert_int_equal(sampled.n_ended_rounds, 4);
    assert_int_equal(sampled.n_proxy_settled, 7);
}

/* Of few sockets each tenth round is measured, of more each. */
static void round__cost__is_measured_now_and_then(void **state)
{
    (void)state;
    sampled.round_cpu_ns = 1;
    for (uint32_t n = 2; n <= 17; n++) {
        uint64_t known = sampled.header->tap_cpu_ns;
        unsigned n_measured = 0, last = 0;
        for (unsigned i = 1; i <= 40; i++) {
            next_round();
            if (sampled.header->tap_cpu_ns == known)
                continue;
            assert_true(n == 17 || n_measured == 0 || i == last + 10);
            known = sampled.header->tap_cpu_ns;
            last = i;
            n_measured++;
        }
        /* The first of many is judged by the one before. */
        assert_true(n <= 16 ? n_measured == 4 : n_measured >= 39);
        (void)tap_played_open(ZMQ_PUSH);
    }
}

static unsigned n_rounds_of(unsigned n)
{
    unsigned before = sampled.n_reads;
    for (unsigned i = 0; i < n; i++)
        next_round();
    return sampled.n_reads - before;
}

/* 200 times as long as it took, or as the one before if that was shorter: one may be slow for
 * reasons of its own. */
static void round__takes_long__is_followed_by_a_pause(void **state)
{
    (void)state;
    for (int i = 0; i < 16; i++)
        (void)tap_played_open(ZMQ_PUSH);
    assert_int_equal(n_rounds_of(5), 5);
    uint64_t before = sampled.header->tap_cpu_ns;
    sampled.round_cpu_ns = 10 * MS;
    assert_int_equal(n_rounds_of(1), 1);
    assert_int_equal(sampled.header->tap_cpu_ns - before, 10 * MS);
    assert_int_equal(n_rounds_of(1), 1);
    assert_int_equal(n_rounds_of(19), 0); /* 2 s from its begin */
    assert_int_equal(n_rounds_of(1), 1);
    sampled.round_cpu_ns = 1 * MS;
    assert_int_equal(n_rounds_of(20), 1);
    assert_int_equal(n_rounds_of(2), 1); /* 0.2 s, as it was itself */
    sampled.cpu_ns = 0;                  /* a new thread begins at none */
    before = sampled.header->tap_cpu_ns;
    sampled.round_cpu_ns = 0;
    assert_int_equal(n_rounds_of(2), 1);
    assert_int_equal(sampled.header->tap_cpu_ns, before);
    assert_int_equal(n_rounds_of(3), 3);
}

static void blind__memory_may_not_be_read__is_told_and_nothing_is_valid(void **state)
{
    (void)state;
    const struct segment_capability *depth =
        &sampled.header->capabilities[SEGMENT_CAPABILITY_QUEUE_DEPTH];
    const struct segment_capability *endings =
        &sampled.header->capabilities[SEGMENT_CAPABILITY_ENDINGS];
    assert_int_equal(depth->state, SEGMENT_CAPABILITY_ON);
    assert_int_equal(endings->state, SEGMENT_CAPABILITY_BOUND);
    sampled.blind = "a filter";
    next_round();
    assert_int_equal(depth->state, SEGMENT_CAPABILITY_OFF);
    assert_string_equal(depth->reason, "a filter");
    assert_int_equal(sampled.n_settled, 0);
}

static void blind_round__no_system_call__forgets_queues_and_has_times(void **state)
{
    (void)state;
    const struct segment_capability *depth =
        &sampled.header->capabilities[SEGMENT_CAPABILITY_QUEUE_DEPTH];
    next_round();
    unsigned n = sampled.n_reads;
    count_message(sampled.a, SEGMENT_SENT_MESSAGES);
    sampled.realtime_ns = 9000 * MS;
    sampler_blind_round("shut in");
    assert_int_equal(sampled.n_reads, n);
    assert_int_equal(depth->state, SEGMENT_CAPABILITY_OFF);
    assert_string_equal(depth->reason, "shut in");
    assert_int_equal(word(sampled.a, SEGMENT_SEND_QUEUE), SEGMENT_UNKNOWN);
    assert_int_equal(word(sampled.a, SEGMENT_LAST_SENT_NS), 9000 * MS);
    sampler_forked();
    sampler_blind_round("not started");
    sampler_round();
    sampler_sample_endings();
    assert_int_equal(sampled.n_reads, n);
    assert_int_equal(sampled.n_forked, 1);
    assert_int_equal(sampled.n_forgotten, 1);
}

static void library__not_understood__is_off_with_its_reason(void **state)
{
    (void)state;
    const struct segment_capability *depth =
        &sampled.header->capabilities[SEGMENT_CAPABILITY_QUEUE_DEPTH];
    sampled.learned.pipes.is_known = false;
    (void)strcpy(sampled.learned.pipes.reason, "odd");
    sampler_add_library(&tap_played);
    assert_int_equal(depth->state, SEGMENT_CAPABILITY_OFF);
    assert_string_equal(depth->reason, "odd");
    count_message(sampled.a, SEGMENT_SENT_MESSAGES);
    next_round();
    assert_int_equal(sampled.n_reads, 0);
    assert_int_equal(word(sampled.a, SEGMENT_LAST_SENT_NS), 5100 * MS);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate_setup_teardown(
            library__no_memory_or_not_understood__has_no_reader, set_up, tear_down, &no_library),
        CASE(round__samples__are_in_the_lanes),
        CASE(round__conflating__has_no_ages),
        CASE(round__no_valid_sample__is_unknown_after_ten),
        CASE(round__messages__have_their_time),
        CASE(round__new_socket_in_the_first_lane__has_sent_nothing),
        CASE(round__moves__are_told_once),
        CASE(round__pauses__weigh_as_the_time_they_took),
        CASE(round__after_a_rest__is_full_for_an_interval),
        CASE(round__conflated__is_what_two_samples_agree_on),
        CASE(round__socket_is_closed_or_another_meanwhile__is_left_alone),
        CASE(round__proxy__has_what_its_pipes_count),
        CASE(round__cost__is_measured_now_and_then),
        CASE(round__takes_long__is_followed_by_a_pause),
        CASE(blind__memory_may_not_be_read__is_told_and_nothing_is_valid),
        CASE(blind_round__no_system_call__forgets_queues_and_has_times),
        CASE(library__not_understood__is_off_with_its_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
