/* SPDX-License-Identifier: MPL-2.0 */
/* Where a ROUTER's current pipe is looked for, and a message's kind: what behaves nearly so is not
 * taken for them. The libzmq is played; in each case some words of its sockets are misleading. */
#include "tap/learned/route_layout.h"

#include "support/cmocka.h"
#include "support/tap_lab_played.h"

#include <errno.h>
#include <string.h>
#include <zmq.h>

static size_t other = 60; /* a word that misleads */

static const struct pipe_layout pipes = {.is_known = true, .pipes = LAB_VECTOR * sizeof(uintptr_t)};

static struct route_layout calibrate(void)
{
    struct route_layout layout;
    memset(&layout, 0xa5, sizeof(layout));
    errno = 42;
    route_layout_calibrate(&lab_played.library, &pipes, &layout);
    assert_int_equal(errno, 42);
    lab_played_expect_clean();
    return layout;
}

static void expect_found(void)
{
    struct route_layout layout = calibrate();
    assert_string_equal(layout.reason, "");
    assert_true(layout.is_known);
    assert_int_equal(layout.current_out, LAB_CURRENT * sizeof(uintptr_t));
    assert_int_equal(layout.message_kind, 40);
    assert_int_equal(layout.small_kind, 101);
}

static void expect_not_found(const char *reason)
{
    struct route_layout layout = calibrate();
    assert_string_equal(layout.reason, reason);
    assert_false(layout.is_known);
}

static void expect_found_beside(void (*after)(struct lab_socket *socket))
{
    lab_played.after = after;
    expect_found();
}

static void expect_not_found_beside(void (*after)(struct lab_socket *socket), const char *reason)
{
    lab_played.after = after;
    expect_not_found(reason);
}

/*
 * A ROUTER
 */
/* Of another copy, whose pipes lie elsewhere. */
static void route__once_more_with_other_pipes__is_found(void **state)
{
    (void)state;
    for (lab_played.n_skipped = 0; lab_played.n_skipped < 9; lab_played.n_skipped += 3)
        expect_found();
}

static bool is_router(const struct lab_socket *socket)
{
    return socket->type == ZMQ_ROUTER;
}

static bool is_busy(const struct lab_socket *socket)
{
    return socket->words[LAB_CURRENT] != 0;
}

static void route__nothing_misleads__is_found(void **state)
{
    (void)state;
    expect_found();
}

static void have_the_same_twice(struct lab_socket *socket)
{
    socket->words[other] = socket->words[LAB_CURRENT];
}

static void have_it_first(struct lab_socket *socket)
{
    socket->words[0] = socket->words[LAB_CURRENT];
}

static void have_it_last(struct lab_socket *socket)
{
    socket->words[LAB_N_WORDS - 1] = socket->words[LAB_CURRENT];
}

static void route__two_places_are_alike__is_not_known(void **state)
{
    static void (*const ways[])(struct lab_socket *) = {have_the_same_twice, have_it_first,
                                                        have_it_last};
    (void)state;
    for (size_t i = 0; i < 3; i++)
        expect_not_found_beside(ways[i], "no single place for the current pipe");
}

/* Each of these differs from the true one in one thing. */
static void keep_it_afterwards(struct lab_socket *socket)
{
    if (is_busy(socket))
        socket->words[other] = socket->words[LAB_CURRENT];
}

static void keep_it_after_the_last(struct lab_socket *socket)
{
    if (is_busy(socket) || socket->n_sent < 12)
        socket->words[other] = socket->words[LAB_CURRENT];
}

static void have_it_before_the_first(struct lab_socket *socket)
{
    socket->words[other] = socket->n_sent > 0 ? socket->words[LAB_CURRENT] : 5;
}

static void have_what_is_no_pipe(struct lab_socket *socket)
{
    if (is_router(socket))
        socket->words[other] = is_busy(socket) ? socket->words[LAB_CURRENT] + 8 : 0;
}

static void have_always_the_first(struct lab_socket *socket)
{
    if (is_router(socket))
        socket->words[other] = is_busy(socket) ? socket->pipes[0] : 0;
}

