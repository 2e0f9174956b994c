/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/runner.h"

#include "base/clock.h"
#include "support/cmocka.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#define FOREVER_NS (clock_monotonic_ns() + 60 * CLOCK_NS_PER_SECOND)

/* A source that waits until the test lets it go. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_open;
    unsigned n_entered, n_ticks;
    bool is_destroyed;
    int result;
};

static struct gate gate_open(int result)
{
    return (struct gate){.lock = PTHREAD_MUTEX_INITIALIZER,
                         .changed = PTHREAD_COND_INITIALIZER,
                         .is_open = true,
                         .result = result};
}

static void gate_set(struct gate *gate, bool is_open)
{
    pthread_mutex_lock(&gate->lock);
    gate->is_open = is_open;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

static int gate_collect(void *state, struct samples *out, struct error *err)
{
    struct gate *gate = state;
    pthread_mutex_lock(&gate->lock);
    gate->n_entered++;
    pthread_cond_broadcast(&gate->changed);
    while (!gate->is_open)
        pthread_cond_wait(&gate->changed, &gate->lock);
    int r = gate->result;
    pthread_mutex_unlock(&gate->lock);
    samples_add_u64(out, FAMILY_PROCESSES, LABEL_TEXT_NONE, NULL, 7);
    return r == 0 ? 0 : error_set(err, r, "as the test asked");
}

static void gate_destroy(void *state)
{
    ((struct gate *)state)->is_destroyed = true;
}

static void add_gate(struct runner *runner, const char *name, struct gate *gate)
{
    struct collector collector = {
        .name = name, .state = gate, .collect = gate_collect, .destroy = gate_destroy};
    assert_int_equal(runner_add(runner, &collector), 0);
}

static size_t count(const struct scrape *scrape, enum family_id id)
{
    size_t n_parts, n = 0;
    const struct samples *const *parts = scrape_parts(scrape, &n_parts);
    for (size_t i = 0; i < n_parts; i++)
        n += sample_list_n(&parts[i]->lists[id]);
    return n;
}

/* The value of success with the given label text; -1: not there. */
static int success(const struct scrape *scrape, const char *label)
{
    size_t n_parts;
    const struct samples *const *parts = scrape_parts(scrape, &n_parts);
    const struct sample_list *list = &parts[n_parts - 1]->lists[FAMILY_EXPORTER_COLLECTOR_SUCCESS];
    for (const struct sample *i = list->items; i < list->next; i++) {
        if (i->labels_size == strlen(label) && memcmp(i->labels, label, strlen(label)) == 0)
            return (int)i->value.digits;
    }
    return -1;
}

static void collect__all_well__gives_every_part(void **state)
{
    (void)state;
    struct runner *runner;
    struct scrape *scrape;
    struct gate a = gate_open(0), b = gate_open(0);
    assert_int_equal(runner_new(&runner), 0);
    add_gate(runner, "a", &a);
    add_gate(runner, "b", &b);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(runner_collect(runner, RUNNER_ALL, FOREVER_NS, &scrape), 0);
        assert_int_equal(count(scrape, FAMILY_PROCESSES), 2);
        assert_int_equal(success(scrape, "collector=\"a\""), 1);
        assert_int_equal(count(scrape, FAMILY_EXPORTER_COLLECTOR_DURATION), 2);
        scrape_destroy(&scrape);
    }
    runner_destroy(&runner);
    assert_true(a.is_destroyed && b.is_destroyed);
}

static void collect__selected__asks_those_alone(void **state)
{
    (void)state;
    struct runner *runner;
    struct scrape *scrape;
    struct gate a = gate_open(0), b = gate_open(0);
    unsigned index;
    assert_int_equal(runner_new(&runner), 0);
    add_gate(runner, "a", &a);
    add_gate(runner, "b", &b);
    assert_int_equal(runner_find(runner, "b", &index), 0);
    assert_int_equal(runner_find(runner, "c", &index), -ENOENT);
    assert_int_equal(runner_collect(runner, UINT64_C(1) << index, FOREVER_NS, &scrape), 0);
    assert_int_equal(count(scrape, FAMILY_PROCESSES), 1);
    assert_int_equal(success(scrape, "collector=\"a\""), -1);
    assert_int_equal(success(scrape, "collector=\"b\""), 1);
    scrape_destroy(&scrape);
    runner_destroy(&runner);
    assert_int_equal(a.n_entered, 0);
}

