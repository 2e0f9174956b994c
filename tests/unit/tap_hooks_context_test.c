/* SPDX-License-Identifier: MPL-2.0 */
/* What the hooks of contexts call, in which order, and what is known of a context afterwards. */
#include "tap/events/limits.h"
#include "tap/events/monitor.h"
#include "tap/ground/own_work.h"
#include "tap/hooks/hooks.h"
#include "tap/tap.h"

#include "support/cmocka.h"
#include "support/tap_played.h"

#include <string.h>

static char said[256]; /* which calls came: a word each */
static bool is_enabled, has_sockets, is_found;
static int term_fails, set_fails, wait_fails;
static char handles[4];
static void *made;
static struct library *of_caller, *of_address;

static void say(const char *word)
{
    strncat(said, word, sizeof(said) - strlen(said) - 1);
    strncat(said, " ", sizeof(said) - strlen(said) - 1);
}

#define ASSERT_SAID(expected)                                                                      \
    do {                                                                                           \
        assert_string_equal(said, expected);                                                       \
        said[0] = '\0';                                                                            \
    } while (0)

bool tap_is_enabled(void)
{
    return is_enabled;
}

void tap_begin_use(void)
{
    errno = EIO;
}

void tap_check_process(void) {}

void tap_context_ended(void)
{
    say("ended");
}

void api_errors_count_process(void)
{
    say("error");
}

void monitor_begin_context(struct registry_context *context)
{
    assert_non_null(context->handle);
    say("begun");
}

bool monitor_has_sockets(const struct library *library)
{
    assert_ptr_equal(library, &tap_played);
    return has_sockets;
}

int monitor_wait_for_closed(struct registry_context *context)
{
    assert_true(context->is_ending);
    say("waited");
    errno = EINTR;
    return wait_fails;
}

void monitor_drain_context(struct registry_context *context)
{
    assert_true(context->is_ending);
    assert_int_equal(tap_played_lock_depth, 0);
    say("drained");
}

void monitor_end_context(struct registry_context *context)
{
    (void)context;
    say("monitors");
    errno = EIO;
}

int limits_set_option(struct registry_context *context, int option, int value)
{
    return context->library->ctx_set(context->handle, option, value);
}

void limits_set_max_sockets(struct registry_context *context, int value)
{
    context->max_sockets = value;
    say("limit");
}

struct library *library_of_caller(const void *return_address)
{
    (void)return_address;
    return of_caller;
}

struct library *library_of_address(const void *address)
{
    (void)address;
    return of_address;
}

library_any_function library_find_function(const struct library *inside, const void *return_address,
                                           const struct library_function *function)
{
    library_any_function found;
    (void)inside, (void)return_address;
    memcpy(&found, (const char *)&tap_played + function->offset, sizeof(found));
    say("passed");
    return is_found ? found : NULL;
}

static void *ctx_new(void)
{
    say("new");
    return made;
}

static int ctx_set(void *handle, int option, int value)
{
    (void)handle, (void)option, (void)value;
    say("set");
    return set_fails;
}

static int ctx_get(void *handle, int option)
{
    (void)handle;
    say("get");
    return 100 + option;
}

static int ctx_shutdown(void *handle)
{
    (void)handle;
    say("shutdown");
    errno = EIO;
    return 5;
}

static int ctx_term(void *handle)
{
    (void)handle;
    say("term");
    return term_fails;
}

static int ctx_set_ext(void *handle, int option, const void *value, size_t size)
{
    (void)handle, (void)option, (void)value, (void)size;
    say("set_ext");
    return set_fails;
}

static int ctx_get_ext(void *handle, int option, void *ret_value, size_t *size)
{
    (void)handle;
    say("get_ext");
    assert_int_equal(*size, sizeof(int));
    memcpy(ret_value, &option, sizeof(option));
    return set_fails;
}

static int set_up(void **state)
{
    (void)state;
    tap_played_begin();
    tap_played.ctx_new = ctx_new;
    tap_played.ctx_set = ctx_set;
    tap_played.ctx_get = ctx_get;
    tap_played.ctx_shutdown = ctx_shutdown;
    tap_played.ctx_term = ctx_term;
    tap_played.ctx_set_ext = ctx_set_ext;
    tap_played.ctx_get_ext = ctx_get_ext;
    said[0] = '\0';
    is_enabled = is_found = true;
    has_sockets = false;
    term_fails = set_fails = wait_fails = 0;
    made = &handles[0];
    of_caller = of_address = &tap_played;
    own_work_depth = 0;
    return 0;
}

