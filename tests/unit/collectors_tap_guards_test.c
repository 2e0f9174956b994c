/* SPDX-License-Identifier: MPL-2.0 */
/* What goes wrong once: a failed save, a torn file, a name that is another file's, a silent tap. */
#include "base/clock.h"
#include "collectors/tap/tap_groups.h"
#include "collectors/tap/tap_scan.h"
#include "support/tap_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PUSH    8
#define OF(end) "{program=\"feed\",type=\"PUSH\",address=\"" end "\"}"
#define SENT    "zmq_socket_sent_messages_total" OF("tcp://a")
#define QUEUE   "zmq_socket_send_queue_messages" OF("tcp://a")
#define SOCKETS "zmq_sockets" OF("tcp://a")
#define RUNNING "zmq_processes{program=\"feed\"}"
#define SILENT  "zmq_tap_silent_processes{program=\"feed\"}"

static void send_ten(struct segment_table *table)
{
    tap_set_capability(table, SEGMENT_CAPABILITY_MESSAGES, SEGMENT_CAPABILITY_ON);
    uint64_t *words = tap_open_socket(table, PUSH, "tcp://a");
    segment_word_add(&words[SEGMENT_SENT_MESSAGES], 10);
    segment_word_set(&words[SEGMENT_SEND_QUEUE], 3);
}

static void command(const struct tap_fixture *f, const char *text)
{
    char line[300];
    (void)snprintf(line, sizeof(line), "cd %s && %s", f->directory, text);
    assert_int_equal(system(line), 0);
}

static void heartbeat__of_three_seconds__is_the_limit(void **state)
{
    struct tap_fixture *f = *state;
    pid_t pid = tap_puppet_start(f, send_ten);
    assert_true(tap_fixture_value(f, QUEUE) == 3);
    assert_true(tap_fixture_value(f, SILENT) == 0);
    tap_puppet_be_silent(f, pid, 3 * CLOCK_NS_PER_SECOND + 1);
    assert_true(isnan(tap_fixture_value(f, QUEUE)));
    assert_true(isnan(tap_fixture_value(f, SOCKETS)));
    assert_true(tap_fixture_value(f, SENT) == 10);
    assert_true(tap_fixture_value(f, SILENT) == 1);
    assert_true(tap_fixture_value(f, RUNNING) == 1);
    tap_puppet_kill(pid);
    tap_fixture_tick(f);
    assert_true(tap_fixture_value(f, SOCKETS) == 0);
    assert_true(tap_fixture_value(f, SILENT) == 0);
    assert_true(tap_fixture_value(f, SENT) == 10);
}

static void save__fails_twice__segment_stays(void **state)
{
    struct tap_fixture *f = *state;
    tap_fixture_scrape(f);
    command(f, "rm -f state && mkdir -p state/in_the_way");
    tap_puppet_kill(tap_puppet_start(f, send_ten));
    for (int i = 0; i < 3; i++) {
        tap_fixture_tick(f);
        assert_int_equal(tap_fixture_files(f, ".seg"), 1);
    }
    command(f, "rm -r state");
    tap_fixture_tick(f);
    assert_int_equal(tap_fixture_files(f, ".seg"), 0);
    tap_fixture_restart(f, NULL);
    assert_true(tap_fixture_value(f, SENT) == 10);
}

static void *go_on(void *data)
{
    (void)data;
    for (;;)
        pause();
    return NULL;
}

/* The first thread ends when the puppet is ready, by its alarm; another goes on. */
static void end_first_thread(int number)
{
    (void)number;
    pthread_exit(NULL);
}

static void fill_and_leave(struct segment_table *table)
{
    pthread_t thread;
    send_ten(table);
    sigset_t alarms;
    sigemptyset(&alarms);
    sigaddset(&alarms, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &alarms, NULL); /* not for the thread */
    if (pthread_create(&thread, NULL, go_on, NULL) != 0)
        _exit(3);
    pthread_sigmask(SIG_UNBLOCK, &alarms, NULL);
    (void)signal(SIGUSR1, end_first_thread);
}

static char state_of(pid_t pid)
{
    char path[64], state = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%*d (%*[^)]) %c", &state), 1);
    (void)fclose(file);
    return state;
}

