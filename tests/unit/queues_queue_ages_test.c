/* SPDX-License-Identifier: MPL-2.0 */
/* Ages of messages in queues that are only samples here, over hours, against what was sampled. */
#include "queues/queue_ages.h"

#include "support/cmocka.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define TICK_NS   UINT64_C(100000000) /* between samples */
#define SECOND    10u                 /* in ticks */
#define HOUR      (3600u * SECOND)
#define MAX_TICKS (8u * HOUR)
#define TOLERANCE 0.2 /* of the age, for what is not at the head of a queue that stands still */

static struct queue_ages *ages;

static int setup(void **state)
{
    (void)state;
    return queue_ages_new(&ages);
}

static int teardown(void **state)
{
    (void)state;
    queue_ages_destroy(&ages);
    return 0;
}

static uint64_t ns_of(uint64_t tick)
{
    return UINT64_C(1000000000000) + tick * TICK_NS;
}

/* Of a queue between two places at a tick, which begins a round. */
static uint64_t note(uintptr_t writer, uint64_t tick, uint64_t n_written, uint64_t n_read)
{
    queue_ages_begin_round(ages);
    return queue_ages_note(ages, &(struct queue_account){.writer = writer,
                                                         .reader = 0x2000,
                                                         .n_written = n_written,
                                                         .n_read = n_read,
                                                         .read_ns = ns_of(tick)});
}

static uint64_t note_beside(uintptr_t writer, uintptr_t reader, uint64_t tick)
{
    return queue_ages_note(
        ages, &(struct queue_account){
                  .writer = writer, .reader = reader, .n_written = 1, .read_ns = ns_of(tick)});
}

static void age__message_that_nobody_reads__is_exact_for_hours(void **state)
{
    (void)state;
    for (uint64_t tick = 0; tick < MAX_TICKS; tick++) /* more and more wait behind it */
        assert_int_equal(note(0x1000, tick, 71 + tick * 5, 70), tick * TICK_NS);
}

static void age__first_samples__are_exact_for_each_message(void **state)
{
    (void)state;
    for (uint64_t tick = 0; tick < 40; tick++)
        assert_int_equal(note(0x1000, tick, 10 * (tick + 1), 0), tick * TICK_NS);
    for (uint64_t n_read = 0; n_read < 400; n_read++)
        assert_int_equal(note(0x1000, 40, 400, n_read), (40 - n_read / 10) * TICK_NS);
}

static void age__emptied_and_filled_again__begins_anew(void **state)
{
    (void)state;
    assert_int_equal(note(0x1000, 0, 5, 0), 0);
    assert_int_equal(note(0x1000, 50, 5, 0), 50 * TICK_NS);
    queue_ages_begin_round(ages); /* it is empty, and so it is not noted */
    assert_int_equal(note(0x1000, 52, 6, 5), 0);
    assert_int_equal(note(0x1000, 53, 9, 8), 0); /* all that waited was read meanwhile */
    assert_int_equal(note(0x1000, 54, 9, 8), TICK_NS);
}

static void age__rounds_that_miss_the_queue__goes_on(void **state)
{
    (void)state;
    assert_int_equal(note(0x1000, 0, 5, 0), 0);
    queue_ages_begin_round(ages);
    queue_ages_begin_round(ages);
    assert_int_equal(note(0x1000, 3, 5, 0), 3 * TICK_NS);
}

static void age__another_queue_in_the_same_place__begins_anew(void **state)
{
    (void)state;
    assert_int_equal(note(0x1000, 0, 50, 10), 0);
    assert_int_equal(note(0x1000, 10, 3, 0), 0); /* fewer written */
    assert_int_equal(note(0x1000, 20, 3, 0), 10 * TICK_NS);
    assert_int_equal(note(0x1000, 30, 7, 2), 30 * TICK_NS - 20 * TICK_NS + 10 * TICK_NS);
    assert_int_equal(note(0x1000, 40, 7, 1), 0); /* fewer read */
    queue_ages_begin_round(ages);
    assert_int_equal(note_beside(0x1000, 0x3000, 50), 0); /* another reader */
    for (int i = 0; i < 3; i++)
        queue_ages_begin_round(ages);
    queue_ages_begin_round(ages);
    assert_int_equal(note_beside(0x1000, 0x3000, 60), 0); /* gone for so long that it is another */
    queue_ages_forget(ages);
    assert_int_equal(note_beside(0x1000, 0x3000, 70), 0);
}

static void age__both_ends_in_one_round__is_one_queue(void **state)
{
    (void)state;
    note_beside(0x1000, 0x2000, 0);
    queue_ages_begin_round(ages);
    assert_int_equal(note_beside(0x1000, 0x2000, 10), 10 * TICK_NS);
    assert_int_equal(note_beside(0x1000, 0x2000, 11), 11 * TICK_NS);
    assert_int_equal(note_beside(0x2000, 0x1000, 12), 0); /* the way back */
}

