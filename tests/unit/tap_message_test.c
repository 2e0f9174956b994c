/* SPDX-License-Identifier: MPL-2.0 */
/* Receives where the place of the more flag is not known, and when a publisher's room is measured.
 */
#include "tap/counting/message.h"

#include "tap/counting/blocking.h"
#include "tap/counting/closed.h"
#include "tap/counting/message_shared.h"
#include "tap/counting/publish.h"
#include "tap/ground/capability.h"
#include "tap/learned/learned.h"

#include "support/cmocka.h"
#include "support/tap_played.h"

#include <errno.h>
#include <string.h>
#include <zmq.h>

static struct learned learned;
static struct registry_socket *socket_now;
static const char *waiting; /* what is received next; NULL: nothing */
static bool has_more;
static unsigned n_measured, n_shared;

const struct learned *learned_of(const struct library *library)
{
    assert_ptr_equal(library, &tap_played);
    return &learned;
}

const struct pipe_layout *learned_pipes_of(const struct library *library)
{
    (void)library;
    return NULL;
}

void publish_measure_room(struct registry_socket *socket)
{
    assert_ptr_equal(socket, socket_now);
    n_measured++;
    socket->slot->n_until_measured = 3;
}

void message_shared_fill_slot(struct registry_slot *slot)
{
    assert_true(slot->socket->is_shared);
    n_shared++;
}

int closed_receive(void *handle, void *buffer, size_t size, int flags)
{
    (void)handle, (void)buffer, (void)size, (void)flags;
    return -7;
}

int closed_msg_receive(struct tap_message *message, void *handle, int flags)
{
    (void)message, (void)handle, (void)flags;
    return -8;
}

static int receive(struct tap_message *message, void *handle, int flags)
{
    assert_ptr_equal(handle, socket_now->handle);
    assert_int_equal(flags, ZMQ_DONTWAIT);
    errno = EAGAIN;
    if (!waiting)
        return -1;
    tap_played_close(message);
    tap_played_message(message, waiting, strlen(waiting), has_more);
    errno = 77;
    return (int)strlen(waiting);
}

static int receive_bytes(void *handle, void *buffer, size_t size, int flags)
{
    (void)handle, (void)buffer, (void)size, (void)flags;
    return 55;
}

static int send_bytes(void *handle, const void *buffer, size_t size, int flags)
{
    assert_ptr_equal(handle, socket_now->handle);
    (void)buffer, (void)flags;
    errno = 77;
    return (int)size;
}

static int send_message(struct tap_message *message, void *handle, int flags)
{
    (void)message;
    return send_bytes(handle, NULL, 1, flags);
}

static int close_and_spoil(struct tap_message *message)
{
    errno = 99;
    return tap_played_close(message);
}

static void open_it(int type)
{
    socket_now = tap_played_open(type);
    message_fill_slot(socket_now->slot);
    blocking_reset(socket_now);
    blocking_opened(socket_now);
}

static int set_up(void **state)
{
    (void)state;
    tap_played_begin();
    capability_start(tap_played_table->header);
    tap_played.msg_recv = receive;
    tap_played.recv = receive_bytes;
    tap_played.send = send_bytes;
    tap_played.msg_send = send_message;
    tap_played.msg_close = close_and_spoil;
    learned = (struct learned){.is_there = true};
    waiting = NULL;
    has_more = false;
    n_measured = n_shared = 0;
    open_it(ZMQ_PULL);
    return 0;
}

static void expect_received(const char *text, size_t room, const char *expected)
{
    char buffer[10] = "---------";
    struct registry_slot *slot = socket_now->slot;
    waiting = text;
    assert_int_equal(slot->recv(socket_now->handle, buffer, room, ZMQ_DONTWAIT), strlen(text));
    assert_int_equal(errno, 77);
    assert_string_equal(buffer, expected);
    assert_int_equal(*slot->more_flag, has_more);
}

