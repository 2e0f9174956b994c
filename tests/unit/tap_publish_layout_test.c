/* SPDX-License-Identifier: MPL-2.0 */
/* What is learned of a libzmq is learned each time, and is the same each time. */
#include "queues/pipe_accounts.h"
#include "tap/learned/pipe_calibration.h"
#include "tap/learned/pipe_lab.h"
#include "tap/learned/publish_layout.h"
#include "tap/learned/publish_stage.h"

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

/*
 * A libzmq that differs in one thing: the copies of the publisher, and the answers, are changed.
 */
static struct publish_layout known; /* as it is */
static void (*mislead)(struct publish_stage *stage);
static void (*mislead_last)(struct publish_stage *stage, int number);
static const char *wrong_topic;
static unsigned n_subscribed, fails_at; /* from 1; 0: none */

bool __real_publish_stage_run(struct publish_stage *stage);
bool __wrap_publish_stage_run(struct publish_stage *stage);
bool __wrap_publish_stage_run(struct publish_stage *stage)
{
    bool is_run = __real_publish_stage_run(stage);
    if (mislead)
        mislead(stage);
    return is_run;
}

void __real_publish_stage_take_snapshot(struct publish_stage *stage, enum publish_snapshot number);
void __wrap_publish_stage_take_snapshot(struct publish_stage *stage, enum publish_snapshot number);
void __wrap_publish_stage_take_snapshot(struct publish_stage *stage, enum publish_snapshot number)
{
    __real_publish_stage_take_snapshot(stage, number);
    if (mislead_last)
        mislead_last(stage, (int)number);
}

bool __real_publish_stage_subscribe(struct publish_stage *stage, int i, const char *topic);
bool __wrap_publish_stage_subscribe(struct publish_stage *stage, int i, const char *topic);
bool __wrap_publish_stage_subscribe(struct publish_stage *stage, int i, const char *topic)
{
    n_subscribed++;
    bool fails = fails_at != 0 && n_subscribed >= fails_at;
    return __real_publish_stage_subscribe(stage, i, topic) && !fails;
}

uint32_t __real_publish_missed(const struct publish_view *view,
                               const struct publish_question *question);
uint32_t __wrap_publish_missed(const struct publish_view *view,
                               const struct publish_question *question);
uint32_t __wrap_publish_missed(const struct publish_view *view,
                               const struct publish_question *question)
{
    bool is_wrong = wrong_topic && question->size == strlen(wrong_topic) &&
                    memcmp(question->topic, wrong_topic, question->size) == 0;
    return __real_publish_missed(view, question) + is_wrong;
}

static struct publish_layout calibrate(void)
{
    struct pipe_layout layout;
    n_subscribed = 0;
    pipe_layout_calibrate(linked_library(), &layout);
    assert_true(layout.is_known);
    return layout.publish;
}

static int begin_misleading(void **state)
{
    (void)state;
    mislead = NULL;
    mislead_last = NULL;
    wrong_topic = NULL;
    fails_at = 0;
    known = calibrate();
    assert_true(known.is_known);
    return 0;
}

static int end_misleading(void **state)
{
    (void)state;
    mislead = NULL;
    mislead_last = NULL;
    wrong_topic = NULL;
    fails_at = 0;
    return 0;
}

#define DISTRIBUTOR   "calibration: distributor not found"
#define SUBSCRIPTIONS "calibration: subscriptions not understood"
#define CONNECTIONS   "calibration: subscribers did not connect"

/* The tries may use up the lab's sockets. */
static void expect_unknown(const char *reason)
{
    struct publish_layout layout = calibrate();
    if (strcmp(layout.reason, CONNECTIONS) != 0)
        assert_string_equal(layout.reason, reason);
    assert_false(layout.is_known);
}

/* Each answer of the proof counts, of topics with and without subscribers. */
static void proof__an_answer_is_wrong__is_not_known(void **state)
{
    static const char *const topics[] = {"ABXY", "ABXYZ", "Q", "ABX", "AC", "Z", "", "B"};
    (void)state;
    for (size_t i = 0; i < sizeof(topics) / sizeof(*topics); i++) {
        wrong_topic = topics[i];
        expect_unknown(SUBSCRIPTIONS);
    }
}

static enum publish_snapshot spoiled;
static uint32_t spoiled_at;

static void spoil(struct publish_stage *stage)
{
    stage->snapshots[spoiled][spoiled_at] ^= 0x40;
}

static void expect_unknown_without(uint32_t at, const enum publish_snapshot *numbers, size_t n,
                                   const char *reason)
{
    mislead = spoil;
    spoiled_at = at;
    for (size_t i = 0; i < n; i++) {
        spoiled = numbers[i];
        expect_unknown(reason);
    }
}

static void distributor__a_count_is_wrong_in_one_copy__is_not_found(void **state)
{
    static const enum publish_snapshot steps[] = {SNAPSHOT_IKM, SNAPSHOT_FULL, SNAPSHOT_WITHIN,
                                                  SNAPSHOT_AFTER, SNAPSHOT_READ};
    (void)state;
    for (uint32_t before = 0; before < 3; before++)
        expect_unknown_without(known.n_eligible - before * PIPE_POINTER, steps, 5, DISTRIBUTOR);
    static const enum publish_snapshot last = SNAPSHOT_ALL;
    expect_unknown_without(known.pipes, &last, 1, DISTRIBUTOR);
    expect_unknown_without(known.pipes + PIPE_POINTER, &last, 1, DISTRIBUTOR);
}