static void collect__one_fails__serves_what_it_gave(void **state)
{
    (void)state;
    struct runner *runner;
    struct scrape *scrape;
    struct gate a = gate_open(-EIO);
    assert_int_equal(runner_new(&runner), 0);
    add_gate(runner, "a", &a);
    assert_int_equal(runner_collect(runner, RUNNER_ALL, FOREVER_NS, &scrape), 0);
    assert_int_equal(success(scrape, "collector=\"a\""), 0);
    assert_int_equal(count(scrape, FAMILY_PROCESSES), 1);
    scrape_destroy(&scrape);
    runner_destroy(&runner);
}

/* One scrape pays its deadline; while the source hangs the next ones do not; then it is back. */
static void collect__one_hangs__is_left_out_until_it_returns(void **state)
{
    (void)state;
    struct runner *runner;
    struct scrape *scrape;
    struct gate hung = gate_open(0), good = gate_open(0);
    assert_int_equal(runner_new(&runner), 0);
    gate_set(&hung, false);
    add_gate(runner, "hung", &hung);
    add_gate(runner, "good", &good);

    uint64_t soon = clock_monotonic_ns() + 300 * CLOCK_NS_PER_MS;
    assert_int_equal(runner_collect(runner, RUNNER_ALL, soon, &scrape), 0);
    assert_int_equal(success(scrape, "collector=\"hung\""), 0);
    assert_int_equal(success(scrape, "collector=\"good\""), 1);
    assert_int_equal(count(scrape, FAMILY_PROCESSES), 1);
    scrape_destroy(&scrape);
    for (int i = 0; i < 10; i++) { /* with no deadline to speak of: it must not wait */
        assert_int_equal(runner_collect(runner, RUNNER_ALL, FOREVER_NS, &scrape), 0);
        assert_int_equal(success(scrape, "collector=\"hung\""), 0);
        assert_int_equal(success(scrape, "collector=\"good\""), 1);
        scrape_destroy(&scrape);
    }
    gate_set(&hung, true);
    int is_back = 0;
    for (uint64_t until = FOREVER_NS; !is_back && clock_monotonic_ns() < until;) {
        assert_int_equal(runner_collect(runner, RUNNER_ALL, FOREVER_NS, &scrape), 0);
        is_back = success(scrape, "collector=\"hung\"");
        scrape_destroy(&scrape);
    }
    assert_int_equal(is_back, 1);
    runner_destroy(&runner);
}

static void *collect_in_thread(void *arg)
{
    struct scrape *scrape;
    int r = runner_collect(arg, RUNNER_ALL, FOREVER_NS, &scrape);
    if (r == 0)
        scrape_destroy(&scrape);
    return r == -ECANCELED ? arg : NULL;
}

static void cancel__scrape_waits__ends_it(void **state)
{
    (void)state;
    struct runner *runner;
    struct gate hung = gate_open(0);
    pthread_t thread;
    void *result;
    assert_int_equal(runner_new(&runner), 0);
    gate_set(&hung, false);
    add_gate(runner, "hung", &hung);
    assert_int_equal(pthread_create(&thread, NULL, collect_in_thread, runner), 0);
    pthread_mutex_lock(&hung.lock);
    while (hung.n_entered == 0)
        pthread_cond_wait(&hung.changed, &hung.lock);
    pthread_mutex_unlock(&hung.lock);
    runner_cancel(runner);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, runner);
    gate_set(&hung, true);
    runner_destroy(&runner);
    assert_true(hung.is_destroyed);
}

struct arrivals {
    struct gate gate; /* only its lock is used */
    unsigned n;
    uint64_t sum;
};

static void on_arrival(void *state, int r, struct scrape *scrape)
{
    struct arrivals *arrivals = state;
    pthread_mutex_lock(&arrivals->gate.lock);
    arrivals->n++;
    arrivals->sum += r == 0 ? count(scrape, FAMILY_PROCESSES) : 1000;
    pthread_cond_signal(&arrivals->gate.changed);
    pthread_mutex_unlock(&arrivals->gate.lock);
    scrape_destroy(&scrape);
}

