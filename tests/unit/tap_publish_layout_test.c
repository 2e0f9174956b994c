/* SPDX-License-Identifier: MPL-2.0 */
/* What is learned of a libzmq is learned each time, and is the same each time. */
#include "queues/pipe_accounts.h"
#include "tap/learned/pipe_calibration.h"
#include "tap/learned/pipe_lab.h"

#include "support/cmocka.h"
#include "support/linked_library.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <zmq.h>

/* Padding and freed memory hold other stale numbers each time, and must not be taken for fields. */
#define N_TIMES 60

static void calibrate__many_times__is_known_and_the_same(void **state)
{
    (void)state;
    struct pipe_layout first, again;
    pipe_layout_calibrate(linked_library(), &first);
    assert_string_equal(first.reason, "");
    assert_string_equal(first.publish.reason, "");
    assert_true(first.is_known && first.publish.is_known);
    for (int i = 0; i < N_TIMES; i++) {
        memset(&again, 0xa5, sizeof(again));
        pipe_layout_calibrate(linked_library(), &again);
        assert_string_equal(again.publish.reason, "");
        assert_memory_equal(&again, &first, sizeof(first));
    }
}

static int count_entries(const char *path)
{
    int n = 0;
    DIR *folder = opendir(path);
    assert_non_null(folder);
    while (readdir(folder))
        n++;
    closedir(folder);
    return n;
}

static void calibrate__any__leaves_no_trace(void **state)
{
    (void)state;
    struct pipe_layout layout;
    sigset_t before, after;
    int cancel_state;
    pipe_layout_calibrate(linked_library(), &layout); /* what libzmq opens once for the process */
    int n_fds = count_entries("/proc/self/fd"), n_threads = count_entries("/proc/self/task");
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    errno = EXFULL;

    pipe_layout_calibrate(linked_library(), &layout);
    assert_int_equal(errno, EXFULL);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (int i = 1; i < NSIG; i++)
        assert_int_equal(sigismember(&after, i), sigismember(&before, i));
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &cancel_state);
    assert_int_equal(cancel_state, PTHREAD_CANCEL_ENABLE);
    assert_int_equal(count_entries("/proc/self/fd"), n_fds);
    assert_int_equal(count_entries("/proc/self/task"), n_threads);
}

static void await__time_has_passed_while_nobody_ran__gives_libzmq_its_turn(void **state)
{
    (void)state;
    struct pipe_lab lab;
    assert_null(pipe_lab_open(linked_library(), &lab));
    void *socket = pipe_lab_socket(&lab, ZMQ_PAIR, 1, 1);
    int64_t past_ms = pipe_lab_now_ms() - 1;
    for (int i = 0; i < LAB_MAX_LATE_WAITS; i++)
        assert_true(pipe_lab_await(&lab, socket, past_ms));
    assert_false(lab.has_no_patience);
    assert_false(pipe_lab_await(&lab, socket, past_ms));
    assert_false(pipe_lab_await(&lab, socket, past_ms));
    assert_true(lab.has_no_patience);
    pipe_lab_close_socket(&lab, &socket);
    pipe_lab_close(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calibrate__many_times__is_known_and_the_same),
        cmocka_unit_test(calibrate__any__leaves_no_trace),
        cmocka_unit_test(await__time_has_passed_while_nobody_ran__gives_libzmq_its_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
