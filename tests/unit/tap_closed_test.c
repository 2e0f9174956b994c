/* SPDX-License-Identifier: MPL-2.0 */
/* A thread is within a hook when another one closes the socket: what the hook goes on to does not
 * find it, and leaves the answer to libzmq. */
#include "tap/counting/closed.h"
#include "tap/counting/message.h"
#include "tap/counting/message_shared.h"
#include "tap/counting/publish.h"
#include "tap/counting/watched.h"
#include "tap/ground/tables.h"
#include "tap/learned/learned.h"

#include "support/cmocka.h"

#include <errno.h>
#include <zmq.h>

enum { SERVER = 12 };

static unsigned n_calls;
static bool is_library_known;

static int refuse(const void *handle, int flags)
{
    assert_non_null(handle);
    assert_int_equal(flags, ZMQ_DONTWAIT);
    n_calls++;
    errno = ENOTSOCK;
    return -1;
}

static int refuse_send(void *handle, const void *buffer, size_t size, int flags)
{
    assert_string_equal(buffer, "x");
    assert_int_equal(size, 1);
    return refuse(handle, flags);
}

static int refuse_msg_send(struct tap_message *message, void *handle, int flags)
{
    assert_non_null(message);
    return refuse(handle, flags);
}

static int refuse_recv(void *handle, void *buffer, size_t size, int flags)
{
    assert_non_null(buffer);
    assert_int_equal(size, 8);
    return refuse(handle, flags);
}

static struct library library = {
    .send = refuse_send,
    .msg_send = refuse_msg_send,
    .recv = refuse_recv,
    .msg_recv = refuse_msg_send,
};
static struct learned learned; /* no more flag: it is asked for */

/*
 * The rest of the tap
 */
_Thread_local const struct library *library_inside;

struct library *library_of_handle(const void *handle)
{
    (void)handle;
    return is_library_known ? &library : NULL;
}

const struct learned *learned_of(const struct library *of)
{
    (void)of;
    return &learned;
}

const struct pipe_layout *learned_pipes_of(const struct library *of)
{
    (void)of;
    return &learned.pipes;
}

void library_end_direct(void) {}

static void begin(struct registry_slot *slot)
{
    watched_reset(slot->socket);
    publish_reset(slot->socket);
    message_fill_slot(slot);
}

static void end(struct registry_socket *socket)
{
    (void)socket;
}

static void open_table(void)
{
    static const struct registry_callbacks callbacks = {.begin = begin, .end = end};
    static struct segment_table *table;
    if (table)
        return;
    assert_int_equal(segment_table_new(16, &table), 0);
    assert_int_equal(tables_map(), 0);
    registry_start(table, &callbacks);
}

/* What the slot of a socket that was closed has, and its handle. */
static struct registry_slot slot_of_closed(int type, bool is_watched, void **ret_handle)
{
    static uint64_t context_object, objects[64], n_objects;
    void *handle = &objects[n_objects++];
    open_table();
    struct registry_context *context = registry_find_context(&context_object);
    if (!context)
        context = registry_add_context(&context_object, &library);
    struct registry_socket *socket = registry_open_socket(context, handle, type);
    assert_non_null(socket);
    publish_opened(socket);
    if (is_watched)
        watched_opened(socket);
    struct registry_slot slot = *socket->slot;
    registry_close_socket(socket);
    registry_free_socket(socket);
    *ret_handle = handle;
    return slot;
}

static void calls__socket_of_type_is_closed__are_libzmqs(int type, bool is_watched)
{
    void *handle;
    char buffer[8];
    struct tap_message message = {0};
    struct registry_slot slot = slot_of_closed(type, is_watched, &handle);
    n_calls = 0;
    errno = 0;
    assert_int_equal(slot.send(handle, "x", 1, ZMQ_DONTWAIT), -1);
    assert_int_equal(slot.msg_send(&message, handle, ZMQ_DONTWAIT), -1);
    assert_int_equal(slot.recv(handle, buffer, sizeof buffer, ZMQ_DONTWAIT), -1);
    assert_int_equal(slot.msg_recv(&message, handle, ZMQ_DONTWAIT), -1);
    assert_int_equal(errno, ENOTSOCK);
    assert_int_equal(n_calls, is_library_known ? 4 : 0);
}

static void each_type(void)
{
    static const int types[] = {ZMQ_PUSH, ZMQ_XPUB, ZMQ_PUB, ZMQ_DEALER, SERVER};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        calls__socket_of_type_is_closed__are_libzmqs(types[i], false);
        calls__socket_of_type_is_closed__are_libzmqs(types[i], true);
    }
}

static void calls__socket_is_closed__are_libzmqs(void **state)
{
    (void)state;
    learned.pipes.publish.is_known = true;
    is_library_known = true;
    each_type();
}

static void calls__memory_is_of_no_copy__say_so(void **state)
{
    (void)state;
    learned.more_flag = 8;
    learned.pipes.publish.is_known = true;
    is_library_known = false;
    calls__socket_of_type_is_closed__are_libzmqs(ZMQ_PUB, true);
}

/* A thread that is between its look at the slot and its call sees the functions of one socket or of
 * the other, whenever another thread has taken the slot for a new one. */
static registry_send_hook *hook_seen;
static int (*receive_seen)(void *, void *, size_t, int);

static void begin_and_look(struct registry_slot *slot)
{
    hook_seen = slot->send_hook;
    receive_seen = slot->recv;
    begin(slot);
}

static void slot__given_to_another_socket__never_lacks_a_function(void **state)
{
    (void)state;
    static const struct registry_callbacks looking = {.begin = begin_and_look, .end = end};
    struct segment_table *table;
    uint64_t object, context_object = 0;
    assert_int_equal(segment_table_new(16, &table), 0);
    registry_start(table, &looking);
    struct registry_context *context = registry_add_context(&context_object, &library);
    struct registry_socket *socket = registry_open_socket(context, &object, ZMQ_PUSH);
    const struct registry_slot *slot = socket->slot;
    registry_close_socket(socket);
    registry_free_socket(socket);
    socket = registry_open_socket(context, &object, ZMQ_PULL);
    assert_ptr_equal(socket->slot, slot);
    assert_non_null(hook_seen);
    assert_non_null(receive_seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls__socket_is_closed__are_libzmqs),
        cmocka_unit_test(calls__memory_is_of_no_copy__say_so),
        cmocka_unit_test(slot__given_to_another_socket__never_lacks_a_function),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
