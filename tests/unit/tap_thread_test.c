/* SPDX-License-Identifier: MPL-2.0 */
/* The tap's thread: what a round is, when the next one is, and how it begins and ends. */
#include "tap/thread.h"

#include "support/cmocka.h"
#include "support/tap_rounds.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#define MS CLOCK_NS_PER_MS

static void start(void)
{
    errno = 42;
    assert_int_equal(thread_start(), 0);
    assert_int_equal(errno, 42);
    assert_true(thread_state_is_running());
}

static void start_and_run(unsigned n_rounds)
{
    start();
    rounds_run(n_rounds);
    assert_false(thread_state_is_running());
}

/*
 * Begin and end
 */
static void start__once__is_one_thread(void **state)
{
    sigset_t now;
    (void)state;
    start();
    start();
    assert_int_equal(rounds.n_created, 1);
    assert_int_equal(rounds.stack_size, 512 * 1024);
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    assert_false(sigismember(&now, SIGUSR1));
    rounds_run(1);
    start();
    assert_int_equal(rounds.n_created, 2);
    rounds_run(1);
}

static void start__cannot__is_said(void **state)
{
    (void)state;
    rounds.create_error = EAGAIN;
    errno = 42;
    assert_int_equal(thread_start(), -EAGAIN);
    assert_int_equal(errno, 42);
    assert_false(thread_state_is_running());
    assert_int_equal(rounds.n_created, 1);
    rounds.create_error = 0;
    rounds.create_error_with_attributes = EINVAL; /* the stack is too small */
    start();
    assert_int_equal(rounds.n_created, 3);
    assert_int_equal(rounds.stack_size, 0);
}

static void run_to_the_end(void)
{
    rounds.at_program_wait = NULL;
    rounds_run(0);
}

static void stop__thread_ends_in_time__is_joined(void **state)
{
    (void)state;
    start();
    rounds.at_program_wait = run_to_the_end;
    thread_stop();
    assert_int_equal(rounds.n_joined, 1);
    assert_int_equal(rounds.n_detached, 0);
    ASSERT_SAID("(p)(s)dt(w)(e)dt(w)");
    assert_int_equal(rounds.n_wakes, 4); /* the thread; and who waits for it, after each round */
    thread_stop();
    assert_int_equal(rounds.n_joined + rounds.n_detached, 1);
    assert_int_equal(rounds.n_wakes, 4);
}

static void stop__thread_is_stuck__is_left_after_a_second(void **state)
{
    (void)state;
    start();
    uint64_t before_ns = rounds.now_ns;
    thread_stop();
    assert_int_equal(rounds.n_joined, 0);
    assert_int_equal(rounds.n_detached, 1);
    assert_int_equal(rounds.now_ns - before_ns, 1000 * MS);
    void *argument = rounds.argument;
    start(); /* another one, whose end is its own */
    assert_ptr_not_equal(rounds.argument, argument);
    void *second = rounds.argument;
    rounds.argument = argument;
    rounds_run(0);
    rounds.argument = second;
    thread_stop();
    assert_int_equal(rounds.n_detached, 2);
}

/*
 * A round
 */
static void round__is_allowed__all_is_done(void **state)
{
    (void)state;
    rounds.result = -7;
    rounds.n_wakes = 0;
    start_and_run(2);
    ASSERT_SAID("(p)(s)dt(w)d(p)(s)dt(w)d(e)dt(w)");
    assert_int_equal(rounds.reported, -7);
    assert_int_equal(rounds.n_waits, 2);
    assert_int_equal(rounds.n_wakes, 1); /* by who stopped it: nobody waits for a round */
}

static void round__no_file__nothing_is_written(void **state)
{
    (void)state;
    thread_set_writer(NULL);
    start_and_run(1);
    ASSERT_SAID("(p)(s)dt()d(e)dt()");
    rounds.is_closed = true;
    start_and_run(1);
    ASSERT_SAID("()()dt()bd()dt()b");
}

static void round__program_has_shut_itself_in__shows_life(void **state)
{
    (void)state;
    rounds.is_closed = true;
    start_and_run(1);
    ASSERT_SAID("()()dt()bhd()dt()bh");
}

static uint64_t elapsed[10];

static void note_elapsed(unsigned n)
{
    elapsed[n] = rounds.elapsed_ns / MS;
    if (n == 2)
        rounds.now_ns += 1999 * MS;
    if (n == 3)
        rounds.now_ns += 2000 * MS;
}

static void tick__time_since_the_last__is_told_where_it_is_known(void **state)
{
    (void)state;
    rounds.at_wait = note_elapsed;
    start_and_run(6);
    const uint64_t expected[] = {0, 100, 100, 1999, 0, 100};
    assert_memory_equal(elapsed, expected, sizeof(expected));
}

