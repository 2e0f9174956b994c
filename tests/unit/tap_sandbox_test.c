/* SPDX-License-Identifier: MPL-2.0 */
/* A program that puts itself into a sandbox: prctl() does what it is asked, and the tap's thread is
 * kept from its rounds before. */
#include "tap/ground/sandbox.h"

#include "support/cmocka.h"
#include "tap/ground/thread_state.h"
#include "tap/tap.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char said[100];
static bool is_held = true;
static long passed[6];
static long result;

static void say(const char *word)
{
    strcat(strcat(said, said[0] ? " " : ""), word);
}

void tap_prepare(const void *caller)
{
    assert_non_null(caller);
    assert_false(sandbox_is_closed());
    say("prepare");
    errno = 99;
}

bool thread_state_hold_rounds(struct guard *guard)
{
    assert_non_null(guard);
    assert_false(sandbox_is_closed());
    say("hold");
    return is_held;
}

void thread_state_release_rounds(const struct guard *guard)
{
    assert_non_null(guard);
    assert_true(sandbox_is_closed());
    say("release");
}

long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
    va_list list;
    va_start(list, number);
    passed[0] = number;
    for (int i = 1; i < 6; i++)
        passed[i] = va_arg(list, long);
    va_end(list);
    say("call");
    return result;
}

static void ask(int option, const char *expected)
{
    said[0] = '\0';
    errno = 42;
    result = 17;
    assert_int_equal(prctl(option, 11L, 12L, 13L, 14L), 17);
    assert_int_equal(errno, 42);
    assert_string_equal(said, expected);
    const long all[] = {SYS_prctl, option, 11, 12, 13, 14};
    assert_memory_equal(passed, all, sizeof(all));
}

static void prctl__of_something_else__is_passed_on(void **state)
{
    (void)state;
    ask(PR_SET_NAME, "call");
    ask(PR_GET_NO_NEW_PRIVS, "call");
    assert_false(sandbox_is_closed());
    result = -1;
    errno = EINVAL;
    assert_int_equal(prctl(PR_SET_DUMPABLE, 1L, 0L, 0L, 0L), -1);
    assert_int_equal(errno, EINVAL);
}

static bool in_a_child(bool (*work)(void))
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(work() ? 0 : 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool passes_on(void)
{
    ask(PR_SET_SECCOMP, "call");
    return !sandbox_is_closed() && !sandbox_is_of_this_process();
}

static void prctl__in_a_forked_child__is_passed_on(void **state)
{
    (void)state;
    assert_true(sandbox_is_of_this_process());
    assert_true(in_a_child(passes_on));
}

/* As the process whose sandbox it is. */
static bool closes(int option)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        sandbox_start();
        ask(option, is_held ? "prepare hold release call" : "prepare hold call");
        ask(option, "call"); /* it is closed already */
        _exit(sandbox_is_closed() ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void prctl__closes_a_sandbox__the_thread_is_out_of_its_round(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        is_held = i == 0;
        assert_true(closes(PR_SET_NO_NEW_PRIVS));
        assert_true(closes(PR_SET_SECCOMP));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prctl__of_something_else__is_passed_on),
        cmocka_unit_test(prctl__in_a_forked_child__is_passed_on),
        cmocka_unit_test(prctl__closes_a_sandbox__the_thread_is_out_of_its_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
