/* SPDX-License-Identifier: MPL-2.0 */
/* The tap's lock: whose it is, how long it is waited for, and that it is taken over then. Time and
 * waiting are played: each wait lasts as long as it may, unless the lock is given back in it. */
#include "tap/ground/lock.h"

#include "tap/ground/guard.h"
#include "tap/ground/thread_state.h"

#include "support/cmocka.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>

#define MS UINT64_C(1000000)

static uint64_t now_ns;
static unsigned n_waits, n_wakes;
static unsigned released_in; /* this wait; 0: in none */
static uint64_t early_ns;    /* a wait ends so much too early */
static int n_woken;
static struct lock lock;
static const uint32_t *waited_for;

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);
long __wrap_syscall(long number, const uint32_t *word, int operation, uint32_t value,
                    const struct timespec *timeout);

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret)
{
    assert_int_equal(clock, CLOCK_MONOTONIC);
    *ret = (struct timespec){(time_t)(now_ns / 1000000000), (long)(now_ns % 1000000000)};
    return 0;
}

long __wrap_syscall(long number, const uint32_t *word, int operation, uint32_t value,
                    const struct timespec *timeout)
{
    assert_int_equal(number, SYS_futex);
    errno = EAGAIN;
    waited_for = word;
    if (operation == FUTEX_WAKE_PRIVATE) {
        n_wakes++;
        n_woken = (int)value;
        return 0;
    }
    assert_int_equal(operation, FUTEX_WAIT_PRIVATE);
    assert_int_equal(*word, value);
    n_waits++;
    now_ns += (uint64_t)timeout->tv_sec * 1000 * MS + (uint64_t)timeout->tv_nsec - early_ns;
    if (n_waits == released_in)
        lock.state = 0;
    return -1;
}

static int set_up(void **state)
{
    (void)state;
    lock = LOCK_INIT;
    now_ns = 5000 * MS;
    n_waits = n_wakes = released_in = 0;
    early_ns = 0;
    n_woken = 0;
    errno = 42;
    thread_state_forked();
    return 0;
}

/* Another thread's. */
static void take_by_another(void)
{
    lock = (struct lock){.state = 1, .depth = 1, .owner = 1};
}

static void acquire__free__is_taken_without_a_system_call(void **state)
{
    (void)state;
    lock_acquire(&lock);
    assert_int_equal(lock.state, 1);
    assert_int_equal(lock.depth, 1);
    lock_acquire(&lock);
    assert_true(lock_acquire_within(&lock, 0));
    assert_int_equal(lock.depth, 3);
    lock_release(&lock);
    lock_release(&lock);
    assert_int_equal(lock.state, 1);
    assert_int_not_equal(lock.owner, 0);
    lock_release(&lock);
    assert_int_equal(lock.state, 0);
    assert_int_equal(lock.owner, 0);
    lock_release(&lock); /* nobody's */
    assert_int_equal(lock.state, 0);
    assert_int_equal(lock.depth, 0);
    assert_int_equal(n_waits + n_wakes, 0);
    assert_int_equal(errno, 42);
}

static void release__another_has_taken_it_over__changes_nothing(void **state)
{
    (void)state;
    lock_acquire(&lock);
    take_by_another();
    lock_release(&lock);
    assert_int_equal(lock.state, 1);
    assert_int_equal(lock.depth, 1);
    assert_int_equal(lock.owner, 1);
}

static void acquire__taken__waits_until_it_is_given_back(void **state)
{
    (void)state;
    take_by_another();
    released_in = 3;
    lock_acquire(&lock);
    assert_int_equal(n_waits, 3);
    assert_int_equal(now_ns, 5300 * MS);
    assert_int_equal(lock.state, 2);
    assert_int_equal(lock.depth, 1);
    assert_int_not_equal(lock.owner, 1);
    lock_release(&lock); /* others may wait */
    assert_int_equal(n_wakes, 1);
    assert_int_equal(n_woken, 1);
    assert_ptr_equal(waited_for, &lock.state);
    assert_int_equal(lock.state, 0);
    assert_int_equal(errno, 42);
}

static void acquire_within__never_given_back__is_given_up(void **state)
{
    (void)state;
    static const struct {
        uint32_t patience_ms;
        unsigned n_waits;
    } rows[] = {{0, 1}, {99, 1}, {100, 2}, {200, 3}, {1000, 11}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        take_by_another();
        n_waits = 0;
        assert_false(lock_acquire_within(&lock, rows[i].patience_ms));
        assert_int_equal(n_waits, rows[i].n_waits);
        assert_int_equal(lock.owner, 1);
        assert_int_equal(lock.state, 2);
    }
    take_by_another();
    released_in = n_waits + 1;
    early_ns = 1;
    assert_true(lock_acquire_within(&lock, 0));
}

