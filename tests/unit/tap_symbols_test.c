/* SPDX-License-Identifier: MPL-2.0 */
/* What a program gets that asks dlsym() for libzmq's functions: whose function it is, and whom it
 * calls with a context or a socket. All hooks are played, as is the dynamic linker. */
#include "tap/ground/next_symbol.h"
#include "tap/hooks/symbols.h"
#include "tap/tap.h"

#include "support/cmocka.h"
#include "support/tap_played.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct library library_list[LIBRARY_MAX];

static struct symbols {
    const char *hook, *own; /* whose turn it was */
    bool is_enabled;
    unsigned n_asked; /* whether the tap is enabled */
    const struct library *of_function;
    struct registry_context *context;
    const void *context_handle;
    const char *asked_name; /* of the next function */
    uintptr_t next;
} played;

static char handles[4]; /* the tap knows none of them */
static struct registry_socket *a, *b;

bool tap_is_enabled(void)
{
    played.n_asked++;
    return played.is_enabled;
}

struct library *library_of_function(const void *address, const char *name)
{
    assert_non_null(address);
    assert_int_equal(strncmp(name, "zmq_", 4), 0);
    return (struct library *)(uintptr_t)played.of_function;
}

struct registry_context *hooks_find_context(const void *handle)
{
    return handle == played.context_handle ? played.context : NULL;
}

uintptr_t next_symbol_find(const char *symbol)
{
    played.asked_name = symbol;
    return played.next;
}

/*
 * The hooks, and what libzmq has: both say their name.
 */
#define BOTH(type, name, parameters)                                                               \
    type zmq_##name parameters                                                                     \
    {                                                                                              \
        played.hook = #name;                                                                       \
        return (type)1;                                                                            \
    }                                                                                              \
    static type own_##name parameters                                                              \
    {                                                                                              \
        played.own = #name;                                                                        \
        return (type)2;                                                                            \
    }
#define FUNCTIONS(X)                                                                               \
    X(int, ctx_set, (void *x, int y, int z))                                                       \
    X(int, ctx_get, (void *x, int y))                                                              \
    X(int, ctx_set_ext, (void *x, int y, const void *z, size_t n))                                 \
    X(int, ctx_get_ext, (void *x, int y, void *z, size_t *n))                                      \
    X(int, ctx_shutdown, (void *x))                                                                \
    X(int, ctx_term, (void *x))                                                                    \
    X(int, ctx_destroy, (void *x))                                                                 \
    X(int, term, (void *x))                                                                        \
    X(void *, socket, (void *x, int y))                                                            \
    X(int, close, (void *x))                                                                       \
    X(int, setsockopt, (void *x, int y, const void *z, size_t n))                                  \
    X(int, bind, (void *x, const char *y))                                                         \
    X(int, connect, (void *x, const char *y))                                                      \
    X(uint32_t, connect_peer, (void *x, const char *y))                                            \
    X(int, unbind, (void *x, const char *y))                                                       \
    X(int, disconnect, (void *x, const char *y))                                                   \
    X(int, socket_monitor, (void *x, const char *y, int z))                                        \
    X(int, socket_monitor_versioned, (void *x, const char *y, uint64_t z, int v, int w))           \
    X(int, send, (void *x, const void *y, size_t n, int z))                                        \
    X(int, send_const, (void *x, const void *y, size_t n, int z))                                  \
    X(int, recv, (void *x, void *y, size_t n, int z))                                              \
    X(int, msg_send, (zmq_msg_t * m, void *x, int z))                                              \
    X(int, msg_recv, (zmq_msg_t * m, void *x, int z))                                              \
    X(int, sendmsg, (void *x, zmq_msg_t *m, int z))                                                \
    X(int, recvmsg, (void *x, zmq_msg_t *m, int z))                                                \
    X(int, sendiov, (void *x, struct iovec *y, size_t n, int z))                                   \
    X(int, recviov, (void *x, struct iovec *y, size_t *n, int z))                                  \
    X(int, proxy, (void *x, void *y, void *z))                                                     \
    X(int, proxy_steerable, (void *x, void *y, void *z, void *v))                                  \
    X(int, device, (int n, void *x, void *y))                                                      \
    X(void *, ctx_new, (void))                                                                     \
    X(void *, init, (int n))

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
FUNCTIONS(BOTH)
#pragma GCC diagnostic pop

