/* SPDX-License-Identifier: MPL-2.0 */
/* Ages of messages in the queues of an ordinary libzmq, between two looks at the clock. */
#include "base/clock.h"
#include "queues/pipe_accounts.h"
#include "queues/pipe_bytes.h"
#include "queues/queue_ages.h"
#include "tap/learned/pipe_calibration.h"

#include "support/cmocka.h"
#include "support/plain_sockets.h"

#include <poll.h>
#include <zmq.h>

static struct pipe_layout layout;
static struct pipe_reader *reader;
static struct queue_ages *ages;
static void *context, *push, *pull;

static int setup_all(void **state)
{
    (void)state;
    zmq = linked_library();
    pipe_layout_calibrate(zmq, &layout);
    return layout.is_known ? pipe_reader_new(&reader) : -1;
}

static int teardown_all(void **state)
{
    (void)state;
    pipe_reader_destroy(&reader);
    return 0;
}

static int setup(void **state)
{
    (void)state;
    context = sockets_context();
    push = sockets_open(context, ZMQ_PUSH, 0, 0);
    pull = sockets_open(context, ZMQ_PULL, 0, 0);
    return queue_ages_new(&ages);
}

static int teardown(void **state)
{
    (void)state;
    queue_ages_destroy(&ages);
    zmq->close(push);
    zmq->close(pull);
    zmq->ctx_term(context);
    return 0;
}

static struct pipe_sample sample_of(const void *socket, struct queue_ages *wanted)
{
    struct pipe_target target = {
        .layout = &layout, .socket = socket, .context = context, .n_io_threads = 1, .ages = wanted};
    assert_null(pipe_reader_sample(reader, &target, 1));
    assert_true(target.sample.is_valid);
    return target.sample;
}

/* Both ends have the age of what was sent after `begin_ns` and sampled until `end_ns`. */
static void check_age(uint64_t begin_ns, uint64_t end_ns)
{
    poll(NULL, 0, 3);
    queue_ages_begin_round(ages);
    uint64_t before_ns = clock_monotonic_ns();
    uint64_t out_ns = sample_of(push, ages).send_age_ns;
    uint64_t in_ns = sample_of(pull, ages).receive_age_ns;
    uint64_t after_ns = clock_monotonic_ns();
    assert_in_range(out_ns, before_ns - end_ns, after_ns - begin_ns);
    assert_in_range(in_ns, out_ns, after_ns - begin_ns);
}

static void age__of_both_ends__is_since_it_was_seen_first(void **state)
{
    (void)state;
    assert_int_equal(sample_of(push, ages).send_age_ns, 0); /* no pipe */
    sockets_connect(push, pull, "inproc://ages");
    uint64_t times_ns[4][2];
    for (int i = 0; i < 4; i++) {
        times_ns[i][0] = clock_monotonic_ns();
        assert_int_equal(sockets_send_some(push, 10), 10);
        queue_ages_begin_round(ages);
        assert_int_equal(sample_of(push, NULL).send_age_ns, PIPE_UNKNOWN); /* not wanted */
        sample_of(push, ages);
        times_ns[i][1] = clock_monotonic_ns();
        check_age(times_ns[0][0], times_ns[0][1]);
    }
    for (int i = 0; i < 4; i++) {
        check_age(times_ns[i][0], times_ns[i][1]);
        sockets_receive(pull, 9);
        check_age(times_ns[i][0], times_ns[i][1]);
        sockets_receive(pull, 1);
    }
    assert_int_equal(sample_of(push, ages).send_age_ns, 0);
    assert_int_equal(sample_of(pull, ages).receive_age_ns, 0);
}

static void age__conflating__is_unknown_while_a_message_waits(void **state)
{
    (void)state;
    sockets_set(push, ZMQ_CONFLATE, 1);
    sockets_set(pull, ZMQ_CONFLATE, 1);
    sockets_connect(push, pull, "inproc://conflating");
    assert_int_equal(sockets_send_some(push, 5), 5);
    assert_int_equal(sample_of(push, ages).send_age_ns, PIPE_UNKNOWN);
    assert_int_equal(sample_of(pull, ages).receive_age_ns, PIPE_UNKNOWN);
    assert_int_equal(sample_of(pull, ages).send_age_ns, 0); /* nothing goes that way */
}

static void age__no_room_for_the_queue__is_unknown_until_it_is_empty(void **state)
{
    (void)state;
    struct queue_account account = {.reader = 1, .n_written = 1, .read_ns = 1};
    for (account.writer = 0x10; account.writer < 0x80000; account.writer += 0x10)
        queue_ages_note(ages, &account);
    sockets_connect(push, pull, "inproc://crowded");
    assert_int_equal(sockets_send_some(push, 5), 5);
    assert_int_equal(sample_of(push, ages).send_age_ns, PIPE_UNKNOWN);
    assert_int_equal(sample_of(pull, ages).receive_age_ns, PIPE_UNKNOWN);
    sockets_receive(pull, 5);
    assert_int_equal(sample_of(push, ages).send_age_ns, 0);
    assert_int_equal(sample_of(pull, ages).receive_age_ns, 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(age__of_both_ends__is_since_it_was_seen_first),
        CASE(age__conflating__is_unknown_while_a_message_waits),
        CASE(age__no_room_for_the_queue__is_unknown_until_it_is_empty),
    };
    return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