/* It looks like a zombie, and is none. */
static void process__whose_first_thread_ended__lives(void **state)
{
    struct tap_fixture *f = *state;
    pid_t pid = tap_puppet_start(f, fill_and_leave);
    assert_int_equal(kill(pid, SIGUSR1), 0);
    while (state_of(pid) != 'Z')
        sched_yield();
    for (int i = 0; i < 2; i++) {
        assert_true(tap_fixture_value(f, RUNNING) == 1);
        tap_fixture_tick(f);
        assert_int_equal(tap_fixture_files(f, ".seg"), 1);
        tap_fixture_restart(f, NULL);
    }
    tap_puppet_kill(pid);
    tap_fixture_tick(f);
    assert_int_equal(tap_fixture_files(f, ".seg"), 0);
    assert_true(tap_fixture_value(f, SENT) == 10);
}

/* As a process leaves it that is killed in the middle of a round. */
static void torn__file_of_a_killed_process__counts(void **state)
{
    struct tap_fixture *f = *state;
    tap_puppet_kill(tap_puppet_start(f, send_ten));
    command(f, "printf '\\377' | dd of=$(ls *.seg) bs=1 seek=56 conv=notrunc 2>/dev/null");
    assert_true(tap_fixture_value(f, SENT) == 10);
    tap_fixture_tick(f);
    assert_int_equal(tap_fixture_files(f, ".seg"), 0);
    tap_fixture_restart(f, NULL);
    assert_true(tap_fixture_value(f, SENT) == 10);
}

/* A file that comes within the grain of the directory's clock leaves its time as it was. */
static void listing__of_a_moment_ago__is_made_again(void **state)
{
    struct tap_fixture *f = *state;
    struct stat before;
    tap_fixture_tick(f);
    tap_fixture_tick(f); /* the state file is in place */
    assert_int_equal(stat(f->directory, &before), 0);
    tap_fixture_scrape(f);
    pid_t pid = tap_puppet_start(f, send_ten);
    const struct timespec times[2] = {before.st_atim, before.st_mtim};
    assert_int_equal(utimensat(AT_FDCWD, f->directory, times, 0), 0);
    assert_true(tap_fixture_value(f, SENT) == 10);
    tap_puppet_kill(pid);
}

/* What the state file names as folded is known until each file was looked at. */
static void folded__file_that_is_whole_later__is_not_counted_again(void **state)
{
    struct tap_fixture *f = *state;
    tap_puppet_kill(tap_puppet_start(f, send_ten));
    command(f, "mkdir kept && cp *.seg kept");
    tap_fixture_tick(f);
    command(f, "cp kept/*.seg . && truncate -s 5000 *.seg");
    tap_fixture_restart(f, NULL);
    tap_fixture_tick(f);
    tap_fixture_tick(f);
    assert_true(tap_fixture_value(f, SENT) == 10);
    command(f, "for s in kept/*.seg; do cat $s > ${s#kept/}; done");
    assert_true(tap_fixture_value(f, SENT) == 10);
    tap_fixture_tick(f);
    assert_true(tap_fixture_value(f, SENT) == 10);
}

/* Closed by a process that goes on, and comes with the same account again. */
static void remove__name_of_another_file_now__leaves_it(void **state)
{
    struct tap_fixture *f = *state;
    struct tap_groups groups;
    struct tap_scan scan;
    bool is_new;
    pid_t pid = tap_puppet_start(f, send_ten);
    tap_groups_init(&groups, 10);
    assert_int_equal(tap_scan_init(&scan, f->directory, "/proc", &groups), 0);
    assert_int_equal(tap_scan_open(&scan, &is_new), 0);
    assert_int_equal(tap_scan_run(&scan, TAP_SCAN_ACCOUNTS, clock_monotonic_ns()), 0);
    assert_int_equal(scan.n_processes, 1);
    command(f, "for s in *.seg; do cp $s new && mv new $s; done");
    assert_int_equal(tap_scan_remove(&scan, scan.processes[0]), 0);
    assert_int_equal(tap_fixture_files(f, ".seg"), 1);
    tap_scan_finish(&scan);
    tap_groups_finish(&groups);
    tap_puppet_kill(pid);
}

