/* SPDX-License-Identifier: MPL-2.0 */
/* Queue depths, read from an ordinary libzmq, against what the test itself sent and received. */
#include "queues/pipe_accounts.h"
#include "segment/segment_layout.h"
#include "tap/learned/pipe_calibration.h"

#include "support/cmocka.h"
#include "support/plain_sockets.h"
#include "support/temporary_directory.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

static struct pipe_layout layout;
static struct pipe_reader *reader;
static char folder[64];

static int setup(void **state)
{
    (void)state;
    zmq = linked_library();
    pipe_layout_calibrate(zmq, &layout);
    if (!layout.is_known)
        print_error("not calibrated: %s\n", layout.reason);
    temporary_directory_make(folder);
    return layout.is_known && pipe_reader_new(&reader) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    char path[80];
    snprintf(path, sizeof(path), "%s/socket", folder);
    unlink(path); /* libzmq may leave it */
    pipe_reader_destroy(&reader);
    return rmdir(folder);
}

static struct pipe_target target_of(const void *context, const void *socket)
{
    return (struct pipe_target){
        .layout = &layout, .socket = socket, .context = context, .n_io_threads = 1};
}

static struct pipe_sample sample_of(const void *context, const void *socket)
{
    struct pipe_target target = target_of(context, socket);
    assert_null(pipe_reader_sample(reader, &target, 1));
    return target.sample;
}

/* Waits until the receiver holds `n` messages and the sender none: there is room for them all. */
static void await_received(const void *context, void *sender, void *receiver, uint64_t n)
{
    struct pipe_sample out, in;
    for (int waited_ms = 0; waited_ms < SOCKETS_DEADLINE_MS; waited_ms += 2) {
        sockets_settle(sender);
        sockets_settle(receiver);
        out = sample_of(context, sender);
        in = sample_of(context, receiver);
        if (out.send_queue == 0 && in.receive_queue == n)
            return;
        poll(NULL, 0, 2);
    }
    fail_msg("%d and %d queued, not %d", (int)out.send_queue, (int)in.receive_queue, (int)n);
}

static void sample__inproc_sent_and_received__is_the_difference(void **state)
{
    (void)state;
    void *context = sockets_context();
    void *push = sockets_open(context, ZMQ_PUSH, 1000, 1000);
    void *pull = sockets_open(context, ZMQ_PULL, 1000, 1000);
    sockets_connect(push, pull, "inproc://difference");

    assert_int_equal(sockets_send_some(push, 730), 730);
    sockets_receive(pull, 211);
    struct pipe_sample out = sample_of(context, push), in = sample_of(context, pull);
    assert_true(out.is_valid && in.is_valid);
    assert_int_equal(out.n_pipes, 1);
    assert_int_equal(out.n_inproc, 1);
    assert_int_equal(out.send_queue, 519);
    assert_int_equal(in.receive_queue, 519);
    assert_int_equal(out.receive_queue, 0);
    assert_int_equal(in.send_queue, 0);
    assert_int_equal(out.send_fullest, 519 * UINT64_C(1000000000) / 2000);
    assert_int_equal(in.receive_fullest, 519 * UINT64_C(1000000000) / 2000);

    zmq->close(push);
    zmq->close(pull);
    zmq->ctx_term(context);
}

static void sample__queue_that_moved_499_and_is_empty__is_zero(void **state)
{
    (void)state;
    void *context = sockets_context();
    void *push = sockets_open(context, ZMQ_PUSH, 400, 1000);
    void *pull = sockets_open(context, ZMQ_PULL, 1000, 600);
    sockets_connect(push, pull, "inproc://moved");

    assert_int_equal(sockets_send_some(push, 499), 499);
    sockets_receive(pull, 499);
    struct pipe_sample sample = sample_of(context, push);
    assert_int_equal(sample.send_queue, 0);
    assert_int_equal(sample.send_fullest, 0);
    assert_int_equal(sample.n_send_full, 0);

    zmq->close(push);
    zmq->close(pull);
    zmq->ctx_term(context);
}

