/* SPDX-License-Identifier: MPL-2.0 */
/* How long sends wait and how often they are refused, and whether there is a queue at all. Time is
 * played. */
#include "tap/counting/blocking.h"

#include "queues/pipe_bytes.h"
#include "tap/ground/capability.h"
#include "tap/learned/learned.h"

#include "support/sanitizer.h"
#include "support/tap_played.h"

#include <errno.h>
#include <time.h>
#include <zmq.h>

/* As the layout says. */
struct pipe {
    uint64_t unused;
    uint32_t state;
};

static struct object {
    uint64_t unused;
    struct pipe **begin, **end;
} object;
static struct pipe pipes[2], *vector[2];
static struct pipe_layout layout;
static struct registry_socket *socket_now;
static uint64_t now_ns;

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret)
{
    (void)clock;
    *ret = (struct timespec){(time_t)(now_ns / 1000000000), (long)(now_ns % 1000000000)};
    errno = EIO;
    return 0;
}

const struct pipe_layout *learned_pipes_of(const struct library *library)
{
    (void)library;
    return layout.is_known ? &layout : NULL;
}

static void open_socket(int type)
{
    socket_now = registry_open_socket(tap_played_context, &object, type);
    assert_non_null(socket_now);
    blocking_reset(socket_now);
    in_use_reset(socket_now);
}

static int set_up(void **state)
{
    (void)state;
    tap_played_begin();
    capability_start(tap_played_table->header);
    layout = (struct pipe_layout){.is_known = true,
                                  .pipes = offsetof(struct object, begin),
                                  .state = offsetof(struct pipe, state)};
    for (size_t i = 0; i < 2; i++) {
        pipes[i] = (struct pipe){.state = PIPE_STATE_ACTIVE};
        vector[i] = &pipes[i];
    }
    object = (struct object){.begin = vector, .end = vector + 2};
    now_ns = 1000;
    open_socket(ZMQ_PUSH);
    return 0;
}

#define ASSERT_WAITED(full_ns, no_peer_ns)                                                         \
    do {                                                                                           \
        assert_int_equal(TAP_PLAYED_WORD(socket_now, SEND_BLOCKED_NS), full_ns);                   \
        assert_int_equal(TAP_PLAYED_WORD(socket_now, SEND_BLOCKED_NO_PEER_NS), no_peer_ns);        \
    } while (0)

static void call__waits__is_counted_while_it_lasts_and_after(void **state)
{
    (void)state;
    struct blocking_call call;
    errno = 42;
    blocking_begin_call(&call, socket_now);
    assert_int_equal(errno, 42);
    assert_true(in_use_is_taken(socket_now));
    blocking_tick(socket_now, 1000, 0); /* no time has gone by */
    ASSERT_WAITED(0, 0);
    blocking_tick(socket_now, 1300, 300);
    ASSERT_WAITED(300, 0);
    blocking_tick(socket_now, 1200, 0); /* of a clock read earlier */
    ASSERT_WAITED(300, 0);
    now_ns = 1500;
    errno = 42;
    blocking_end_call(&call, socket_now);
    assert_int_equal(errno, 42);
    assert_false(in_use_is_taken(socket_now));
    ASSERT_WAITED(500, 0);
    blocking_tick(socket_now, 2000, 500);
    ASSERT_WAITED(500, 0);
    blocking_begin_call(&call, socket_now);
    blocking_tick(socket_now, 1900, 0); /* the end is told after a tick that was later */
    now_ns = 1800;
    blocking_end_call(&call, socket_now);
    ASSERT_WAITED(900, 0);
}

static void call__no_peer__is_counted_apart(void **state)
{
    (void)state;
    struct blocking_call call;
    object.end = vector;
    blocking_begin_call(&call, socket_now);
    object.end = vector + 2; /* one came, for which it waited */
    now_ns = 1400;
    blocking_end_call(&call, socket_now);
    ASSERT_WAITED(0, 400);
    pipes[0].state = pipes[1].state = PIPE_STATE_WAITING; /* all have gone */
    blocking_begin_call(&call, socket_now);
    now_ns = 1500;
    blocking_end_call(&call, socket_now);
    ASSERT_WAITED(0, 500);
    pipes[1].state = PIPE_STATE_ACTIVE; /* all but the last */
    blocking_begin_call(&call, socket_now);
    now_ns = 1700;
    blocking_end_call(&call, socket_now);
    ASSERT_WAITED(200, 500);
    layout.is_known = false; /* then it is not told from full queues */
    object.end = vector;
    blocking_begin_call(&call, socket_now);
    now_ns = 1800;
    blocking_end_call(&call, socket_now);
    ASSERT_WAITED(300, 500);
}

