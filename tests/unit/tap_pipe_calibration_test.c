/* SPDX-License-Identifier: MPL-2.0 */
/* Where pipes keep their accounts: what behaves nearly so is not taken for them, what behaves so
 * twice is not believed. The libzmq is played, with words that mislead. */
#include "tap/learned/pipe_calibration.h"

#include "support/cmocka.h"
#include "support/tap_pipes_played.h"

#include "tap/ground/own_work.h"

#include <errno.h>

#define N_TRIALS 6
#define N_TRIES  3

static struct pipe_layout calibrate(void)
{
    struct pipe_layout layout;
    memset(&layout, 0xa5, sizeof(layout));
    played.n_sockets = played.n_published = played.n_mailboxes = 0;
    errno = 42;
    pipe_layout_calibrate(&played.library, &layout);
    assert_int_equal(errno, 42);
    assert_int_equal(played.n_open, 0);
    assert_int_equal(played.n_contexts, 0);
    assert_int_equal(own_work_depth, 0);
    return layout;
}

static void expect_found(void)
{
    struct pipe_layout layout = calibrate();
    assert_string_equal(layout.reason, "");
    assert_true(layout.is_known);
    const uint32_t found[] = {layout.context,     layout.owner,     layout.pipes,
                              layout.peer,        layout.sink,      layout.state,
                              layout.is_writable, layout.hwm,       layout.lwm,
                              layout.n_read,      layout.n_written, layout.n_read_by_peer,
                              layout.out_queue,   layout.in_queue,  layout.has_message};
    const uint32_t expected[] = {AT_CONTEXT,  AT_OWNER,  AT_VECTOR,      AT_PEER,
                                 AT_ITS_SINK, AT_STATE,  AT_IS_WRITABLE, AT_HWM,
                                 AT_LWM,      AT_N_READ, AT_N_WRITTEN,   AT_N_READ_BY_PEER,
                                 AT_OUT,      AT_IN,     AT_HAS_MESSAGE};
    assert_memory_equal(found, expected, sizeof(found));
    assert_int_equal(layout.pipe_size, AT_N_READ_BY_PEER + 8);
    assert_true(layout.pipe_vtable != 0 && layout.conflating_vtable != 0);
    assert_true(layout.publish.is_known);
    assert_int_equal(layout.mailbox.queue, 77);
    assert_int_equal(played.n_sockets, 2 * N_TRIALS);
}

/* After so many tries, the last of them in trial `trial`. */
static void expect_not_found(const char *reason, unsigned n_tries, unsigned trial)
{
    struct pipe_layout layout = calibrate();
    assert_string_equal(layout.reason, reason);
    assert_string_equal(layout.publish.reason, reason);
    assert_false(layout.is_known);
    assert_int_equal(layout.pipes, 0);
    assert_int_equal(played.n_sockets, n_tries * 2 * (trial + 1));
    assert_int_equal(played.n_published, 0);
    assert_int_equal(played.n_mailboxes, 0);
}

static void pipes__nothing_misleads__are_found(void **state)
{
    (void)state;
    expect_found();
    assert_int_equal(played.n_published, 1);
    assert_int_equal(played.n_mailboxes, 1);
}

/*
 * A field, and another that is nearly so
 */
static const struct field {
    uint32_t at, size;
} fields[] = {
    {AT_CONTEXT, 8}, {AT_PEER, 8},   {AT_ITS_SINK, 8},  {AT_STATE, 4},          {AT_HWM, 4},
    {AT_LWM, 4},     {AT_N_READ, 8}, {AT_N_WRITTEN, 8}, {AT_N_READ_BY_PEER, 8}, {AT_IS_WRITABLE, 1},
};
#define N_FIELDS (sizeof(fields) / sizeof(*fields))

static struct field field;
static unsigned wrong_trial; /* there it is not so */
static bool wrong_in_a, wrong_in_b;
static uint32_t copied_to;

static void copy_field(struct played_socket *socket)
{
    unsigned char *to = socket->pipe + copied_to;
    memcpy(to, socket->pipe + field.at, field.size);
    bool is_wrong = socket->is_a ? wrong_in_a : wrong_in_b;
    if (is_wrong && pipes_played_trial(socket) == wrong_trial)
        to[0] ^= 0x40;
}

