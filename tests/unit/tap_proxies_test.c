/* SPDX-License-Identifier: MPL-2.0 */
/* What a proxy's sockets are said to have moved, from what their pipes have counted, which is
 * played. */
#include "tap/sampling/proxies.h"

#include "tap/counting/publish.h"
#include "tap/learned/learned.h"

#include "support/cmocka.h"
#include "support/tap_played.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <zmq.h>

static struct pipe_layout layout;
static bool is_understood;
static struct registry_socket *frontend, *backend, *capture, *control;
static unsigned n_resumed, n_finished, n_noted, n_ended, n_updated;
static struct {
    const void *handle;
    struct followed *followed;
} begun[64];
static size_t n_begun;

const struct pipe_layout *learned_pipes_of(const struct library *library)
{
    (void)library;
    return is_understood ? &layout : NULL;
}

void publish_resume(struct registry_socket *socket)
{
    assert_int_equal(tap_played_lock_depth, 1);
    assert_true(socket->is_used);
    n_resumed++;
}

void followed_begin(struct followed *self, const struct pipe_layout *given, const void *socket)
{
    assert_ptr_equal(given, &layout);
    assert_int_equal(tap_played_lock_depth, 1);
    *self = (struct followed){.id = 0};
    begun[n_begun].handle = socket;
    begun[n_begun++].followed = self;
}

void followed_finish(struct followed *self)
{
    (void)self;
    n_finished++;
}

void followed_note(struct followed *self, const struct pipe_count *count)
{
    self->n_written += count->n_written;
    self->n_read += count->n_read;
    n_noted++;
}

void followed_end_round(struct followed *self)
{
    assert_non_null(self);
    n_ended++;
}

/* What moved since the last round. */
void followed_update(struct followed *self, const struct pipe_layout *given, const void *socket)
{
    assert_ptr_equal(given, &layout);
    assert_non_null(socket);
    self->n_written += 1000;
    self->n_read += 1000;
    n_updated++;
}

static int set_up(void **state)
{
    (void)state;
    tap_played_begin();
    is_understood = true;
    n_resumed = n_finished = n_noted = n_ended = n_updated = 0;
    n_begun = 0;
    frontend = backend = capture = control = NULL;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    proxies_end();
    registry_remove_context(tap_played_context);
    proxies_settle(); /* what is left of them is over */
    assert_int_equal(n_begun ? n_finished > 0 : n_finished == 0, true);
    tap_played_context = registry_add_context(&tap_played, &tap_played);
    tap_played_end();
    return 0;
}

static struct registry_socket *open_socket(int type)
{
    struct registry_socket *socket = tap_played_open(type);
    proxies_reset(socket);
    return socket;
}

static void begin(void)
{
    struct registry_socket *const sockets[PROXY_N_ROLES] = {
        [PROXY_FRONTEND] = frontend,
        [PROXY_BACKEND] = backend,
        [PROXY_CAPTURE] = capture,
        [PROXY_CONTROL] = control,
    };
    errno = 42;
    proxies_begin(sockets);
    assert_int_equal(errno, 42);
}

static void move(const struct registry_socket *socket, uint64_t n_written, uint64_t n_read)
{
    for (size_t i = n_begun; i-- > 0;) {
        if (begun[i].handle != socket->handle)
            continue;
        begun[i].followed->n_written += n_written;
        begun[i].followed->n_read += n_read;
        return;
    }
    fail_msg("it is not followed");
}

static void settle(void)
{
    struct guard guard;
    registry_lock(&guard);
    proxies_settle();
    registry_unlock(&guard);
}

#define ASSERT_COUNTED(socket, n_sent, n_received)                                                 \
    do {                                                                                           \
        assert_int_equal(TAP_PLAYED_WORD(socket, SENT_MESSAGES), n_sent);                          \
        assert_int_equal(TAP_PLAYED_WORD(socket, RECEIVED_MESSAGES), n_received);                  \
    } while (0)

static void proxy__types__each_way_by_who_knows_it(void **state)
{
    (void)state;
    static const struct {
        int frontend, backend;
        uint64_t there, back; /* of what each end has written and read: see below */
    } rows[] = {
        {ZMQ_PULL, ZMQ_PUSH, 7, 11},   {ZMQ_ROUTER, ZMQ_DEALER, 7, 11},
        {ZMQ_XSUB, ZMQ_XPUB, 5, 0},    {ZMQ_PAIR, ZMQ_PAIR, 7, 3},
        {ZMQ_SUB, ZMQ_PUB, 5, 0},      {ZMQ_DEALER, ZMQ_REQ, 7, 3},
        {ZMQ_REP, ZMQ_DEALER, 7, 11},  {ZMQ_PUB, ZMQ_XPUB, 0, 0},
        {ZMQ_XPUB, ZMQ_ROUTER, 0, 11},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        frontend = open_socket(rows[i].frontend);
        backend = open_socket(rows[i].backend);
        begin();
        assert_int_equal(TAP_PLAYED_WORD(frontend, PROXIED), 1);
        move(frontend, 3, 5);
        move(backend, 7, 11);
        settle();
        ASSERT_COUNTED(frontend, rows[i].back, rows[i].there);
        ASSERT_COUNTED(backend, rows[i].there, rows[i].back);
        settle();
        ASSERT_COUNTED(frontend, rows[i].back, rows[i].there);
    }
}

