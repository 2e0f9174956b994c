/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What processes tell becomes a page: sums, extremes, limits, and what must be absent.
 *
 * The page of one host is compared as a whole with tests/golden/tap_page.txt; GOLDEN_UPDATE=1 in
 * the environment writes it anew.
 */
#include "support/tap_fixture.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PUB    1
#define SUB    2
#define REQ    3
#define ROUTER 6
#define PULL   7
#define STREAM 11
#define GOLDEN TEST_SOURCE_ROOT "/tests/golden/tap_page.txt"

#define OF(type, endpoint) "{program=\"feed\",type=\"" type "\",address=\"" endpoint "\"}"
#define OF_MORE(type, endpoint, more)                                                              \
    "{program=\"feed\",type=\"" type "\",address=\"" endpoint "\"," more "}"

static void set_all(struct segment_table *table, enum segment_capability_state state)
{
    for (unsigned i = 0; i < SEGMENT_N_CAPABILITIES; i++)
        tap_set_capability(table, i, state);
}

/* Every word a number of its own, so that no two can be mistaken for each other. */
static void count(uint64_t *words, uint64_t factor)
{
    for (unsigned i = SEGMENT_FIRST_COUNTER; i < SEGMENT_FIRST_GAUGE; i++)
        segment_word_add(&words[i], i == SEGMENT_PROXIED || i == SEGMENT_ATTACHED ? 0 : i * factor);
}

static void set_gauges(uint64_t *words, uint64_t queue, uint64_t hwm)
{
    segment_word_set(&words[SEGMENT_PEERS], 2);
    segment_word_set(&words[SEGMENT_SEND_QUEUE], queue);
    segment_word_set(&words[SEGMENT_RECEIVE_QUEUE], queue + 1);
    segment_word_set(&words[SEGMENT_SEND_HWM], hwm);
    segment_word_set(&words[SEGMENT_RECEIVE_HWM], hwm);
    segment_word_set(&words[SEGMENT_SEND_FULLEST], hwm ? queue * 1000000000u / hwm : 0);
    segment_word_set(&words[SEGMENT_RECEIVE_FULLEST], SEGMENT_UNKNOWN);
    segment_word_set(&words[SEGMENT_SEND_AGE_NS], queue * 1500000000u + 999999);
    segment_word_set(&words[SEGMENT_RECEIVE_AGE_NS], queue > 5 ? SEGMENT_UNKNOWN : 0);
    segment_word_set(&words[SEGMENT_LAST_SENT_NS], 1700000000123456789u + queue);
    segment_word_set(&words[SEGMENT_OPTION_LINGER], queue > 5 ? (uint64_t)-1 : 100);
    segment_word_set(&words[SEGMENT_OPTION_MECHANISM], queue > 5 ? 0 : 2);
}

static void fill_host(struct segment_table *table, uint64_t queue, uint64_t hwm)
{
    set_all(table, SEGMENT_CAPABILITY_ON);
    tap_set_capability(table, SEGMENT_CAPABILITY_PUBLISH_DROPS, SEGMENT_CAPABILITY_BOUND);
    tap_set_capability(table, SEGMENT_CAPABILITY_ENDINGS, SEGMENT_CAPABILITY_OFF);
    static const struct {
        uint32_t type;
        const char *endpoint;
    } sockets[] = {{PUB, "tcp://*:5556"},
                   {ROUTER, "tcp://*:5557"},
                   {PULL, "inproc://work"},
                   {SUB, "ipc:///run/\"x\"\n"},
                   {REQ, ""},
                   {STREAM, "tcp://*:80"}};
    for (size_t i = 0; i < sizeof(sockets) / sizeof(*sockets); i++) {
        uint64_t *words = tap_open_socket(table, sockets[i].type, sockets[i].endpoint);
        count(words, i + 1);
        set_gauges(words, queue, hwm);
    }
    /* A second socket of the group has come and gone. */
    uint64_t *words = tap_open_socket(table, PUB, "tcp://*:5556");
    segment_word_add(&words[SEGMENT_SENT_MESSAGES], 1000);
    segment_table_release_lane(table, 6);
    table->header->n_contexts = 2;
    table->header->contexts[0] = (struct segment_context){1, 7, 1023, 1};
    table->header->contexts[1] = (struct segment_context){1, queue, 20, 1};
    table->header->samples = 100;
    table->header->tap_cpu_ns = 12345678;
}

