/* SPDX-License-Identifier: MPL-2.0 */
/* Processes die, files vanish, the agent starts again: no counter decreases, none counts twice. */
#include "base/clock.h"
#include "base/procfs.h"
#include "segment/segment_state.h"
#include "segment/segment_state_file.h"
#include "support/tap_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PUSH      8
#define SENT      "zmq_socket_sent_messages_total{program=\"feed\",type=\"PUSH\",address=\"tcp://a\"}"
#define QUEUE     "zmq_socket_send_queue_messages{program=\"feed\",type=\"PUSH\",address=\"tcp://a\"}"
#define RUNNING   "zmq_processes{program=\"feed\"}"
#define LIVE      "zmq_exporter_segments{state=\"live\"}"
#define UNTRACKED "zmq_tap_untracked_sockets_total{program=\"feed\"}"

static void send_ten(struct segment_table *table)
{
    tap_set_capability(table, SEGMENT_CAPABILITY_MESSAGES, SEGMENT_CAPABILITY_ON);
    uint64_t *words = tap_open_socket(table, PUSH, "tcp://a");
    segment_word_add(&words[SEGMENT_SENT_MESSAGES], 10);
    segment_word_set(&words[SEGMENT_SEND_QUEUE], 3);
    table->header->untracked_sockets = 2;
}

static void killed__processes__counters_stay_and_gauges_go(void **state)
{
    struct tap_fixture *f = *state;
    pid_t one = tap_puppet_start(f, send_ten), other = tap_puppet_start(f, send_ten);
    assert_true(tap_fixture_value(f, SENT) == 20);
    assert_true(tap_fixture_value(f, QUEUE) == 6);
    assert_true(tap_fixture_value(f, RUNNING) == 2);

    tap_puppet_kill(one);
    assert_true(tap_fixture_value(f, SENT) == 20); /* before it is folded, and after */
    assert_true(tap_fixture_value(f, QUEUE) == 3);
    tap_fixture_tick(f);
    assert_int_equal(tap_fixture_files(f, ".seg"), 1);
    assert_true(tap_fixture_value(f, SENT) == 20);

    tap_puppet_kill(other);
    tap_fixture_tick(f);
    assert_int_equal(tap_fixture_files(f, ".seg"), 0);
    assert_true(tap_fixture_value(f, SENT) == 20);
    assert_true(tap_fixture_value(f, UNTRACKED) == 4);
    assert_true(isnan(tap_fixture_value(f, QUEUE)));
    assert_true(tap_fixture_value(f, RUNNING) == 0);
}

static void restart__dead_and_living__are_found_again(void **state)
{
    struct tap_fixture *f = *state;
    pid_t one = tap_puppet_start(f, send_ten), other = tap_puppet_start(f, send_ten);
    tap_fixture_tick(f);
    tap_puppet_kill(one);
    tap_fixture_tick(f);
    tap_fixture_restart(f, NULL);
    assert_true(tap_fixture_value(f, SENT) == 20);

    /* Dies while no agent runs. */
    f->collector.destroy(f->collector.state);
    f->collector.destroy = NULL;
    tap_puppet_kill(other);
    tap_fixture_restart(f, NULL);
    assert_true(tap_fixture_value(f, SENT) == 20);
    tap_fixture_tick(f);
    assert_true(tap_fixture_value(f, SENT) == 20);
    tap_fixture_restart(f, NULL);
    assert_true(tap_fixture_value(f, SENT) == 20);
    assert_true(tap_fixture_value(f, UNTRACKED) == 4);
    assert_int_equal(tap_fixture_files(f, ".seg"), 0);
}