void *hooks_new_context(void *(*own)(void))
{
    assert_ptr_equal((void *)own, (void *)own_ctx_new);
    played.hook = "ctx_new";
    return handles;
}

void *hooks_init_context(void *(*own)(int), int n_io_threads)
{
    assert_ptr_equal((void *)own, (void *)own_init);
    assert_int_equal(n_io_threads, 3);
    played.hook = "init";
    return handles;
}

static const struct {
    const char *name;
    library_any_function own;
} functions[] = {
#define ROW(type, name, parameters) {"zmq_" #name, (library_any_function)own_##name},
    FUNCTIONS(ROW)};
#define N_FUNCTIONS (sizeof(functions) / sizeof(*functions))

static int set_up(void **state)
{
    (void)state;
    memset(&played, 0, sizeof(played));
    tap_played_begin();
    a = tap_played_open(ZMQ_PUSH);
    b = tap_played_open(ZMQ_PULL);
    symbols_real_dlsym = NULL;
    symbols_real_dlvsym = NULL;
    return 0;
}

/*
 * A function that was given out
 */
static void given__every_function_of_every_copy__is_one_of_its_own(void **state)
{
    void *given[SYMBOLS_MAX_COPIES * N_FUNCTIONS];
    size_t n = 0;
    (void)state;
    for (uint32_t copy = 0; copy < SYMBOLS_MAX_COPIES; copy++) {
        for (size_t i = 0; i < N_FUNCTIONS; i++) {
            given[n] = symbols_given(copy, functions[i].name, (void *)functions[i].own);
            assert_non_null(given[n]);
            for (size_t j = 0; j < n; j++)
                assert_ptr_not_equal(given[n], given[j]);
            n++;
        }
    }
}

static void given__no_hook_or_one_copy_too_many__is_none(void **state)
{
    (void)state;
    assert_null(symbols_given(0, "zmq_poll", handles));
    assert_null(symbols_given(0, "zmq_", handles));
    assert_null(symbols_given(SYMBOLS_MAX_COPIES, "zmq_send", handles));
    assert_null(symbols_given(SYMBOLS_MAX_COPIES + 1, "zmq_send", handles));
    assert_null(symbols_given(UINT32_MAX, "zmq_send", handles));
}