static void age__more_queues_than_fit__are_unknown_and_the_others_stay(void **state)
{
    (void)state;
    enum { N = 3 * QUEUE_AGES_MAX_QUEUES };
    static uint64_t first[N];
    unsigned n_known = 0;
    for (unsigned i = 0; i < N; i++)
        first[i] = note_beside(0x10000 + i * 0x170, 0x2000, 0);
    queue_ages_begin_round(ages);
    for (unsigned i = 0; i < N; i++) {
        uint64_t age_ns = note_beside(0x10000 + i * 0x170, 0x2000, 9);
        assert_int_equal(age_ns, first[i] == 0 ? 9 * TICK_NS : PIPE_UNKNOWN);
        n_known += age_ns != PIPE_UNKNOWN;
    }
    assert_true(n_known > QUEUE_AGES_MAX_QUEUES * 9 / 10 && n_known <= QUEUE_AGES_MAX_QUEUES);
    for (int i = 0; i < 5; i++)
        queue_ages_begin_round(ages);
    assert_int_equal(note_beside(0x77770000, 0x2000, 20), 0); /* those are gone */
}

static void age__half_as_many_queues_as_fit__are_all_known(void **state)
{
    (void)state;
    for (unsigned i = 0; i < QUEUE_AGES_MAX_QUEUES / 2; i++)
        assert_int_equal(note_beside(0x55d0c0010000 + i * 0x2b0, 0x2000, 0), 0);
}

/*
 * Hours
 */
static uint64_t written[MAX_TICKS]; /* at each tick */
static uint64_t n_ticks;

static uint64_t random_below(uint64_t n)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % n;
}

/* When a message was there first. */
static uint64_t tick_of(uint64_t message)
{
    uint64_t low = 0, high = n_ticks - 1;
    while (low < high) {
        uint64_t middle = (low + high) / 2;
        if (written[middle] >= message)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void check(uint64_t tick, uint64_t n_read)
{
    uint64_t age_ns = note(0x1000, tick, written[tick], n_read);
    double truth = (double)((tick - tick_of(n_read + 1)) * TICK_NS);
    double error = (double)age_ns - truth;
    error = error < 0 ? -error : error;
    if (error > truth * TOLERANCE)
        fail_msg("%.1f s are told for %.1f s", (double)age_ns / 1e9, truth / 1e9);
}

static uint64_t steady(uint64_t tick)
{
    (void)tick;
    return 3;
}

static uint64_t trickle(uint64_t tick)
{
    return tick % 37 == 0;
}

static uint64_t bursts(uint64_t tick)
{
    (void)tick;
    return random_below(600) == 0 ? 1 + random_below(5000) : 0;
}

/* Busy and idle by turns, minutes each. */
static uint64_t shifts(uint64_t tick)
{
    return tick / (7 * 60 * SECOND) % 2 ? random_below(40) : random_below(100) == 0;
}

static void write_all(uint64_t (*write)(uint64_t tick), uint64_t n)
{
    uint64_t sum = 1;
    n_ticks = n;
    for (uint64_t tick = 0; tick < n; tick++) {
        sum += write(tick);
        written[tick] = sum;
    }
}

static uint64_t (*const writers[])(uint64_t) = {steady, trickle, bursts, shifts};
#define N_WRITERS (sizeof(writers) / sizeof(*writers))

/* All waits for hours, and is then read to the end, a part of it in each sample. */
static void age__hours_that_are_then_read__is_true_to_a_part(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_WRITERS; i++) {
        write_all(writers[i], MAX_TICKS);
        queue_ages_forget(ages);
        uint64_t tick = 0, n_read = 0;
        for (; tick < MAX_TICKS - 2000; tick++)
            check(tick, 0);
        for (; tick < MAX_TICKS; tick++) {
            n_read += (written[tick] - n_read) / 100;
            check(tick, n_read);
        }
    }
}

/* A receiver that is always some time behind. */
static void age__slow_receiver__is_true_to_a_part(void **state)
{
    (void)state;
    static const uint64_t lags[] = {2 * SECOND, 5 * SECOND, 60 * SECOND, 1800 * SECOND};
    for (size_t i = 0; i < N_WRITERS * 4; i++) {
        uint64_t lag = lags[i % 4];
        write_all(writers[i / 4], 3 * HOUR);
        queue_ages_forget(ages);
        for (uint64_t tick = 0; tick < n_ticks; tick++) {
            uint64_t n_read = tick < lag ? 0 : written[tick - lag];
            if (n_read == written[tick])
                queue_ages_begin_round(ages);
            else
                check(tick, n_read);
        }
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(age__message_that_nobody_reads__is_exact_for_hours),
        CASE(age__first_samples__are_exact_for_each_message),
        CASE(age__emptied_and_filled_again__begins_anew),
        CASE(age__rounds_that_miss_the_queue__goes_on),
        CASE(age__another_queue_in_the_same_place__begins_anew),
        CASE(age__both_ends_in_one_round__is_one_queue),
        CASE(age__more_queues_than_fit__are_unknown_and_the_others_stay),
        CASE(age__half_as_many_queues_as_fit__are_all_known),
        CASE(age__hours_that_are_then_read__is_true_to_a_part),
        CASE(age__slow_receiver__is_true_to_a_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
