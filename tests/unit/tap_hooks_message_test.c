/* SPDX-License-Identifier: MPL-2.0 */
/* The hooks of messages: to which function a call goes, and what is counted of a receive. */
#include "tap/counting/message_count.h"
#include "tap/events/fake_socket.h"
#include "tap/hooks/hooks.h"

#include "support/cmocka.h"
#include "support/tap_played.h"

#include <errno.h>
#include <string.h>

struct library_direct library_direct;
char fake_socket_addresses[FAKE_SOCKET_MAX * sizeof(void *)];
static struct registry_socket *first, *further; /* in its slot, and in one behind */
static uintptr_t unknown[2];                    /* a socket that is not followed */
static char said[300];
static unsigned char more;
static int result;
static bool was_receiving;

static int say(const char *word)
{
    strcat(strcat(said, said[0] ? " " : ""), word);
    errno = 77;
    return result;
}

#define ASSERT_SAID(expected)                                                                      \
    do {                                                                                           \
        assert_string_equal(said, expected);                                                       \
        said[0] = '\0';                                                                            \
    } while (0)

static int send_bytes(void *handle, const void *buffer, size_t size, int flags)
{
    assert_ptr_equal(handle, unknown);
    assert_true(buffer == said && size == 5 && flags == 6);
    return say("send");
}

static int receive_bytes(void *handle, void *buffer, size_t size, int flags)
{
    const struct registry_slot *slot = registry_find(handle);
    was_receiving = slot && slot->is_receiving;
    assert_true(buffer == said && size == 5 && flags == 6);
    return say("recv");
}

static int send_message(struct tap_message *message, void *handle, int flags)
{
    assert_ptr_equal(handle, unknown);
    assert_true(message == (void *)said && flags == 6);
    return say("msg_send");
}

static int receive_message(struct tap_message *message, void *handle, int flags)
{
    const struct registry_slot *slot = registry_find(handle);
    was_receiving = slot && slot->is_receiving;
    assert_true(message == (void *)said && flags == 6);
    return say("msg_recv");
}

static int send_hook(void *handle, const void *buffer, size_t size, int flags,
                     struct registry_slot *slot)
{
    assert_ptr_equal(slot->socket->handle, handle);
    assert_true(buffer == said && size == 5 && flags == 6);
    return say("hook");
}

static int msg_send_hook(struct tap_message *message, void *handle, int flags,
                         struct registry_slot *slot)
{
    assert_ptr_equal(slot->socket->handle, handle);
    assert_true(message == (void *)said && flags == 6);
    return say("msg-hook");
}

int fake_socket_msg_send(struct tap_message *message, void *handle, int flags)
{
    assert_true(handle == fake_socket_addresses && message == (void *)said && flags == 6);
    return say("fake");
}

library_any_function library_find_function_of_socket(const void *handle, const void *return_address,
                                                     const struct library_function *function)
{
    library_any_function found;
    assert_true(handle == unknown && return_address != NULL);
    memcpy(&found, (const char *)&tap_played + function->offset, sizeof(found));
    say("pass");
    return found;
}

void api_errors_count(const struct registry_slot *slot)
{
    assert_non_null(slot->socket);
    say("error");
    errno = result == -1 ? EAGAIN : ETERM;
}

void api_errors_count_process(void)
{
    say("process-error");
}

static struct registry_socket *open_at(void *handle)
{
    struct registry_socket *socket = registry_open_socket(tap_played_context, handle, ZMQ_PULL);
    assert_non_null(socket);
    struct registry_slot *slot = socket->slot;
    slot->send_hook = send_hook;
    slot->msg_send_hook = msg_send_hook;
    slot->recv = receive_bytes;
    slot->msg_recv = receive_message;
    slot->more_flag = &more;
    slot->received_below = 0;
    return socket;
}

/* Two handles whose first place is the same. */
static int set_up(void **state)
{
    static _Alignas(16) char memory[1 << 20]; /* where there are such two, surely */
    uintptr_t handle = (uintptr_t)memory;
    (void)state;
    tap_played_begin();
    tap_played.send = send_bytes;
    tap_played.recv = receive_bytes;
    tap_played.msg_send = send_message;
    tap_played.msg_recv = receive_message;
    first = open_at((void *)handle);
    do
        handle += 16;
    while (registry_hash((void *)handle) != registry_hash(first->handle));
    assert_true(handle < (uintptr_t)memory + sizeof(memory) - sizeof(handle));
    further = open_at((void *)handle);
    assert_null(registry_find_first(further->handle));
    library_direct = (struct library_direct){.begin = 0x5000,
                                             .size = 0,
                                             .send = send_bytes,
                                             .recv = receive_bytes,
                                             .msg_send = send_message,
                                             .msg_recv = receive_message};
    unknown[0] = 0x5008;
    said[0] = '\0';
    more = 0;
    result = 3;
    return 0;
}

