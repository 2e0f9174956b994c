/* SPDX-License-Identifier: MPL-2.0 */
/* Calls come at once and then at intervals, none twice and none after the end. */
#include "base/ticker.h"

#include "base/clock.h"
#include "base/condition.h"
#include "support/cmocka.h"

#include <stdbool.h>

#define INTERVAL_NS (5 * CLOCK_NS_PER_MS)

struct calls {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned n;
    uint64_t ticks[8];
    uint64_t first_ns, last_ns;
    bool is_slow; /* the second call takes longer than three intervals */
};

static void begin(struct calls *self, bool is_slow)
{
    *self = (struct calls){.is_slow = is_slow};
    pthread_mutex_init(&self->lock, NULL);
    condition_init(&self->changed);
}

static void note(void *state, uint64_t tick)
{
    struct calls *self = state;
    pthread_mutex_lock(&self->lock);
    self->last_ns = clock_monotonic_ns();
    if (self->n == 0)
        self->first_ns = self->last_ns;
    if (self->n < 8)
        self->ticks[self->n] = tick;
    self->n++;
    uint64_t until_ns = self->last_ns + 3 * INTERVAL_NS + 1;
    while (self->is_slow && self->n == 2 && clock_monotonic_ns() < until_ns)
        condition_wait_until(&self->changed, &self->lock, until_ns);
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->lock);
}

static void wait_calls(struct calls *self, unsigned n)
{
    pthread_mutex_lock(&self->lock);
    while (self->n < n)
        pthread_cond_wait(&self->changed, &self->lock);
    pthread_mutex_unlock(&self->lock);
}

static void call__first__is_made_at_once(void **state)
{
    (void)state;
    struct calls calls;
    struct ticker *ticker = NULL;
    begin(&calls, false);
    assert_int_equal(
        ticker_new("test", UINT64_C(1000) * CLOCK_NS_PER_SECOND, note, &calls, &ticker), 0);
    wait_calls(&calls, 1);
    ticker_destroy(&ticker);
    assert_null(ticker);
    assert_int_equal(calls.n, 1);
    assert_int_equal(calls.ticks[0], 1);
}

static void call__each_interval__has_the_next_tick(void **state)
{
    (void)state;
    struct calls calls;
    struct ticker *ticker = NULL;
    begin(&calls, false);
    uint64_t begin_ns = clock_monotonic_ns();
    assert_int_equal(ticker_new("test", INTERVAL_NS, note, &calls, &ticker), 0);
    wait_calls(&calls, 4);
    ticker_destroy(&ticker);
    for (unsigned i = 1; i < 4; i++)
        assert_true(calls.ticks[i] > calls.ticks[i - 1]);
    /* No tick before its time, and none numbered behind it. */
    assert_true(calls.last_ns - begin_ns >= 3 * INTERVAL_NS);
    assert_true(calls.ticks[3] <= 1 + (calls.last_ns - begin_ns) / INTERVAL_NS);
}

static void call__takes_long__those_that_have_passed_are_left_out(void **state)
{
    (void)state;
    struct calls calls;
    struct ticker *ticker = NULL;
    begin(&calls, true);
    assert_int_equal(ticker_new("test", INTERVAL_NS, note, &calls, &ticker), 0);
    wait_calls(&calls, 3);
    ticker_destroy(&ticker);
    assert_true(calls.ticks[2] >= calls.ticks[1] + 3);
}

static void destroy__while_it_waits__ends_and_calls_no_more(void **state)
{
    (void)state;
    struct calls calls;
    struct ticker *ticker = NULL;
    begin(&calls, false);
    assert_int_equal(ticker_new("test", INTERVAL_NS, note, &calls, &ticker), 0);
    wait_calls(&calls, 2);
    ticker_destroy(&ticker);
    ticker_destroy(&ticker); /* there is none */
    unsigned n = calls.n;
    uint64_t until_ns = clock_monotonic_ns() + 4 * INTERVAL_NS;
    pthread_mutex_lock(&calls.lock);
    while (clock_monotonic_ns() < until_ns)
        condition_wait_until(&calls.changed, &calls.lock, until_ns);
    pthread_mutex_unlock(&calls.lock);
    assert_int_equal(calls.n, n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(call__first__is_made_at_once),
        cmocka_unit_test(call__each_interval__has_the_next_tick),
        cmocka_unit_test(call__takes_long__those_that_have_passed_are_left_out),
        cmocka_unit_test(destroy__while_it_waits__ends_and_calls_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
