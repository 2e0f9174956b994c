/* SPDX-License-Identifier: MPL-2.0 */
/* How many calls of a socket are watched after it is made and after each tick, and what is seen. */
#include "tap/counting/watched.h"

#include "tap/counting/closed.h"
#include "tap/counting/in_use.h"
#include "tap/counting/message.h"
#include "tap/ground/thread_state.h"

#include "support/cmocka.h"
#include "support/tap_played.h"

#include <string.h>
#include <zmq.h>

#define FEW  4
#define MANY 1000

static struct registry_socket *socket_now;
static uint32_t thread_now = 1;
static bool is_taken_still, is_other_call;
static int result;
static unsigned n_calls;
static void (*meanwhile)(void);

static int called(void)
{
    n_calls++;
    if (meanwhile)
        meanwhile();
    return result;
}

static int send_bytes(void *handle, const void *buffer, size_t size, int flags)
{
    assert_true(handle == socket_now->handle && buffer == &result && size == 5 && flags == 6);
    return called();
}

static int receive_bytes(void *handle, void *buffer, size_t size, int flags)
{
    return send_bytes(handle, buffer, size, flags);
}

static int send_message(struct tap_message *message, void *handle, int flags)
{
    return send_bytes(handle, message, 5, flags);
}

static int receive_message(struct tap_message *message, void *handle, int flags)
{
    return send_bytes(handle, message, 5, flags);
}

static int send_hook(void *handle, const void *buffer, size_t size, int flags,
                     struct registry_slot *slot)
{
    assert_ptr_equal(slot, socket_now->slot);
    return send_bytes(handle, buffer, size, flags);
}

static int msg_send_hook(struct tap_message *message, void *handle, int flags,
                         struct registry_slot *slot)
{
    return send_hook(handle, message, 5, flags, slot);
}

struct message_functions message_functions_of(const struct registry_slot *slot)
{
    assert_ptr_equal(slot, socket_now->slot);
    return (struct message_functions){send_hook,    msg_send_hook, send_bytes,
                                      send_message, receive_bytes, receive_message};
}

bool message_is_publisher(const struct registry_slot *slot)
{
    return slot->socket->type == ZMQ_PUB;
}

int closed_send(void *handle, const void *buffer, size_t size, int flags)
{
    (void)handle, (void)buffer, (void)size, (void)flags;
    return -7;
}

int closed_msg_send(struct tap_message *message, void *handle, int flags)
{
    (void)message, (void)handle, (void)flags;
    return -7;
}

int closed_receive(void *handle, void *buffer, size_t size, int flags)
{
    return closed_send(handle, buffer, size, flags);
}

int closed_msg_receive(struct tap_message *message, void *handle, int flags)
{
    return closed_msg_send(message, handle, flags);
}

void in_use_begin_call(struct in_use_call *call, const struct registry_socket *socket)
{
    *call = (struct in_use_call){.socket = socket, .thread = is_other_call ? 0 : thread_now};
}

void in_use_end_call(struct in_use_call *call)
{
    call->thread = 0;
}

bool in_use_is_taken(const struct registry_socket *socket)
{
    assert_ptr_equal(socket, socket_now);
    return is_taken_still;
}

uint32_t in_use_this_thread(void)
{
    return thread_now;
}

void in_use_reset(struct registry_socket *socket)
{
    assert_non_null(socket);
}

static void open_it(int type)
{
    socket_now = tap_played_open(type);
    socket_now->slot->send_hook = send_hook;
    socket_now->slot->msg_send_hook = msg_send_hook;
    socket_now->slot->send = send_bytes;
    socket_now->slot->msg_send = send_message;
    watched_reset(socket_now);
}

static int set_up(void **state)
{
    (void)state;
    tap_played_begin();
    is_taken_still = is_other_call = false;
    thread_now = 1;
    result = 3;
    n_calls = 0;
    meanwhile = NULL;
    open_it(ZMQ_PUSH);
    watched_opened(socket_now);
    (void)watched_has_calls();
    return 0;
}

static int receive(void)
{
    return socket_now->slot->recv(socket_now->handle, &result, 5, 6);
}

static bool is_watched(void)
{
    return socket_now->slot->recv != receive_bytes;
}

static void tick(void)
{
    watched_tick(socket_now, 1, 1);
}

static void call_times(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        assert_true(is_watched());
        assert_int_equal(receive(), result);
    }
}

static void opened__a_few_calls__are_watched(void **state)
{
    (void)state;
    call_times(FEW);
    const struct registry_slot *slot = socket_now->slot;
    assert_ptr_equal(slot->recv, receive_bytes);
    assert_ptr_equal(slot->msg_recv, receive_message);
    assert_ptr_equal(slot->send, send_bytes);
    assert_ptr_equal(slot->msg_send, send_message);
    assert_int_equal(n_calls, FEW);
}