/* As if the agent had died between the state file and the removal of the segment. */
static void restart__folded_but_not_removed__is_not_counted_again(void **state)
{
    struct tap_fixture *f = *state;
    char command[300];
    pid_t pid = tap_puppet_start(f, send_ten);
    tap_puppet_kill(pid);
    (void)snprintf(command, sizeof(command), "mkdir %s/kept && cp -p %s/*.seg %s/kept",
                   f->directory, f->directory, f->directory);
    assert_int_equal(system(command), 0);
    tap_fixture_tick(f);
    assert_int_equal(tap_fixture_files(f, ".seg"), 0);
    (void)snprintf(command, sizeof(command), "cp -p %s/kept/* %s", f->directory, f->directory);
    assert_int_equal(system(command), 0);

    tap_fixture_restart(f, NULL);
    assert_true(tap_fixture_value(f, SENT) == 10);
    tap_fixture_tick(f);
    assert_true(tap_fixture_value(f, SENT) == 10);
    assert_int_equal(tap_fixture_files(f, ".seg"), 0);
}

struct own_writer {
    struct segment_table *table;
    struct segment_writer *writer;
    uint64_t *words;
};

/* This process as a tapped one. */
static struct own_writer own_writer_start(struct tap_fixture *f)
{
    struct own_writer own;
    assert_int_equal(segment_table_new(64, &own.table), 0);
    assert_int_equal(segment_writer_new(own.table, f->directory, &own.writer), 0);
    send_ten(own.table);
    own.words = segment_table_words(own.table, 0);
    assert_int_equal(segment_writer_publish(own.writer), 0);
    return own;
}

static void own_writer_stop(struct own_writer *own)
{
    segment_writer_destroy(&own->writer);
    segment_table_destroy(&own->table);
}

static void command(const struct tap_fixture *f, const char *format)
{
    char text[300];
    (void)snprintf(text, sizeof(text), "cd %s && %s", f->directory, format);
    assert_int_equal(system(text), 0);
}

static void vanished__file_of_a_living_process__counts_on_when_it_is_back(void **state)
{
    struct tap_fixture *f = *state;
    struct own_writer own = own_writer_start(f);
    assert_true(tap_fixture_value(f, SENT) == 10);
    command(f, "rm *.seg");
    tap_fixture_tick(f);
    assert_true(tap_fixture_value(f, SENT) == 10);

    segment_word_add(&own.words[SEGMENT_SENT_MESSAGES], 1);
    assert_int_equal(segment_writer_publish(own.writer), 0);
    assert_true(tap_fixture_value(f, SENT) == 11);
    tap_fixture_tick(f);
    assert_true(tap_fixture_value(f, SENT) == 11);
    assert_true(tap_fixture_value(f, RUNNING) == 1);
    /* The new file has the name of the old one: it must not be taken for what is to be removed. */
    for (int i = 0; i < 3; i++) {
        command(f, "touch another && rm another");
        assert_true(tap_fixture_value(f, SENT) == 11);
        tap_fixture_tick(f);
        assert_int_equal(tap_fixture_files(f, ".seg"), 1);
        assert_true(tap_fixture_value(f, LIVE) == 1);
    }

    command(f, "truncate -s 5000 *.seg");
    tap_fixture_tick(f);
    assert_true(tap_fixture_value(f, SENT) == 11);
    segment_word_add(&own.words[SEGMENT_SENT_MESSAGES], 1);
    assert_int_equal(segment_writer_publish(own.writer), 0);
    assert_true(tap_fixture_value(f, SENT) == 12);
    own_writer_stop(&own);
}

static void vanished__directory__is_made_again_with_all_that_was_counted(void **state)
{
    struct tap_fixture *f = *state;
    tap_puppet_kill(tap_puppet_start(f, send_ten));
    tap_fixture_tick(f);
    struct own_writer own = own_writer_start(f);
    assert_true(tap_fixture_value(f, SENT) == 20);
    command(f, "rm -r $PWD");
    assert_true(tap_fixture_value(f, SENT) == 20);
    tap_fixture_tick(f);
    assert_int_equal(segment_writer_publish(own.writer), 0);
    assert_true(tap_fixture_value(f, SENT) == 20);
    tap_fixture_tick(f);
    tap_fixture_restart(f, NULL);
    assert_true(tap_fixture_value(f, SENT) == 20);
    own_writer_stop(&own);
}