static void have_always_the_second(struct lab_socket *socket)
{
    if (is_router(socket))
        socket->words[other] = is_busy(socket) ? socket->pipes[1] : 0;
}

/* Of the first message that goes to the second peer, the pipe is the first one's later on. */
static void change_in_the_end(struct lab_socket *socket)
{
    if (is_router(socket))
        socket->words[other] = !is_busy(socket)      ? 0
                               : socket->n_sent < 11 ? socket->words[LAB_CURRENT]
                                                     : socket->pipes[1];
}

static void have_none_in_the_second(struct lab_socket *socket)
{
    if (is_router(socket))
        socket->words[other] = socket->n_sent == 3 ? 0 : socket->words[LAB_CURRENT];
}

/* A ROUTER that is made later has it not. */
static void have_it_in_one_router(struct lab_socket *socket)
{
    if (is_router(socket) && socket->index > 2)
        socket->words[other] = socket->words[LAB_CURRENT] ? 9 : 0;
}

static void route__another_word_is_nearly_so__is_found(void **state)
{
    static void (*const ways[])(struct lab_socket *) = {
        keep_it_afterwards,   keep_it_after_the_last,  have_it_before_the_first,
        have_what_is_no_pipe, have_always_the_first,   have_always_the_second,
        change_in_the_end,    have_none_in_the_second, have_it_in_one_router};
    (void)state;
    static const size_t places[] = {0, LAB_N_WORDS - 1, 60};
    for (size_t i = 0; i < 3 * sizeof(ways) / sizeof(*ways); i++) {
        other = places[i % 3];
        expect_found_beside(ways[i / 3]);
    }
}

static bool is_rep(const struct lab_socket *socket)
{
    return socket->type == ZMQ_REP;
}

static void have_it_before_the_question(struct lab_socket *socket)
{
    if (is_rep(socket) && socket->n_pipes > 0 && socket->n_received == 0)
        socket->words[LAB_CURRENT] = socket->pipes[0];
}

static void have_it_after_the_answer(struct lab_socket *socket)
{
    if (is_rep(socket) && socket->n_sent > 0)
        socket->words[LAB_CURRENT] = socket->pipes[0];
}

static void have_none_between(struct lab_socket *socket)
{
    if (is_rep(socket))
        socket->words[LAB_CURRENT] = 0;
}

static void have_no_pipe_between(struct lab_socket *socket)
{
    if (is_rep(socket) && is_busy(socket))
        socket->words[LAB_CURRENT] = 8;
}

static void route__a_rep_has_it_elsewhere__is_not_proved(void **state)
{
    static void (*const ways[])(struct lab_socket *) = {have_it_before_the_question,
                                                        have_it_after_the_answer, have_none_between,
                                                        have_no_pipe_between};
    (void)state;
    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
        expect_not_found_beside(ways[i], "the current pipe is not proved");
}

static void spoil_it(struct lab_socket *socket)
{
    if (is_router(socket) && !is_busy(socket))
        socket->words[LAB_CURRENT] = 8;
}

static void route__no_word_is_so__is_not_known(void **state)
{
    (void)state;
    expect_not_found_beside(spoil_it, "no single place for the current pipe");
}

static void route__pipes_are_not_known__says_why(void **state)
{
    (void)state;
    struct pipe_layout unknown = {.reason = "of the test"};
    struct route_layout layout;
    memset(&layout, 0xa5, sizeof(layout));
    route_layout_calibrate(&lab_played.library, &unknown, &layout);
    assert_false(layout.is_known);
    assert_string_equal(layout.reason, "of the test");
    assert_int_equal(lab_played.n_calls, 0);
}

/* Each call that can fail, one after the other. */
static void route__any_call_fails__nothing_is_left(void **state)
{
    (void)state;
    expect_found();
    unsigned n_all = lab_played.n_calls, n_known = 0;
    assert_true(n_all > 60);
    for (unsigned i = 1; i <= n_all; i++) {
        lab_played_set_up(state);
        lab_played.fails_at = i;
        struct route_layout layout = calibrate();
        assert_int_equal(layout.is_known, layout.reason[0] == '\0');
        n_known += layout.is_known;
        if (layout.is_known) /* only of messages something is missing */
            assert_int_equal(layout.small_kind, 0);
    }
    assert_int_equal(n_known, 12);
}