static void receive__flag_is_not_known__is_as_libzmq_does_it(void **state)
{
    (void)state;
    expect_received("", 9, "---------");
    expect_received("x", 9, "x--------");
    has_more = true;
    expect_received("abcd", 4, "abcd-----");
    expect_received("abcd", 3, "abc------");
    expect_received("abcd", 1, "a--------");
    expect_received("abcd", 0, "---------");
    waiting = NULL;
    char buffer[2] = "-";
    assert_int_equal(socket_now->slot->recv(socket_now->handle, buffer, 1, ZMQ_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(*socket_now->slot->more_flag, 1); /* as it was */
    has_more = false;
    expect_received("x", 9, "x--------");
}

static void receive__of_a_message__notes_the_flag(void **state)
{
    struct tap_message message;
    (void)state;
    tap_played_message(&message, NULL, 0, false);
    waiting = "";
    has_more = true;
    struct registry_slot *slot = socket_now->slot;
    assert_int_equal(slot->msg_recv(&message, socket_now->handle, ZMQ_DONTWAIT), 0);
    assert_int_equal(*slot->more_flag, 1);
    waiting = NULL;
    assert_int_equal(slot->msg_recv(&message, socket_now->handle, ZMQ_DONTWAIT), -1);
    assert_int_equal(*slot->more_flag, 1);
    tap_played_close(&message);
    message_fill_slot(slot); /* for another socket */
    assert_int_equal(*slot->more_flag, 0);
}

static void receive__socket_is_closed_meanwhile__is_left_to_libzmq(void **state)
{
    struct tap_message message;
    char buffer[2];
    (void)state;
    assert_int_equal(socket_now->slot->recv(&buffer, buffer, 1, ZMQ_DONTWAIT), -7);
    assert_int_equal(socket_now->slot->msg_recv(&message, &buffer, ZMQ_DONTWAIT), -8);
}

static void receive__flag_is_known__is_libzmq_s_own(void **state)
{
    (void)state;
    learned.more_flag = 1;
    message_fill_slot(socket_now->slot);
    assert_ptr_equal(socket_now->slot->recv, receive_bytes);
    assert_ptr_equal(socket_now->slot->msg_recv, receive);
    assert_ptr_equal(socket_now->slot->more_flag, (char *)socket_now->handle + 1);
    assert_int_equal(n_shared, 0);
    socket_now->is_shared = true;
    message_fill_slot(socket_now->slot);
    assert_int_equal(n_shared, 1);
    socket_now->is_shared = false;
}

/* As many messages as fit are sent before the room is measured, and never within one. */
static void publish__room_is_measured__between_messages(void **state)
{
    struct tap_message message;
    (void)state;
    for (int i = 0; i < 2; i++) {
        open_it(i == 0 ? ZMQ_PUB : ZMQ_XPUB);
        struct registry_slot *slot = socket_now->slot;
        assert_true(message_is_publisher(slot));
        n_measured = 0;
        slot->n_until_measured = 2;
        slot->send_hook(socket_now->handle, "x", 1, 0, slot);
        assert_int_equal(n_measured, 0);
        slot->send_hook(socket_now->handle, "x", 1, ZMQ_SNDMORE, slot);
        slot->msg_send_hook(&message, socket_now->handle, ZMQ_SNDMORE, slot);
        assert_int_equal(n_measured, 0);
        slot->msg_send_hook(&message, socket_now->handle, 0, slot);
        assert_int_equal(n_measured, 1);
        slot->msg_send_hook(&message, socket_now->handle, 0, slot);
        slot->msg_send_hook(&message, socket_now->handle, 0, slot);
        assert_int_equal(n_measured, 1);
        slot->send_hook(socket_now->handle, "x", 1, 0, slot);
        assert_int_equal(n_measured, 2);
        assert_int_equal(TAP_PLAYED_WORD(socket_now, SENT_MESSAGES), 5);
        assert_int_equal(TAP_PLAYED_WORD(socket_now, SENT_BYTES), 7);
    }
    open_it(ZMQ_PUSH);
    assert_ptr_equal(socket_now->slot->send_hook, message_send);
    assert_ptr_equal(socket_now->slot->msg_send_hook, message_msg_send);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tap_played_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(receive__flag_is_not_known__is_as_libzmq_does_it),
        CASE(receive__of_a_message__notes_the_flag),
        CASE(receive__socket_is_closed_meanwhile__is_left_to_libzmq),
        CASE(receive__flag_is_known__is_libzmq_s_own),
        CASE(publish__room_is_measured__between_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