#define GIVEN(copy, name)                                                                          \
    ((__typeof__(&own_##name))symbols_given(copy, "zmq_" #name, (void *)own_##name))
#define EXPECT(hook, own, call) expect(hook, own, (intptr_t)(call))

/* Of a call that was made just now: whose turn it was, the other is NULL. */
static void expect(const char *hook, const char *own, intptr_t result)
{
    assert_int_equal(result, hook ? 1 : 2);
    assert_string_equal(played.hook ? played.hook : "", hook ? hook : "");
    assert_string_equal(played.own ? played.own : "", own ? own : "");
    played.hook = played.own = NULL;
}

static void socket__of_that_copy__is_the_hook_and_else_its_own(void **state)
{
    (void)state;
    zmq_msg_t message;
    a->library = &library_list[1];
    b->library = &library_list[2];
    EXPECT("send", NULL, GIVEN(1, send)(a->handle, "x", 1, 0));
    EXPECT(NULL, "send", GIVEN(1, send)(b->handle, "x", 1, 0));
    EXPECT(NULL, "send", GIVEN(1, send)(handles, "x", 1, 0));
    EXPECT(NULL, "send", GIVEN(0, send)(NULL, "x", 1, 0));
    EXPECT("recv", NULL, GIVEN(2, recv)(b->handle, handles, 1, 0));
    EXPECT("msg_recv", NULL, GIVEN(2, msg_recv)(&message, b->handle, 0));
    EXPECT(NULL, "msg_send", GIVEN(2, msg_send)(&message, a->handle, 0));
    EXPECT("close", NULL, GIVEN(1, close)(a->handle));
}

static void context__of_that_copy__is_the_hook_and_else_its_own(void **state)
{
    struct registry_context context = {.library = &library_list[3]};
    (void)state;
    played.context = &context;
    played.context_handle = &handles[1];
    EXPECT("ctx_set", NULL, GIVEN(3, ctx_set)(&handles[1], ZMQ_IO_THREADS, 2));
    EXPECT(NULL, "ctx_set", GIVEN(2, ctx_set)(&handles[1], ZMQ_IO_THREADS, 2));
    EXPECT(NULL, "ctx_set", GIVEN(3, ctx_set)(&handles[2], ZMQ_IO_THREADS, 2));
    EXPECT("socket", NULL, GIVEN(3, socket)(&handles[1], ZMQ_PAIR));
}

/* The first of them that the tap knows says whose the call is. */
static void proxy__some_sockets_are_known__the_first_decides(void **state)
{
    (void)state;
    a->library = &library_list[1];
    b->library = &library_list[2];
    EXPECT("proxy", NULL, GIVEN(1, proxy)(a->handle, b->handle, b->handle));
    EXPECT(NULL, "proxy", GIVEN(2, proxy)(a->handle, b->handle, b->handle));
    EXPECT("proxy", NULL, GIVEN(2, proxy)(handles, b->handle, a->handle));
    EXPECT("proxy", NULL, GIVEN(1, proxy)(handles, handles, a->handle));
    EXPECT(NULL, "proxy", GIVEN(1, proxy)(handles, handles, NULL));
    EXPECT("proxy", NULL, GIVEN(1, proxy)(a->handle, handles, NULL));
    EXPECT("proxy_steerable", NULL, GIVEN(2, proxy_steerable)(handles, handles, NULL, b->handle));
    EXPECT("proxy_steerable", NULL,
           GIVEN(2, proxy_steerable)(handles, handles, b->handle, a->handle));
    EXPECT("device", NULL, GIVEN(1, device)(0, handles, a->handle));
    EXPECT("device", NULL, GIVEN(2, device)(0, b->handle, a->handle));
}

static void maker__of_a_context__is_told_whose(void **state)
{
    (void)state;
    assert_ptr_equal(GIVEN(2, ctx_new)(), handles);
    assert_string_equal(played.hook, "ctx_new");
    assert_ptr_equal(GIVEN(3, init)(3), handles);
    assert_string_equal(played.hook, "init");
}

/*
 * dlsym() and dlvsym()
 */
static void *found; /* by the next function */

static void *next_dlsym(void *handle, const char *name)
{
    assert_ptr_equal(handle, handles);
    assert_int_equal(strncmp(name, "zmq_", 4), 0);
    return found;
}

static void *next_dlvsym(void *handle, const char *name, const char *version)
{
    assert_ptr_equal(handle, handles);
    assert_string_equal(name, "zmq_send");
    assert_string_equal(version, "V1");
    return found;
}

/* What is asked once in the life of a process is asked in one that does nothing else. */
static bool in_a_child(bool (*work)(const void *data), const void *data)
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(work(data) ? 0 : 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status) == 0;
}

static bool is_replaced(const void *wish)
{
    played.of_function = &library_list[0];
    symbols_real_dlsym = next_dlsym;
    found = (void *)own_send;
    wish ? setenv("ZMQ_EXPORTER_TAP_DLSYM", wish, 1) : unsetenv("ZMQ_EXPORTER_TAP_DLSYM");
    bool is_it = symbols_find(handles, "zmq_send") != found;
    bool is_again = symbols_find(handles, "zmq_send") != found;
    if (is_it != is_again || played.n_asked != 1)
        abort();
    return is_it;
}

static void find__the_tap_or_this_is_off__is_as_it_was_found(void **state)
{
    (void)state;
    played.is_enabled = true;
    assert_true(in_a_child(is_replaced, NULL));
    assert_true(in_a_child(is_replaced, "on"));
    assert_true(in_a_child(is_replaced, ""));
    assert_false(in_a_child(is_replaced, "off"));
    played.is_enabled = false;
    assert_false(in_a_child(is_replaced, NULL));
    assert_false(in_a_child(is_replaced, "on"));
}

static void find__no_function_is_found__nothing_is_asked(void **state)
{
    (void)state;
    found = NULL;
    played.of_function = &library_list[0];
    symbols_real_dlsym = next_dlsym;
    symbols_real_dlvsym = next_dlvsym;
    assert_null(symbols_find(handles, "zmq_send"));
    assert_null(symbols_find_version(handles, "zmq_send", "V1"));
    assert_int_equal(played.n_asked, 0);
}

static void find__of_a_copy__is_bound_to_it(void **state)
{
    (void)state;
    played.is_enabled = true;
    played.of_function = &library_list[2];
    library_list[2].index = 2;
    symbols_real_dlsym = next_dlsym;
    symbols_real_dlvsym = next_dlvsym;
    found = (void *)own_send;
    void *given = symbols_given(2, "zmq_send", found);
    assert_ptr_equal(symbols_find(handles, "zmq_send"), given);
    assert_ptr_equal(symbols_find_version(handles, "zmq_send", "V1"), given);
    found = handles; /* has no hook */
    assert_ptr_equal(symbols_find(handles, "zmq_poll"), handles);
    played.of_function = NULL;
    assert_ptr_equal(symbols_find(handles, "zmq_send"), handles);
}

static void find__the_next_function_is_not_known__is_looked_for(void **state)
{
    (void)state;
    found = handles;
    played.next = (uintptr_t)next_dlsym;
    assert_ptr_equal(symbols_find(handles, "zmq_send"), handles);
    assert_string_equal(played.asked_name, "dlsym");
    assert_ptr_equal((void *)symbols_real_dlsym, (void *)next_dlsym);
    played.next = (uintptr_t)next_dlvsym;
    assert_ptr_equal(symbols_find_version(handles, "zmq_send", "V1"), handles);
    assert_string_equal(played.asked_name, "dlvsym");
    assert_ptr_equal((void *)symbols_real_dlvsym, (void *)next_dlvsym);
    played.asked_name = NULL;
    symbols_find(handles, "zmq_send");
    symbols_find_version(handles, "zmq_send", "V1");
    assert_null(played.asked_name);
}

static void find__there_is_no_next_function__finds_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        played.asked_name = NULL;
        assert_null(symbols_find(handles, "zmq_send"));
        assert_string_equal(played.asked_name, "dlsym");
        assert_null(symbols_find_version(handles, "zmq_send", "V1"));
        assert_string_equal(played.asked_name, "dlvsym");
        assert_null((void *)symbols_real_dlsym); /* it may come */
        assert_null((void *)symbols_real_dlvsym);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tap_played_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(given__every_function_of_every_copy__is_one_of_its_own),
        CASE(given__no_hook_or_one_copy_too_many__is_none),
        CASE(socket__of_that_copy__is_the_hook_and_else_its_own),
        CASE(context__of_that_copy__is_the_hook_and_else_its_own),
        CASE(proxy__some_sockets_are_known__the_first_decides),
        CASE(maker__of_a_context__is_told_whose),
        CASE(find__the_tap_or_this_is_off__is_as_it_was_found), /* first: in processes that fork */
        CASE(find__no_function_is_found__nothing_is_asked),
        CASE(find__of_a_copy__is_bound_to_it),
        CASE(find__the_next_function_is_not_known__is_looked_for),
        CASE(find__there_is_no_next_function__finds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