/* A page that is being written may still use them. */
static void labels__of_a_group_that_gave_way__live_on(void **state)
{
    (void)state;
    struct tap_groups groups;
    const uint64_t late_ns = 2 * TAP_GROUP_IDLE_NS;
    struct segment_group key = {.type = PUSH, .endpoint = "tcp://first"};
    tap_groups_init(&groups, 1);
    struct tap_program *program = tap_groups_program(&groups, "feed", 1);
    struct tap_group *group = tap_groups_intern(&groups, program, &key, 1);
    struct label_text labels = group->labels;
    char *copy = strndup(labels.text, labels.size);
    strcpy(key.endpoint, "tcp://second");
    group = tap_groups_intern(&groups, program, &key, late_ns);
    assert_string_equal(group->endpoint, "tcp://second");
    tap_groups_clean(&groups, late_ns + TAP_LABELS_LINGER_NS - 1);
    assert_memory_equal(labels.text, copy, strlen(copy));
    tap_groups_clean(&groups, late_ns + TAP_LABELS_LINGER_NS);
    assert_null(groups.retired);
    free(copy);
    tap_groups_finish(&groups);
}

/* As many as there may be; one more has the place of an idle one, or is one of the others. */
static void programs__to_the_limit__idle_ones_give_way(void **state)
{
    (void)state;
    struct tap_groups groups;
    char name[16];
    const uint64_t idle_ns = 2 + TAP_GROUP_IDLE_NS;
    tap_groups_init(&groups, 10);
    for (unsigned i = 0; i < TAP_MAX_PROGRAMS; i++) {
        (void)snprintf(name, sizeof(name), "p%u", i);
        struct tap_program *made = tap_groups_program(&groups, name, 2);
        assert_string_equal(made->name, name);
        made->n_users = 1;
    }
    struct tap_program *other = tap_groups_program(&groups, "more", 2);
    assert_string_equal(other->name, SEGMENT_OTHER);
    other->n_users = 1;
    assert_ptr_equal(tap_groups_program(&groups, "still more", 2), other);
    assert_int_equal(groups.n_programs, TAP_MAX_PROGRAMS + 1);

    struct tap_program *idle = tap_groups_program(&groups, "p0", 2);
    idle->n_users = 0; /* what was folded into it is shown for a time */
    idle->has_base = true;
    assert_ptr_equal(tap_groups_program(&groups, "more", idle_ns), other);
    assert_string_equal(tap_groups_program(&groups, "p9", idle_ns + 1)->name, "p9");
    assert_string_equal(groups.programs[0]->name, "p0"); /* nobody asked for room */
    idle->n_groups = 1;
    assert_ptr_equal(tap_groups_program(&groups, "more", idle_ns + 1), other);
    assert_string_equal(groups.programs[0]->name, "p0");
    idle->n_groups = 0;
    assert_ptr_equal(tap_groups_program(&groups, "more", idle_ns + 1), other);
    assert_string_equal(groups.programs[0]->name, "p1");
    assert_int_equal(groups.n_programs, TAP_MAX_PROGRAMS);
    groups.programs[0]->n_users = 0; /* of which nothing is to be shown */
    assert_string_equal(tap_groups_program(&groups, "new", 2)->name, "new");
    assert_int_equal(groups.n_programs, TAP_MAX_PROGRAMS);
    tap_groups_finish(&groups);
}

static void created__of_folded_processes__is_the_earliest(void **state)
{
    (void)state;
    static const uint64_t counters[TAP_N_COUNTERS];
    static const uint64_t orders[][3] = {{30, 20, 20}, {20, 30, 20}, {0, 30, 0}, {30, 0, 0}};
    for (size_t i = 0; i < sizeof(orders) / sizeof(*orders); i++) {
        struct tap_group group = {0};
        struct tap_program program = {0};
        assert_int_equal(tap_group_prepare_base(&group), 0);
        for (size_t k = 0; k < 2; k++) {
            const struct tap_past past = {counters, orders[i][k], 0};
            tap_group_add_base(&group, &past);
            tap_program_add_base(&program, &past);
        }
        assert_int_equal(group.base_created_ns, orders[i][2]);
        assert_int_equal(program.base_created_ns, orders[i][2]);
        free(group.base);
    }
}

