/* SPDX-License-Identifier: MPL-2.0 */
/* Copies of libzmq that are told, of a scan of the host and of a clock that are played. */
#include "peek/peek_libraries.h"

#include "base/clock.h"
#include "support/cmocka.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PID 42

static struct {
    uint64_t now_ns, cpu_ns, cost_ns, n_changes;
    int n_runs, n_destroyed, result;
    struct library_scan_totals totals;
    const struct library_process *processes;
    size_t n_processes;
    bool (*may_open)(void *data, pid_t pid, uint64_t start_ticks);
    void *data;
} played;
static char a_scan;

int __wrap_clock_gettime(clockid_t id, struct timespec *ret_time);
int __wrap_clock_gettime(clockid_t id, struct timespec *ret_time)
{
    *ret_time = clock_timespec(id == CLOCK_THREAD_CPUTIME_ID ? played.cpu_ns : played.now_ns);
    return 0;
}

int __wrap_library_scan_new(int root_fd, struct library_scan **ret_scan);
int __wrap_library_scan_new(int root_fd, struct library_scan **ret_scan)
{
    assert_int_equal(root_fd, 7);
    if (played.result == 0)
        *ret_scan = (struct library_scan *)&a_scan;
    return played.result;
}

void __wrap_library_scan_destroy(struct library_scan **self_p);
void __wrap_library_scan_destroy(struct library_scan **self_p)
{
    played.n_destroyed++;
    *self_p = NULL;
}

void __wrap_library_scan_ask_before_opening(struct library_scan *self,
                                            bool (*may_open)(void *, pid_t, uint64_t), void *data);
void __wrap_library_scan_ask_before_opening(struct library_scan *self,
                                            bool (*may_open)(void *, pid_t, uint64_t), void *data)
{
    assert_ptr_equal(self, &a_scan);
    played.may_open = may_open;
    played.data = data;
}

int __wrap_library_scan_run(struct library_scan *self, uint64_t now_ns, uint64_t budget_ns,
                            struct library_scan_totals *ret_totals);
int __wrap_library_scan_run(struct library_scan *self, uint64_t now_ns, uint64_t budget_ns,
                            struct library_scan_totals *ret_totals)
{
    assert_ptr_equal(self, &a_scan);
    assert_int_equal(now_ns, played.now_ns);
    assert_int_equal(budget_ns, PEEK_LIBRARIES_BUDGET_NS);
    played.n_runs++;
    played.cpu_ns += played.cost_ns;
    if (played.result == 0)
        *ret_totals = played.totals;
    return played.result;
}

uint64_t __wrap_library_scan_n_changes(const struct library_scan *self);
uint64_t __wrap_library_scan_n_changes(const struct library_scan *self)
{
    (void)self;
    return played.n_changes;
}

void __wrap_library_scan_each(const struct library_scan *self,
                              void (*visit)(const struct library_process *, void *), void *data);
void __wrap_library_scan_each(const struct library_scan *self,
                              void (*visit)(const struct library_process *, void *), void *data)
{
    (void)self;
    for (size_t i = 0; i < played.n_processes; i++)
        visit(&played.processes[i], data);
}

static struct peek_libraries libraries;
static struct peek_host host;
static struct peek_record_libraries head;
static struct peek_record_library last[2];
static size_t n_visited;

static bool may_open(void *data, pid_t pid, uint64_t start_ticks)
{
    (void)data, (void)pid, (void)start_ticks;
    return true;
}

