/* SPDX-License-Identifier: MPL-2.0 */
#include "support/tap_rounds.h"

#include "tap/counting/watched.h"
#include "tap/events/monitor.h"
#include "tap/ground/library.h"
#include "tap/ground/sandbox.h"
#include "tap/losses/endings.h"
#include "tap/parts.h"
#include "tap/report.h"
#include "tap/sampling/sampler.h"

#include <signal.h>
#include <string.h>

#define WRITER ((struct segment_writer *)0x1230)

struct rounds rounds;
static bool is_in_thread;
static int round_depth, other_depth;
static struct lock *round_lock;

static void say(const char *letter)
{
    if (strlen(rounds.said) < sizeof(rounds.said) - 1)
        strcat(rounds.said, letter);
    errno = 99;
}

int __wrap_clock_gettime(clockid_t id, struct timespec *ret_time);
int __wrap_clock_gettime(clockid_t id, struct timespec *ret_time)
{
    assert_int_equal(id, CLOCK_MONOTONIC);
    *ret_time = clock_timespec(rounds.now_ns);
    return 0;
}

/* The thread has one lock alone, that of its rounds. */
void lock_acquire(struct lock *lock)
{
    assert_int_equal(lock->depth++, 0);
    if (is_in_thread) {
        round_lock = lock;
        round_depth++;
        say("(");
    } else {
        other_depth++;
    }
}

bool lock_acquire_within(struct lock *lock, uint32_t patience_ms)
{
    (void)lock, (void)patience_ms;
    fail();
    return false;
}

void lock_release(struct lock *lock)
{
    assert_int_equal(--lock->depth, 0);
    if (is_in_thread) {
        assert_ptr_equal(lock, round_lock);
        round_depth--;
        say(")");
    } else {
        other_depth--;
    }
}

static bool can_be_cancelled(void)
{
    int state, unused;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    pthread_setcancelstate(state, &unused);
    return state == PTHREAD_CANCEL_ENABLE;
}

static void wait_in_thread(uint64_t deadline_ns)
{
    unsigned n = rounds.n_waits++;
    uint64_t before_ns = rounds.now_ns;
    assert_int_equal(round_depth, 0);
    if (n < ROUNDS_MAX_WAITS)
        rounds.waits_ms[n] = (deadline_ns - rounds.now_ns) / CLOCK_NS_PER_MS;
    is_in_thread = false;
    if (rounds.at_wait)
        rounds.at_wait(n);
    if (rounds.now_ns == before_ns)
        rounds.now_ns = deadline_ns;
    if (rounds.n_rounds >= rounds.n_rounds_to_do)
        thread_stop();
    is_in_thread = true;
}

void lock_wait_for_word(const uint32_t *word, uint32_t seen, uint64_t deadline_ns)
{
    assert_int_equal(*word, seen);
    if (is_in_thread) {
        wait_in_thread(deadline_ns);
        return;
    }
    assert_int_equal(other_depth, 0);
    assert_true(rounds.is_in_handler || !can_be_cancelled());
    if (rounds.at_program_wait)
        rounds.at_program_wait();
    else
        rounds.now_ns = deadline_ns;
}

void lock_wake_word(const uint32_t *word)
{
    (void)word;
    rounds.n_wakes++;
}

/*
 * The parts
 */
void library_pin(void)
{
    assert_int_equal(round_depth, 1);
    say("p");
}

void sampler_round(void)
{
    assert_int_equal(round_depth, 1);
    rounds.n_rounds++;
    say("s");
}

bool sampler_has_moved(void)
{
    return rounds.has_moved;
}

bool sampler_is_at_rest(void)
{
    return !rounds.is_not_at_rest;
}

void sampler_blind_round(const char *reason)
{
    assert_string_equal(reason, "it set seccomp or no_new_privs; run it without the tap");
    rounds.n_rounds++;
    say("b");
}

void sampler_sample_endings(void)
{
    assert_int_equal(round_depth, 1);
    rounds.now_ns += rounds.look_ns;
    say("e");
}

