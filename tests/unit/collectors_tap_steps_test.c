/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The agent is killed before each of its system calls in turn, while it folds; the next agent
 * counts what is there. Whatever the moment, the sum is the same.
 */
#include "support/tap_fixture.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define PUSH      8
#define SENT      "zmq_socket_sent_messages_total{program=\"feed\",type=\"PUSH\",address=\"tcp://a\"}"
#define MAX_STEPS 2000

static void send_ten(struct segment_table *table)
{
    tap_set_capability(table, SEGMENT_CAPABILITY_MESSAGES, SEGMENT_CAPABILITY_ON);
    uint64_t *words = tap_open_socket(table, PUSH, "tcp://a");
    segment_word_add(&words[SEGMENT_SENT_MESSAGES], 10);
}

/* An agent that starts, finds the dead and folds them. */
static void live_a_short_life(const struct tap_fixture *f)
{
    struct collector collector;
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
        _exit(77);
    raise(SIGSTOP);
    const struct tap_options options = {.directory = f->directory};
    if (tap_collector_new(&options, &collector, NULL) < 0)
        _exit(1);
    collector.tick(collector.state);
    collector.destroy(collector.state);
    _exit(0);
}

enum verdict { KILLED, FINISHED, FORBIDDEN };

/* Each system call stops twice, before and after. */
static enum verdict run_steps(const struct tap_fixture *f, unsigned n_steps)
{
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        live_a_short_life(f);
    for (unsigned i = 0;; i++) {
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (WIFEXITED(status)) {
            assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77);
            return WEXITSTATUS(status) == 0 ? FINISHED : FORBIDDEN;
        }
        assert_true(WIFSTOPPED(status));
        if (i == n_steps)
            break;
        assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
    }
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return KILLED;
}

static void check_sum(struct tap_fixture *f, double sum, unsigned n_steps)
{
    double found = tap_fixture_value(f, SENT);
    if (found != sum) {
        print_message("# killed at stop %u: %g, not %g\n", n_steps, found, sum);
        fail();
    }
}

static void fold__killed_at_any_system_call__counts_once(void **state)
{
    struct tap_fixture *f = *state;
    double sum = 0;
    f->collector.destroy(f->collector.state);
    f->collector.destroy = NULL;
    for (unsigned n_steps = 0; n_steps < MAX_STEPS; n_steps++) {
        tap_puppet_kill(tap_puppet_start(f, send_ten));
        tap_puppet_kill(tap_puppet_start(f, send_ten));
        sum += 20;
        enum verdict verdict = run_steps(f, n_steps);
        if (verdict == FORBIDDEN) {
            print_message("# ptrace(2) is not allowed here\n");
            skip();
        }
        tap_fixture_restart(f, NULL);
        check_sum(f, sum, n_steps);
        tap_fixture_tick(f);
        check_sum(f, sum, n_steps);
        assert_int_equal(tap_fixture_files(f, ".seg"), 0);
        f->collector.destroy(f->collector.state);
        f->collector.destroy = NULL;
        if (verdict == FINISHED) {
            print_message("# %u stops\n", n_steps);
            return;
        }
    }
    fail_msg("more than %d stops", MAX_STEPS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fold__killed_at_any_system_call__counts_once,
                                        tap_fixture_set_up, tap_fixture_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