static void field__is_there_twice__is_not_believed(void **state)
{
    (void)state;
    played.mislead = copy_field;
    wrong_trial = N_TRIALS;
    for (size_t i = 0; i < N_FIELDS; i++) {
        field = fields[i];
        for (copied_to = AT_FREE; copied_to < LAB_PIPE_BYTES; copied_to += 120)
            expect_not_found("calibration: accounts not found", N_TRIES, N_TRIALS - 1);
    }
}

static void field__is_wrong_in_one_pipe_of_one_trial__is_not_it(void **state)
{
    (void)state;
    played.mislead = copy_field;
    copied_to = AT_FREE;
    for (size_t i = 0; i < N_FIELDS; i++) {
        field = fields[i];
        bool is_of_one = field.at == AT_STATE || field.at == AT_IS_WRITABLE; /* looked at in a */
        for (wrong_trial = 0; wrong_trial < 3; wrong_trial++) {
            for (int in_a = is_of_one; in_a < 2; in_a++) {
                wrong_in_a = in_a;
                wrong_in_b = !in_a;
                expect_found();
            }
        }
    }
}

/*
 * What makes an object a pipe
 */
static unsigned bad_trial;
static void (*spoil)(struct played_socket *socket);

static void spoil_one_trial(struct played_socket *socket)
{
    if (pipes_played_trial(socket) == bad_trial && socket->peer)
        spoil(socket);
}

static void have_another_vtable(struct played_socket *socket)
{
    PUT(socket->pipe, 0, (uintptr_t)0x7f0000007000);
}

static void have_another_vtable_in_a(struct played_socket *socket)
{
    if (socket->is_a)
        have_another_vtable(socket);
}

static void have_another_vtable_in_b(struct played_socket *socket)
{
    if (!socket->is_a)
        have_another_vtable(socket);
}

static void have_another_owner_in_a(struct played_socket *socket)
{
    if (socket->is_a)
        PUT(socket->pipe, AT_OWNER, (uint32_t)99);
}

static void have_another_owner_in_b(struct played_socket *socket)
{
    if (!socket->is_a)
        PUT(socket->pipe, AT_OWNER, (uint32_t)99);
}

static void have_the_same_owner(struct played_socket *socket)
{
    PUT(socket->pipe, AT_OWNER, (uint32_t)99);
    PUT(socket->object, AT_OWNER, (uint32_t)99);
}

static void be_of_another_context_in_a(struct played_socket *socket)
{
    if (socket->is_a)
        PUT(socket->object, AT_CONTEXT, (uintptr_t)99);
}

static void be_of_another_context_in_b(struct played_socket *socket)
{
    if (!socket->is_a)
        PUT(socket->object, AT_CONTEXT, (uintptr_t)99);
}

static void pipe__is_of_another_kind__is_not_known(void **state)
{
    static void (*const ways[])(struct played_socket *) = {
        have_another_vtable_in_a,  have_another_vtable_in_b, have_another_owner_in_a,
        have_another_owner_in_b,   have_the_same_owner,      be_of_another_context_in_a,
        be_of_another_context_in_b};
    (void)state;
    played.mislead = spoil_one_trial;
    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
        spoil = ways[i];
        for (bad_trial = 0; bad_trial < 3; bad_trial++)
            expect_not_found("calibration: no pipes of a known kind", N_TRIES, bad_trial);
    }
}

static void pipe__class_changes_between_trials__is_not_known(void **state)
{
    (void)state;
    played.mislead = spoil_one_trial;
    spoil = have_another_vtable;
    for (bad_trial = 1; bad_trial < 3; bad_trial++)
        expect_not_found("calibration: no pipes of a known kind", N_TRIES, bad_trial);
    bad_trial = 0;
    expect_not_found("calibration: no pipes of a known kind", N_TRIES, 1);
}

/*
 * The vector
 */
static uintptr_t begin_offset, end_offset, limit_offset;
static uint32_t other_at;
static bool has_other_pipe;

/* A second vector, of the same pipe. */
static void have_another_vector(struct played_socket *socket)
{
    if (!socket->peer)
        return;
    socket->other[0] = socket->vector[0];
    if (has_other_pipe)
        socket->other[0] = (uintptr_t)socket->object; /* which is no pipe */
    uintptr_t begin = (uintptr_t)socket->other;
    PUT(socket->object, other_at, begin + begin_offset);
    PUT(socket->object, other_at + 8, begin + 8 + end_offset);
    PUT(socket->object, other_at + 16, begin + 8 + limit_offset);
}