static void sample__full_queue__is_full_until_libzmq_takes_messages_again(void **state)
{
    (void)state;
    void *context = sockets_context();
    void *push = sockets_open(context, ZMQ_PUSH, 7, 7);
    void *pull = sockets_open(context, ZMQ_PULL, 9, 9);
    sockets_connect(push, pull, "inproc://full");

    assert_int_equal(sockets_send_some(push, 100), 16); /* inproc adds both ends' marks */
    struct pipe_sample sample = sample_of(context, push);
    assert_int_equal(sample.send_queue, 16);
    assert_int_equal(sample.send_fullest, 1000000000);
    assert_int_equal(sample.n_send_full, 1);

    sockets_receive(pull, 7); /* the reader tells at 8 */
    sample = sample_of(context, push);
    assert_int_equal(sample.send_queue, 9);
    assert_int_equal(sample.n_send_full, 1);
    assert_int_equal(sockets_send_some(push, 1), 0);

    sockets_receive(pull, 1);
    sample = sample_of(context, push);
    assert_int_equal(sample.n_send_full, 0);
    sockets_settle(push);
    assert_int_equal(sockets_send_some(push, 100), 8);

    zmq->close(push);
    zmq->close(pull);
    zmq->ctx_term(context);
}

static void check_no_limit(int send_hwm, int receive_hwm, bool is_conflating, int n_queued)
{
    void *context = sockets_context();
    void *push = sockets_open(context, ZMQ_PUSH, send_hwm, send_hwm);
    void *pull = sockets_open(context, ZMQ_PULL, receive_hwm, receive_hwm);
    sockets_set(push, ZMQ_CONFLATE, is_conflating);
    sockets_set(pull, ZMQ_CONFLATE, is_conflating);
    sockets_connect(push, pull, "inproc://no-limit");

    for (int round = 0; round < 3; round++) {
        assert_int_equal(sockets_send_some(push, 50), 50);
        struct pipe_sample sample = sample_of(context, push);
        assert_int_equal(sample.send_queue, n_queued);
        assert_int_equal(sample_of(context, pull).receive_queue, n_queued);
        assert_true(sample.send_fullest == SEGMENT_UNKNOWN);
        assert_int_equal(sample.n_send_full, 0);
        sockets_receive(pull, n_queued);
        assert_int_equal(sample_of(context, push).send_queue, 0);
        assert_int_equal(sample_of(context, pull).receive_queue, 0);
    }
    zmq->close(push);
    zmq->close(pull);
    zmq->ctx_term(context);
}

static void sample__unlimited__is_true_depth_without_ratio(void **state)
{
    (void)state;
    check_no_limit(0, 1000, false, 50);
    check_no_limit(1000, 0, false, 50);
}

static void sample__conflating__is_one_or_none_without_ratio(void **state)
{
    (void)state;
    check_no_limit(1000, 1000, true, 1);
}

static void sample__conflating_socket_whose_mark_is_set_later__is_one(void **state)
{
    (void)state;
    void *context = sockets_context();
    void *push = sockets_open(context, ZMQ_PUSH, 10, 10);
    void *pull = sockets_open(context, ZMQ_PULL, 10, 10);
    sockets_set(push, ZMQ_CONFLATE, 1);
    sockets_connect(push, pull, "inproc://late-mark");
    sockets_set(push, ZMQ_SNDHWM, 500);
    assert_int_equal(sockets_send_some(push, 50), 50);
    assert_int_equal(sample_of(context, push).send_queue, 1);
    zmq->close(push);
    zmq->close(pull);
    zmq->ctx_term(context);
}

static void sample__several_peers__is_their_sum_and_the_fullest_ratio(void **state)
{
    (void)state;
    void *context = sockets_context();
    void *pub = sockets_open(context, ZMQ_PUB, 100, 100);
    void *subs[5];
    assert_int_equal(zmq->bind(pub, "inproc://several"), 0);
    for (int i = 0; i < 5; i++) {
        subs[i] = sockets_open(context, ZMQ_SUB, 100, 300);
        assert_int_equal(zmq->setsockopt(subs[i], ZMQ_SUBSCRIBE, "", 0), 0);
        assert_int_equal(zmq->connect(subs[i], "inproc://several"), 0);
    }
    sockets_settle(pub);
    assert_int_equal(sockets_send_some(pub, 80), 80);
    for (int i = 0; i < 5; i++)
        sockets_receive(subs[i], 10 * i);
    struct pipe_sample sample = sample_of(context, pub);
    assert_int_equal(sample.n_pipes, 5);
    assert_int_equal(sample.n_inproc, 5);
    assert_int_equal(sample.send_queue, 5 * 80 - 100);
    assert_int_equal(sample.send_fullest, 200000000);
    assert_int_equal(sample_of(context, subs[3]).receive_queue, 50);
    for (int i = 0; i < 5; i++)
        zmq->close(subs[i]);
    zmq->close(pub);
    zmq->ctx_term(context);
}

