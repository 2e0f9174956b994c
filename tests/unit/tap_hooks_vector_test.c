/* SPDX-License-Identifier: MPL-2.0 */
/* What zmq_send_const and the functions of the iovec do of zmq_msg_send and zmq_msg_recv. */
#include "tap/hooks/hooks.h"

#include "support/cmocka.h"
#include "support/tap_played.h"

#include <stdlib.h>
#include <string.h>

#define TEXT(text)                                                                                 \
    {                                                                                              \
        (void *)(uintptr_t)(text), sizeof(text) - 1                                                \
    }

static struct registry_socket *socket_now;
static unsigned n_sent, n_passed, n_errors;
static unsigned fails_at; /* this frame; 0: none does */
static int all_flags[8];
static char all[8][64];
static const struct iovec *received;
static size_t n_received, n_to_receive;

/* What the message holds is the message's own. */
static char buffers[8][64];
static size_t n_buffers;

static int init_size(struct tap_message *message, size_t size)
{
    if (size == 13) {
        errno = ENOMEM;
        return -1;
    }
    tap_played_message(message, buffers[n_buffers++ % 8], size, false);
    return 0;
}

static int init_data(struct tap_message *message, void *data, size_t size,
                     void (*ffn)(void *, void *), void *hint)
{
    assert_true(!ffn && !hint);
    if (size == 13)
        return -1;
    tap_played_message(message, data, size, false);
    return 0;
}

int hooks_msg_send(struct tap_message *message, void *handle, int flags, const void *caller)
{
    assert_ptr_equal(handle, socket_now->handle);
    assert_non_null(caller);
    size_t size = tap_played.msg_size(message);
    n_sent++;
    if (n_sent == fails_at) {
        errno = EAGAIN;
        return -1;
    }
    all_flags[n_sent % 8] = flags;
    memcpy(all[n_sent % 8], tap_played.msg_data(message), size);
    all[n_sent % 8][size] = '\0';
    tap_played_close(message); /* taken by libzmq */
    return (int)size;
}

int hooks_msg_receive(struct tap_message *message, void *handle, int flags, const void *caller)
{
    assert_ptr_equal(handle, socket_now->handle);
    assert_non_null(caller);
    assert_int_equal(flags, ZMQ_DONTWAIT);
    if (n_received == n_to_receive) {
        errno = EAGAIN;
        return -1;
    }
    const struct iovec *frame = &received[n_received++];
    tap_played_close(message);
    tap_played_message(message, frame->iov_base, frame->iov_len, n_received < n_to_receive);
    return (int)frame->iov_len;
}

static int close_and_set(struct tap_message *message)
{
    tap_played_close(message);
    errno = EIO;
    return 0;
}

void api_errors_count_process(void)
{
    n_errors++;
}

static int pass_send(void *handle, const void *buffer, size_t size, int flags)
{
    (void)handle, (void)buffer, (void)size, (void)flags;
    n_passed++;
    return 77;
}

static int pass_sendiov(void *handle, struct iovec *frames, size_t n, int flags)
{
    (void)handle, (void)frames, (void)n, (void)flags;
    n_passed++;
    return -1;
}

static int pass_recviov(void *handle, struct iovec *frames, size_t *n, int flags)
{
    (void)handle, (void)frames, (void)n, (void)flags;
    n_passed++;
    return 79;
}

library_any_function library_find_function_of_socket(const void *handle, const void *return_address,
                                                     const struct library_function *function)
{
    library_any_function found;
    (void)handle, (void)return_address;
    memcpy(&found, (const char *)&tap_played + function->offset, sizeof(found));
    return found;
}

static int set_up(void **state)
{
    (void)state;
    tap_played_begin();
    tap_played.msg_init_size = init_size;
    tap_played.msg_init_data = init_data;
    tap_played.msg_close = close_and_set;
    tap_played.send_const = pass_send;
    tap_played.sendiov = pass_sendiov;
    tap_played.recviov = pass_recviov;
    socket_now = tap_played_open(ZMQ_DEALER);
    n_sent = n_passed = n_errors = fails_at = 0;
    n_received = n_to_receive = n_buffers = 0;
    return 0;
}