static void fill_first(struct segment_table *table)
{
    fill_host(table, 3, 0);
}

static void fill_second(struct segment_table *table)
{
    fill_host(table, 10, 1000);
}

/* Without what differs from machine to machine, and without the texts that are in the table. */
static bool is_left_out(const char *line)
{
    const char *name = line + (strncmp(line, "# TYPE ", 7) == 0 ? 7 : 0);
    return strncmp(line, "# HELP ", 7) == 0 || strncmp(name, "zmq_process_", 12) == 0;
}

static void drop_lines(char *page)
{
    char *to = page;
    for (char *line = page, *next; *line; line = next) {
        next = strchr(line, '\n') + 1;
        if (is_left_out(line))
            continue;
        memmove(to, line, (size_t)(next - line));
        to += next - line;
    }
    *to = '\0';
}

static void check_same(const char *page, const char *golden)
{
    size_t line = 0, i = 0;
    for (; page[i] && page[i] == golden[i]; i++)
        line = page[i] == '\n' ? i + 1 : line;
    if (page[i] == golden[i])
        return;
    print_message("# the page has  %.*s\n# the golden    %.*s\n# if the page is right: "
                  "GOLDEN_UPDATE=1 build/tests/unit/collectors_tap_page_test\n",
                  (int)strcspn(page + line, "\n"), page + line, (int)strcspn(golden + line, "\n"),
                  golden + line);
    fail();
}

static char *read_golden(void)
{
    char *text = calloc(1, 1 << 20);
    FILE *file = fopen(GOLDEN, "r");
    assert_non_null(file);
    assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
    (void)fclose(file);
    return text;
}

static void page__of_a_host__is_the_golden_one(void **state)
{
    struct tap_fixture *f = *state;
    pid_t first = tap_puppet_start(f, fill_first), second = tap_puppet_start(f, fill_second);
    f->has_details = true;
    tap_fixture_scrape(f);
    assert_int_equal(f->result, 0);
    drop_lines(f->page);
    if (getenv("GOLDEN_UPDATE")) {
        FILE *file = fopen(GOLDEN, "w");
        assert_non_null(file);
        assert_true(fputs(f->page, file) >= 0);
        assert_int_equal(fclose(file), 0);
    }
    char *golden = read_golden();
    check_same(f->page, golden);
    free(golden);
    tap_puppet_kill(first);
    tap_puppet_kill(second);
}

static void page__process_descriptors__are_told(void **state)
{
    struct tap_fixture *f = *state;
    pid_t pid = tap_puppet_start(f, fill_first);
    double open = tap_fixture_value(f, "zmq_process_open_fds{program=\"feed\"}");
    assert_true(open >= 3 && open < 1000);
    assert_true(tap_fixture_value(f, "zmq_process_max_fds{program=\"feed\"}") >= open);
    tap_puppet_kill(pid);
}

/* Also where it is not wanted since when counters count. */
static void page__start_of_a_program__is_a_time_of_day(void **state)
{
    struct tap_fixture *f = *state;
    pid_t pid = tap_puppet_start(f, fill_first);
    double start = tap_fixture_value(f, "zmq_process_start_time_seconds{program=\"feed\"}");
    double now = (double)time(NULL);
    assert_true(start > now - 3600 && start <= now + 1);
    tap_puppet_kill(pid);
}