static void node__a_field_is_wrong_in_one_copy__is_not_understood(void **state)
{
    static const enum publish_snapshot steps[] = {SNAPSHOT_K, SNAPSHOT_KM, SNAPSHOT_IKM};
    static const enum publish_snapshot ends[] = {SNAPSHOT_K, SNAPSHOT_IKM};
    static const enum publish_snapshot empty[] = {SNAPSHOT_EMPTY, SNAPSHOT_READ, SNAPSHOT_ALL};
    (void)state;
    uint32_t node = known.subscriptions;
    expect_unknown_without(node + known.min, steps, 3, SUBSCRIPTIONS);
    expect_unknown_without(node + known.count, steps, 3, SUBSCRIPTIONS);
    expect_unknown_without(node + known.next, ends, 2, SUBSCRIPTIONS);
    expect_unknown_without(node, empty, 3, SUBSCRIPTIONS);
}

static uint32_t copied_from, copied_to;
static size_t copied_size;

static void copy_field(struct publish_stage *stage)
{
    for (size_t i = 0; i < PUBLISH_N_SNAPSHOTS; i++)
        memcpy(stage->snapshots[i] + copied_to, stage->snapshots[i] + copied_from, copied_size);
}

static void expect_unknown_twice(uint32_t from, uint32_t to, size_t size, const char *reason)
{
    mislead = copy_field;
    copied_from = from;
    copied_to = to;
    copied_size = size;
    expect_unknown(reason);
}

/* The last place that belongs to no field of the node. */
static uint32_t free_place(uint32_t step)
{
    uint32_t at = 48 - step;
    while (known.subscriptions + at + step > known.pipes)
        at -= step;
    return at;
}

static void field__is_there_twice__is_not_understood(void **state)
{
    (void)state;
    uint32_t node = known.subscriptions;
    expect_unknown_twice(node + known.next, node + free_place(PIPE_POINTER), PIPE_POINTER,
                         SUBSCRIPTIONS);
    expect_unknown_twice(node + known.count, node + free_place(2), 2, SUBSCRIPTIONS);
    expect_unknown_twice(node + known.min, node + free_place(1), 1, SUBSCRIPTIONS);
    expect_unknown_twice(node, node - 2 * PIPE_POINTER, PIPE_POINTER, SUBSCRIPTIONS);
    expect_unknown_twice(known.n_eligible, known.pipes + 256 - PIPE_POINTER, PIPE_POINTER,
                         DISTRIBUTOR);
    expect_unknown_twice(known.pipes, known.pipes + 200, 2 * PIPE_POINTER, DISTRIBUTOR);
}

static void subscribe__fails__is_not_known(void **state)
{
    (void)state;
    calibrate();
    assert_int_equal(n_subscribed, 4 + 1 + 2); /* for the proof, and for the last pipe */
    for (fails_at = 1; fails_at <= 5; fails_at++)
        expect_unknown(SUBSCRIPTIONS);
    for (; fails_at <= 7; fails_at++) {
        struct publish_layout layout = calibrate();
        assert_true(layout.is_known);
        assert_int_equal(layout.last_pipe, 0);
    }
}

/*
 * The pipe whose subscription came last
 */
static bool is_last_copied;

static void change_last(struct publish_stage *stage, int number)
{
    unsigned char *copy = stage->snapshots[number];
    if (is_last_copied)
        memcpy(copy + known.last_pipe + PIPE_POINTER, copy + known.last_pipe, PIPE_POINTER);
    else if (number == (int)spoiled)
        copy[known.last_pipe] ^= 0x40;
}

static void last_pipe__is_there_twice_or_wrong__is_not_known(void **state)
{
    (void)state;
    if (known.last_pipe == 0)
        skip();
    mislead_last = change_last;
    for (int i = 0; i < 4; i++) {
        is_last_copied = i == 3;
        spoiled = (enum publish_snapshot)i;
        struct publish_layout layout = calibrate();
        assert_true(layout.is_known);
        assert_int_equal(layout.last_pipe, 0);
    }
}

#define MISLED(name) cmocka_unit_test_setup_teardown(name, begin_misleading, end_misleading)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calibrate__many_times__is_known_and_the_same),
        cmocka_unit_test(calibrate__any__leaves_no_trace),
        MISLED(proof__an_answer_is_wrong__is_not_known),
        MISLED(distributor__a_count_is_wrong_in_one_copy__is_not_found),
        MISLED(node__a_field_is_wrong_in_one_copy__is_not_understood),
        MISLED(field__is_there_twice__is_not_understood),
        MISLED(subscribe__fails__is_not_known),
        MISLED(last_pipe__is_there_twice_or_wrong__is_not_known),
        cmocka_unit_test(await__time_has_passed_while_nobody_ran__gives_libzmq_its_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
