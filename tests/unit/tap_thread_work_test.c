/* SPDX-License-Identifier: MPL-2.0 */
/* Work that has a thread of its own, which is waited for. */
#include "tap/thread.h"

#include "support/cmocka.h"
#include "support/tap_rounds.h"

#include <errno.h>

#define MS CLOCK_NS_PER_MS

static int n_worked;

static void do_work(void *data)
{
    assert_ptr_equal(data, &n_worked);
    n_worked++;
}

static int run_work(void)
{
    errno = 42;
    n_worked = 0;
    int rc = thread_run(do_work, &n_worked);
    assert_int_equal(errno, 42);
    return rc;
}

static void work__done__thread_is_gone(void **state)
{
    (void)state;
    assert_true(thread_await_work());
    rounds.is_run_at_once = true;
    assert_int_equal(run_work(), 0);
    assert_int_equal(n_worked, 1);
    assert_int_equal(rounds.n_joined, 1);
    assert_int_equal(rounds.n_detached, 0);
    assert_int_equal(rounds.n_wakes, 1);
    assert_true(thread_await_work());
    rounds.create_error = EAGAIN;
    uint64_t before_ns = rounds.now_ns;
    assert_int_equal(run_work(), -EAGAIN);
    assert_int_equal(rounds.now_ns, before_ns);
    assert_int_equal(rounds.n_joined, 1);
    assert_int_equal(rounds.n_detached, 0);
}

static void work_now(void)
{
    rounds.at_program_wait = NULL;
    rounds.function(rounds.argument);
}

static void work__takes_its_time__is_waited_for(void **state)
{
    (void)state;
    rounds.at_program_wait = work_now;
    assert_int_equal(run_work(), 0);
    assert_int_equal(n_worked, 1);
    assert_int_equal(rounds.n_joined, 1);
}

static void work__does_not_end__is_given_up(void **state)
{
    (void)state;
    uint64_t before_ns = rounds.now_ns;
    assert_int_equal(run_work(), -ETIMEDOUT);
    assert_int_equal((rounds.now_ns - before_ns) / MS, 30000);
    assert_int_equal(rounds.n_joined, 0);
    assert_int_equal(rounds.n_detached, 1);
    before_ns = rounds.now_ns;
    rounds.is_in_handler = true;
    assert_false(thread_await_work());
    assert_int_equal((rounds.now_ns - before_ns) / MS, 1000);
    thread_forked();
    assert_true(thread_await_work());
}

#define CASE(name) cmocka_unit_test_setup(name, rounds_set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(work__done__thread_is_gone),
        CASE(work__takes_its_time__is_waited_for),
        CASE(work__does_not_end__is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
