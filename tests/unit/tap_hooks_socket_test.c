/* SPDX-License-Identifier: MPL-2.0 */
/* What the hooks of sockets call, in which order; with which result and errno they return. */
#include "tap/events/fake_socket.h"
#include "tap/hooks/hooks.h"

#include "support/cmocka.h"
#include "support/tap_hooked.h"

/*
 * zmq_socket
 */
static void *open_another(void)
{
    errno = 1;
    return zmq_socket(tap_played_context->handle, ZMQ_PUB);
}

static void socket__first_of_a_context__limits_are_its(void **state)
{
    (void)state;
    tap_played_context->has_started = false;
    assert_ptr_equal(open_another(), hooked.made);
    assert_int_equal(errno, HOOKED_LIBZMQ_S);
    HOOKED_ASSERT_SAID("start limits make opened");
    assert_ptr_equal(registry_find(hooked.made)->socket, hooked.socket);
    assert_int_equal(hooked.socket->type, ZMQ_PUB);
    assert_true(tap_played_context->has_started);
    assert_int_equal(tap_played_context->n_io_threads, 4);
    assert_int_equal(tap_played_context->max_sockets, 1000);
    assert_int_equal(tap_played_context->limit, 1000);
    hooked.made = hooked.handles + 3;
    hooked.n_io_threads = 9;
    assert_ptr_equal(open_another(), hooked.made);
    HOOKED_ASSERT_SAID("make start opened");
    assert_int_equal(tap_played_context->n_io_threads, 4);
}

static void socket__context_is_limited_by_the_tap__its_own_limit_stays(void **state)
{
    (void)state;
    tap_played_context->has_started = false;
    tap_played_context->is_limited = true;
    tap_played_context->max_sockets = 12;
    open_another();
    assert_int_equal(tap_played_context->max_sockets, 12);
    assert_int_equal(tap_played_context->limit, 12);
}

static void socket__cannot_be_made__is_counted(void **state)
{
    (void)state;
    hooked.made = NULL;
    assert_null(open_another());
    assert_int_equal(errno, HOOKED_LIBZMQ_S);
    HOOKED_ASSERT_SAID("make process-error");
    tap_played_context->has_started = false;
    assert_null(open_another());
    assert_int_equal(errno, HOOKED_LIBZMQ_S);
    HOOKED_ASSERT_SAID("start limits make ended process-error");
    assert_false(tap_played_context->has_started);
}

static void socket__tap_does_not_start__is_not_followed(void **state)
{
    (void)state;
    hooked.starts = false;
    assert_ptr_equal(open_another(), hooked.made);
    HOOKED_ASSERT_SAID("make start");
    assert_null(registry_find(hooked.made));
    tap_played_context->has_started = false;
    assert_ptr_equal(open_another(), hooked.made);
    HOOKED_ASSERT_SAID("start make start");
    assert_null(registry_find(hooked.made));
    hooked.made = NULL;
    assert_null(open_another());
    HOOKED_ASSERT_SAID("start make process-error");
}

static void socket__handle_was_closed_past_the_hooks__is_another_now(void **state)
{
    (void)state;
    hooked.made = hooked.socket->handle;
    assert_ptr_equal(open_another(), hooked.made);
    HOOKED_ASSERT_SAID("make start monitor-close opened");
    assert_ptr_equal(registry_find(hooked.made)->socket, hooked.socket);
}

static void socket__of_another_context_or_of_libzmq__is_passed(void **state)
{
    (void)state;
    hooked.is_passed = true;
    errno = 1;
    assert_ptr_equal(zmq_socket(hooked.handles, ZMQ_PUB), hooked.made);
    HOOKED_ASSERT_SAID("pass SOCKET");
    hooked.made = NULL;
    assert_null(zmq_socket(hooked.handles, ZMQ_PUB));
    HOOKED_ASSERT_SAID("pass SOCKET process-error");
    library_inside = &tap_played;
    hooked.is_wanted = true;
    assert_ptr_equal(zmq_socket(hooked.handles, ZMQ_PUB), hooked.handles + 1);
    HOOKED_ASSERT_SAID("fake");
}

static void *make_inside(void *context, int type)
{
    (void)type;
    assert_ptr_equal(context, tap_played_context->handle);
    return hooked.handles;
}