bool watched_has_calls(void)
{
    return rounds.has_calls;
}

void monitor_drain_all(void)
{
    assert_int_equal(round_depth, 0);
    say("d");
}

bool monitor_is_urgent(void)
{
    return rounds.is_urgent;
}

bool monitor_needs_rounds(void)
{
    return rounds.needs_rounds;
}

uint64_t endings_next_round_ns(void)
{
    return rounds.endings_ns;
}

static bool is_registry_locked;

void registry_lock_inside(void)
{
    assert_int_equal(round_depth, 0);
    assert_false(is_registry_locked);
    is_registry_locked = true;
}

void registry_unlock_inside(void)
{
    assert_true(is_registry_locked);
    is_registry_locked = false;
}

void parts_tick(uint64_t now_ns, uint64_t elapsed_ns)
{
    assert_true(is_registry_locked);
    assert_int_equal(now_ns, rounds.now_ns);
    rounds.elapsed_ns = elapsed_ns;
    say("t");
}

bool sandbox_is_closed(void)
{
    return rounds.is_closed;
}

int segment_writer_publish(struct segment_writer *self)
{
    assert_ptr_equal(self, WRITER);
    assert_int_equal(round_depth, 1);
    say("w");
    return rounds.result;
}

void segment_writer_beat(struct segment_writer *self)
{
    assert_ptr_equal(self, WRITER);
    say("h");
}

bool segment_writer_closes_quietly(const struct segment_writer *self)
{
    assert_ptr_equal(self, WRITER);
    return !rounds.is_written;
}

void report_round(int result)
{
    rounds.reported = result;
}

/*
 * Threads
 */
static bool is_all_blocked(void)
{
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    return sigismember(&now, SIGUSR1) && sigismember(&now, SIGTERM) && sigismember(&now, SIGPROF);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*function)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*function)(void *), void *argument)
{
    assert_true(is_all_blocked());
    rounds.n_created++;
    rounds.stack_size = 0;
    if (attributes)
        pthread_attr_getstacksize(attributes, &rounds.stack_size);
    errno = 99;
    if (attributes && rounds.create_error_with_attributes)
        return rounds.create_error_with_attributes;
    if (rounds.create_error)
        return rounds.create_error;
    *thread = pthread_self();
    rounds.function = function;
    rounds.argument = argument;
    if (rounds.is_run_at_once)
        function(argument);
    return 0;
}

int __wrap_pthread_join(pthread_t thread, void **result);
int __wrap_pthread_join(pthread_t thread, void **result)
{
    assert_true(pthread_equal(thread, pthread_self()));
    assert_null(result);
    rounds.n_joined++;
    errno = 99;
    return 0;
}

int __wrap_pthread_detach(pthread_t thread);
int __wrap_pthread_detach(pthread_t thread)
{
    assert_true(pthread_equal(thread, pthread_self()));
    rounds.n_detached++;
    errno = 99;
    return 0;
}

int __wrap_pthread_setname_np(pthread_t thread, const char *name);
int __wrap_pthread_setname_np(pthread_t thread, const char *name)
{
    assert_true(pthread_equal(thread, pthread_self()));
    assert_string_equal(name, "zmqtap");
    return 0;
}

/* Time goes on from case to case. */
int rounds_set_up(void **state)
{
    (void)state;
    uint64_t now_ns = rounds.now_ns;
    assert_true(can_be_cancelled()); /* after the case before */
    is_registry_locked = false;
    memset(&rounds, 0, sizeof(rounds));
    rounds.now_ns = now_ns + 1000 * CLOCK_NS_PER_SECOND;
    rounds.endings_ns = UINT64_MAX;
    rounds.has_moved = true;
    thread_forked();
    thread_set_writer(WRITER);
    return 0;
}

void rounds_run(unsigned n)
{
    rounds.n_rounds = 0;
    rounds.n_rounds_to_do = n;
    bool was_in_thread = is_in_thread;
    is_in_thread = true;
    assert_null(rounds.function(rounds.argument));
    is_in_thread = was_in_thread;
}
