/* SPDX-License-Identifier: MPL-2.0 */
/* The hooks of monitors and of proxies: whose the call is, and what is done around it. */
#include "tap/events/monitor.h"
#include "tap/hooks/hooks.h"
#include "tap/sampling/proxies.h"

#include "support/cmocka.h"
#include "support/tap_played.h"

#include <string.h>

static char said[300];
static char handles[4]; /* the tap knows none of them */
static struct registry_socket *a, *b;
static struct registry_socket *members[PROXY_N_ROLES];
static struct monitor_request asked;
static const struct library *inside_of_handle, *inside_in_call;
static const void *passed_handle;
static int result;

static void say(const char *word)
{
    strcat(strcat(said, said[0] ? " " : ""), word);
}

#define ASSERT_SAID(expected)                                                                      \
    do {                                                                                           \
        assert_string_equal(said, expected);                                                       \
        said[0] = '\0';                                                                            \
    } while (0)

library_any_function library_find_function_of_socket(const void *handle, const void *return_address,
                                                     const struct library_function *function)
{
    library_any_function found;
    assert_non_null(return_address);
    passed_handle = handle;
    memcpy(&found, (const char *)&tap_played + function->offset, sizeof(found));
    say("pass");
    return found;
}

struct library *library_of_handle(const void *handle)
{
    assert_non_null(handle);
    return (struct library *)(uintptr_t)inside_of_handle;
}

void api_errors_count(const struct registry_slot *slot)
{
    assert_ptr_equal(slot, a->slot);
    say("error");
}

void api_errors_count_process(void)
{
    say("process-error");
}

int monitor_request(struct registry_socket *socket, const struct monitor_request *request)
{
    assert_ptr_equal(socket, a);
    asked = *request;
    say("request");
    return result;
}

void proxies_begin(struct registry_socket *const sockets[PROXY_N_ROLES])
{
    memcpy(members, sockets, sizeof(members));
    say("begin");
}

void proxies_end(void)
{
    say("end");
}

static int monitor(void *handle, const char *address, int events)
{
    (void)handle;
    assert_string_equal(address, "inproc://m");
    assert_int_equal(events, 7);
    inside_in_call = library_inside;
    return result;
}

static int monitor_versioned(void *handle, const char *address, uint64_t events, int version,
                             int type)
{
    assert_int_equal(version, 2);
    assert_int_equal(type, ZMQ_PUB);
    return monitor(handle, address, (int)events);
}

static int proxy(void *frontend, void *backend, void *capture)
{
    assert_true(frontend != backend || !frontend);
    assert_true(!capture || capture == handles);
    say("proxy");
    return result;
}

static int proxy_steerable(void *frontend, void *backend, void *capture, void *control)
{
    assert_ptr_equal(control, handles + 1);
    return proxy(frontend, backend, capture);
}

static int device(int type, void *frontend, void *backend)
{
    assert_int_equal(type, 3);
    return proxy(frontend, backend, NULL);
}

static int set_up(void **state)
{
    (void)state;
    tap_played_begin();
    tap_played.socket_monitor = monitor;
    tap_played.socket_monitor_versioned = monitor_versioned;
    tap_played.proxy = proxy;
    tap_played.proxy_steerable = proxy_steerable;
    tap_played.device = device;
    a = tap_played_open(ZMQ_ROUTER);
    b = tap_played_open(ZMQ_DEALER);
    result = -1;
    said[0] = '\0';
    inside_of_handle = NULL;
    library_inside = NULL;
    memset(members, 0, sizeof(members));
    return 0;
}

/*
 * Monitors
 */
static void monitor__of_a_socket_that_is_known__is_asked_of_the_tap_s(void **state)
{
    (void)state;
    assert_int_equal(zmq_socket_monitor(a->handle, "inproc://m", 7), -1);
    ASSERT_SAID("request error");
    assert_string_equal(asked.address, "inproc://m");
    assert_int_equal(asked.events, 7);
    assert_int_equal(asked.version, 1);
    assert_int_equal(asked.type, ZMQ_PAIR);
    assert_false(asked.is_versioned);
    assert_int_equal(zmq_socket_monitor_versioned(a->handle, "inproc://m", 7, 2, ZMQ_PUB), -1);
    ASSERT_SAID("request error");
    assert_int_equal(asked.version, 2);
    assert_int_equal(asked.type, ZMQ_PUB);
    assert_true(asked.is_versioned);
    result = 0;
    assert_int_equal(zmq_socket_monitor(a->handle, "inproc://m", 7), 0);
    ASSERT_SAID("request");
}