/* Only waits that lasted are counted: one that is woken begins anew. */
static void acquire_within__woken_early__is_as_patient(void **state)
{
    (void)state;
    take_by_another();
    early_ns = 1;
    released_in = 500;
    assert_true(lock_acquire_within(&lock, 100));
    assert_int_equal(n_waits, 500);
}

static void acquire__never_given_back__is_taken_over(void **state)
{
    (void)state;
    take_by_another();
    lock_acquire(&lock);
    assert_int_equal(n_waits, LOCK_PATIENCE_MS / 100 + 1);
    assert_int_equal(lock.depth, 1);
    assert_int_not_equal(lock.owner, 1);
    lock_release(&lock);
    assert_int_equal(lock.state, 0);
    assert_int_equal(errno, 42);
}

static void wait_for_word__deadline__is_as_long_as_is_left(void **state)
{
    (void)state;
    uint32_t word = 7;
    lock_wait_for_word(&word, 7, now_ns);
    lock_wait_for_word(&word, 7, now_ns - 1);
    assert_int_equal(n_waits, 0);
    uint64_t end_ns = now_ns + 2500 * MS;
    lock_wait_for_word(&word, 7, end_ns);
    assert_int_equal(n_waits, 1);
    assert_int_equal(now_ns, end_ns);
    lock_wake_word(&word);
    assert_int_equal(n_woken, INT32_MAX);
    assert_ptr_equal(waited_for, &word);
    assert_int_equal(errno, 42);
}

static void guard__lock__is_not_cancelled_meanwhile(void **state)
{
    (void)state;
    struct guard guard;
    int now;
    guard_lock(&guard, &lock);
    assert_int_equal(lock.depth, 1);
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &now);
    assert_int_equal(now, PTHREAD_CANCEL_DISABLE);
    guard_unlock(&guard, &lock);
    assert_int_equal(lock.state, 0);
    (void)pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &now);
    assert_int_equal(now, PTHREAD_CANCEL_ENABLE);
}

static int cancel_state(void)
{
    int now, ignored;
    (void)pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &now);
    (void)pthread_setcancelstate(now, &ignored);
    return now;
}

static void rounds__held__are_given_back_and_the_thread_is_known(void **state)
{
    (void)state;
    struct guard guard;
    assert_false(thread_state_is_running());
    thread_state_set_running(true);
    assert_true(thread_state_is_running());
    thread_state_begin_round();
    thread_state_end_round();
    assert_true(thread_state_hold_rounds(&guard));
    assert_int_equal(cancel_state(), PTHREAD_CANCEL_DISABLE);
    thread_state_release_rounds(&guard);
    assert_int_equal(cancel_state(), PTHREAD_CANCEL_ENABLE);
    assert_int_equal(n_waits + n_wakes, 0);
    thread_state_forked();
    assert_false(thread_state_is_running());
}

static void *hold_rounds(void *ret_is_held)
{
    struct guard guard;
    *(bool *)ret_is_held = thread_state_hold_rounds(&guard);
    assert_int_equal(cancel_state(), PTHREAD_CANCEL_ENABLE);
    return NULL;
}

static void rounds__one_is_under_way__is_not_held_for_ever(void **state)
{
    (void)state;
    pthread_t thread;
    bool is_held = true;
    thread_state_begin_round();
    assert_int_equal(pthread_create(&thread, NULL, hold_rounds, &is_held), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_false(is_held);
    assert_int_equal(n_waits, THREAD_PATIENCE_MS / 100 + 1);
    thread_state_forked(); /* the child has no such round */
    struct guard guard;
    assert_true(thread_state_hold_rounds(&guard));
    thread_state_release_rounds(&guard);
    assert_int_equal(n_waits, THREAD_PATIENCE_MS / 100 + 1);
}

#define CASE(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(acquire__free__is_taken_without_a_system_call),
        CASE(release__another_has_taken_it_over__changes_nothing),
        CASE(acquire__taken__waits_until_it_is_given_back),
        CASE(acquire_within__never_given_back__is_given_up),
        CASE(acquire_within__woken_early__is_as_patient),
        CASE(acquire__never_given_back__is_taken_over),
        CASE(wait_for_word__deadline__is_as_long_as_is_left),
        CASE(guard__lock__is_not_cancelled_meanwhile),
        CASE(rounds__held__are_given_back_and_the_thread_is_known),
        CASE(rounds__one_is_under_way__is_not_held_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
