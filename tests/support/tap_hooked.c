/* SPDX-License-Identifier: MPL-2.0 */
#include "support/tap_hooked.h"

#include "support/cmocka.h"
#include "tap/counting/in_use.h"
#include "tap/counting/options.h"
#include "tap/events/events.h"
#include "tap/events/fake_socket.h"
#include "tap/events/limits.h"
#include "tap/events/monitor.h"
#include "tap/hooks/hooks.h"
#include "tap/parts.h"
#include "tap/tap.h"

#include <stdio.h>
#include <string.h>

struct hooked hooked;

/* Other parts leave an errno of their own. */
static void say(const char *word)
{
    strcat(strcat(hooked.said, hooked.said[0] ? " " : ""), word);
    errno = HOOKED_OUR_OWN;
}

/*
 * libzmq, played
 */
int hooked_answer(const char *word, const void *handle)
{
    assert_true(hooked.is_passed || handle == hooked.socket->handle);
    assert_int_equal(tap_played_lock_depth, 0);
    say(word);
    errno = HOOKED_LIBZMQ_S;
    return hooked.result;
}

static int close_it(void *handle)
{
    assert_null(registry_find(handle)); /* another thread may have it at once */
    say("CLOSE");
    errno = HOOKED_LIBZMQ_S;
    return hooked.result;
}

static int set(void *handle, int option, const void *value, size_t size)
{
    assert_int_equal(option, ZMQ_LINGER);
    assert_string_equal(value, "value");
    assert_int_equal(size, 6);
    return hooked_answer("SET", handle);
}

static int with_endpoint(const char *word, const void *handle, const char *endpoint)
{
    assert_string_equal(endpoint, HOOKED_ENDPOINT);
    return hooked_answer(word, handle);
}

static int bind_it(void *handle, const char *endpoint)
{
    hooked.n_bind_failures += hooked.n_failures_in_call;
    return with_endpoint("BIND", handle, endpoint);
}

static int connect_it(void *handle, const char *endpoint)
{
    return with_endpoint("CONNECT", handle, endpoint);
}

static uint32_t connect_peer(void *handle, const char *endpoint)
{
    with_endpoint("PEER", handle, endpoint);
    return hooked.peer_id;
}

static int unbind_it(void *handle, const char *endpoint)
{
    return with_endpoint("UNBIND", handle, endpoint);
}

static int disconnect_it(void *handle, const char *endpoint)
{
    return with_endpoint("DISCONNECT", handle, endpoint);
}

static void *make(void *context, int type)
{
    assert_ptr_equal(context, hooked.handles);
    assert_int_equal(type, ZMQ_PUB);
    say("SOCKET");
    errno = HOOKED_LIBZMQ_S;
    return hooked.made;
}

static int get_of_context(void *context, int option)
{
    assert_ptr_equal(context, tap_played_context->handle);
    return option == ZMQ_IO_THREADS
               ? hooked.n_io_threads
               : (assert_int_equal(option, ZMQ_MAX_SOCKETS), hooked.n_sockets_at_most);
}

/*
 * The rest of the tap
 */
static library_any_function find_passed(const struct library_function *function)
{
    library_any_function found;
    assert_true(hooked.is_passed);
    memcpy(&found, (const char *)&tap_played + function->offset, sizeof(found));
    say("pass");
    return found;
}

library_any_function library_find_function(const struct library *inside, const void *return_address,
                                           const struct library_function *function)
{
    assert_ptr_equal(inside, library_inside);
    assert_non_null(return_address);
    return find_passed(function);
}

library_any_function library_find_function_of_socket(const void *handle, const void *return_address,
                                                     const struct library_function *function)
{
    assert_true(handle == hooked.handles || handle == hooked.socket->handle);
    assert_non_null(return_address);
    return find_passed(function);
}

struct registry_context *hooks_find_context(const void *handle)
{
    return registry_find_context(handle);
}

bool fake_socket_is_wanted(const void *context)
{
    (void)context;
    return hooked.is_wanted;
}

char fake_socket_addresses[FAKE_SOCKET_MAX * sizeof(void *)];

void *fake_socket_make(void)
{
    say("fake");
    return hooked.handles + 1;
}

int fake_socket_close(void *handle)
{
    (void)handle;
    say("fake-close");
    return 7;
}

int fake_socket_setsockopt(void *handle, int option, const void *value, size_t size)
{
    (void)handle;
    assert_int_equal(option, ZMQ_LINGER);
    assert_string_equal(value, "value");
    assert_int_equal(size, 6);
    say("fake-set");
    return 8;
}

int fake_socket_bind(void *handle, const char *endpoint)
{
    (void)handle;
    assert_string_equal(endpoint, HOOKED_ENDPOINT);
    say("fake-bind");
    return 9;
}

void limits_begin_context(struct registry_context *context)
{
    assert_ptr_equal(context, tap_played_context);
    say("limits");
}

void *limits_make_socket(struct registry_context *context, int type)
{
    assert_ptr_equal(context, tap_played_context);
    assert_int_equal(type, ZMQ_PUB);
    say("make");
    errno = HOOKED_LIBZMQ_S;
    return hooked.made;
}

