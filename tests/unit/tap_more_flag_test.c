/* SPDX-License-Identifier: MPL-2.0 */
/* Where the more flag is looked for: what behaves nearly so is not taken for it. The libzmq is
 * played; in each case some bytes of its sockets are misleading. */
#include "tap/learned/more_flag.h"

#include "support/cmocka.h"
#include "support/tap_lab_played.h"

#include <errno.h>
#include <zmq.h>

static unsigned char *byte_of(struct lab_socket *socket, size_t at)
{
    return (unsigned char *)socket->words + at;
}

static uint32_t calibrate_flag(void)
{
    uint32_t found = more_flag_calibrate(&lab_played.library);
    lab_played_expect_clean();
    return found;
}

static void more__nothing_misleads__is_found(void **state)
{
    (void)state;
    errno = 42;
    assert_int_equal(calibrate_flag(), LAB_MORE);
    assert_int_equal(errno, 42);
}

static unsigned n_more, n_last;

static void count_flags(struct lab_socket *socket)
{
    if (socket->type != ZMQ_PULL || socket->n_received == 0)
        return;
    n_more += *byte_of(socket, LAB_MORE) == 1;
    n_last += *byte_of(socket, LAB_MORE) == 0;
}

static void more__frames_of_both_kinds__are_sent(void **state)
{
    (void)state;
    lab_played.after = count_flags;
    calibrate_flag();
    assert_int_equal(n_more + n_last, 32);
    assert_true(n_more > 12 && n_last > 12);
}

static size_t second_flag;

static void say_more_twice(struct lab_socket *socket)
{
    *byte_of(socket, second_flag) = *byte_of(socket, LAB_MORE);
}

static void more__said_twice__is_not_known(void **state)
{
    static const size_t places[] = {1, LAB_MORE - 1, LAB_MORE + 1, LAB_OBJECT_SIZE - 1};
    (void)state;
    lab_played.after = say_more_twice;
    for (size_t i = 0; i < 4; i++) {
        second_flag = places[i];
        assert_int_equal(calibrate_flag(), 0);
    }
}

static unsigned wrong_at;
static int wrong_type;

/* Wrong at one frame of one pair alone. */
static void say_more_nearly(struct lab_socket *socket)
{
    bool is_wrong = socket->type == wrong_type && socket->n_received == wrong_at;
    *byte_of(socket, 77) = *byte_of(socket, LAB_MORE) ^ is_wrong;
}

static void more__another_byte_is_wrong_once__is_found(void **state)
{
    static const int types[] = {ZMQ_PAIR, ZMQ_PULL, ZMQ_DEALER};
    (void)state;
    lab_played.after = say_more_nearly;
    for (size_t i = 0; i < 3; i++) {
        for (wrong_at = 1; wrong_at <= 32; wrong_at++) {
            wrong_type = types[i];
            assert_int_equal(calibrate_flag(), LAB_MORE);
        }
    }
    wrong_at = 33; /* which is never received */
    assert_int_equal(calibrate_flag(), 0);
}

static void say_other_than_1(struct lab_socket *socket)
{
    *byte_of(socket, 77) = (unsigned char)(2 * *byte_of(socket, LAB_MORE));
    *byte_of(socket, 78) = !*byte_of(socket, LAB_MORE);
}

static void more__another_value_or_inverted__is_none(void **state)
{
    (void)state;
    lab_played.after = say_other_than_1;
    assert_int_equal(calibrate_flag(), LAB_MORE);
}

static void say_nothing(struct lab_socket *socket)
{
    *byte_of(socket, LAB_MORE) = 5;
}

static void more__not_said__is_not_known(void **state)
{
    (void)state;
    lab_played.after = say_nothing;
    assert_int_equal(calibrate_flag(), 0);
}

static void more__any_call_fails__is_not_known(void **state)
{
    (void)state;
    calibrate_flag();
    unsigned n_all = lab_played.n_calls;
    assert_true(n_all > 3 * 64);
    for (unsigned i = 1; i <= n_all; i++) {
        lab_played_set_up(state);
        lab_played.fails_at = i;
        assert_int_equal(calibrate_flag(), 0);
    }
}

#define CASE(name) cmocka_unit_test_setup(name, lab_played_set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(more__nothing_misleads__is_found),
        CASE(more__frames_of_both_kinds__are_sent),
        CASE(more__said_twice__is_not_known),
        CASE(more__another_byte_is_wrong_once__is_found),
        CASE(more__another_value_or_inverted__is_none),
        CASE(more__not_said__is_not_known),
        CASE(more__any_call_fails__is_not_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
