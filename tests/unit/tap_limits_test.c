/* SPDX-License-Identifier: MPL-2.0 */
/* The program's limits are its own: what libzmq is given, who waits, who is told that it is out. */
#include "tap/events/limits.h"

#include "tap/events/monitor.h"
#include "tap/ground/thread_state.h"

#include "support/cmocka.h"
#include "support/tap_played.h"

#include <errno.h>
#include <time.h>
#include <zmq.h>

#define MADE ((void *)0x4321)

static bool has_sockets, can_shed, can_hold;
static int set_fails, set_value, given_max;
static unsigned n_set, n_shed, n_held, n_released, n_pauses, n_made;
static unsigned n_refused; /* this often, with this error */
static int refusal;

bool monitor_has_sockets(const struct library *library)
{
    assert_ptr_equal(library, &tap_played);
    return has_sockets;
}

bool monitor_shed(void)
{
    n_shed++;
    return can_shed;
}

bool thread_state_hold_rounds(struct guard *guard)
{
    (void)guard;
    n_held += can_hold;
    return can_hold;
}

void thread_state_release_rounds(const struct guard *guard)
{
    (void)guard;
    n_released++;
}

/* Instead of the C library's. */
int nanosleep(const struct timespec *wanted, struct timespec *left)
{
    (void)left;
    assert_int_equal(wanted->tv_sec, 0);
    assert_true(wanted->tv_nsec == 1000000);
    n_pauses++;
    return 0;
}

static int ctx_set(void *handle, int option, int value)
{
    assert_ptr_equal(handle, &tap_played);
    assert_int_equal(option, ZMQ_MAX_SOCKETS);
    assert_ptr_equal(library_inside, &tap_played);
    errno = EIO;
    n_set++;
    set_value = value;
    return set_fails;
}

static int ctx_get(void *handle, int option)
{
    assert_ptr_equal(handle, &tap_played);
    assert_int_equal(option, ZMQ_MAX_SOCKETS);
    return given_max;
}

static void *make(void *handle, int type)
{
    assert_ptr_equal(handle, &tap_played);
    assert_int_equal(type, ZMQ_PUB);
    n_made++;
    if (n_refused == 0)
        return MADE;
    n_refused--;
    errno = refusal;
    return NULL;
}

static int set_up(void **state)
{
    (void)state;
    tap_played_begin();
    tap_played.ctx_set = ctx_set;
    tap_played.ctx_get = ctx_get;
    tap_played.socket = make;
    has_sockets = can_hold = true;
    can_shed = false;
    set_fails = 0;
    n_set = n_shed = n_held = n_released = n_pauses = n_made = n_refused = 0;
    refusal = EMFILE;
    given_max = 1023;
    tap_played_context->has_started = false;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(n_held, n_released);
    assert_null(library_inside);
    tap_played_end();
    return 0;
}

static void begin__context_with_sockets_of_the_tap__has_a_higher_limit(void **state)
{
    (void)state;
    errno = 42;
    limits_begin_context(tap_played_context);
    assert_int_equal(errno, 42);
    assert_int_equal(set_value, 2 * 1023 + 64);
    assert_int_equal(tap_played_context->max_sockets, 1023);
    assert_true(tap_played_context->is_limited && tap_played_context->has_headroom);
    limits_begin_context(tap_played_context);
    assert_int_equal(n_set, 1);
    limits_set_max_sockets(tap_played_context, 10);
    assert_int_equal(errno, 42);
    assert_int_equal(set_value, 84);
    assert_int_equal(tap_played_context->max_sockets, 10);
    limits_set_max_sockets(tap_played_context, 4000);
    assert_int_equal(set_value, 8064);
    assert_true(tap_played_context->has_headroom);
    limits_set_max_sockets(tap_played_context, 4001);
    assert_int_equal(n_set, 3);
    assert_int_equal(tap_played_context->max_sockets, 4001);
    assert_false(tap_played_context->has_headroom);
}

static void begin__refused_or_started__has_what_it_had(void **state)
{
    (void)state;
    set_fails = -1;
    limits_begin_context(tap_played_context);
    assert_true(tap_played_context->is_limited);
    assert_false(tap_played_context->has_headroom);
    tap_played_context->has_started = true;
    set_fails = 0;
    limits_set_max_sockets(tap_played_context, 5);
    assert_false(tap_played_context->has_headroom); /* too late for libzmq */
    assert_int_equal(tap_played_context->max_sockets, 5);
}

static void begin__no_sockets_of_the_tap__is_libzmqs_business(void **state)
{
    (void)state;
    has_sockets = false;
    limits_begin_context(tap_played_context);
    assert_int_equal(n_set, 0);
    assert_false(tap_played_context->is_limited);
    limits_set_max_sockets(tap_played_context, 5);
    assert_int_equal(n_set, 0);
    assert_int_equal(tap_played_context->max_sockets, 5);
}