/*
 * When the next one is
 */
static void expect_waits(unsigned first, unsigned last, uint64_t ms)
{
    for (unsigned i = first; i <= last; i++)
        assert_int_equal(rounds.waits_ms[i], ms);
}

static void pace__messages_move__ten_times_a_second(void **state)
{
    (void)state;
    start_and_run(60);
    expect_waits(0, 59, 100);
}

static void pace__nothing_moves__fewer_and_then_a_rest(void **state)
{
    (void)state;
    rounds.has_moved = false;
    start_and_run(40);
    expect_waits(0, 18, 100);
    expect_waits(19, 29, 200);
    expect_waits(30, 39, 1000);
    assert_false(thread_state_is_resting());
}

static void move_at_25(unsigned n)
{
    rounds.has_moved = n == 25;
}

static void pace__something_moves_again__is_the_first_one(void **state)
{
    (void)state;
    rounds.has_moved = false;
    rounds.at_wait = move_at_25;
    start_and_run(60);
    expect_waits(20, 25, 200);
    expect_waits(26, 45, 100);
    expect_waits(46, 56, 200);
    expect_waits(57, 59, 1000);
}

static void pace__may_not_rest__tries_again_after_ten_rounds(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        rounds_set_up(state);
        rounds.has_moved = false;
        rounds.has_calls = i == 0;
        rounds.is_not_at_rest = i == 1;
        rounds.needs_rounds = i == 2;
        rounds.is_written = i == 3;
        if (i == 4)
            thread_set_writer(NULL);
        start_and_run(80);
        expect_waits(20, 79, 200);
    }
}

static bool was_resting[100];

static void allow_rest_at_35(unsigned n)
{
    was_resting[n] = thread_state_is_resting();
    rounds.has_calls = n < 35;
    rounds.has_moved = n == 50;
}

static void pace__rest_is_over__roused_by_nothing(void **state)
{
    (void)state;
    rounds.has_moved = false;
    rounds.has_calls = true;
    rounds.at_wait = allow_rest_at_35;
    start_and_run(60);
    assert_false(was_resting[30]); /* it has tried */
    assert_false(was_resting[40]);
    assert_true(was_resting[41]); /* ten rounds later */
    expect_waits(31, 40, 200);
    expect_waits(41, 50, 1000);
    assert_true(was_resting[50]);
    assert_false(was_resting[51]);
    expect_waits(51, 59, 100);
}

static void rouse_at_35(unsigned n)
{
    if (n == 35)
        rounds.now_ns += 300 * MS;
    if (n == 35 || n == 12) /* where it does not rest, nothing comes of it */
        thread_state_rouse();
}

static void pace__roused__a_round_at_once_and_as_before(void **state)
{
    (void)state;
    rounds.has_moved = false;
    rounds.at_wait = rouse_at_35;
    start_and_run(70);
    expect_waits(30, 35, 1000);
    expect_waits(36, 54, 100);
    expect_waits(55, 65, 200);
    expect_waits(66, 69, 1000);
    expect_waits(10, 18, 100);
}

static void be_late(unsigned n)
{
    if (n == 2)
        rounds.now_ns += 1050 * MS;
    if (n == 5)
        rounds.now_ns += 1101 * MS;
}

static void pace__stopped_for_long__no_burst(void **state)
{
    (void)state;
    rounds.at_wait = be_late;
    start_and_run(30);
    expect_waits(0, 2, 100);
    assert_int_equal(rounds.waits_ms[3], 50); /* the ticks of 950 ms are caught up */
    expect_waits(4, 15, 100);
}

/*
 * Between two rounds
 */
static void end_soon(unsigned n)
{
    rounds.endings_ns = n == 0 ? rounds.now_ns + 30 * MS : UINT64_MAX;
}

static void endings__are_to_be_looked_at__between_two_rounds(void **state)
{
    (void)state;
    rounds.endings_ns = rounds.now_ns + 30 * MS;
    start();
    rounds.at_wait = end_soon;
    rounds.look_ns = 2 * MS;
    rounds_run(1);
    assert_int_equal(rounds.waits_ms[0], 30);
    ASSERT_SAID("(p)(s)dt(w)d(e)dt(w)");
}

static void end_now(unsigned n)
{
    rounds.now_ns += (n < 3 ? 15 : 30) * MS;
}

static void endings__no_time_is_said__tick_is_kept(void **state)
{
    (void)state;
    rounds.endings_ns = 0;
    start_and_run(1);
    assert_int_equal(rounds.waits_ms[0], 100);
}