static void proxy__capture_and_control__have_theirs(void **state)
{
    (void)state;
    frontend = open_socket(ZMQ_PULL);
    backend = open_socket(ZMQ_PUSH);
    capture = open_socket(ZMQ_PUB);
    control = open_socket(ZMQ_PAIR);
    begin();
    assert_int_equal(TAP_PLAYED_WORD(capture, PROXIED), 1);
    move(backend, 7, 0);
    move(control, 2, 4);
    move(capture, 90, 90);
    settle();
    ASSERT_COUNTED(control, 2, 4);
    ASSERT_COUNTED(capture, 7 + 4, 0);
    capture = open_socket(ZMQ_PUSH); /* which knows it by itself */
    begin();
    move(capture, 5, 90);
    settle();
    ASSERT_COUNTED(capture, 5, 0);
}

static void proxy__one_socket_at_both_ends__sends_what_it_receives(void **state)
{
    (void)state;
    frontend = backend = open_socket(ZMQ_PAIR);
    begin();
    assert_int_equal(n_begun, 1);
    move(frontend, 7, 5);
    settle();
    ASSERT_COUNTED(frontend, 7, 7);
    proxies_end();
    ASSERT_COUNTED(frontend, 1007, 1007);
    assert_int_equal(n_updated, 1);
}

static void proxy__ends__counts_the_rest_and_follows_no_more(void **state)
{
    (void)state;
    frontend = open_socket(ZMQ_PULL);
    backend = open_socket(ZMQ_PUSH);
    begin();
    assert_int_not_equal(proxies_id_of(frontend), 0);
    assert_int_not_equal(proxies_id_of(frontend), proxies_id_of(backend));
    const struct pipe_count count = {.n_written = 3};
    proxies_note(backend, &count);
    proxies_end_round(backend);
    assert_int_equal(n_noted, 1);
    assert_int_equal(n_ended, 1);
    errno = 42;
    proxies_end();
    assert_int_equal(errno, 42);
    ASSERT_COUNTED(backend, 1003, 1000);
    ASSERT_COUNTED(frontend, 1000, 1003);
    assert_int_equal(n_resumed, 2);
    assert_int_equal(n_finished, PROXY_N_ROLES);
    assert_int_equal(proxies_id_of(frontend), 0);
    assert_int_equal(proxies_id_of(backend), 0);
    proxies_end(); /* there is none */
    assert_int_equal(n_resumed, 2);
    uintptr_t id = proxies_id_of(frontend);
    begin();
    assert_int_not_equal(proxies_id_of(frontend), id);
    assert_int_equal(TAP_PLAYED_WORD(frontend, PROXIED), 2);
}

static void proxy__socket_in_another_one__is_followed_once(void **state)
{
    (void)state;
    frontend = open_socket(ZMQ_PULL);
    backend = open_socket(ZMQ_PUSH);
    proxies_attach(backend);
    uintptr_t id = proxies_id_of(backend);
    begin();
    assert_int_equal(proxies_id_of(backend), id);
    assert_int_equal(n_begun, 2);
    proxies_end();
    assert_int_equal(proxies_id_of(backend), id);
}

static void proxy__not_understood__is_not_followed(void **state)
{
    (void)state;
    is_understood = false;
    frontend = open_socket(ZMQ_PULL);
    backend = open_socket(ZMQ_PUSH);
    begin();
    assert_int_equal(proxies_id_of(frontend), 0);
    assert_int_equal(n_begun, 0);
    assert_int_equal(TAP_PLAYED_WORD(frontend, PROXIED), 1);
    settle(); /* nothing of it is there: it is over */
    assert_int_equal(n_finished, PROXY_N_ROLES);
    proxies_end();
    assert_int_equal(n_finished, PROXY_N_ROLES);
    n_begun = 1;
}

