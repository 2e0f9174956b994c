/* SPDX-License-Identifier: MPL-2.0 */
/* Sockets that the program attaches itself: what is found out, what is entered, what becomes of it.
 */
#include "tap/zmqtap.h"

#include "tap/counting/options.h"
#include "tap/events/monitor.h"
#include "tap/learned/learned.h"
#include "tap/parts.h"
#include "tap/tap.h"

#include "support/cmocka.h"
#include "support/tap_played.h"

#include <errno.h>
#include <string.h>
#include <zmq.h>

#define ENDPOINT "tcp://127.0.0.1:5555"

static char said[300];
static struct object {
    uintptr_t vtable, unused, context;
} object, other;
static char a_context;
static struct learned learned;
static const struct zmqtap_symbol symbols[1];
static bool is_enabled, starts, is_library_there, has_layout, has_endpoint, type_fails;

static void say(const char *word)
{
    strcat(strcat(said, said[0] ? " " : ""), word);
    errno = 99;
}

#define ASSERT_SAID(expected)                                                                      \
    do {                                                                                           \
        assert_string_equal(said, expected);                                                       \
        said[0] = '\0';                                                                            \
    } while (0)

static int get(void *handle, int option, void *value, size_t *size)
{
    assert_true(handle == &object || handle == &other);
    assert_int_equal(tap_played_lock_depth, 0);
    if (option == ZMQ_TYPE) {
        const int type = ZMQ_SUB;
        assert_int_equal(*size, sizeof(type));
        memcpy(value, &type, sizeof(type));
        errno = ETERM;
        return type_fails ? -1 : 0;
    }
    assert_int_equal(option, ZMQ_LAST_ENDPOINT);
    assert_true(*size > 256);
    strcpy(value, has_endpoint ? ENDPOINT : "spoilt");
    return has_endpoint ? 0 : -1;
}

static int get_of_context(void *context, int option)
{
    assert_ptr_equal(context, &a_context);
    return option == ZMQ_IO_THREADS ? 4 : option == ZMQ_MAX_SOCKETS ? 500 : -1;
}

struct library *library_of_symbols(const struct zmqtap_symbol *given)
{
    assert_ptr_equal(given, symbols);
    say("by-symbols");
    return is_library_there ? &tap_played : NULL;
}

struct library *library_of_address(const void *address)
{
    assert_int_equal((uintptr_t)address, 0x7777);
    say("by-address");
    return is_library_there ? &tap_played : NULL;
}

const struct pipe_layout *learned_pipes_of(const struct library *library)
{
    assert_ptr_equal(library, &tap_played);
    return has_layout ? &learned.pipes : NULL;
}

bool tap_is_enabled(void)
{
    return is_enabled;
}

bool tap_start(struct library *library)
{
    assert_ptr_equal(library, &tap_played);
    say("start");
    return starts;
}

void tap_context_ended(void)
{
    assert_int_equal(tap_played_lock_depth, 0);
    say("ended");
}

void monitor_begin_context(struct registry_context *context)
{
    assert_ptr_equal(context->handle, &a_context);
    assert_int_equal(tap_played_lock_depth, 0);
    say("context");
}

void monitor_close_socket(struct registry_socket *socket)
{
    say("close");
    registry_close_socket(socket);
    registry_free_socket(socket);
}

void parts_attached(struct registry_socket *socket)
{
    assert_true(socket->is_attached);
    assert_int_equal(tap_played_lock_depth, 0);
    say("attached");
}

void parts_detaching(struct registry_socket *socket)
{
    assert_non_null(socket->slot);
    say("detaching");
}

void options_read_all(struct registry_socket *socket)
{
    assert_non_null(socket);
    assert_int_equal(tap_played_lock_depth, 0);
    say("read");
}

static int set_up(void **state)
{
    (void)state;
    tap_played_begin();
    tap_played.getsockopt = get;
    tap_played.ctx_get = get_of_context;
    object = other = (struct object){.vtable = 0x7777, .context = (uintptr_t)&a_context};
    learned.pipes.context = offsetof(struct object, context);
    is_enabled = starts = is_library_there = has_layout = has_endpoint = true;
    type_fails = false;
    said[0] = '\0';
    return 0;
}

static int tear_down(void **state)
{
    struct registry_context *context = registry_find_context(&a_context);
    if (context)
        registry_remove_context(context);
    return tap_played_tear_down(state);
}

static void attach(void)
{
    assert_int_equal(zmqtap_attach(&object, NULL), 0);
    ASSERT_SAID("by-address start context attached");
}

static void attach__open_socket__is_entered(void **state)
{
    (void)state;
    attach();
    const struct registry_socket *socket = registry_find(&object)->socket;
    assert_int_equal(socket->type, ZMQ_SUB);
    assert_true(socket->is_placed);
    const struct registry_context *context = socket->context;
    assert_ptr_equal(context, registry_find_context(&a_context));
    assert_true(context->is_attached && context->has_started);
    assert_int_equal(context->n_io_threads, 4);
    assert_int_equal(context->max_sockets, 500);
    assert_int_equal(context->limit, 500);
    assert_int_equal(zmqtap_attach(&other, symbols), 0);
    ASSERT_SAID("by-symbols start attached"); /* the context is known */
    assert_ptr_equal(registry_find(&other)->socket->context, context);
}