static void sample__multipart__counts_whole_messages(void **state)
{
    (void)state;
    void *context = sockets_context();
    void *dealer = sockets_open(context, ZMQ_DEALER, 100, 100);
    void *router = sockets_open(context, ZMQ_ROUTER, 100, 100);
    sockets_connect(dealer, router, "inproc://multipart");
    for (int i = 0; i < 20; i++) {
        assert_int_equal(zmq->send(dealer, "a", 1, ZMQ_SNDMORE), 1);
        assert_int_equal(zmq->send(dealer, "b", 1, ZMQ_SNDMORE), 1);
        assert_int_equal(zmq->send(dealer, "c", 1, 0), 1);
    }
    sockets_receive(router, 0);
    char frame[64];
    for (int i = 0; i < 4 * 6; i++) /* the routing id is a frame, too */
        assert_true(zmq->recv(router, frame, sizeof(frame), 0) > 0);
    assert_int_equal(sample_of(context, router).receive_queue, 14);
    assert_int_equal(sample_of(context, dealer).send_queue, 14);
    zmq->close(dealer);
    zmq->close(router);
    zmq->ctx_term(context);
}

static void sample__connect_before_bind__is_queued_but_no_peer(void **state)
{
    (void)state;
    void *context = sockets_context();
    void *push = sockets_open(context, ZMQ_PUSH, 100, 100);
    void *pull = sockets_open(context, ZMQ_PULL, 50, 50);
    assert_int_equal(zmq->connect(push, "inproc://pending"), 0);
    assert_int_equal(sockets_send_some(push, 30), 30);
    struct pipe_sample sample = sample_of(context, push);
    assert_true(sample.is_valid);
    assert_int_equal(sample.n_pipes, 1);
    assert_int_equal(sample.n_inproc, 0);
    assert_int_equal(sample.send_queue, 30);

    assert_int_equal(zmq->bind(pull, "inproc://pending"), 0);
    sample = sample_of(context, push);
    assert_int_equal(sample.n_inproc, 1);
    assert_int_equal(sample.send_queue, 30);
    assert_int_equal(sample.send_fullest, 200000000);
    assert_int_equal(sample_of(context, pull).receive_queue, 30);
    zmq->close(push);
    zmq->close(pull);
    zmq->ctx_term(context);
}

static void check_network(const char *endpoint, int type_a, int type_b)
{
    void *context = sockets_context();
    void *a = sockets_open(context, type_a, 0, 100);
    void *b = sockets_open(context, type_b, 100, 0);
    sockets_connect(a, b, endpoint);
    for (int i = 0; i < 500; i++)
        assert_int_equal(zmq->send(a, "x", 1, 0), 1);
    await_received(context, a, b, 500);
    sockets_receive(b, 123);
    await_received(context, a, b, 377);
    struct pipe_sample out = sample_of(context, a), in = sample_of(context, b);
    assert_int_equal(out.n_pipes, 1);
    assert_int_equal(out.n_inproc, 0);
    assert_int_equal(in.n_inproc, 0);
    assert_int_equal(in.receive_queue, 377);
    assert_int_equal(out.send_queue, 0);
    sockets_receive(b, 377);
    await_received(context, a, b, 0);
    zmq->close(a);
    zmq->close(b);
    zmq->ctx_term(context);
}

static void sample__tcp__is_the_difference(void **state)
{
    (void)state;
    check_network("tcp://127.0.0.1:*", ZMQ_PUSH, ZMQ_PULL);
    check_network("tcp://127.0.0.1:*", ZMQ_PAIR, ZMQ_PAIR);
    check_network("tcp://127.0.0.1:*", ZMQ_DEALER, ZMQ_DEALER);
}

static void sample__ipc__is_the_difference(void **state)
{
    (void)state;
    char endpoint[80];
    snprintf(endpoint, sizeof(endpoint), "ipc://%s/socket", folder);
    check_network(endpoint, ZMQ_PUSH, ZMQ_PULL);
}