static void fill_unable(struct segment_table *table)
{
    set_all(table, SEGMENT_CAPABILITY_OFF);
    count(tap_open_socket(table, ROUTER, "tcp://*:5557"), 1);
}

static unsigned count_series(const char *page)
{
    unsigned n = 0;
    for (const char *line = page; *line; line = strchr(line, '\n') + 1)
        n += strncmp(line, "zmq_socket_", 11) == 0;
    return n;
}

/* One process can, another cannot: the sum of those that can, and how many cannot. */
static void capability__off__leaves_nothing_behind(void **state)
{
    struct tap_fixture *f = *state;
    pid_t unable = tap_puppet_start(f, fill_unable);
    assert_int_equal(count_series(tap_fixture_scrape(f)), 0);
    assert_true(tap_fixture_value(f, "zmq_sockets" OF("ROUTER", "tcp://*:5557")) == 1);

    pid_t able = tap_puppet_start(f, fill_first);
    assert_true(tap_fixture_value(f, "zmq_socket_handshakes_total" OF("ROUTER", "tcp://*:5557")) ==
                44 * 2 + 44);
    assert_true(tap_fixture_value(f, "zmq_tap_capability{program=\"feed\",capability=\"handshakes\""
                                     ",state=\"off\"}") == 1);
    tap_puppet_kill(able);
    tap_fixture_tick(f);
    /* What is left running cannot tell: a counter that stands still would say it can. */
    assert_true(
        isnan(tap_fixture_value(f, "zmq_socket_handshakes_total" OF("ROUTER", "tcp://*:5557"))));
    tap_puppet_kill(unable);
    tap_fixture_tick(f);
    assert_true(tap_fixture_value(f, "zmq_socket_handshakes_total" OF("ROUTER", "tcp://*:5557")) ==
                44 * 2 + 44);
}

static void fill_many(struct segment_table *table)
{
    set_all(table, SEGMENT_CAPABILITY_ON);
    for (int i = 0; i < 10; i++) {
        char endpoint[32];
        (void)snprintf(endpoint, sizeof(endpoint), "tcp://%d", i);
        segment_word_add(&tap_open_socket(table, PUB, endpoint)[SEGMENT_SENT_MESSAGES], 1);
    }
}

static void limit__of_groups__folds_into_other(void **state)
{
    struct tap_fixture *f = *state;
    tap_fixture_restart(f, &(struct tap_options){.max_groups = 4});
    pid_t pid = tap_puppet_start(f, fill_many);
    assert_true(tap_fixture_value(f, "zmq_socket_sent_messages_total" OF("PUB", "tcp://3")) == 1);
    assert_true(isnan(tap_fixture_value(f, "zmq_socket_sent_messages_total" OF("PUB", "tcp://4"))));
    assert_true(tap_fixture_value(f, "zmq_socket_sent_messages_total" OF("PUB", "(other)")) == 6);
    assert_true(tap_fixture_value(f, "zmq_sockets" OF("PUB", "(other)")) == 6);
    assert_true(tap_fixture_value(f, "zmq_tap_folded_groups_total{program=\"feed\"}") == 6);
    tap_puppet_kill(pid);
}

static void rename_segment(const struct tap_fixture *f, const char *format, pid_t pid)
{
    char text[300];
    int n = snprintf(text, sizeof(text), "cd %s && ", f->directory);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(text + n, sizeof(text) - (size_t)n, format, pid);
#pragma GCC diagnostic pop
    assert_int_equal(system(text), 0);
}