static void new__followed__is_known_and_keeps_errno(void **state)
{
    (void)state;
    errno = 42;
    assert_ptr_equal(zmq_ctx_new(), made);
    assert_int_equal(errno, 42);
    ASSERT_SAID("new begun ");
    assert_non_null(registry_find_context(made));
    assert_ptr_equal(hooks_find_context(made), registry_find_context(made));
    made = NULL;
    assert_null(zmq_ctx_new());
    ASSERT_SAID("new ");
    made = &handles[1];
    is_enabled = false;
    assert_ptr_equal(zmq_ctx_new(), made);
    ASSERT_SAID("passed new ");
    assert_null(registry_find_context(made));
    is_enabled = true;
    of_caller = NULL;
    is_found = false;
    assert_null(zmq_ctx_new());
    assert_int_equal(errno, ENOSYS);
    ASSERT_SAID("passed ");
    registry_remove_context(registry_find_context(&handles[0]));
}

static void init__threads__are_set(void **state)
{
    (void)state;
    assert_null(zmq_init(-1));
    assert_int_equal(errno, EINVAL);
    ASSERT_SAID("");
    assert_ptr_equal(zmq_init(0), made);
    ASSERT_SAID("new begun set ");
    made = NULL;
    assert_null(zmq_init(2));
    ASSERT_SAID("new ");
    registry_remove_context(registry_find_context(&handles[0]));
}

static int given_threads;

static void *own_new(void)
{
    say("own");
    return made;
}

static void *own_init(int n_io_threads)
{
    given_threads = n_io_threads;
    say("own");
    return made;
}

/* A copy whose function asks for another's by its name. */
static void *new_within(void)
{
    assert_ptr_equal(hooks_new_context(own_new), made);
    return made;
}

static void new__by_its_address__is_followed_if_it_is_the_programs(void **state)
{
    (void)state;
    assert_ptr_equal(hooks_new_context(own_new), made);
    ASSERT_SAID("new begun ");
    assert_ptr_equal(hooks_init_context(own_init, 3), made);
    ASSERT_SAID("new begun set ");
    assert_ptr_equal(hooks_init_context(own_init, -1), made);
    ASSERT_SAID("own ");
    assert_int_equal(given_threads, -1);
    assert_ptr_equal(hooks_init_context(own_init, 0), made);
    ASSERT_SAID("new begun set ");
    own_work_depth = 1;
    assert_ptr_equal(hooks_new_context(own_new), made);
    own_work_depth = 0;
    is_enabled = false;
    assert_ptr_equal(hooks_new_context(own_new), made);
    is_enabled = true;
    tap_played.is_complete = false;
    assert_ptr_equal(hooks_new_context(own_new), made);
    tap_played.is_complete = true;
    of_address = NULL;
    assert_ptr_equal(hooks_init_context(own_init, 7), made);
    assert_int_equal(given_threads, 7);
    ASSERT_SAID("own own own own ");
    of_address = &tap_played;
    tap_played.ctx_new = new_within;
    assert_ptr_equal(hooks_new_context(own_new), made);
    ASSERT_SAID("own begun ");
    tap_played.ctx_new = ctx_new;
    assert_ptr_equal(hooks_new_context(own_new), made); /* that is over */
    ASSERT_SAID("new begun ");
    made = NULL;
    assert_null(hooks_init_context(own_init, 1));
    ASSERT_SAID("new ");
    registry_remove_context(registry_find_context(&handles[0]));
}