static void make__at_the_programs_limit__is_refused_as_by_libzmq(void **state)
{
    (void)state;
    struct registry_context *context = tap_played_context;
    limits_begin_context(context);
    limits_set_max_sockets(context, 3);
    context->n_sockets = 2;
    assert_ptr_equal(limits_make_socket(context, ZMQ_PUB), MADE);
    for (context->n_sockets = 3; context->n_sockets < 5; context->n_sockets++) {
        errno = 0;
        assert_null(limits_make_socket(context, ZMQ_PUB));
        assert_int_equal(errno, EMFILE);
    }
    assert_int_equal(n_made, 1);
    context->has_started = true; /* what it had at the first socket is in force */
    context->limit = 5;
    context->n_sockets = 4;
    assert_ptr_equal(limits_make_socket(context, ZMQ_PUB), MADE);
    context->n_sockets = 5;
    assert_null(limits_make_socket(context, ZMQ_PUB));
    /* What is not known, or not the tap's to say. */
    context->has_untracked = true;
    assert_ptr_equal(limits_make_socket(context, ZMQ_PUB), MADE);
    context->has_untracked = false;
    context->is_ending = true;
    assert_ptr_equal(limits_make_socket(context, ZMQ_PUB), MADE);
    context->is_ending = false;
    context->has_headroom = false;
    assert_ptr_equal(limits_make_socket(context, ZMQ_PUB), MADE);
    context->n_sockets = 0;
    assert_int_equal(n_shed + n_held + n_pauses, 0);
}

static void make__out_of_files__is_tried_once_more_without_the_tap(void **state)
{
    (void)state;
    n_refused = 1;
    assert_ptr_equal(limits_make_socket(tap_played_context, ZMQ_PUB), MADE);
    assert_int_equal(n_made, 2);
    assert_int_equal(n_shed, 1);
    assert_int_equal(n_held, 1);
    assert_int_equal(n_pauses, 0);
    n_refused = 9;
    refusal = ENFILE;
    assert_null(limits_make_socket(tap_played_context, ZMQ_PUB));
    assert_int_equal(errno, ENFILE);
    assert_int_equal(n_refused, 7);
    can_hold = false;
    assert_null(limits_make_socket(tap_played_context, ZMQ_PUB));
    assert_int_equal(n_refused, 6);
    n_refused = 1;
    refusal = EINVAL;
    can_hold = true;
    assert_null(limits_make_socket(tap_played_context, ZMQ_PUB));
    assert_int_equal(errno, EINVAL);
    assert_int_equal(n_shed, 3);
    assert_int_equal(n_held, 2);
}

static void make__monitors_gave_theirs__waits_for_the_reaper(void **state)
{
    (void)state;
    can_shed = true;
    n_refused = 5;
    assert_ptr_equal(limits_make_socket(tap_played_context, ZMQ_PUB), MADE);
    assert_int_equal(n_pauses, 5);
    assert_int_equal(n_held, 0);
    can_shed = false; /* its sockets may still be there */
    n_refused = 2;
    assert_ptr_equal(limits_make_socket(tap_played_context, ZMQ_PUB), MADE);
    assert_int_equal(n_pauses, 7);
    n_refused = 1000;
    assert_null(limits_make_socket(tap_played_context, ZMQ_PUB));
    assert_int_equal(n_pauses, 307);
    assert_int_equal(n_refused, 1000 - 302);
    assert_int_equal(n_held, 1);
    assert_null(limits_make_socket(tap_played_context, ZMQ_PUB)); /* it has had its time */
    assert_int_equal(n_pauses, 307);
    can_shed = true;
    refusal = EMFILE;
    n_refused = 1;
    assert_ptr_equal(limits_make_socket(tap_played_context, ZMQ_PUB), MADE);
    assert_int_equal(n_pauses, 308);
}

/* Another error is libzmq's own answer, at once. */
static void *make_twice(void *handle, int type)
{
    (void)handle, (void)type;
    errno = n_made++ ? ETERM : EMFILE;
    return NULL;
}

static void make__another_error_while_it_waits__is_told_at_once(void **state)
{
    (void)state;
    can_shed = true;
    tap_played.socket = make_twice;
    assert_null(limits_make_socket(tap_played_context, ZMQ_PUB));
    assert_int_equal(errno, ETERM);
    assert_int_equal(n_pauses, 1);
    assert_int_equal(n_made, 2);
    assert_int_equal(n_held, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(begin__context_with_sockets_of_the_tap__has_a_higher_limit),
        CASE(begin__refused_or_started__has_what_it_had),
        CASE(begin__no_sockets_of_the_tap__is_libzmqs_business),
        CASE(make__at_the_programs_limit__is_refused_as_by_libzmq),
        CASE(make__out_of_files__is_tried_once_more_without_the_tap),
        CASE(make__monitors_gave_theirs__waits_for_the_reaper),
        CASE(make__another_error_while_it_waits__is_told_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