static enum segment_capability_id only_capability;

static void fill_with_one_capability(struct segment_table *table)
{
    tap_set_capability(table, only_capability, SEGMENT_CAPABILITY_ON);
    uint64_t *words = tap_open_socket(table, 6, "tcp://a"); /* a ROUTER has most */
    for (unsigned word = SEGMENT_FIRST_COUNTER; word < SEGMENT_FIRST_GAUGE; word++)
        segment_word_add(&words[word], 1);
    words[SEGMENT_PROXIED] = words[SEGMENT_ATTACHED] = 0;
}

static void capability__alone__shows_what_it_covers(void **state)
{
    static const struct {
        enum segment_capability_id id;
        const char *family;
    } cases[] = {
        {SEGMENT_CAPABILITY_MESSAGES, "\nzmq_socket_sent_messages_total{"},
        {SEGMENT_CAPABILITY_QUEUE_DEPTH, "\nzmq_socket_send_at_hwm_seconds_total{"},
        {SEGMENT_CAPABILITY_BLOCKING, "\nzmq_socket_send_would_block_total{"},
        {SEGMENT_CAPABILITY_ROUTER_DROPS, "address=\"tcp://a\",reason=\"unroutable\"}"},
        {SEGMENT_CAPABILITY_ENDINGS, "address=\"tcp://a\",reason=\"linger\"}"},
        {SEGMENT_CAPABILITY_OVERSIZED, "\nzmq_socket_oversized_messages_total{"},
        {SEGMENT_CAPABILITY_HANDSHAKES, "\nzmq_socket_handshakes_total{"},
        {SEGMENT_CAPABILITY_EVENTS, "\nzmq_socket_disconnects_total{"},
    };
    enum { N = sizeof(cases) / sizeof(*cases) };
    for (size_t i = 0; i < N; i++) {
        struct tap_fixture *f;
        assert_int_equal(tap_fixture_set_up((void **)&f), 0);
        only_capability = cases[i].id;
        pid_t pid = tap_puppet_start(f, fill_with_one_capability);
        const char *page = tap_fixture_scrape(f);
        for (size_t k = 0; k < N; k++)
            assert_int_equal(strstr(page, cases[k].family) != NULL, k == i);
        tap_puppet_kill(pid);
        tap_fixture_tear_down((void **)&f);
    }
    (void)state;
}

static unsigned n_descriptors(void)
{
    unsigned n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* By its name a process that had the id of a living one. */
static void descriptors__of_processes_that_are_over__are_closed(void **state)
{
    struct tap_fixture *f = *state;
    pid_t pid = tap_puppet_start(f, send_ten);
    command(f,
            "mkdir kept && for s in *.seg; do printf '\\005\\0\\0\\0\\0\\0\\0\\0' | dd of=$s bs=1 "
            "seek=112 conv=notrunc 2>/dev/null; mv $s kept/${s%-*}-5.seg; done");
    tap_fixture_tick(f);
    unsigned before = n_descriptors();
    for (int i = 0; i < 10; i++) {
        command(f, "cp kept/*.seg .");
        tap_fixture_tick(f);
        assert_int_equal(tap_fixture_files(f, ".seg"), 0);
    }
    assert_int_equal(n_descriptors(), before);
    tap_puppet_kill(pid);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, tap_fixture_set_up, tap_fixture_tear_down)
    const struct CMUnitTest tests[] = {
        CASE(heartbeat__of_three_seconds__is_the_limit),
        CASE(save__fails_twice__segment_stays),
        CASE(process__whose_first_thread_ended__lives),
        CASE(torn__file_of_a_killed_process__counts),
        CASE(listing__of_a_moment_ago__is_made_again),
        CASE(folded__file_that_is_whole_later__is_not_counted_again),
        CASE(remove__name_of_another_file_now__leaves_it),
        CASE(labels__of_a_group_that_gave_way__live_on),
        CASE(programs__to_the_limit__idle_ones_give_way),
        CASE(created__of_folded_processes__is_the_earliest),
        CASE(capability__alone__shows_what_it_covers),
        CASE(descriptors__of_processes_that_are_over__are_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