static void vector__is_there_twice__is_not_believed(void **state)
{
    static const uint32_t places[] = {AT_VECTOR + 24, 1000, LAB_OBJECT_SIZE - 24};
    (void)state;
    played.mislead = have_another_vector;
    for (size_t i = 0; i < 3; i++) {
        other_at = places[i];
        expect_not_found("calibration: no pipes found", N_TRIES, 0);
    }
    limit_offset = (1u << 20) - 8; /* as much room as can be */
    expect_not_found("calibration: no pipes found", N_TRIES, 0);
    limit_offset = 0;
}

static void vector__another_is_none__is_found(void **state)
{
    static const uintptr_t ways[][3] = {
        {1, 1, 1}, {0, 8, 8}, {8, 0, 0}, {0, 0, (uintptr_t)-8}, {0, 0, 1u << 20}};
    (void)state;
    played.mislead = have_another_vector;
    other_at = 1000;
    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
        begin_offset = ways[i][0];
        end_offset = ways[i][1];
        limit_offset = ways[i][2];
        expect_found();
    }
    begin_offset = end_offset = limit_offset = 0;
    has_other_pipe = true;
    expect_found();
    has_other_pipe = false;
}

/* Before the true one, each of one pointer to nothing. */
static void have_many_of_nothing(struct played_socket *socket)
{
    static const uintptr_t nothing[64];
    for (uint32_t at = AT_OWNER + 8; at < AT_VECTOR; at += sizeof(uintptr_t))
        PUT(socket->object, at, (uintptr_t)nothing + at);
}

static void vector__many_of_nothing_are_before_it__is_found(void **state)
{
    (void)state;
    played.mislead = have_many_of_nothing;
    expect_found();
}

static void have_vectors_apart(struct played_socket *socket)
{
    if (socket->peer) {
        other_at = socket->is_a ? 1000 : 1008;
        have_another_vector(socket);
    }
}

static void vector__another_in_each_socket_at_another_place__is_found(void **state)
{
    (void)state;
    played.mislead = have_vectors_apart;
    expect_found();
}

static void have_two_pipes(struct played_socket *socket)
{
    socket->vector[1] = socket->vector[0];
    PUT(socket->object, AT_VECTOR + 8, (uintptr_t)(socket->vector + 2));
}

static void have_two_pipes_in_a(struct played_socket *socket)
{
    if (socket->is_a)
        have_two_pipes(socket);
}

static void have_two_pipes_in_b(struct played_socket *socket)
{
    if (!socket->is_a)
        have_two_pipes(socket);
}

static void have_no_peer(struct played_socket *socket)
{
    PUT(socket->pipe, AT_PEER, (uintptr_t)8);
}

static void vector__of_a_later_trial_has_not_one_pipe__is_not_known(void **state)
{
    static void (*const ways[])(struct played_socket *) = {have_two_pipes_in_a, have_two_pipes_in_b,
                                                           have_no_peer};
    (void)state;
    played.mislead = spoil_one_trial;
    for (size_t i = 0; i < 3; i++) {
        spoil = ways[i];
        for (bad_trial = 0; bad_trial < N_TRIALS; bad_trial++)
            expect_not_found(bad_trial < 3 ? "calibration: no pipes found"
                                           : "calibration: conflating sockets did not connect",
                             N_TRIES, bad_trial);
    }
}

/*
 * Conflating queues
 */
static unsigned wrong_step;

static void copy_flag(struct played_socket *socket)
{
    unsigned char wrong = pipes_played_trial(socket) == wrong_trial &&
                          socket->n_queued == wrong_step;
    socket->queue[200] = socket->queue[AT_HAS_MESSAGE] ^ wrong;
}

static void queue__flag_is_there_twice__is_not_believed(void **state)
{
    (void)state;
    played.mislead = copy_flag;
    wrong_trial = N_TRIALS;
    expect_not_found("calibration: accounts not found", N_TRIES, N_TRIALS - 1);
}

