/* SPDX-License-Identifier: MPL-2.0 */
/* The list of objects while the process is forked. */
#include "tap/ground/loaded.h"

#include "base/clock.h"
#include "support/cmocka.h"
#include "support/tap_linker.h"

#include <pthread.h>
#include <stdlib.h>

/*
 * Forks
 */
static void *begin_fork(void *unused)
{
    loaded_begin_fork();
    return unused;
}

static void fork_elsewhere(void)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, begin_fork, NULL), 0);
    pthread_join(thread, NULL);
}

static void fork_here(void)
{
    loaded_begin_fork();
    assert_int_equal(linker.n_waits, 0);
    linker_visit(); /* within another one: it does not wait for itself */
    assert_int_equal(linker.n_waits, 0);
    assert_int_equal(linker.n_works, 2);
    linker.n_wakes = 0;
}

static void fork__a_visit_is_under_way__is_waited_for_a_second(void)
{
    linker_begin_preloaded();
    linker.while_visited = fork_elsewhere;
    linker_visit();
    assert_int_equal(linker.n_waits, 1);
    assert_int_equal(linker.seen_by_wait, 1);
    assert_int_equal(linker.deadline_of_wait, 6 * CLOCK_NS_PER_SECOND);
    assert_int_equal(linker.n_wakes, 1); /* the end of the visit */
}

static void fork__visit_is_the_forker_s_own__is_not_waited_for(void)
{
    linker_begin_preloaded();
    linker.while_visited = fork_here;
    linker_visit();
    assert_int_equal(linker.n_wakes, 1);
    loaded_end_fork();
    assert_int_equal(linker.n_wakes, 2);
    linker_visit();
    assert_int_equal(linker.n_waits, 0);
    assert_int_equal(linker.n_wakes, 2);
}

static void end_fork(void)
{
    assert_int_equal(linker.n_works, 0);
    if (linker.n_waits == 2)
        loaded_end_fork();
}

static void visit__during_a_fork__waits_for_its_end(void)
{
    linker_begin_preloaded();
    loaded_begin_fork();
    assert_int_equal(linker.n_waits, 0);
    linker.while_waiting = end_fork;
    linker_visit();
    assert_int_equal(linker.n_works, 1);
    assert_int_equal(linker.n_waits, 2);
    assert_int_equal(linker.seen_by_wait, 1);
    assert_int_equal(linker.deadline_of_wait, 6 * CLOCK_NS_PER_SECOND);
    assert_int_equal(linker.n_wakes, 3); /* each wait is told to the forker, and the end to all */
    loaded_begin_fork();
    assert_int_equal(linker.n_waits, 2); /* nobody is inside */
}

static void visit__fork_does_not_end__goes_on_after_a_second(void)
{
    linker_begin_preloaded();
    loaded_begin_fork();
    linker_visit();
    assert_int_equal(linker.n_waits, 1);
    assert_int_equal(linker.n_works, 1);
    loaded_forked();
    linker_visit();
    assert_int_equal(linker.n_waits, 1);
}

static void fork_and_be_the_child(void)
{
    linker.lock_depth = 0;
    loaded_forked();
    linker_visit();
    linker.lock_depth = 1; /* of the lock that was */
    exit(linker.n_works == 2 ? 0 : 1);
}

static void forked__within_a_visit__child_is_inside_still(void)
{
    linker_begin_preloaded();
    linker.while_visited = fork_and_be_the_child;
    linker_visit();
    exit(1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OWN_PROCESS_CASE(fork__a_visit_is_under_way__is_waited_for_a_second),
        OWN_PROCESS_CASE(fork__visit_is_the_forker_s_own__is_not_waited_for),
        OWN_PROCESS_CASE(visit__during_a_fork__waits_for_its_end),
        OWN_PROCESS_CASE(visit__fork_does_not_end__goes_on_after_a_second),
        OWN_PROCESS_CASE(forked__within_a_visit__child_is_inside_still),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