static void set__limit__is_noted_where_libzmq_took_it(void **state)
{
    (void)state;
    int value = 9;
    assert_int_equal(zmq_ctx_set(&tap_played, ZMQ_MAX_SOCKETS, 7), 0);
    ASSERT_SAID("set limit ");
    assert_int_equal(zmq_ctx_set(&tap_played, ZMQ_IO_THREADS, 7), 0);
    ASSERT_SAID("set ");
    assert_int_equal(zmq_ctx_set_ext(&tap_played, ZMQ_MAX_SOCKETS, &value, sizeof(value)), 0);
    ASSERT_SAID("set_ext limit ");
    assert_int_equal(tap_played_context->max_sockets, 9);
    assert_int_equal(zmq_ctx_set_ext(&tap_played, ZMQ_MAX_SOCKETS, &value, 3), 0);
    assert_int_equal(zmq_ctx_set_ext(&tap_played, ZMQ_IO_THREADS, &value, sizeof(value)), 0);
    ASSERT_SAID("set_ext set_ext ");
    library_inside = &tap_played; /* libzmq itself, in zmq_ctx_set */
    assert_int_equal(zmq_ctx_set_ext(&tap_played, ZMQ_MAX_SOCKETS, &value, sizeof(value)), 0);
    library_inside = NULL;
    ASSERT_SAID("passed set_ext ");
    set_fails = -1;
    assert_int_equal(zmq_ctx_set(&tap_played, ZMQ_MAX_SOCKETS, 7), -1);
    ASSERT_SAID("set error ");
    assert_int_equal(zmq_ctx_set_ext(&tap_played, ZMQ_MAX_SOCKETS, &value, sizeof(value)), -1);
    ASSERT_SAID("set_ext ");
    assert_int_equal(zmq_ctx_set(&handles[3], ZMQ_MAX_SOCKETS, 7), -1); /* not known */
    ASSERT_SAID("passed set error ");
    tap_played.ctx_set_ext = NULL;
    assert_int_equal(zmq_ctx_set_ext(&tap_played, ZMQ_MAX_SOCKETS, &value, sizeof(value)), -1);
    assert_int_equal(errno, ENOSYS);
    ASSERT_SAID("passed ");
}

static void get__limit__is_the_programs(void **state)
{
    (void)state;
    int value = 0;
    size_t size = sizeof(value);
    tap_played_context->max_sockets = 77;
    assert_int_equal(zmq_ctx_get(&tap_played, ZMQ_MAX_SOCKETS), 100 + ZMQ_MAX_SOCKETS);
    assert_int_equal(zmq_ctx_get_ext(&tap_played, ZMQ_MAX_SOCKETS, &value, &size), 0);
    assert_int_equal(value, ZMQ_MAX_SOCKETS);
    tap_played_context->is_limited = true;
    assert_int_equal(zmq_ctx_get(&tap_played, ZMQ_MAX_SOCKETS), 77);
    assert_int_equal(zmq_ctx_get(&tap_played, ZMQ_IO_THREADS), 100 + ZMQ_IO_THREADS);
    assert_int_equal(zmq_ctx_get(&handles[3], ZMQ_MAX_SOCKETS), 100 + ZMQ_MAX_SOCKETS);
    assert_int_equal(zmq_ctx_get_ext(&tap_played, ZMQ_MAX_SOCKETS, &value, &size), 0);
    assert_int_equal(value, 77);
    assert_int_equal(zmq_ctx_get_ext(&tap_played, ZMQ_IO_THREADS, &value, &size), 0);
    assert_int_equal(value, ZMQ_IO_THREADS);
    assert_int_equal(zmq_ctx_get_ext(&handles[3], ZMQ_MAX_SOCKETS, &value, &size), 0);
    assert_int_equal(value, ZMQ_MAX_SOCKETS);
    set_fails = -1;
    assert_int_equal(zmq_ctx_get_ext(&tap_played, ZMQ_MAX_SOCKETS, &value, &size), -1);
    assert_int_equal(value, ZMQ_MAX_SOCKETS);
    tap_played.ctx_get_ext = NULL;
    assert_int_equal(zmq_ctx_get_ext(&tap_played, ZMQ_MAX_SOCKETS, &value, &size), -1);
    assert_int_equal(errno, ENOSYS);
}

static void add(void *handle, bool has_started)
{
    registry_add_context(handle, &tap_played)->has_started = has_started;
}

static void term__without_sockets_of_the_tap__is_libzmqs(void **state)
{
    (void)state;
    static int (*const functions[])(void *) = {zmq_ctx_term, zmq_ctx_destroy, zmq_term};
    for (size_t i = 0; i < 3; i++) {
        add(&handles[1], true);
        assert_int_equal(functions[i](&handles[1]), 0);
        ASSERT_SAID("term ended ");
        assert_null(registry_find_context(&handles[1]));
        assert_int_equal(functions[i](&handles[1]), 0); /* not known any more */
        ASSERT_SAID("passed term ");
    }
    add(&handles[1], false); /* no socket was ever made there */
    has_sockets = true;
    assert_int_equal(zmq_ctx_term(&handles[1]), 0);
    ASSERT_SAID("term ");
    term_fails = -1;
    assert_int_equal(zmq_ctx_term(&handles[1]), -1);
    ASSERT_SAID("passed term error ");
    add(&handles[1], true);
    has_sockets = false;
    assert_int_equal(zmq_ctx_term(&handles[1]),
                     -1); /* as where a signal came: it is called again */
    ASSERT_SAID("term ");
    assert_non_null(registry_find_context(&handles[1]));
    term_fails = 0;
    assert_int_equal(zmq_ctx_term(&handles[1]), 0);
    assert_null(registry_find_context(&handles[1]));
}