static void monitor__of_another__its_copy_is_inside_meanwhile(void **state)
{
    static const struct library other;
    (void)state;
    inside_of_handle = &other;
    assert_int_equal(zmq_socket_monitor(handles, "inproc://m", 7), -1);
    ASSERT_SAID("pass process-error");
    assert_ptr_equal(inside_in_call, &other);
    assert_null(library_inside);
    library_inside = &tap_played;
    assert_int_equal(zmq_socket_monitor_versioned(handles, "inproc://m", 7, 2, ZMQ_PUB), -1);
    ASSERT_SAID("pass process-error");
    assert_ptr_equal(inside_in_call, &other);
    assert_ptr_equal(library_inside, &tap_played);
    /* libzmq itself, of a socket that is known */
    zmq_socket_monitor_versioned(a->handle, "inproc://m", 7, 2, ZMQ_PUB);
    ASSERT_SAID("pass process-error");
    library_inside = NULL;
    tap_played.socket_monitor_versioned = NULL;
    assert_int_equal(zmq_socket_monitor_versioned(a->handle, "inproc://m", 7, 2, ZMQ_PUB), -1);
    assert_int_equal(errno, ENOSYS);
    ASSERT_SAID("pass process-error");
}

/*
 * Proxies
 */
static void expect_members(const struct registry_socket *frontend,
                           const struct registry_socket *backend,
                           const struct registry_socket *capture)
{
    assert_ptr_equal(members[0], frontend);
    assert_ptr_equal(members[1], backend);
    assert_ptr_equal(members[2], capture);
    assert_null(members[3]);
}

static void proxy__of_sockets_that_are_known__is_followed(void **state)
{
    (void)state;
    result = 4;
    assert_int_equal(zmq_proxy(a->handle, b->handle, handles), 4);
    ASSERT_SAID("begin proxy end");
    expect_members(a, b, NULL);
    assert_int_equal(zmq_proxy_steerable(handles + 2, b->handle, handles, handles + 1), 4);
    ASSERT_SAID("begin proxy end");
    expect_members(NULL, b, NULL);
    assert_int_equal(zmq_device(3, b->handle, handles), 4);
    ASSERT_SAID("begin proxy end");
    expect_members(b, NULL, NULL);
}

static int with_known_ends(void *frontend, void *backend, void *capture, void *control)
{
    assert_true(!frontend || !backend || frontend == handles);
    assert_true(capture == a->handle || control == b->handle);
    say("proxy");
    return result;
}

static void proxy__capture_or_control_alone_is_known__is_followed(void **state)
{
    (void)state;
    tap_played.proxy_steerable = with_known_ends;
    zmq_proxy_steerable(handles, handles + 1, a->handle, NULL);
    ASSERT_SAID("begin proxy end");
    assert_ptr_equal(members[2], a);
    zmq_proxy_steerable(handles, handles + 1, NULL, b->handle);
    ASSERT_SAID("begin proxy end");
    assert_ptr_equal(members[3], b);
}

static void proxy__without_an_end__is_refused_and_not_followed(void **state)
{
    (void)state;
    assert_int_equal(zmq_proxy(a->handle, NULL, NULL), -1);
    assert_int_equal(zmq_proxy(NULL, a->handle, NULL), -1);
    assert_int_equal(zmq_proxy_steerable(a->handle, NULL, NULL, handles + 1), -1);
    assert_int_equal(zmq_device(3, NULL, a->handle), -1);
    ASSERT_SAID("proxy end proxy end proxy end proxy end");
}

static void proxy__of_others__is_passed_by_an_end_that_is_there(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        void *frontend = i == 0 ? handles + 2 : NULL;
        const void *expected = i == 0 ? handles + 2 : handles + 3;
        assert_int_equal(zmq_proxy(frontend, handles + 3, handles), -1);
        assert_ptr_equal(passed_handle, expected);
        passed_handle = NULL;
        assert_int_equal(zmq_proxy_steerable(frontend, handles + 3, handles, handles + 1), -1);
        assert_ptr_equal(passed_handle, expected);
        passed_handle = NULL;
        assert_int_equal(zmq_device(3, frontend, handles + 3), -1);
        assert_ptr_equal(passed_handle, expected);
        ASSERT_SAID("pass proxy process-error pass proxy process-error pass proxy process-error");
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tap_played_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(monitor__of_a_socket_that_is_known__is_asked_of_the_tap_s),
        CASE(monitor__of_another__its_copy_is_inside_meanwhile),
        CASE(proxy__of_sockets_that_are_known__is_followed),
        CASE(proxy__capture_or_control_alone_is_known__is_followed),
        CASE(proxy__without_an_end__is_refused_and_not_followed),
        CASE(proxy__of_others__is_passed_by_an_end_that_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