static void attach__no_endpoint__has_no_place(void **state)
{
    (void)state;
    has_endpoint = false;
    attach();
    assert_false(registry_find(&object)->socket->is_placed);
}

static void attach__twice__is_counted_from_then_on(void **state)
{
    (void)state;
    attach();
    zmqtap_attach(&other, NULL);
    said[0] = '\0';
    assert_int_equal(zmqtap_attach(&object, NULL), 0);
    ASSERT_SAID("detaching close by-address start attached");
}

static void attach__seen_by_the_hooks__is_left_as_it_is(void **state)
{
    (void)state;
    struct registry_socket *socket = tap_played_open(ZMQ_PUB);
    assert_int_equal(zmqtap_attach(socket->handle, NULL), 0);
    assert_int_equal(zmqtap_detach(socket->handle), 0);
    assert_non_null(socket->slot);
    ASSERT_SAID("");
}

static void expect_refused(const struct zmqtap_symbol *given, int error, const char *expected)
{
    errno = 0;
    assert_int_equal(zmqtap_attach(&object, given), -1);
    assert_int_equal(errno, error);
    ASSERT_SAID(expected);
    assert_null(registry_find(&object));
}

static void attach__cannot__says_why(void **state)
{
    (void)state;
    assert_int_equal(zmqtap_attach(NULL, NULL), -1);
    assert_int_equal(errno, ENOTSOCK);
    is_library_there = false;
    expect_refused(NULL, ENOSYS, "by-address");
    expect_refused(symbols, EINVAL, "by-symbols");
    is_library_there = true;
    tap_played.is_complete = false;
    expect_refused(NULL, ENOSYS, "by-address");
    tap_played.is_complete = true;
    is_enabled = false;
    expect_refused(NULL, ENOTSUP, "by-address");
    is_enabled = true;
    starts = false;
    expect_refused(NULL, ENOTSUP, "by-address start");
    starts = true;
    type_fails = true;
    expect_refused(NULL, ETERM, "by-address start ended");
    type_fails = false;
    has_layout = false;
    expect_refused(NULL, ENOTSUP, "by-address start ended");
}

static void attach__too_many_contexts__says_so(void **state)
{
    static char handles[REGISTRY_MAX_CONTEXTS];
    (void)state;
    for (size_t i = 0; i < REGISTRY_MAX_CONTEXTS; i++)
        registry_add_context(&handles[i], &tap_played);
    expect_refused(NULL, EMFILE, "by-address start ended");
    for (size_t i = 0; i < REGISTRY_MAX_CONTEXTS; i++) {
        struct registry_context *context = registry_find_context(&handles[i]);
        if (context)
            registry_remove_context(context);
    }
}

static void detach__last_of_its_context__context_goes_too(void **state)
{
    (void)state;
    attach();
    zmqtap_attach(&other, NULL);
    said[0] = '\0';
    assert_int_equal(zmqtap_detach(&object), 0);
    ASSERT_SAID("detaching close");
    assert_non_null(registry_find_context(&a_context));
    assert_int_equal(zmqtap_detach(&other), 0);
    ASSERT_SAID("detaching close ended");
    assert_null(registry_find_context(&a_context));
    assert_int_equal(zmqtap_detach(&object), -1);
    assert_int_equal(errno, ENOTSOCK);
    assert_int_equal(zmqtap_detach(NULL), -1);
    assert_int_equal(errno, ENOTSOCK);
}

static void detach__of_a_context_of_the_hooks__that_stays(void **state)
{
    (void)state;
    object.context = (uintptr_t)tap_played_context->handle;
    tap_played.ctx_get = NULL;
    struct registry_socket *seen = tap_played_open(ZMQ_PUB);
    registry_close_socket(seen);
    registry_free_socket(seen);
    struct registry_socket *socket = registry_attach_socket(tap_played_context, &object, ZMQ_SUB);
    assert_non_null(socket);
    assert_int_equal(zmqtap_detach(&object), 0);
    ASSERT_SAID("detaching close");
    assert_non_null(registry_find_context(tap_played_context->handle));
}

static void name__given_and_taken__moves_the_socket(void **state)
{
    (void)state;
    attach();
    uint32_t lane = registry_find(&object)->socket->lane;
    assert_int_equal(zmqtap_name(&object, "prices"), 0);
    ASSERT_SAID("read");
    assert_int_not_equal(registry_find(&object)->socket->lane, lane);
    assert_int_equal(zmqtap_name(&object, NULL), 0);
    ASSERT_SAID("read");
    assert_int_equal(zmqtap_name(NULL, "x"), -1);
    assert_int_equal(errno, ENOTSOCK);
    assert_int_equal(zmqtap_name(&other, "x"), -1);
    assert_int_equal(errno, ENOTSOCK);
    assert_int_equal(zmqtap_interface(), ZMQTAP_INTERFACE);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(attach__open_socket__is_entered),
        CASE(attach__no_endpoint__has_no_place),
        CASE(attach__twice__is_counted_from_then_on),
        CASE(attach__seen_by_the_hooks__is_left_as_it_is),
        CASE(attach__cannot__says_why),
        CASE(attach__too_many_contexts__says_so),
        CASE(detach__last_of_its_context__context_goes_too),
        CASE(detach__of_a_context_of_the_hooks__that_stays),
        CASE(name__given_and_taken__moves_the_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