static void socket__libzmq_makes_it__is_not_the_program_s(void **state)
{
    (void)state;
    hooked.is_passed = true;
    library_inside = &tap_played;
    tap_played.socket = make_inside;
    assert_ptr_equal(zmq_socket(tap_played_context->handle, ZMQ_PUB), hooked.handles);
    HOOKED_ASSERT_SAID("pass");
}

/*
 * Others
 */
static void close__known__is_forgotten_first(void **state)
{
    (void)state;
    void *handle = hooked.socket->handle;
    hooked.result = 6;
    assert_int_equal(zmq_close(handle), 6);
    assert_int_equal(errno, HOOKED_LIBZMQ_S);
    HOOKED_ASSERT_SAID("use closing monitor-close CLOSE drain");
}

static void setsockopt__known__others_are_told_of_success(void **state)
{
    (void)state;
    assert_int_equal(zmq_setsockopt(hooked.socket->handle, ZMQ_LINGER, "value", 6), 0);
    HOOKED_ASSERT_SAID("use SET changed");
    hooked.result = -1;
    assert_int_equal(zmq_setsockopt(hooked.socket->handle, ZMQ_LINGER, "value", 6), -1);
    assert_int_equal(errno, HOOKED_LIBZMQ_S);
    HOOKED_ASSERT_SAID("use SET error");
}

static void bind__taken__places_the_socket_once(void **state)
{
    (void)state;
    assert_int_equal(zmq_bind(hooked.socket->handle, HOOKED_ENDPOINT), 0);
    HOOKED_ASSERT_SAID("use room begin BIND end-call end-placed read binds+1");
    assert_true(hooked.socket->is_placed);
    assert_int_equal(zmq_bind(hooked.socket->handle, HOOKED_ENDPOINT), 0);
    HOOKED_ASSERT_SAID("use room begin BIND end-call end-placed binds+1");
}

static void bind__refused__errno_is_libzmq_s(void **state)
{
    (void)state;
    hooked.result = -1;
    for (int i = 0; i < 4; i++) {
        hooked.has_sockets = i & 1;
        hooked.n_failures_in_call = (uint32_t)i / 2;
        assert_int_equal(zmq_bind(hooked.socket->handle, HOOKED_ENDPOINT), -1);
        assert_int_equal(errno, i == 3 ? HOOKED_OF_EVENT : HOOKED_LIBZMQ_S);
        HOOKED_ASSERT_SAID("use room begin BIND end-call end error");
        assert_false(hooked.socket->is_placed);
    }
}

static void connect__taken__places_the_socket_once(void **state)
{
    (void)state;
    hooked.result = -1;
    assert_int_equal(zmq_connect(hooked.socket->handle, HOOKED_ENDPOINT), -1);
    assert_int_equal(errno, HOOKED_LIBZMQ_S);
    HOOKED_ASSERT_SAID("use room begin-connect CONNECT end-call end error");
    hooked.result = 0;
    assert_int_equal(zmq_connect(hooked.socket->handle, HOOKED_ENDPOINT), 0);
    HOOKED_ASSERT_SAID("use room begin-connect CONNECT end-call end-placed read connects+1");
    assert_int_equal(zmq_connect(hooked.socket->handle, HOOKED_ENDPOINT), 0);
    HOOKED_ASSERT_SAID("use room begin-connect CONNECT end-call end-placed connects+1");
}

static void connect_peer__of_a_draft__is_a_connect(void **state)
{
    (void)state;
    hooked.peer_id = 0;
    assert_int_equal(zmq_connect_peer(hooked.socket->handle, HOOKED_ENDPOINT), 0);
    assert_int_equal(errno, HOOKED_LIBZMQ_S);
    HOOKED_ASSERT_SAID("use room begin-connect PEER end-call end error");
    hooked.peer_id = 5;
    assert_int_equal(zmq_connect_peer(hooked.socket->handle, HOOKED_ENDPOINT), 5);
    HOOKED_ASSERT_SAID("use room begin-connect PEER end-call end-placed read connects+1");
    hooked.peer_id = 1;
    assert_int_equal(zmq_connect_peer(hooked.socket->handle, HOOKED_ENDPOINT), 1);
    HOOKED_ASSERT_SAID("use room begin-connect PEER end-call end-placed connects+1");
}

static void connect_peer__is_not_there__fails(void **state)
{
    (void)state;
    hooked.is_passed = true;
    tap_played.connect_peer = NULL;
    assert_int_equal(zmq_connect_peer(hooked.socket->handle, HOOKED_ENDPOINT), 0);
    assert_int_equal(errno, ENOSYS);
    HOOKED_ASSERT_SAID("pass process-error");
}