static int set_up(void **state)
{
    (void)state;
    memset(&played, 0, sizeof(played));
    memset(&host, 0, sizeof(host));
    memset(&head, 0xff, sizeof(head));
    played.now_ns = CLOCK_NS_PER_SECOND;
    played.totals.n_processes = 3;
    assert_int_equal(peek_libraries_init(&libraries, 7, may_open, &a_scan), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    peek_libraries_finish(&libraries);
    assert_int_equal(played.n_destroyed, 1);
    return 0;
}

static bool update(void)
{
    return peek_libraries_update(&libraries, &host, &head);
}

static void visit(void *data, const struct peek_record_library *library)
{
    assert_ptr_equal(data, &n_visited);
    last[n_visited++ % 2] = *library;
}

static size_t visit_all(void)
{
    n_visited = 0;
    peek_libraries_each(&libraries, &host, visit, &n_visited);
    return n_visited;
}

static void init__scan__asks_before_opening(void **state)
{
    (void)state;
    assert_ptr_equal(played.may_open, may_open);
    assert_ptr_equal(played.data, &a_scan);
}

static void init__no_scan__fails(void **state)
{
    struct peek_libraries other;
    (void)state;
    played.may_open = NULL;
    played.result = -ENOMEM;
    assert_int_equal(peek_libraries_init(&other, 7, may_open, NULL), -ENOMEM);
    assert_null(played.may_open);
    assert_null(other.scan);
}

static void update__first__is_told_and_then_only_what_is_new(void **state)
{
    (void)state;
    played.totals.n_unreadable = 2;
    assert_true(update());
    assert_int_equal(head.n_processes, 3);
    assert_int_equal(head.n_unreadable, 2);
    assert_int_equal(head.n_pending, 0);
    assert_int_equal(head.n_libraries, 0);
    assert_int_equal(head.n_left_out, 0);
    played.now_ns += PEEK_LIST_MAX_NS;
    assert_false(update());
    assert_int_equal(played.n_runs, 2);
    played.totals.n_unreadable = 1;
    played.now_ns += PEEK_LIST_MAX_NS;
    assert_true(update());
    assert_int_equal(head.n_unreadable, 1);
    played.n_changes++;
    assert_true(update());
    assert_false(update());
    host.n_insides_changes++;
    assert_true(update());
    assert_false(update());
}

static void update__nothing_in_the_first__is_told(void **state)
{
    (void)state;
    played.totals.n_processes = 0;
    assert_true(update());
    assert_int_equal(head.n_processes, 0);
    assert_false(update());
}

static void update__scan_has_a_cost__pauses_for_a_multiple_of_it(void **state)
{
    (void)state;
    played.cost_ns = 1000;
    (void)update();
    assert_int_equal(libraries.next_ns, played.now_ns + 1000 * PEEK_LIST_SHARE);
    played.now_ns = libraries.next_ns - 1;
    (void)update();
    assert_int_equal(played.n_runs, 1);
    played.now_ns++;
    played.cost_ns = PEEK_LIST_MAX_NS;
    (void)update();
    assert_int_equal(played.n_runs, 2);
    assert_int_equal(libraries.next_ns, played.now_ns + PEEK_LIST_MAX_NS);
}

static void update__scan_has_not_got_through__goes_on_at_once(void **state)
{
    (void)state;
    played.cost_ns = 1000;
    played.totals.n_pending = 1;
    assert_true(update());
    assert_int_equal(head.n_pending, 1);
    (void)update();
    assert_int_equal(played.n_runs, 2);
}

static void update__scan_fails__what_was_known_stays(void **state)
{
    (void)state;
    assert_true(update());
    played.result = -EIO;
    played.totals = (struct library_scan_totals){.n_processes = 9, .n_pending = 1};
    played.now_ns += PEEK_LIST_MAX_NS;
    played.cost_ns = 1000;
    assert_false(update());
    assert_int_equal(played.n_runs, 2);
    assert_int_equal(libraries.totals.n_processes, 3);
    assert_true(libraries.next_ns > played.now_ns);
}

static void each__library_by_its_name__has_all_that_is_known(void **state)
{
    char long_path[1000], program[] = "feed";
    struct library_found *one = calloc(1, sizeof(*one) + sizeof(long_path));
    struct library_found *two = calloc(1, sizeof(*two) + 32);
    struct library_process process = {
        .pid = PID, .start_ticks = 1000, .program = program, .found = one};
    (void)state;
    memset(long_path, 'x', sizeof(long_path));
    long_path[sizeof(long_path) - 1] = '\0';
    memcpy(one->path, long_path, sizeof(long_path));
    one->next = two;
    one->is_replaced = true;
    (void)strcpy(two->path, "/usr/lib/libzmq.so.5");
    (void)strcpy(two->build_id, "abcd");
    played.processes = &process;
    played.n_processes = 1;
    assert_true(update());
    assert_int_equal(head.n_libraries, 2);
    assert_int_equal(visit_all(), 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(last[i].pid, PID);
        assert_int_equal(last[i].start_ticks, 1000);
        assert_int_equal(last[i].is_inside, 0);
        assert_int_equal(last[i].is_replaced, i == 0);
        assert_string_equal(last[i].program, "feed");
        assert_string_equal(last[i].version, "");
    }
    assert_int_equal(strlen(last[0].path), sizeof(last[0].path) - 1);
    assert_string_equal(last[0].build_id, "");
    assert_string_equal(last[1].path, "/usr/lib/libzmq.so.5");
    assert_string_equal(last[1].build_id, "abcd");
    free(one);
    free(two);
}

static void each__file_with_libzmq_in_it__is_told_as_one(void **state)
{
    struct peek_inside inside = {.is_deleted = true, .build_id = "ef", .version = "4.3.5"};
    struct peek_process *process = calloc(1, sizeof(*process));
    struct peek_host_entry entries[2] = {
        {.pid = 1}, {.pid = PID, .start_ticks = 1000, .process = process, .program = "node"}};
    (void)state;
    (void)strcpy(inside.path, "/srv/zeromq.node");
    process->insides = &inside;
    process->n_insides = 1;
    host.entries = entries;
    host.n_entries = 2;
    assert_true(update());
    assert_int_equal(head.n_libraries, 1);
    assert_int_equal(visit_all(), 1);
    assert_int_equal(last[0].pid, PID);
    assert_int_equal(last[0].start_ticks, 1000);
    assert_int_equal(last[0].is_inside, 1);
    assert_int_equal(last[0].is_replaced, 1);
    assert_string_equal(last[0].program, "node");
    assert_string_equal(last[0].build_id, "ef");
    assert_string_equal(last[0].version, "4.3.5");
    assert_string_equal(last[0].path, "/srv/zeromq.node");
    free(process);
}

static void each__more_than_are_told__are_left_out_and_counted(void **state)
{
    static const size_t sizes[] = {PEEK_MAX_LIBRARIES - 1, PEEK_MAX_LIBRARIES,
                                   PEEK_MAX_LIBRARIES + 1, PEEK_MAX_LIBRARIES + 5};
    struct peek_process *process = calloc(1, sizeof(*process));
    struct peek_host_entry entry = {.pid = PID, .process = process};
    (void)state;
    process->insides = calloc(PEEK_MAX_LIBRARIES + 5, sizeof(*process->insides));
    host.entries = &entry;
    host.n_entries = 1;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        size_t told = sizes[i] < PEEK_MAX_LIBRARIES ? sizes[i] : PEEK_MAX_LIBRARIES;
        process->n_insides = sizes[i];
        host.n_insides_changes++;
        assert_true(update());
        assert_int_equal(head.n_libraries, told);
        assert_int_equal(head.n_left_out, sizes[i] - told);
        assert_int_equal(visit_all(), told);
    }
    free(process->insides);
    free(process);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(init__scan__asks_before_opening),
        CASE(init__no_scan__fails),
        CASE(update__first__is_told_and_then_only_what_is_new),
        CASE(update__nothing_in_the_first__is_told),
        CASE(update__scan_has_a_cost__pauses_for_a_multiple_of_it),
        CASE(update__scan_has_not_got_through__goes_on_at_once),
        CASE(update__scan_fails__what_was_known_stays),
        CASE(each__library_by_its_name__has_all_that_is_known),
        CASE(each__file_with_libzmq_in_it__is_told_as_one),
        CASE(each__more_than_are_told__are_left_out_and_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