static void images__after_execve__are_added(void **state)
{
    struct tap_fixture *f = *state;
    struct own_writer first = own_writer_start(f), second = own_writer_start(f);
    assert_int_equal(tap_fixture_files(f, ".seg"), 2);
    assert_true(tap_fixture_value(f, SENT) == 20);
    assert_true(tap_fixture_value(f, QUEUE) == 3);
    assert_true(tap_fixture_value(f, RUNNING) == 1);
    tap_fixture_tick(f);
    assert_int_equal(tap_fixture_files(f, ".seg"), 1);
    assert_true(tap_fixture_value(f, SENT) == 20);
    own_writer_stop(&first);
    own_writer_stop(&second);
}

/* The process gave up its user and goes on in another file: one account. */
static void images__two_files_of_one__the_later_counts(void **state)
{
    struct tap_fixture *f = *state;
    struct own_writer own = own_writer_start(f);
    command(f, "for s in *.seg; do cp -p $s ${s%.seg}.1.seg; done");
    segment_word_add(&own.words[SEGMENT_SENT_MESSAGES], 1);
    assert_int_equal(segment_writer_publish(own.writer), 0);
    assert_true(tap_fixture_value(f, SENT) == 11);
    assert_true(tap_fixture_value(f, RUNNING) == 1);
    tap_fixture_tick(f);
    assert_int_equal(tap_fixture_files(f, ".1.seg"), 0);
    assert_int_equal(tap_fixture_files(f, ".seg"), 1);
    assert_true(tap_fixture_value(f, SENT) == 11);
    own_writer_stop(&own);
}

/* What is folded is remembered for as long as its process could write it again. */
static void folded__process_that_lives__is_not_counted_again(void **state)
{
    struct tap_fixture *f = *state;
    struct own_writer first = own_writer_start(f);
    command(f, "mkdir kept && cp *.seg kept");
    struct own_writer second = own_writer_start(f);
    for (int i = 0; i < 5; i++) {
        tap_fixture_tick(f);
        assert_true(tap_fixture_value(f, SENT) == 20);
        assert_int_equal(tap_fixture_files(f, ".seg"), 1);
        command(f, "cp kept/*.seg .");
        if (i == 3)
            tap_fixture_restart(f, NULL);
    }
    own_writer_stop(&first);
    own_writer_stop(&second);
}

/* Its libraries' destructors may use their sockets after the tap has marked the file. */
static void closed__by_a_process_that_lives__is_folded_when_it_ends(void **state)
{
    struct tap_fixture *f = *state;
    pid_t pid = tap_puppet_start(f, send_ten);
    for (int i = 0; i < 3; i++) {
        tap_fixture_tick(f);
        assert_int_equal(tap_fixture_files(f, ".seg"), 1);
        assert_true(tap_fixture_value(f, SENT) == 10);
        assert_true(tap_fixture_value(f, RUNNING) == 1);
        command(f, "printf '\\002' | dd of=$(ls *.seg) bs=1 seek=72 conv=notrunc 2>/dev/null");
    }
    tap_puppet_kill(pid);
    tap_fixture_tick(f);
    assert_int_equal(tap_fixture_files(f, ".seg"), 0);
    assert_true(tap_fixture_value(f, SENT) == 10);
    assert_true(tap_fixture_value(f, RUNNING) == 0);
}

static uint64_t later_ns;

static uint64_t tell_later(void)
{
    return clock_monotonic_ns() + later_ns;
}

/* A process of a namespace that is not seen from here: only its heartbeat tells of it. */
static void write_unseen(struct tap_fixture *f, uint64_t sent)
{
    struct own_writer own;
    assert_int_equal(segment_table_new(64, &own.table), 0);
    assert_int_equal(segment_writer_new(own.table, f->directory, &own.writer), 0);
    send_ten(own.table);
    segment_table_words(own.table, 0)[SEGMENT_SENT_MESSAGES] = sent;
    own.table->header->pid_namespace = 1;
    own.table->header->start_ticks = 3; /* nobody's */
    own.table->header->created_ns = 5;
    assert_int_equal(segment_writer_publish(own.writer), 0);
    own_writer_stop(&own);
}