bool tap_start(struct library *library)
{
    assert_ptr_equal(library, &tap_played);
    say("start");
    return hooked.starts;
}

void tap_context_ended(void)
{
    int error = errno;
    say("ended");
    errno = error;
}

void tap_make_room(void)
{
    assert_int_equal(tap_played_lock_depth, 0);
    say("room");
}

void in_use_check(const struct registry_socket *socket)
{
    assert_ptr_equal(socket, hooked.socket);
    say("use");
}

void api_errors_count(const struct registry_slot *slot)
{
    assert_ptr_equal(slot, hooked.socket->slot);
    int error = errno; /* which it keeps */
    say("error");
    errno = error;
}

void api_errors_count_process(void)
{
    int error = errno;
    assert_true(error == HOOKED_LIBZMQ_S || error == ENOSYS);
    say("process-error");
    errno = error;
}

void parts_opened(struct registry_socket *socket)
{
    assert_int_equal(tap_played_lock_depth, 0);
    hooked.socket = socket;
    say("opened");
}

void parts_option_changed(struct registry_socket *socket, const struct registry_option *option)
{
    assert_ptr_equal(socket, hooked.socket);
    assert_int_equal(option->number, ZMQ_LINGER);
    assert_string_equal(option->value, "value");
    assert_int_equal(option->size, 6);
    say("changed");
}

void parts_begin_cut(struct registry_socket *socket)
{
    assert_ptr_equal(socket, hooked.socket);
    say("cut");
}

/* What comes between a failure and the program keeps errno: parts.h. */
void parts_end_cut(struct registry_socket *socket)
{
    int error = errno;
    assert_ptr_equal(socket, hooked.socket);
    say("end-cut");
    errno = error;
}

void parts_closing(struct registry_socket *socket)
{
    assert_ptr_equal(socket, hooked.socket);
    assert_non_null(socket->slot);
    say("closing");
}

void monitor_close_socket(struct registry_socket *socket)
{
    say("monitor-close");
    registry_close_socket(socket);
    registry_free_socket(socket);
}

void monitor_drain_context(struct registry_context *context)
{
    int error = errno;
    assert_ptr_equal(context, tap_played_context);
    say("drain");
    errno = error;
}

void monitor_end_call(struct registry_socket *socket)
{
    int error = errno;
    assert_ptr_equal(socket, hooked.socket);
    assert_int_equal(tap_played_lock_depth, 0);
    say("end-call");
    errno = error;
}

bool monitor_has_sockets(const struct library *library)
{
    assert_ptr_equal(library, &tap_played);
    return hooked.has_sockets;
}

static void say_locked(const char *word)
{
    int error = errno;
    assert_int_equal(tap_played_lock_depth, 1);
    say(word);
    errno = error;
}

void events_begin_bind(const struct registry_socket *socket, const char *endpoint)
{
    assert_ptr_equal(socket, hooked.socket);
    assert_string_equal(endpoint, HOOKED_ENDPOINT);
    say_locked("begin");
}

void events_begin_connect(const struct registry_socket *socket, const char *endpoint)
{
    assert_ptr_equal(socket, hooked.socket);
    assert_string_equal(endpoint, HOOKED_ENDPOINT);
    say_locked("begin-connect");
}

void events_end_endpoint(const struct registry_socket *socket)
{
    assert_ptr_equal(socket, hooked.socket);
    say_locked(socket->is_placed ? "end-placed" : "end");
}

void events_drop_endpoint(const struct registry_socket *socket, const char *endpoint)
{
    assert_ptr_equal(socket, hooked.socket);
    assert_string_equal(endpoint, HOOKED_ENDPOINT);
    say_locked("drop");
}

uint32_t events_bind_failures(const struct registry_socket *socket, int *ret_error)
{
    assert_ptr_equal(socket, hooked.socket);
    assert_int_equal(tap_played_lock_depth, 1);
    *ret_error = HOOKED_OF_EVENT;
    return hooked.n_bind_failures;
}

void options_read_all(struct registry_socket *socket)
{
    assert_ptr_equal(socket, hooked.socket);
    assert_int_equal(tap_played_lock_depth, 0);
    say("read");
}

void options_count_endpoint(struct registry_socket *socket, bool is_connect, int change)
{
    assert_ptr_equal(socket, hooked.socket);
    char text[30];
    snprintf(text, sizeof(text), "%s%+d", is_connect ? "connects" : "binds", change);
    say(text);
}

int hooked_set_up(void **state)
{
    (void)state;
    tap_played_begin();
    tap_played.close = close_it;
    tap_played.setsockopt = set;
    tap_played.bind = bind_it;
    tap_played.connect = connect_it;
    tap_played.connect_peer = connect_peer;
    tap_played.unbind = unbind_it;
    tap_played.disconnect = disconnect_it;
    tap_played.socket = make;
    tap_played.ctx_get = get_of_context;
    hooked = (struct hooked){.starts = true,
                             .made = hooked.handles + 2,
                             .n_bind_failures = 3,
                             .peer_id = 5,
                             .n_io_threads = 4,
                             .n_sockets_at_most = 1000};
    hooked.socket = tap_played_open(ZMQ_PUB);
    library_inside = NULL;
    return 0;
}