static void call_all(void *handle)
{
    zmq_msg_t *message = (zmq_msg_t *)(void *)said;
    assert_int_equal(zmq_send(handle, said, 5, 6), result);
    assert_int_equal(zmq_recv(handle, said, 5, 6), result);
    assert_int_equal(zmq_msg_send(message, handle, 6), result);
    assert_int_equal(zmq_sendmsg(handle, message, 6), result);
    assert_int_equal(zmq_msg_recv(message, handle, 6), result);
    assert_int_equal(zmq_recvmsg(handle, message, 6), result);
}

static void call__socket_is_known__goes_by_its_slot(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        const struct registry_socket *socket = i == 0 ? first : further;
        call_all(socket->handle);
        ASSERT_SAID("hook recv msg-hook msg-hook msg_recv msg_recv");
        assert_int_equal(TAP_PLAYED_WORD(socket, RECEIVED_MESSAGES), 3);
        assert_int_equal(TAP_PLAYED_WORD(socket, RECEIVED_BYTES), 9);
    }
}

static void call__socket_is_not_known__is_passed(void **state)
{
    (void)state;
    call_all(unknown);
    ASSERT_SAID("pass send pass recv pass msg_send pass msg_send pass msg_recv pass msg_recv");
    result = -1;
    call_all(unknown);
    ASSERT_SAID("pass send process-error pass recv process-error pass msg_send process-error "
                "pass msg_send process-error pass msg_recv process-error "
                "pass msg_recv process-error");
}

static void call__no_socket_is_followed__goes_directly(void **state)
{
    (void)state;
    library_direct.size = 9;
    call_all(unknown);
    ASSERT_SAID("send recv msg_send msg_send msg_recv msg_recv");
    library_direct.size = 8; /* another copy made it */
    call_all(unknown);
    ASSERT_SAID("pass send pass recv pass msg_send pass msg_send pass msg_recv pass msg_recv");
}

static void send__to_a_fake__is_an_event(void **state)
{
    (void)state;
    assert_int_equal(zmq_msg_send((zmq_msg_t *)(void *)said, fake_socket_addresses, 6), 3);
    ASSERT_SAID("fake");
}

static void receive__frames__are_counted_and_messages(void **state)
{
    (void)state;
    more = 1;
    zmq_recv(first->handle, said, 5, 6);
    assert_true(was_receiving);
    assert_false(first->slot->is_receiving);
    assert_int_equal(TAP_PLAYED_WORD(first, RECEIVED_MESSAGES), 0);
    assert_int_equal(TAP_PLAYED_WORD(first, RECEIVED_BYTES), 3);
    assert_int_equal(TAP_PLAYED_WORD(first, LARGEST_RECEIVED), 3);
    assert_int_equal(first->slot->received_below, 4);
    more = 0;
    result = 2;
    zmq_msg_recv((zmq_msg_t *)(void *)said, first->handle, 6);
    assert_true(was_receiving);
    assert_false(first->slot->is_receiving);
    assert_int_equal(TAP_PLAYED_WORD(first, RECEIVED_MESSAGES), 1);
    assert_int_equal(TAP_PLAYED_WORD(first, RECEIVED_BYTES), 5);
    assert_int_equal(TAP_PLAYED_WORD(first, LARGEST_RECEIVED), 3);
    first->slot->received_below = 0;
    result = 0; /* an empty one, and the first */
    zmq_recv(first->handle, said, 5, 6);
    assert_int_equal(TAP_PLAYED_WORD(first, RECEIVED_MESSAGES), 2);
    assert_int_equal(TAP_PLAYED_WORD(first, RECEIVED_BYTES), 5);
}

static void receive__refused__is_counted_by_its_error(void **state)
{
    (void)state;
    result = -1; /* nothing is there: see api_errors_count */
    assert_int_equal(zmq_recv(first->handle, said, 5, 6), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(TAP_PLAYED_WORD(first, RECEIVE_WOULD_BLOCK), 1);
    result = -2;
    assert_int_equal(zmq_recv(first->handle, said, 5, 6), -2);
    assert_int_equal(TAP_PLAYED_WORD(first, RECEIVE_WOULD_BLOCK), 1);
    ASSERT_SAID("recv error recv error");
    assert_int_equal(TAP_PLAYED_WORD(first, RECEIVED_MESSAGES), 0);
    assert_int_equal(TAP_PLAYED_WORD(first, RECEIVED_BYTES), 0);
    assert_false(first->slot->is_receiving);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tap_played_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(call__socket_is_known__goes_by_its_slot),
        CASE(call__socket_is_not_known__is_passed),
        CASE(call__no_socket_is_followed__goes_directly),
        CASE(send__to_a_fake__is_an_event),
        CASE(receive__frames__are_counted_and_messages),
        CASE(receive__refused__is_counted_by_its_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