/*
 * Messages
 */
static void expect_no_kind(void)
{
    struct route_layout layout = calibrate();
    assert_true(layout.is_known);
    assert_int_equal(layout.small_kind, 0);
}

static void kind__content_is_gone_when_it_was_sent__no_message_is_small(void **state)
{
    (void)state;
    lab_played.is_content_lost = true;
    expect_no_kind();
}

static void kind__is_zero_or_the_same__is_none(void **state)
{
    (void)state;
    lab_played.small_kind = 0;
    expect_no_kind();
    lab_played.small_kind = 101;
    lab_played.large_kind = 0;
    expect_no_kind();
}

static void say_it_twice(struct tap_message *message, size_t size)
{
    message->bytes[63] = size > 30 ? 7 : 9;
}

static void differ_in_small_ones(struct tap_message *message, size_t size)
{
    message->bytes[63] = size > 30 ? 7 : size == 1 ? 9 : 8;
}

static void differ_in_the_first_small_one(struct tap_message *message, size_t size)
{
    message->bytes[63] = size > 30 ? 7 : size == 0 ? 9 : 8;
}

static void differ_in_the_first_large_one(struct tap_message *message, size_t size)
{
    message->bytes[63] = size < 30 ? 7 : size == 200 ? 9 : 8;
}

static void differ_in_the_last_small_one(struct tap_message *message, size_t size)
{
    message->bytes[63] = size > 30 ? 7 : size == 20 ? 9 : 8;
}

static void differ_in_large_ones(struct tap_message *message, size_t size)
{
    message->bytes[63] = size < 30 ? 7 : size == 5000 ? 9 : 8;
}

static void differ_in_the_last_large_one(struct tap_message *message, size_t size)
{
    message->bytes[63] = size < 30 ? 7 : size == 70000 ? 9 : 8;
}

static void say_the_same(struct tap_message *message, size_t size)
{
    (void)size;
    message->bytes[63] = 7;
}

static void say_zero_in_small_ones(struct tap_message *message, size_t size)
{
    message->bytes[63] = size > 30;
}

static void say_zero_in_large_ones(struct tap_message *message, size_t size)
{
    message->bytes[63] = size < 30;
}

static void kind__said_twice__is_none(void **state)
{
    (void)state;
    lab_played.shape = say_it_twice;
    expect_no_kind();
}

static void kind__another_byte_is_nearly_so__is_found(void **state)
{
    static void (*const ways[])(struct tap_message *, size_t) = {differ_in_small_ones,
                                                                 differ_in_the_last_small_one,
                                                                 differ_in_the_first_small_one,
                                                                 differ_in_the_first_large_one,
                                                                 differ_in_large_ones,
                                                                 differ_in_the_last_large_one,
                                                                 say_the_same,
                                                                 say_zero_in_small_ones,
                                                                 say_zero_in_large_ones};
    (void)state;
    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
        lab_played.shape = ways[i];
        expect_found();
    }
}

#define CASE(name) cmocka_unit_test_setup(name, lab_played_set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(route__nothing_misleads__is_found),
        CASE(route__once_more_with_other_pipes__is_found),
        CASE(route__two_places_are_alike__is_not_known),
        CASE(route__another_word_is_nearly_so__is_found),
        CASE(route__a_rep_has_it_elsewhere__is_not_proved),
        CASE(route__no_word_is_so__is_not_known),
        CASE(route__pipes_are_not_known__says_why),
        CASE(route__any_call_fails__nothing_is_left),
        CASE(kind__content_is_gone_when_it_was_sent__no_message_is_small),
        CASE(kind__is_zero_or_the_same__is_none),
        CASE(kind__said_twice__is_none),
        CASE(kind__another_byte_is_nearly_so__is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