static void sample__tcp_without_listener__is_queued_with_network_ratio(void **state)
{
    (void)state;
    void *context = sockets_context();
    void *push = sockets_open(context, ZMQ_PUSH, 40, 100);
    assert_int_equal(zmq->connect(push, "tcp://127.0.0.1:1"), 0);
    assert_int_equal(sockets_send_some(push, 100), 40);
    struct pipe_sample sample = sample_of(context, push);
    assert_int_equal(sample.send_queue, 40);
    assert_int_equal(sample.send_fullest, 1000000000);
    assert_int_equal(sample.n_pipes, 1);
    assert_int_equal(sample.n_inproc, 0);
    assert_int_equal(sample.n_send_full, 1);
    zmq->close(push);
    zmq->ctx_term(context);
}

static void sample__every_type__finds_its_pipe(void **state)
{
    (void)state;
    static const int types[] = {ZMQ_PAIR,   ZMQ_PUB,  ZMQ_SUB,  ZMQ_REQ,  ZMQ_REP,  ZMQ_DEALER,
                                ZMQ_ROUTER, ZMQ_PULL, ZMQ_PUSH, ZMQ_XPUB, ZMQ_XSUB, ZMQ_STREAM,
                                12,         13,       14,       15,       16,       17,
                                18,         19,       20};
    void *context = sockets_context();
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        void *socket = zmq->socket(context, types[i]);
        bool is_draft = types[i] > ZMQ_STREAM;
        assert_true(socket || is_draft);
        if (!socket)
            continue;
        struct pipe_sample sample = sample_of(context, socket);
        assert_true(sample.is_valid);
        assert_int_equal(sample.n_pipes, 0);
        int linger = 0;
        zmq->setsockopt(socket, ZMQ_LINGER, &linger, sizeof(linger));
        const char *endpoint = types[i] == 14 || types[i] == 18 ? "udp://127.0.0.1:9"
                                                                : "tcp://127.0.0.1:1";
        if (zmq->connect(socket, endpoint) == 0 || !is_draft)
            assert_int_equal(sample_of(context, socket).n_pipes, 1);
        zmq->close(socket);
    }
    zmq->ctx_term(context);
}

static void sample__peer_gone__counts_what_can_still_be_received(void **state)
{
    (void)state;
    void *context = sockets_context();
    void *a = sockets_open(context, ZMQ_PAIR, 100, 100);
    void *b = sockets_open(context, ZMQ_PAIR, 100, 100);
    sockets_connect(a, b, "inproc://gone");
    assert_int_equal(sockets_send_some(a, 30), 30);
    assert_int_equal(sockets_send_some(b, 20), 20);
    zmq->close(b);
    for (int waited_ms = 0; sample_of(context, a).send_queue > 0; waited_ms += 2) {
        assert_true(waited_ms < SOCKETS_DEADLINE_MS);
        sockets_settle(a);
        poll(NULL, 0, 2);
    }
    struct pipe_sample sample = sample_of(context, a);
    assert_int_equal(sample.receive_queue, 20);
    assert_int_equal(sample.n_inproc, 0);
    sockets_receive(a, 20);
    zmq->close(a);
    zmq->ctx_term(context);
}

static void sample__closed_and_freed_socket__is_no_sample(void **state)
{
    (void)state;
    void *context = sockets_context();
    void *socket = sockets_open(context, ZMQ_PAIR, 100, 100);
    assert_true(sample_of(context, socket).is_valid);
    zmq->close(socket);
    zmq->ctx_term(context);
    /* What freed memory holds is the allocator's affair; it must not hold messages. */
    assert_int_equal(sample_of(context, socket).n_pipes, 0);
    assert_false(sample_of(context, NULL).is_valid);
    assert_false(sample_of(context, (void *)(uintptr_t)64).is_valid);
    assert_false(sample_of(context, &layout).is_valid);
}