static void unseen__silent_process__counts_but_is_not_running(void **state)
{
    struct tap_fixture *f = *state;
    later_ns = 0;
    tap_fixture_restart(f, &(struct tap_options){.now_ns = tell_later});
    write_unseen(f, 10);
    assert_true(tap_fixture_value(f, SENT) == 10);
    assert_true(tap_fixture_value(f, RUNNING) == 1);
    assert_true(tap_fixture_value(f, QUEUE) == 3);
    later_ns = 60 * CLOCK_NS_PER_SECOND;
    assert_true(tap_fixture_value(f, SENT) == 10);
    assert_true(tap_fixture_value(f, RUNNING) == 0);
    assert_true(isnan(tap_fixture_value(f, QUEUE)));
    assert_true(tap_fixture_value(f, "zmq_exporter_segments{state=\"silent\"}") == 1);
    tap_fixture_tick(f);
    assert_int_equal(tap_fixture_files(f, ".seg"), 1);
}

static void unseen__silent_for_long_and_back__is_counted_once(void **state)
{
    struct tap_fixture *f = *state;
    const struct tap_options options = {.now_ns = tell_later};
    later_ns = 0;
    tap_fixture_restart(f, &options);
    write_unseen(f, 10);
    tap_fixture_tick(f);
    later_ns = 2 * 3600 * CLOCK_NS_PER_SECOND;
    tap_fixture_tick(f);
    assert_int_equal(tap_fixture_files(f, ".seg"), 0);
    tap_fixture_restart(f, &options);
    assert_true(tap_fixture_value(f, SENT) == 10);

    later_ns = 0;
    write_unseen(f, 12);
    assert_true(tap_fixture_value(f, SENT) == 12);
    assert_true(tap_fixture_value(f, RUNNING) == 1);
    tap_fixture_tick(f);
    tap_fixture_restart(f, &options);
    assert_true(tap_fixture_value(f, SENT) == 12);
}

static void state__damaged__is_an_error_and_then_replaced(void **state)
{
    struct tap_fixture *f = *state;
    tap_puppet_kill(tap_puppet_start(f, send_ten));
    tap_fixture_tick(f);
    command(f, "sed -i s/=10/=11/ state");
    tap_fixture_restart(f, NULL);
    tap_fixture_scrape(f);
    assert_int_equal(f->result, -EBADMSG);
    tap_fixture_tick(f);
    tap_fixture_scrape(f);
    assert_int_equal(f->result, 0);
    tap_fixture_restart(f, NULL);
    tap_fixture_scrape(f);
    assert_int_equal(f->result, 0);
}

/* Written by nobody of ours, but whole: an account without the line that says whose it is. */
static void state__account_without_program__harms_nobody(void **state)
{
    struct tap_fixture *f = *state;
    struct string_buffer text = {0};
    char boot_id[37];
    const struct segment_state_process process = {.pid = 7, .start_ticks = 8};
    struct segment_state_group group = {.program = "feed", .group = {.type = PUSH}};
    group.counters[0] = 5;
    assert_int_equal(procfs_boot_id(boot_id), 0);
    segment_state_begin(&text, boot_id);
    segment_state_add_process(&text, &process);
    segment_state_add_group(&text, &group, group.counters);
    segment_state_end(&text);
    int fd = open(f->directory, O_RDONLY | O_DIRECTORY);
    assert_int_equal(segment_state_file_save(fd, &text), 0);
    close(fd);
    string_buffer_finish(&text);

    tap_puppet_kill(tap_puppet_start(f, send_ten));
    tap_fixture_restart(f, NULL);
    assert_true(tap_fixture_value(f, SENT) == 10);
    assert_int_equal(f->result, 0);
    tap_fixture_tick(f);
    tap_fixture_restart(f, NULL);
    assert_true(tap_fixture_value(f, SENT) == 10);
}