static void endings__looks_take_long__pause_is_longer(void **state)
{
    (void)state;
    rounds.endings_ns = rounds.now_ns;
    rounds.look_ns = 2 * MS; /* so the next is 40 ms later */
    rounds.at_wait = end_now;
    start_and_run(2);
    /* At 0 a look till 2, at 17 and 32 none, at 47 one till 49; then 79 is too early; the tick. */
    assert_true(strncmp(rounds.said, "(p)(s)dt(w)(e)ddd(e)d", 21) == 0);
}

static void endings__program_has_shut_itself_in__are_not_looked_at(void **state)
{
    (void)state;
    rounds.is_closed = true;
    rounds.endings_ns = rounds.now_ns;
    start_and_run(1);
    ASSERT_SAID("()()dt()bh()d()dt()bh");
}

static void urgent__program_has_a_monitor__is_drained_soon(void **state)
{
    (void)state;
    rounds.is_urgent = true;
    start_and_run(3);
    expect_waits(0, 39, 5);
    assert_true(rounds.n_waits >= 40);
}

static uint64_t asked_ms;

static void ask_at_1(unsigned n)
{
    if (n != 1)
        return;
    uint64_t before_ns = rounds.now_ns;
    thread_publish();
    asked_ms = (rounds.now_ns - before_ns) / MS;
    rounds.now_ns = before_ns + 10 * MS;
}

static void publish__thread_is_stuck__waits_a_second(void **state)
{
    (void)state;
    rounds.at_wait = ask_at_1;
    start_and_run(4);
    assert_int_equal(asked_ms, 1000);
    assert_int_equal(rounds.waits_ms[1], 100);
    assert_int_equal(rounds.waits_ms[2], 190); /* the round was that of the tick to come */
    ASSERT_SAID("(p)(s)dt(w)d(p)(s)dt(w)d(p)(s)dt(w)d(p)(s)dt(w)d(e)dt(w)");
}

static void run_one_round(void)
{
    rounds.at_program_wait = NULL;
    rounds_run(1);
}

static void publish__asked__until_a_round_has_begun_since(void **state)
{
    (void)state;
    thread_publish(); /* there is no thread */
    assert_int_equal(rounds.n_wakes, 0);
    start();
    rounds.at_program_wait = run_one_round;
    uint64_t before_ns = rounds.now_ns;
    thread_publish();
    assert_int_equal(rounds.n_rounds, 1);
    assert_int_equal((rounds.now_ns - before_ns) / MS, 1100); /* the thread's tick, and its end */
    assert_true(rounds.n_wakes > 1);
    assert_null(rounds.at_program_wait);
}

static void wake__number_that_was_seen__is_another(void **state)
{
    (void)state;
    uint32_t seen = thread_state_n_woken();
    thread_state_wake();
    assert_int_equal(thread_state_n_woken(), seen + 1);
    assert_int_equal(rounds.n_wakes, 1);
}

static void forked__in_the_child__there_is_no_thread(void **state)
{
    (void)state;
    start();
    thread_forked();
    assert_false(thread_state_is_running());
    start();
    rounds_run(1); /* and no file */
    ASSERT_SAID("(p)(s)dt()d(e)dt()");
}

#define CASE(name) cmocka_unit_test_setup(name, rounds_set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(start__once__is_one_thread),
        CASE(start__cannot__is_said),
        CASE(stop__thread_ends_in_time__is_joined),
        CASE(stop__thread_is_stuck__is_left_after_a_second),
        CASE(round__is_allowed__all_is_done),
        CASE(round__no_file__nothing_is_written),
        CASE(round__program_has_shut_itself_in__shows_life),
        CASE(tick__time_since_the_last__is_told_where_it_is_known),
        CASE(pace__messages_move__ten_times_a_second),
        CASE(pace__nothing_moves__fewer_and_then_a_rest),
        CASE(pace__something_moves_again__is_the_first_one),
        CASE(pace__may_not_rest__tries_again_after_ten_rounds),
        CASE(pace__rest_is_over__roused_by_nothing),
        CASE(pace__roused__a_round_at_once_and_as_before),
        CASE(pace__stopped_for_long__no_burst),
        CASE(endings__are_to_be_looked_at__between_two_rounds),
        CASE(endings__no_time_is_said__tick_is_kept),
        CASE(endings__looks_take_long__pause_is_longer),
        CASE(endings__program_has_shut_itself_in__are_not_looked_at),
        CASE(urgent__program_has_a_monitor__is_drained_soon),
        CASE(publish__thread_is_stuck__waits_a_second),
        CASE(publish__asked__until_a_round_has_begun_since),
        CASE(wake__number_that_was_seen__is_another),
        CASE(forked__in_the_child__there_is_no_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