static void sample__many_sockets_and_pipes__each_has_its_own(void **state)
{
    (void)state;
    enum { N = 150 };
    static void *pulls[N];
    struct pipe_target targets[N + 1];
    void *context = sockets_context();
    void *pub = sockets_open(context, ZMQ_PUB, 1000, 1000);
    assert_int_equal(zmq->bind(pub, "inproc://many"), 0);
    for (int i = 0; i < N; i++) {
        pulls[i] = sockets_open(context, ZMQ_SUB, 1000, 1000);
        assert_int_equal(zmq->setsockopt(pulls[i], ZMQ_SUBSCRIBE, "", 0), 0);
        assert_int_equal(zmq->connect(pulls[i], "inproc://many"), 0);
        targets[i] = target_of(context, pulls[i]);
    }
    targets[N] = target_of(context, pub);
    sockets_settle(pub);
    assert_int_equal(sockets_send_some(pub, N), N);
    for (int i = 0; i < N; i++)
        sockets_receive(pulls[i], i);
    assert_null(pipe_reader_sample(reader, targets, N + 1));
    for (int i = 0; i < N; i++) {
        assert_true(targets[i].sample.is_valid);
        assert_int_equal(targets[i].sample.receive_queue, N - i);
    }
    assert_int_equal(targets[N].sample.n_pipes, N);
    assert_int_equal(targets[N].sample.send_queue, N * (N + 1) / 2);
    for (int i = 0; i < N; i++)
        zmq->close(pulls[i]);
    zmq->close(pub);
    zmq->ctx_term(context);
}

/* A socket whose thread makes no call does not take in the peers that come. */
static void sample__peers_that_are_not_taken_in__are_seen(void **state)
{
    (void)state;
    enum { N = 40 };
    assert_true(layout.mailbox.vtable != 0);
    void *context = sockets_context(), *pushes[N];
    void *pull = sockets_open(context, ZMQ_PULL, 1000, 1000);
    assert_int_equal(zmq->bind(pull, "inproc://waiting"), 0);
    for (int i = 0; i < N; i++) {
        pushes[i] = sockets_open(context, ZMQ_PUSH, 1000, 1000);
        assert_int_equal(zmq->connect(pushes[i], "inproc://waiting"), 0);
        assert_int_equal(sockets_send_some(pushes[i], i), i);
    }
    struct pipe_sample waiting = sample_of(context, pull);
    assert_int_equal(waiting.n_pipes, N);
    assert_int_equal(waiting.n_inproc, N);
    assert_int_equal(waiting.receive_queue, N * (N - 1) / 2);
    assert_int_equal(sample_of(context, pushes[7]).send_queue, 7);

    sockets_settle(pull);
    struct pipe_sample taken_in = sample_of(context, pull);
    assert_int_equal(taken_in.n_pipes, N);
    assert_int_equal(taken_in.receive_queue, N * (N - 1) / 2);
    sockets_receive(pull, 700);
    assert_int_equal(sample_of(context, pull).receive_queue, N * (N - 1) / 2 - 700);
    for (int i = 0; i < N; i++)
        zmq->close(pushes[i]);
    zmq->close(pull);
    zmq->ctx_term(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sample__inproc_sent_and_received__is_the_difference),
        cmocka_unit_test(sample__peers_that_are_not_taken_in__are_seen),
        cmocka_unit_test(sample__queue_that_moved_499_and_is_empty__is_zero),
        cmocka_unit_test(sample__full_queue__is_full_until_libzmq_takes_messages_again),
        cmocka_unit_test(sample__unlimited__is_true_depth_without_ratio),
        cmocka_unit_test(sample__conflating__is_one_or_none_without_ratio),
        cmocka_unit_test(sample__conflating_socket_whose_mark_is_set_later__is_one),
        cmocka_unit_test(sample__several_peers__is_their_sum_and_the_fullest_ratio),
        cmocka_unit_test(sample__multipart__counts_whole_messages),
        cmocka_unit_test(sample__connect_before_bind__is_queued_but_no_peer),
        cmocka_unit_test(sample__tcp__is_the_difference),
        cmocka_unit_test(sample__ipc__is_the_difference),
        cmocka_unit_test(sample__tcp_without_listener__is_queued_with_network_ratio),
        cmocka_unit_test(sample__every_type__finds_its_pipe),
        cmocka_unit_test(sample__peer_gone__counts_what_can_still_be_received),
        cmocka_unit_test(sample__closed_and_freed_socket__is_no_sample),
        cmocka_unit_test(sample__many_sockets_and_pipes__each_has_its_own),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