/* One call runs; the four scrapes that come meanwhile share the next, not the one that runs. */
static void collect__a_crowd_waits__shares_the_next_call(void **state)
{
    (void)state;
    struct runner *runner;
    struct gate gate = gate_open(0);
    struct arrivals arrivals = {.gate = gate_open(0)};
    assert_int_equal(runner_new(&runner), 0);
    gate_set(&gate, false);
    add_gate(runner, "a", &gate);
    runner_start(runner, RUNNER_ALL, FOREVER_NS, on_arrival, &arrivals);
    pthread_mutex_lock(&gate.lock);
    while (gate.n_entered == 0)
        pthread_cond_wait(&gate.changed, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
    for (int i = 0; i < 4; i++)
        runner_start(runner, RUNNER_ALL, FOREVER_NS, on_arrival, &arrivals);
    gate_set(&gate, true);
    pthread_mutex_lock(&arrivals.gate.lock);
    while (arrivals.n < 5)
        pthread_cond_wait(&arrivals.gate.changed, &arrivals.gate.lock);
    pthread_mutex_unlock(&arrivals.gate.lock);
    assert_int_equal(gate.n_entered, 2);
    assert_int_equal(arrivals.sum, 5);
    runner_destroy(&runner);
}

/* Those whose time is up leave the call that the others still wait for. */
static void collect__some_of_a_crowd_give_up__the_others_are_served(void **state)
{
    (void)state;
    struct runner *runner;
    struct scrape *scrape;
    struct gate gate = gate_open(0);
    struct arrivals arrivals = {.gate = gate_open(0)};
    assert_int_equal(runner_new(&runner), 0);
    gate_set(&gate, false);
    add_gate(runner, "a", &gate);
    runner_start(runner, RUNNER_ALL, FOREVER_NS, on_arrival, &arrivals);
    runner_start(runner, RUNNER_ALL, FOREVER_NS, on_arrival, &arrivals);
    uint64_t soon = clock_monotonic_ns() + 50 * CLOCK_NS_PER_MS;
    assert_int_equal(runner_collect(runner, RUNNER_ALL, soon, &scrape), 0);
    assert_int_equal(count(scrape, FAMILY_PROCESSES), 0);
    scrape_destroy(&scrape);
    gate_set(&gate, true);
    pthread_mutex_lock(&arrivals.gate.lock);
    while (arrivals.n < 2)
        pthread_cond_wait(&arrivals.gate.changed, &arrivals.gate.lock);
    pthread_mutex_unlock(&arrivals.gate.lock);
    assert_int_equal(arrivals.sum, 2);
    runner_destroy(&runner);
}

static void *scrape_often(void *arg)
{
    for (int i = 0; i < 200; i++) {
        struct scrape *scrape;
        if (runner_collect(arg, RUNNER_ALL, FOREVER_NS, &scrape) < 0)
            return NULL;
        bool is_right = count(scrape, FAMILY_PROCESSES) == 2;
        scrape_destroy(&scrape);
        if (!is_right)
            return NULL;
    }
    return arg;
}

static void collect__several_at_once__each_has_its_own(void **state)
{
    (void)state;
    struct runner *runner;
    struct gate a = gate_open(0), b = gate_open(0);
    pthread_t threads[4];
    assert_int_equal(runner_new(&runner), 0);
    add_gate(runner, "a", &a);
    add_gate(runner, "b", &b);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, scrape_often, runner), 0);
    for (int i = 0; i < 4; i++) {
        void *result;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_non_null(result);
    }
    assert_in_range(a.n_entered, 200, 800);
    assert_in_range(b.n_entered, 200, 800);
    runner_destroy(&runner);
}

static void count_tick(void *state)
{
    struct gate *gate = state;
    pthread_mutex_lock(&gate->lock);
    gate->n_ticks++;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

/* Scrapes or not, a tick has a second to itself. */
static void tick__among_scrapes__comes_once_a_second(void **state)
{
    (void)state;
    struct runner *runner;
    struct scrape *scrape;
    struct gate gate = gate_open(0);
    struct collector collector = {.name = "a",
                                  .state = &gate,
                                  .collect = gate_collect,
                                  .tick = count_tick,
                                  .destroy = gate_destroy};
    uint64_t started_ns = clock_monotonic_ns();
    assert_int_equal(runner_new(&runner), 0);
    assert_int_equal(runner_add(runner, &collector), 0);
    pthread_mutex_lock(&gate.lock);
    while (gate.n_ticks == 0)
        pthread_cond_wait(&gate.changed, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(runner_collect(runner, RUNNER_ALL, FOREVER_NS, &scrape), 0);
        scrape_destroy(&scrape);
    }
    runner_destroy(&runner);
    assert_true(gate.n_ticks <= (clock_monotonic_ns() - started_ns) / CLOCK_NS_PER_SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(collect__all_well__gives_every_part),
        cmocka_unit_test(collect__selected__asks_those_alone),
        cmocka_unit_test(collect__one_fails__serves_what_it_gave),
        cmocka_unit_test(collect__one_hangs__is_left_out_until_it_returns),
        cmocka_unit_test(cancel__scrape_waits__ends_it),
        cmocka_unit_test(collect__a_crowd_waits__shares_the_next_call),
        cmocka_unit_test(collect__some_of_a_crowd_give_up__the_others_are_served),
        cmocka_unit_test(collect__several_at_once__each_has_its_own),
        cmocka_unit_test(tick__among_scrapes__comes_once_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
