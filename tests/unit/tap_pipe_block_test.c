/* SPDX-License-Identifier: MPL-2.0 */
/* What is remembered from one sample to the next makes no difference. */
#include "queues/pipe_accounts.h"
#include "tap/learned/pipe_calibration.h"

#include "support/cmocka.h"
#include "support/plain_sockets.h"

#include <zmq.h>

static struct pipe_layout layout;
static struct pipe_reader *reader;

static int setup(void **state)
{
    (void)state;
    zmq = linked_library();
    pipe_layout_calibrate(zmq, &layout);
    return layout.is_known ? pipe_reader_new(&reader) : -1;
}

static int teardown(void **state)
{
    (void)state;
    pipe_reader_destroy(&reader);
    return 0;
}

static struct pipe_target target_of(const void *context, const void *socket)
{
    return (struct pipe_target){
        .layout = &layout, .socket = socket, .context = context, .n_io_threads = 1};
}

/* With what earlier samples found out, and without. */
static void check_again(struct pipe_target *target)
{
    assert_null(pipe_reader_sample(reader, target, 1));
    struct pipe_target other = target_of(target->context, target->socket);
    assert_null(pipe_reader_sample(reader, &other, 1));
    struct pipe_sample fresh = other.sample;
    assert_true(target->sample.is_valid && fresh.is_valid);
    assert_int_equal(target->sample.n_pipes, fresh.n_pipes);
    assert_int_equal(target->sample.send_queue, fresh.send_queue);
    assert_int_equal(target->sample.receive_queue, fresh.receive_queue);
    assert_int_equal(target->sample.n_send_full, fresh.n_send_full);
}

static void sample__only_pipe_replaced__is_the_new_one(void **state)
{
    (void)state;
    void *context = sockets_context(), *pulls[2];
    void *push = sockets_open(context, ZMQ_PUSH, 3, 3);
    const char *const endpoints[] = {"inproc://one", "inproc://other"};
    struct pipe_target target = target_of(context, push);
    for (int i = 0; i < 2; i++) {
        pulls[i] = sockets_open(context, ZMQ_PULL, 3, 3);
        assert_int_equal(zmq->bind(pulls[i], endpoints[i]), 0);
    }
    for (int i = 0; i < 40; i++) {
        int n = 1 + i % 6; /* six fit */
        assert_int_equal(zmq->connect(push, endpoints[i % 2]), 0);
        check_again(&target);
        assert_int_equal(sockets_send_some(push, n), n);
        check_again(&target);
        assert_int_equal(target.sample.n_pipes, 1);
        assert_int_equal(target.sample.send_queue, n);
        sockets_settle(pulls[i % 2]);
        sockets_receive(pulls[i % 2], n);
        check_again(&target);
        assert_int_equal(zmq->disconnect(push, endpoints[i % 2]), 0);
        check_again(&target);
        sockets_settle(pulls[i % 2]);
        if (i % 3 != 0) /* or it has two for a moment */
            sockets_settle(push);
        if (i % 3 == 2)
            check_again(&target);
    }
    zmq->close(push);
    zmq->close(pulls[0]);
    zmq->close(pulls[1]);
    zmq->ctx_term(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sample__only_pipe_replaced__is_the_new_one),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