static void end__of_an_endpoint__peers_are_dropped(void **state)
{
    (void)state;
    assert_int_equal(zmq_unbind(hooked.socket->handle, HOOKED_ENDPOINT), 0);
    HOOKED_ASSERT_SAID("use cut UNBIND end-cut end-call drop binds-1");
    assert_int_equal(zmq_disconnect(hooked.socket->handle, HOOKED_ENDPOINT), 0);
    HOOKED_ASSERT_SAID("use cut DISCONNECT end-cut end-call drop connects-1");
    hooked.result = -1;
    assert_int_equal(zmq_unbind(hooked.socket->handle, HOOKED_ENDPOINT), -1);
    assert_int_equal(errno, HOOKED_LIBZMQ_S);
    HOOKED_ASSERT_SAID("use cut UNBIND end-cut error");
    assert_int_equal(zmq_disconnect(hooked.socket->handle, HOOKED_ENDPOINT), -1);
    assert_int_equal(errno, HOOKED_LIBZMQ_S);
    HOOKED_ASSERT_SAID("use cut DISCONNECT end-cut error");
}

/*
 * Handles that the tap does not know
 */
static int pass_close(void *handle)
{
    assert_ptr_equal(handle, hooked.handles);
    return hooked_answer("CLOSE", handle);
}

static void pass_all(void)
{
    zmq_close(hooked.handles);
    zmq_setsockopt(hooked.handles, ZMQ_LINGER, "value", 6);
    zmq_bind(hooked.handles, HOOKED_ENDPOINT);
    zmq_connect(hooked.handles, HOOKED_ENDPOINT);
    zmq_connect_peer(hooked.handles, HOOKED_ENDPOINT);
    zmq_unbind(hooked.handles, HOOKED_ENDPOINT);
    zmq_disconnect(hooked.handles, HOOKED_ENDPOINT);
}

static void unknown__any_call__is_passed(void **state)
{
    (void)state;
    hooked.is_passed = true;
    tap_played.close = pass_close;
    pass_all();
    HOOKED_ASSERT_SAID(
        "pass CLOSE pass SET pass BIND pass CONNECT pass PEER pass UNBIND pass DISCONNECT");
    hooked.result = -1;
    hooked.peer_id = 0;
    pass_all();
    assert_int_equal(errno, HOOKED_LIBZMQ_S);
    HOOKED_ASSERT_SAID(
        "pass CLOSE process-error pass SET process-error pass BIND process-error "
        "pass CONNECT process-error pass PEER process-error pass UNBIND process-error "
        "pass DISCONNECT process-error");
}

static void unknown__of_libzmq_s_monitor__is_the_fake(void **state)
{
    (void)state;
    void *fake = fake_socket_addresses + FAKE_SOCKET_MAX * sizeof(void *) - 1;
    assert_int_equal(zmq_close(fake_socket_addresses), 7);
    HOOKED_ASSERT_SAID("fake-close");
    assert_int_equal(zmq_close(fake), 7);
    assert_int_equal(zmq_setsockopt(fake, ZMQ_LINGER, "value", 6), 8);
    assert_int_equal(zmq_bind(fake, HOOKED_ENDPOINT), 9);
    HOOKED_ASSERT_SAID("fake-close fake-set fake-bind");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, hooked_set_up, tap_played_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(socket__first_of_a_context__limits_are_its),
        CASE(socket__context_is_limited_by_the_tap__its_own_limit_stays),
        CASE(socket__cannot_be_made__is_counted),
        CASE(socket__tap_does_not_start__is_not_followed),
        CASE(socket__handle_was_closed_past_the_hooks__is_another_now),
        CASE(socket__of_another_context_or_of_libzmq__is_passed),
        CASE(socket__libzmq_makes_it__is_not_the_program_s),
        CASE(close__known__is_forgotten_first),
        CASE(setsockopt__known__others_are_told_of_success),
        CASE(bind__taken__places_the_socket_once),
        CASE(bind__refused__errno_is_libzmq_s),
        CASE(connect__taken__places_the_socket_once),
        CASE(connect_peer__of_a_draft__is_a_connect),
        CASE(connect_peer__is_not_there__fails),
        CASE(end__of_an_endpoint__peers_are_dropped),
        CASE(unknown__any_call__is_passed),
        CASE(unknown__of_libzmq_s_monitor__is_the_fake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
