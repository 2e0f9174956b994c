/* SPDX-License-Identifier: MPL-2.0 */
/* How often the segments are read for those who ask, with readings and a clock that are played. */
#include "problems/problem_watch.h"

#include "base/clock.h"
#include "support/cmocka.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define N_ASKERS 20u
#define BEGIN_NS                                                                                   \
    (CLOCK_NS_PER_SECOND * 60 * 60 * 24 * 365 * 50) /* to the watch's thread: not yet */

static __thread bool is_asker; /* not the watch's own thread */
static _Atomic uint64_t now_ns;
static atomic_uint n_readings, n_asked, n_to_wait_for;
static atomic_int result;

int __real_clock_gettime(clockid_t id, struct timespec *ret_time);
int __wrap_clock_gettime(clockid_t id, struct timespec *ret_time);
int __wrap_problem_view_take(const char *directory, struct peek_link *peek,
                             struct problem_view *ret_view);

int __wrap_clock_gettime(clockid_t id, struct timespec *ret_time)
{
    if (!is_asker)
        return __real_clock_gettime(id, ret_time);
    *ret_time = clock_timespec(now_ns);
    return 0;
}

/* A socket for each reading so far. */
int __wrap_problem_view_take(const char *directory, struct peek_link *peek,
                             struct problem_view *ret_view)
{
    static char none[] = "";
    (void)directory;
    (void)peek;
    struct problem_view view = {.is_complete = true};
    if (!is_asker) {
        *ret_view = view;
        return 0;
    }
    n_readings++;
    while (n_asked < n_to_wait_for)
        sched_yield();
    if (result < 0)
        return result;
    view.now_ns = now_ns;
    view.n = view.capacity = n_readings;
    view.sockets = calloc(view.n, sizeof(*view.sockets));
    assert_non_null(view.sockets);
    for (size_t i = 0; i < view.n; i++) {
        struct problem_socket *socket = &view.sockets[i];
        *socket = (struct problem_socket){.pid = i + 1, .type = "PUB", .receive_queue = 9};
        socket->receive_age_ns = view.now_ns;
        socket->address = strdup(none);
        socket->name = strdup(none);
        socket->link = strdup(none);
    }
    *ret_view = view;
    return 0;
}

static int set_up(void **state)
{
    struct problem_watch *watch;
    is_asker = true;
    now_ns = BEGIN_NS;
    n_readings = n_asked = n_to_wait_for = 0;
    result = 0;
    assert_int_equal(problem_watch_new("/nowhere", NULL, NULL, &watch), 0);
    *state = watch;
    return 0;
}

static int tear_down(void **state)
{
    problem_watch_destroy((struct problem_watch **)state);
    return 0;
}

static void share__within_its_age__is_one_reading(void **state)
{
    struct problem_watch *watch = *state;
    struct problem_look *one, *two, *three;
    assert_int_equal(problem_watch_share(watch, &one), 0);
    now_ns += PROBLEM_LOOK_AGE_NS - 1;
    assert_int_equal(problem_watch_share(watch, &two), 0);
    assert_ptr_equal(one, two);
    assert_int_equal(n_readings, 1);
    assert_int_equal(two->view.now_ns, BEGIN_NS); /* it says how old it is */
    assert_int_equal(two->problems.n, 1);
    now_ns++;
    assert_int_equal(problem_watch_share(watch, &three), 0);
    assert_int_equal(n_readings, 2);
    assert_int_equal(three->view.now_ns, BEGIN_NS + PROBLEM_LOOK_AGE_NS);
    assert_int_equal(three->problems.n, 2);
    problem_watch_release(watch, one);
    assert_int_equal(two->problems.n, 1); /* who has it has it still */
    assert_string_equal(two->view.sockets[0].address, "");
    problem_watch_release(watch, two);
    problem_watch_release(watch, three);
}

static void share__released_by_all__is_there_for_the_next(void **state)
{
    struct problem_watch *watch = *state;
    struct problem_look *look;
    for (int i = 0; i < 50; i++) {
        assert_int_equal(problem_watch_share(watch, &look), 0);
        problem_watch_release(watch, look);
        now_ns += CLOCK_NS_PER_SECOND / 50;
    }
    assert_int_equal(n_readings, 4); /* of 50 in a second */
}

static void take__is_the_callers_own(void **state)
{
    struct problem_watch *watch = *state;
    struct problem_look own, *shared;
    assert_int_equal(problem_watch_take(watch, &own), 0);
    assert_int_equal(problem_watch_share(watch, &shared), 0);
    assert_int_equal(n_readings, 2);
    problem_watch_release(watch, shared);
    problem_look_finish(&own);
    assert_null(own.view.sockets);
}

static void share__reading_fails__is_said_and_tried_again(void **state)
{
    struct problem_watch *watch = *state;
    struct problem_look *look = NULL;
    result = -EACCES;
    assert_int_equal(problem_watch_share(watch, &look), -EACCES);
    assert_null(look);
    result = 0;
    assert_int_equal(problem_watch_share(watch, &look), 0);
    assert_int_equal(n_readings, 2);
    problem_watch_release(watch, look);
}

static void *ask(void *data)
{
    struct problem_watch *watch = data;
    struct problem_look *look = NULL;
    is_asker = true;
    n_asked++;
    int r = problem_watch_share(watch, &look);
    if (r == 0) {
        n_asked += 1000 * (unsigned)look->view.n;
        problem_watch_release(watch, look);
    }
    return NULL;
}

static void share__many_at_once__wait_for_one_reading(void **state)
{
    struct problem_watch *watch = *state;
    pthread_t threads[N_ASKERS];
    n_to_wait_for = N_ASKERS;
    for (unsigned i = 0; i < N_ASKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask, watch), 0);
    for (unsigned i = 0; i < N_ASKERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(n_readings, 1);
    assert_int_equal(n_asked, N_ASKERS + 1000 * N_ASKERS);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(share__within_its_age__is_one_reading),
        CASE(share__released_by_all__is_there_for_the_next),
        CASE(take__is_the_callers_own),
        CASE(share__reading_fails__is_said_and_tried_again),
        CASE(share__many_at_once__wait_for_one_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