static void state__of_another_boot__is_history(void **state)
{
    struct tap_fixture *f = *state;
    struct own_writer own = own_writer_start(f);
    strncpy(own.table->header->boot_id, "another", sizeof(own.table->header->boot_id));
    assert_int_equal(segment_writer_publish(own.writer), 0);
    assert_true(isnan(tap_fixture_value(f, SENT)));
    tap_fixture_tick(f);
    assert_int_equal(tap_fixture_files(f, ".seg"), 0);
    own_writer_stop(&own);
}

static void state__cannot_be_saved__segment_stays(void **state)
{
    struct tap_fixture *f = *state;
    tap_fixture_scrape(f);
    command(f, "rm -f state && mkdir -p state/in_the_way");
    tap_puppet_kill(tap_puppet_start(f, send_ten));
    tap_fixture_tick(f);
    assert_int_equal(tap_fixture_files(f, ".seg"), 1);
    assert_true(tap_fixture_value(f, SENT) == 10);
    assert_true(f->result < 0);
    command(f, "rm -r state");
    tap_fixture_tick(f);
    assert_int_equal(tap_fixture_files(f, ".seg"), 0);
    assert_true(tap_fixture_value(f, SENT) == 10);
    assert_int_equal(f->result, 0);
}

#define AGENT_USER   65534
#define PROGRAM_USER 1

static void send_ten_as_another(struct segment_table *table)
{
    if (setgroups(0, NULL) < 0 || setgid(PROGRAM_USER) < 0 || setuid(PROGRAM_USER) < 0)
        _exit(3);
    send_ten(table);
}

/* The agent of a unit: a user of its own, who owns the directory, and no more rights. */
static int run_as_agent_user(struct tap_fixture *f)
{
    if (setgroups(0, NULL) < 0 || setgid(AGENT_USER) < 0 || setuid(AGENT_USER) < 0)
        return 1;
    tap_fixture_restart(f, NULL);
    if (tap_fixture_value(f, SENT) != 10 || tap_fixture_value(f, RUNNING) != 1)
        return 2;
    (void)raise(SIGSTOP);
    tap_fixture_tick(f);
    if (tap_fixture_value(f, SENT) != 10 || tap_fixture_value(f, RUNNING) != 0)
        return 4;
    return tap_fixture_files(f, ".seg") == 0 && f->result == 0 ? 0 : 5;
}

static void users__agent_and_program__need_not_be_the_same(void **state)
{
    struct tap_fixture *f = *state;
    int status;
    if (geteuid() != 0)
        skip();
    assert_int_equal(chown(f->directory, AGENT_USER, AGENT_USER), 0);
    assert_int_equal(chmod(f->directory, 03773), 0);
    pid_t puppet = tap_puppet_start(f, send_ten_as_another), pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(run_as_agent_user(f));
    assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
    assert_true(WIFSTOPPED(status));
    tap_puppet_kill(puppet);
    assert_int_equal(kill(pid, SIGCONT), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, tap_fixture_set_up, tap_fixture_tear_down)
    const struct CMUnitTest tests[] = {
        CASE(killed__processes__counters_stay_and_gauges_go),
        CASE(restart__dead_and_living__are_found_again),
        CASE(restart__folded_but_not_removed__is_not_counted_again),
        CASE(vanished__file_of_a_living_process__counts_on_when_it_is_back),
        CASE(vanished__directory__is_made_again_with_all_that_was_counted),
        CASE(images__after_execve__are_added),
        CASE(images__two_files_of_one__the_later_counts),
        CASE(folded__process_that_lives__is_not_counted_again),
        CASE(closed__by_a_process_that_lives__is_folded_when_it_ends),
        CASE(unseen__silent_process__counts_but_is_not_running),
        CASE(unseen__silent_for_long_and_back__is_counted_once),
        CASE(state__damaged__is_an_error_and_then_replaced),
        CASE(state__account_without_program__harms_nobody),
        CASE(state__of_another_boot__is_history),
        CASE(state__cannot_be_saved__segment_stays),
        CASE(users__agent_and_program__need_not_be_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