static void each_function__is_watched__and_libzmq_s(void **state)
{
    struct tap_message *message = (struct tap_message *)(void *)&result;
    (void)state;
    const struct registry_slot *slot = socket_now->slot;
    thread_state_rest = 1;
    assert_int_equal(slot->send(socket_now->handle, &result, 5, 6), 3);
    assert_int_equal(thread_state_rest, 0); /* something moves */
    assert_true(TAP_PLAYED_WORD(socket_now, RECEIVER) == SEGMENT_UNKNOWN);
    assert_int_equal(slot->msg_send(message, socket_now->handle, 6), 3);
    assert_true(TAP_PLAYED_WORD(socket_now, RECEIVER) == SEGMENT_UNKNOWN);
    result = -1;
    assert_int_equal(receive(), -1);
    assert_true(TAP_PLAYED_WORD(socket_now, RECEIVER) == SEGMENT_UNKNOWN);
    result = 0;
    assert_int_equal(slot->msg_recv(message, socket_now->handle, 6), 0);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, RECEIVER), 1);
    assert_int_equal(n_calls, FEW);
    assert_false(is_watched());
}

static void publisher__is_watched__by_its_hooks(void **state)
{
    (void)state;
    open_it(ZMQ_PUB);
    watched_opened(socket_now);
    struct registry_slot *slot = socket_now->slot;
    assert_ptr_equal(slot->send, send_bytes);
    assert_ptr_not_equal(slot->send_hook, send_hook);
    for (int i = 0; i < 2; i++) {
        slot->send_hook(socket_now->handle, &result, 5, 6, slot);
        slot->msg_send_hook((struct tap_message *)(void *)&result, socket_now->handle, 6, slot);
    }
    assert_ptr_equal(slot->send_hook, send_hook);
    assert_ptr_equal(slot->msg_send_hook, msg_send_hook);
}

static void tick__calls_came__a_few_more_are_watched(void **state)
{
    (void)state;
    tick();
    assert_false(watched_has_calls()); /* none came */
    call_times(1);
    tick();
    assert_true(watched_has_calls());
    assert_false(watched_has_calls());
    call_times(FEW);
    assert_false(is_watched());
    tick();
    assert_true(watched_has_calls());
    call_times(FEW);
    assert_false(is_watched());
}

static void tick__of_shared_or_attached__calls_may_have_come(void **state)
{
    (void)state;
    call_times(FEW);
    for (int i = 0; i < 2; i++) {
        socket_now->is_shared = i == 0;
        socket_now->is_attached = i == 1;
        tick();
        assert_true(watched_has_calls());
        assert_false(is_watched());
    }
    socket_now->is_attached = false;
    socket_now->is_shared = true;
    watched_opened(socket_now);
    assert_false(is_watched());
    socket_now->is_shared = false;
}

static void threads__several__many_calls_are_watched(void **state)
{
    (void)state;
    call_times(1);
    thread_now = 2;
    call_times(1);
    tick();
    call_times(MANY);
    assert_false(is_watched());
    watched_reset(socket_now); /* another socket */
    watched_opened(socket_now);
    call_times(FEW);
    assert_false(is_watched());
    tick();
    call_times(FEW);
    assert_false(is_watched());
}

static void call__another_waits_or_is_within__stays_watched(void **state)
{
    (void)state;
    is_taken_still = true;
    call_times(FEW + 3);
    assert_true(is_watched());
    is_taken_still = false;
    call_times(1);
    assert_false(is_watched());
    tick();
    is_other_call = true;
    call_times(FEW + 3); /* those are not counted down */
    assert_true(is_watched());
}

static void close_it(void)
{
    socket_now->slot->socket = NULL;
}

static void call__socket_is_closed_meanwhile__nothing_is_changed(void **state)
{
    (void)state;
    struct registry_slot *slot = socket_now->slot;
    call_times(FEW - 1);
    meanwhile = close_it;
    assert_int_equal(receive(), 3);
    assert_true(is_watched());
    slot->socket = socket_now;
    char other;
    assert_int_equal(slot->recv(&other, &result, 5, 6), -7);
    assert_int_equal(slot->send(&other, &result, 5, 6), -7);
    assert_int_equal(slot->msg_recv((struct tap_message *)(void *)&result, &other, 6), -7);
    assert_int_equal(slot->msg_send((struct tap_message *)(void *)&result, &other, 6), -7);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tap_played_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(opened__a_few_calls__are_watched),
        CASE(each_function__is_watched__and_libzmq_s),
        CASE(publisher__is_watched__by_its_hooks),
        CASE(tick__calls_came__a_few_more_are_watched),
        CASE(tick__of_shared_or_attached__calls_may_have_come),
        CASE(threads__several__many_calls_are_watched),
        CASE(call__another_waits_or_is_within__stays_watched),
        CASE(call__socket_is_closed_meanwhile__nothing_is_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