/* With another order of the files the next agent would give the places to others. */
static void limit__of_groups__next_agent_keeps_the_places(void **state)
{
    struct tap_fixture *f = *state;
    const struct tap_options options = {.max_groups = 4};
    tap_fixture_restart(f, &options);
    pid_t first = tap_puppet_start(f, fill_many);
    tap_fixture_tick(f);
    pid_t second = tap_puppet_start(f, fill_first);
    const char *other = "zmq_sockets" OF("ROUTER", "(other)");
    assert_true(tap_fixture_value(f, other) == 1);
    assert_true(tap_fixture_value(f, "zmq_sockets" OF("PUB", "(other)")) == 7);
    tap_fixture_tick(f);
    rename_segment(f, "mkdir away && mv %d-*.seg away", first);
    tap_fixture_restart(f, &options);
    assert_true(tap_fixture_value(f, other) == 1);
    rename_segment(f, "mv away/* .", first);
    assert_true(tap_fixture_value(f, other) == 1);
    assert_true(tap_fixture_value(f, "zmq_sockets" OF("PUB", "(other)")) == 7);
    tap_puppet_kill(first);
    tap_puppet_kill(second);
}

static uint64_t later_ns;

static uint64_t tell_later(void)
{
    return clock_monotonic_ns() + later_ns;
}

static void fill_new(struct segment_table *table)
{
    set_all(table, SEGMENT_CAPABILITY_ON);
    segment_word_add(&tap_open_socket(table, PUB, "tcp://new")[SEGMENT_SENT_MESSAGES], 1);
}

static void limit__of_groups__idle_ones_give_way(void **state)
{
    struct tap_fixture *f = *state;
    later_ns = 0;
    tap_fixture_restart(f, &(struct tap_options){.max_groups = 10, .now_ns = tell_later});
    tap_puppet_kill(tap_puppet_start(f, fill_many));
    tap_fixture_tick(f);
    later_ns = 2 * 3600 * CLOCK_NS_PER_SECOND;
    pid_t pid = tap_puppet_start(f, fill_new);
    assert_true(tap_fixture_value(f, "zmq_socket_sent_messages_total" OF("PUB", "tcp://new")) == 1);
    assert_true(isnan(tap_fixture_value(f, "zmq_socket_sent_messages_total" OF("PUB", "tcp://0"))));
    assert_true(isnan(tap_fixture_value(f, "zmq_socket_sent_messages_total" OF("PUB", "(other)"))));
    tap_puppet_kill(pid);
}

static void idle__group__is_hidden_and_counts_on(void **state)
{
    struct tap_fixture *f = *state;
    const char *sent = "zmq_socket_sent_messages_total" OF("PUB", "tcp://new");
    later_ns = 0;
    tap_fixture_restart(f, &(struct tap_options){.now_ns = tell_later});
    tap_puppet_kill(tap_puppet_start(f, fill_new));
    tap_fixture_tick(f);
    assert_true(tap_fixture_value(f, sent) == 1);
    later_ns = 2 * 3600 * CLOCK_NS_PER_SECOND;
    assert_true(isnan(tap_fixture_value(f, sent)));
    assert_true(tap_fixture_value(f, "zmq_processes{program=\"feed\"}") == 0);
    pid_t pid = tap_puppet_start(f, fill_new);
    assert_true(tap_fixture_value(f, sent) == 2);
    tap_puppet_kill(pid);
}

#define INVALID "zmq_exporter_segments{state=\"invalid\"}"
#define LIVE    "zmq_exporter_segments{state=\"live\"}"

static void hostile__files__are_refused_and_counted(void **state)
{
    struct tap_fixture *f = *state;
    pid_t pid = tap_puppet_start(f, fill_first);
    assert_true(tap_fixture_value(f, LIVE) == 1);
    /* Under a name that is not its own; a link; rubbish; a FIFO; a folder. */
    rename_segment(f, "for s in %d-*.seg; do cp $s 1-1.seg; ln -s $s 2-2.seg; done", pid);
    rename_segment(f, "head -c 100000 /dev/urandom > %d-3.seg; mkfifo 4-4.seg; mkdir 5-5.seg", pid);
    tap_fixture_tick(f);
    assert_true(tap_fixture_value(f, INVALID) == 5);
    assert_true(tap_fixture_value(f, LIVE) == 1);
    assert_true(tap_fixture_value(f, "zmq_processes{program=\"feed\"}") == 1);
    assert_int_equal(f->result, 0);
    tap_puppet_kill(pid);
}