static void queue__another_byte_is_wrong_once__is_not_it(void **state)
{
    (void)state;
    played.mislead = copy_flag;
    for (wrong_trial = 3; wrong_trial < N_TRIALS; wrong_trial++) {
        for (wrong_step = 0; wrong_step <= 6; wrong_step++)
            expect_found();
        wrong_step = 7; /* which does not come */
        expect_not_found("calibration: accounts not found", N_TRIES, N_TRIALS - 1);
    }
}

static void have_another_queue_vtable(struct played_socket *socket)
{
    PUT(socket->queue, 0, (uintptr_t)0x7f0000008000);
}

static void have_no_queue_vtable(struct played_socket *socket)
{
    PUT(socket->queue, 0, (uintptr_t)0);
}

static void say_no_flag(struct played_socket *socket)
{
    if (socket->is_a && socket->n_queued == 3)
        socket->queue[AT_HAS_MESSAGE] = 1;
    PUT(socket->pipe, AT_OUT, (uintptr_t)socket->queue + 16);
}

static void queue__is_of_another_kind__is_not_known(void **state)
{
    static void (*const ways[])(struct played_socket *) = {have_another_queue_vtable,
                                                           have_no_queue_vtable, say_no_flag};
    (void)state;
    played.mislead = spoil_one_trial;
    for (size_t i = 0; i < 3; i++) {
        spoil = ways[i];
        for (bad_trial = 4; bad_trial < N_TRIALS; bad_trial++)
            expect_not_found("calibration: conflating queue not understood", N_TRIES, bad_trial);
    }
    spoil = have_another_queue_vtable;
    bad_trial = 3;
    expect_not_found("calibration: conflating queue not understood", N_TRIES, 4);
}

/*
 * Time, and failures
 */
static void end__is_seen_late__is_waited_for(void **state)
{
    (void)state;
    played.end_delay = 20;
    expect_found();
    assert_true(played.n_waits > 0 && played.n_waits < 100);
}

static void end__is_not_seen__patience_ends(void **state)
{
    (void)state;
    played.end_delay = 100000;
    expect_not_found("calibration: the end of a peer was not seen", 1, 0);
    assert_int_equal(played.n_waits, LAB_PATIENCE_MS / LAB_WAIT_MS + LAB_MAX_LATE_WAITS);
}

static void call__fails_once__is_tried_again(void **state)
{
    (void)state;
    calibrate();
    unsigned n_all = played.n_calls, n_again = 0;
    for (unsigned i = 2; i <= n_all; i++) {
        pipes_played_set_up(state);
        played.fails_at = i;
        struct pipe_layout layout = calibrate();
        assert_true(layout.is_known);
        assert_int_equal(layout.hwm, AT_HWM);
        n_again += played.n_sockets > 2 * N_TRIALS;
    }
    assert_true(n_again > n_all - 10); /* but for what is to fail, a queue that is full */
}

static void call__fails_for_good__is_not_known(void **state)
{
    (void)state;
    calibrate();
    unsigned n_all = played.n_calls;
    for (unsigned i = 1; i <= n_all; i++) {
        pipes_played_set_up(state);
        played.fails_at = i;
        played.fails_on = true;
        struct pipe_layout layout = calibrate();
        assert_false(layout.is_known);
        assert_true(strlen(layout.reason) > 10);
    }
}

#define CASE(name) cmocka_unit_test_setup(name, pipes_played_set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(pipes__nothing_misleads__are_found),
        CASE(field__is_there_twice__is_not_believed),
        CASE(field__is_wrong_in_one_pipe_of_one_trial__is_not_it),
        CASE(pipe__is_of_another_kind__is_not_known),
        CASE(pipe__class_changes_between_trials__is_not_known),
        CASE(vector__is_there_twice__is_not_believed),
        CASE(vector__another_is_none__is_found),
        CASE(vector__many_of_nothing_are_before_it__is_found),
        CASE(vector__another_in_each_socket_at_another_place__is_found),
        CASE(vector__of_a_later_trial_has_not_one_pipe__is_not_known),
        CASE(queue__flag_is_there_twice__is_not_believed),
        CASE(queue__another_byte_is_wrong_once__is_not_it),
        CASE(queue__is_of_another_kind__is_not_known),
        CASE(end__is_seen_late__is_waited_for),
        CASE(end__is_not_seen__patience_ends),
        CASE(call__fails_once__is_tried_again),
        CASE(call__fails_for_good__is_not_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