static void call__several_threads__is_the_time_that_any_waits(void **state)
{
    (void)state;
    struct blocking_call first, second;
    open_socket(12);  /* a type that several may use */
    vector[0] = NULL; /* and free a pipe of: none is looked at */
    blocking_begin_call(&first, socket_now);
    now_ns = 1100;
    blocking_begin_call(&second, socket_now);
    now_ns = 1300;
    blocking_end_call(&second, socket_now);
    ASSERT_WAITED(0, 0);
    now_ns = 1400;
    blocking_end_call(&first, socket_now);
    ASSERT_WAITED(400, 0);
    object.end = vector;
    blocking_begin_call(&first, socket_now);
    now_ns = 1500;
    blocking_end_call(&first, socket_now);
    ASSERT_WAITED(400, 100);
}

static void refused__by_full_queues_or_for_want_of_one(void **state)
{
    (void)state;
    blocking_refused(socket_now);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, SEND_WOULD_BLOCK), 1);
    object.end = vector;
    blocking_refused(socket_now);
    blocking_refused(socket_now);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, SEND_WOULD_BLOCK), 1);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, SEND_WOULD_BLOCK_NO_PEER), 2);
}

static void receive__under_way_at_a_tick__is_its_time(void **state)
{
    (void)state;
    blocking_tick(socket_now, 1000, 100);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, RECEIVE_BLOCKED_NS), 0);
    socket_now->slot->is_receiving = true;
    blocking_tick(socket_now, 1000, 100);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, RECEIVE_BLOCKED_NS), 100);
    open_socket(12);
    socket_now->slot->is_receiving = true; /* not this one's to say */
    blocking_tick(socket_now, 1000, 100);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, RECEIVE_BLOCKED_NS), 0);
    blocking_begin_receive(socket_now);
    blocking_begin_receive(socket_now);
    blocking_end_receive(socket_now);
    blocking_tick(socket_now, 1000, 100);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, RECEIVE_BLOCKED_NS), 100);
    blocking_end_receive(socket_now);
    blocking_tick(socket_now, 1000, 100);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, RECEIVE_BLOCKED_NS), 100);
}

static void frames__timeout_of_zero__is_a_wish_not_to_wait(void **state)
{
    (void)state;
    struct registry_slot *slot = socket_now->slot;
    const struct registry_option option = {ZMQ_SNDTIMEO, NULL, 0};
    segment_word_set(&socket_now->words[SEGMENT_OPTION_SNDTIMEO], (uint64_t)-1);
    blocking_opened(socket_now);
    assert_int_equal(slot->frame.wait_flags, ZMQ_DONTWAIT);
    assert_int_equal(slot->frame.whole_below, ZMQ_SNDMORE);
    segment_word_set(&socket_now->words[SEGMENT_OPTION_SNDTIMEO], 0);
    blocking_option_changed(socket_now, &option);
    assert_int_equal(slot->first_frame.wait_flags, 0);
    assert_int_equal(slot->frame.wait_flags, 0);
    assert_int_equal(slot->frame.whole_below, ZMQ_SNDMORE);
    slot->frame = (struct registry_frame){0}; /* in the middle of a message */
    segment_word_set(&socket_now->words[SEGMENT_OPTION_SNDTIMEO], 5);
    blocking_option_changed(socket_now, &option);
    assert_int_equal(slot->frame.wait_flags, 0);
    assert_int_equal(slot->frame.whole_below, 0);
    assert_int_equal(slot->first_frame.wait_flags, ZMQ_DONTWAIT);
}

static void library__not_understood__is_a_bound(void **state)
{
    (void)state;
    const struct segment_capability *shown =
        &tap_played_table->header->capabilities[SEGMENT_CAPABILITY_BLOCKING];
    blocking_add_library(&tap_played);
    assert_int_equal(shown->state, SEGMENT_CAPABILITY_ON);
    layout.is_known = false;
    blocking_add_library(&tap_played);
    assert_int_equal(shown->state, SEGMENT_CAPABILITY_BOUND);
    assert_string_equal(shown->reason, "no peer is not told from full queues");
}

static void *leave_by_cancellation(void *unused)
{
    struct blocking_call call;
    (void)unused;
    blocking_begin_call(&call, socket_now);
    now_ns += 100;
    pthread_cancel(pthread_self());
    pthread_testcancel();
    blocking_end_call(&call, socket_now);
    return NULL;
}

static void call__left_by_cancellation__waits_no_longer(void **state)
{
    (void)state;
    sanitizer_skip_under_address();
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, leave_by_cancellation, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    ASSERT_WAITED(100, 0);
    blocking_tick(socket_now, 9000, 100);
    ASSERT_WAITED(100, 0);
    assert_false(in_use_is_taken(socket_now));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tap_played_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(call__waits__is_counted_while_it_lasts_and_after),
        CASE(call__no_peer__is_counted_apart),
        CASE(call__several_threads__is_the_time_that_any_waits),
        CASE(refused__by_full_queues_or_for_want_of_one),
        CASE(receive__under_way_at_a_tick__is_its_time),
        CASE(frames__timeout_of_zero__is_a_wish_not_to_wait),
        CASE(library__not_understood__is_a_bound),
        CASE(call__left_by_cancellation__waits_no_longer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