static void term__with_sockets_of_the_tap__closes_these_before(void **state)
{
    (void)state;
    has_sockets = true;
    add(&handles[1], true);
    errno = 42;
    assert_int_equal(zmq_ctx_term(&handles[1]), 0);
    ASSERT_SAID("waited shutdown monitors term ended ");
    add(&handles[1], true);
    registry_find_context(&handles[1])->n_sockets = 1;
    assert_int_equal(zmq_ctx_term(&handles[1]), 0);
    ASSERT_SAID("drained shutdown monitors term ended ");
    add(&handles[1], true);
    registry_find_context(&handles[1])->has_untracked = true;
    assert_int_equal(zmq_ctx_term(&handles[1]), 0);
    ASSERT_SAID("drained shutdown monitors term ended ");
    add(&handles[1], true);
    wait_fails = -1;
    assert_int_equal(zmq_ctx_term(&handles[1]), -1);
    assert_int_equal(errno, EINTR);
    ASSERT_SAID("waited shutdown monitors ");
    assert_int_equal(zmq_ctx_term(&handles[1]), 0); /* what was prepared is not again */
    ASSERT_SAID("term ended ");
}

static int term_and_begin_another(void *handle)
{
    assert_int_equal(tap_played_lock_depth, 0);
    add(handle, true);
    return 0;
}

static void term__handle_has_another_context_by_now__stays(void **state)
{
    (void)state;
    add(&handles[1], true);
    tap_played.ctx_term = term_and_begin_another;
    assert_int_equal(zmq_ctx_term(&handles[1]), 0);
    assert_non_null(registry_find_context(&handles[1]));
    registry_remove_context(registry_find_context(&handles[1]));
}

static void shutdown__with_sockets_of_the_tap__reads_their_events(void **state)
{
    (void)state;
    add(&handles[1], true);
    struct registry_context *context = registry_find_context(&handles[1]);
    assert_int_equal(zmq_ctx_shutdown(&handles[1]), 5);
    ASSERT_SAID("shutdown ");
    assert_false(context->is_ending);
    has_sockets = true;
    context->has_started = false;
    assert_int_equal(zmq_ctx_shutdown(&handles[1]), 5);
    ASSERT_SAID("shutdown ");
    context->has_started = true;
    assert_int_equal(zmq_ctx_shutdown(&handles[1]), 5);
    ASSERT_SAID("drained shutdown monitors ");
    assert_int_equal(zmq_ctx_shutdown(&handles[2]), 5);
    ASSERT_SAID("passed shutdown ");
    is_found = false;
    assert_int_equal(zmq_ctx_shutdown(&handles[2]), -1);
    ASSERT_SAID("passed error ");
    registry_remove_context(context);
}

static void new__too_many__is_made_and_not_known(void **state)
{
    (void)state;
    static char many[REGISTRY_MAX_CONTEXTS];
    for (size_t i = 1; i < REGISTRY_MAX_CONTEXTS; i++)
        add(&many[i], false);
    assert_ptr_equal(zmq_ctx_new(), made);
    ASSERT_SAID("new ");
    assert_null(registry_find_context(made));
    for (size_t i = 1; i < REGISTRY_MAX_CONTEXTS; i++)
        registry_remove_context(registry_find_context(&many[i]));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tap_played_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(new__followed__is_known_and_keeps_errno),
        CASE(init__threads__are_set),
        CASE(new__by_its_address__is_followed_if_it_is_the_programs),
        CASE(set__limit__is_noted_where_libzmq_took_it),
        CASE(get__limit__is_the_programs),
        CASE(term__without_sockets_of_the_tap__is_libzmqs),
        CASE(term__with_sockets_of_the_tap__closes_these_before),
        CASE(term__handle_has_another_context_by_now__stays),
        CASE(shutdown__with_sockets_of_the_tap__reads_their_events),
        CASE(new__too_many__is_made_and_not_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