static void hostile__file_of_another_user__is_refused(void **state)
{
    struct tap_fixture *f = *state;
    if (geteuid() != 0)
        skip();
    pid_t pid = tap_puppet_start(f, fill_first);
    rename_segment(f, "chown 65534 %d-*.seg", pid);
    assert_true(tap_fixture_value(f, INVALID) == 1);
    assert_true(isnan(tap_fixture_value(f, "zmq_sockets" OF("PUB", "tcp://*:5556"))));
    tap_puppet_kill(pid);
}

static void fill_wild(struct segment_table *table)
{
    set_all(table, 77);
    for (uint64_t i = 0; i < 20; i++) {
        uint64_t *words = tap_open_socket(table, (uint32_t)i * 1000, "\xff\n\"");
        for (unsigned word = 0; word < SEGMENT_LANE_WORDS_MAX; word++)
            words[word] = UINT64_MAX - word * i;
        words[SEGMENT_GROUP] = i * i * i;
        words[SEGMENT_STATE] = i % 3;
    }
    memset(table->header->contexts, 0xff, sizeof(table->header->contexts));
    table->header->n_contexts = table->header->n_libraries = UINT32_MAX;
}

static void hostile__words__harm_nobody_else(void **state)
{
    struct tap_fixture *f = *state;
    pid_t wild = tap_puppet_start(f, fill_wild), good = tap_puppet_start(f, fill_first);
    tap_fixture_scrape(f);
    assert_int_equal(f->result, 0);
    assert_true(tap_fixture_value(f, "zmq_sockets" OF("ROUTER", "tcp://*:5557")) == 1);
    tap_puppet_kill(wild);
    tap_puppet_kill(good);
    tap_fixture_tick(f);
    tap_fixture_restart(f, NULL);
    assert_true(
        tap_fixture_value(f, "zmq_socket_sent_messages_total" OF("ROUTER", "tcp://*:5557")) == 16);
    assert_int_equal(f->result, 0);
}

static void directory__missing__is_made_or_an_error(void **state)
{
    struct tap_fixture *f = *state;
    char path[128];
    struct stat status;
    (void)snprintf(path, sizeof(path), "%s/new", f->directory);
    tap_fixture_restart(f, &(struct tap_options){.directory = path});
    tap_fixture_scrape(f);
    assert_int_equal(f->result, 0);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 03773);

    (void)snprintf(path, sizeof(path), "%s/no/such", f->directory);
    tap_fixture_restart(f, &(struct tap_options){.directory = path});
    tap_fixture_scrape(f);
    assert_int_equal(f->result, -ENOENT);
    assert_non_null(strstr(f->err.message, path));
    tap_fixture_tick(f);
    struct error warning;
    assert_int_equal(tap_collector_check(&f->collector, &warning), -ENOENT);
    assert_non_null(
        strstr(warning.message, "make its parent, or name another with --tap.directory"));
    tap_fixture_restart(f, NULL);
    assert_int_equal(tap_collector_check(&f->collector, &warning), 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, tap_fixture_set_up, tap_fixture_tear_down)
    const struct CMUnitTest tests[] = {
        CASE(page__of_a_host__is_the_golden_one),
        CASE(page__process_descriptors__are_told),
        CASE(page__start_of_a_program__is_a_time_of_day),
        CASE(capability__off__leaves_nothing_behind),
        CASE(limit__of_groups__folds_into_other),
        CASE(limit__of_groups__idle_ones_give_way),
        CASE(limit__of_groups__next_agent_keeps_the_places),
        CASE(idle__group__is_hidden_and_counts_on),
        CASE(hostile__files__are_refused_and_counted),
        CASE(hostile__file_of_another_user__is_refused),
        CASE(hostile__words__harm_nobody_else),
        CASE(directory__missing__is_made_or_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