static void send_const__known_socket__is_a_message_of_that_memory(void **state)
{
    (void)state;
    void *handle = socket_now->handle;
    assert_int_equal(zmq_send_const(handle, "abc", 3, ZMQ_SNDMORE), 3);
    assert_string_equal(all[1], "abc");
    assert_int_equal(all_flags[1], ZMQ_SNDMORE);
    assert_int_equal(zmq_send_const(handle, "x", 13, 0), -1); /* no message */
    assert_int_equal(n_sent, 1);
    fails_at = 2;
    assert_int_equal(zmq_send_const(handle, "abc", 3, 0), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(zmq_send_const(&fails_at, "abc", 3, 0), 77);
    assert_int_equal(n_passed, 1);
    assert_int_equal(n_errors, 0);
}

static void sendiov__frames__are_one_message(void **state)
{
    (void)state;
    void *handle = socket_now->handle;
    struct iovec frames[] = {TEXT("a"), {NULL, 0}, TEXT("ccc")};
    assert_int_equal(zmq_sendiov(handle, frames, 3, ZMQ_SNDMORE | ZMQ_DONTWAIT), 3);
    assert_int_equal(n_sent, 3);
    assert_string_equal(all[1], "a");
    assert_string_equal(all[2], "");
    assert_string_equal(all[3], "ccc");
    assert_int_equal(all_flags[1], ZMQ_SNDMORE | ZMQ_DONTWAIT);
    assert_int_equal(all_flags[2], ZMQ_SNDMORE | ZMQ_DONTWAIT);
    assert_int_equal(all_flags[3], ZMQ_DONTWAIT);
    assert_int_equal(zmq_sendiov(handle, frames, 1, ZMQ_SNDMORE), 1);
    assert_int_equal(all_flags[4], 0);
    n_sent = 0;
    fails_at = 2;
    assert_int_equal(zmq_sendiov(handle, frames, 3, ZMQ_SNDMORE), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(n_sent, 2);
    fails_at = 0;
    frames[0].iov_len = 13;
    assert_int_equal(zmq_sendiov(handle, frames, 3, 0), -1);
    assert_int_equal(n_sent, 2);
}

static void iov__not_known_or_nothing_given__is_libzmqs_to_refuse(void **state)
{
    (void)state;
    void *handle = socket_now->handle;
    struct iovec frame = TEXT("a");
    size_t n = 1, none = 0;
    assert_int_equal(zmq_sendiov(&fails_at, &frame, 1, 0), -1);
    assert_int_equal(zmq_sendiov(handle, &frame, 0, 0), -1);
    assert_int_equal(zmq_sendiov(handle, NULL, 1, 0), -1);
    assert_int_equal(n_errors, 3);
    assert_int_equal(zmq_recviov(&fails_at, &frame, &n, 0), 79);
    assert_int_equal(zmq_recviov(handle, &frame, NULL, 0), 79);
    assert_int_equal(zmq_recviov(handle, &frame, &none, 0), 79);
    assert_int_equal(zmq_recviov(handle, NULL, &n, 0), 79);
    assert_int_equal(n_passed, 7);
    assert_int_equal(n_sent, 0);
    assert_int_equal(n, 1);
    tap_played.sendiov = NULL;
    assert_int_equal(zmq_sendiov(&fails_at, &frame, 1, 0), -1);
    assert_int_equal(errno, ENOSYS);
}

static void recviov__message__fills_the_frames(void **state)
{
    (void)state;
    static const struct iovec message[] = {TEXT("a"), TEXT("bb"), TEXT("ccc")};
    struct iovec frames[5];
    received = message;
    for (size_t room = 2; room <= 5; room++) {
        size_t n = room, expected = room < 3 ? room : 3;
        memset(frames, 0, sizeof(frames));
        n_received = 0;
        n_to_receive = 3;
        errno = 42;
        assert_int_equal(zmq_recviov(socket_now->handle, frames, &n, ZMQ_DONTWAIT), expected);
        assert_int_equal(errno, 42);
        assert_int_equal(n, expected);
        assert_int_equal(n_received, expected);
        for (size_t i = 0; i < 5; i++) {
            assert_int_equal(frames[i].iov_base != NULL, i < expected);
            if (i < expected) {
                assert_int_equal(frames[i].iov_len, i + 1);
                assert_memory_equal(frames[i].iov_base, message[i].iov_base, i + 1);
            }
            free(frames[i].iov_base); /* as the program does */
        }
    }
}

static void recviov__fails_in_the_middle__is_told_with_what_came(void **state)
{
    (void)state;
    static const struct iovec message[] = {TEXT("a")};
    struct iovec frames[2] = {{NULL, 0}};
    size_t n = 2;
    received = message;
    assert_int_equal(zmq_recviov(socket_now->handle, frames, &n, ZMQ_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(n, 0);
    n_to_receive = 1;
    n = 2;
    assert_int_equal(zmq_recviov(socket_now->handle, frames, &n, ZMQ_DONTWAIT), 1);
    free(frames[0].iov_base);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tap_played_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(send_const__known_socket__is_a_message_of_that_memory),
        CASE(sendiov__frames__are_one_message),
        CASE(iov__not_known_or_nothing_given__is_libzmqs_to_refuse),
        CASE(recviov__message__fills_the_frames),
        CASE(recviov__fails_in_the_middle__is_told_with_what_came),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