static void proxy__sockets_closed__is_over_by_itself(void **state)
{
    (void)state;
    frontend = open_socket(ZMQ_PULL);
    backend = open_socket(ZMQ_PUSH);
    begin();
    move(backend, 7, 0);
    registry_close_socket(frontend);
    settle();
    assert_int_equal(n_finished, 0);
    ASSERT_COUNTED(backend, 7, 0);
    assert_int_equal(TAP_PLAYED_WORD(frontend, RECEIVED_MESSAGES), 0);
    registry_close_socket(backend);
    move(backend, 5, 0);
    settle();
    ASSERT_COUNTED(backend, 7, 0);
    assert_int_equal(n_finished, PROXY_N_ROLES);
    proxies_end();
    assert_int_equal(n_resumed, 0);
    assert_int_equal(n_finished, PROXY_N_ROLES);
}

static void proxy__thread_jumps_out__ends_with_its_next(void **state)
{
    (void)state;
    frontend = open_socket(ZMQ_PULL);
    backend = open_socket(ZMQ_PUSH);
    begin();
    begin();
    assert_int_equal(n_finished, PROXY_N_ROLES);
    ASSERT_COUNTED(backend, 1000, 1000);
    move(backend, 7, 0);
    settle();
    ASSERT_COUNTED(backend, 1007, 1000);
}

static void *begin_and_end(void *unused)
{
    (void)unused;
    begin();
    return NULL;
}

static void proxy__thread_ends_in_it__is_ended(void **state)
{
    (void)state;
    pthread_t thread;
    frontend = open_socket(ZMQ_PULL);
    backend = open_socket(ZMQ_PUSH);
    assert_int_equal(pthread_create(&thread, NULL, begin_and_end, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(n_finished, PROXY_N_ROLES);
    assert_int_equal(n_resumed, 2);
    ASSERT_COUNTED(backend, 1000, 1000);
}

static void attached__types__what_its_pipes_know(void **state)
{
    (void)state;
    static const struct {
        int type;
        uint64_t sent, received;
    } rows[] = {{ZMQ_PUSH, 7, 5}, {ZMQ_ROUTER, 7, 5}, {ZMQ_PUB, 0, 0},
                {ZMQ_XPUB, 0, 0}, {ZMQ_XSUB, 0, 5},   {ZMQ_SUB, 7, 5}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct registry_socket *socket = open_socket(rows[i].type);
        proxies_attach(socket);
        assert_int_not_equal(proxies_id_of(socket), 0);
        move(socket, 7, 5);
        settle();
        ASSERT_COUNTED(socket, rows[i].sent, rows[i].received);
        assert_int_equal(TAP_PLAYED_WORD(socket, PROXIED), 0);
    }
}

static void detach__counts_the_rest_of_that_one(void **state)
{
    (void)state;
    struct registry_socket *first = open_socket(ZMQ_PUSH), *second = open_socket(ZMQ_PUSH);
    proxies_attach(first);
    proxies_attach(second);
    proxies_detach(first);
    ASSERT_COUNTED(first, 1000, 1000);
    ASSERT_COUNTED(second, 0, 0);
    assert_int_equal(proxies_id_of(first), 0);
    assert_int_not_equal(proxies_id_of(second), 0);
    assert_int_equal(n_finished, PROXY_N_ROLES);
    proxies_detach(first); /* again: nothing */
    assert_int_equal(n_finished, PROXY_N_ROLES);
    registry_close_socket(second);
    proxies_detach(second);
    assert_int_equal(n_finished, PROXY_N_ROLES);
    frontend = open_socket(ZMQ_PULL);
    backend = open_socket(ZMQ_PUSH);
    begin();
    proxies_detach(frontend); /* in a proxy, not attached */
    assert_int_not_equal(proxies_id_of(frontend), 0);
}

static void forked__child_has_none(void **state)
{
    (void)state;
    struct registry_socket *socket = open_socket(ZMQ_PUSH);
    proxies_attach(socket);
    proxies_forked();
    move(socket, 7, 5);
    settle();
    ASSERT_COUNTED(socket, 0, 0);
    n_finished = 1;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(proxy__types__each_way_by_who_knows_it),
        CASE(proxy__capture_and_control__have_theirs),
        CASE(proxy__one_socket_at_both_ends__sends_what_it_receives),
        CASE(proxy__ends__counts_the_rest_and_follows_no_more),
        CASE(proxy__socket_in_another_one__is_followed_once),
        CASE(proxy__not_understood__is_not_followed),
        CASE(proxy__sockets_closed__is_over_by_itself),
        CASE(proxy__thread_jumps_out__ends_with_its_next),
        CASE(proxy__thread_ends_in_it__is_ended),
        CASE(attached__types__what_its_pipes_know),
        CASE(detach__counts_the_rest_of_that_one),
        CASE(forked__child_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
