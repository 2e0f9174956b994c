/* SPDX-License-Identifier: MPL-2.0 */
/* What libzmq sends to its monitor's socket is counted, and goes to the program's if it asked. */
#include "tap/events/fake_socket.h"

#include "tap/events/events.h"

#include "support/cmocka.h"
#include "support/tap_played.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#define TARGET ((void *)0x1234)
#define HERE   "tcp://127.0.0.1:5555"
#define THERE  "tcp://127.0.0.1:6666"

static struct registry_socket *socket_of_program;
static struct event last;
static char last_address[2048], last_other[2048];
static unsigned n_counted, n_noted, n_made, n_closed, n_sent;
static int last_flags;
static bool target_fails;

void events_count(struct registry_socket *socket, const struct event *event)
{
    assert_ptr_equal(socket, socket_of_program);
    assert_int_equal(tap_played_lock_depth, 1);
    n_counted++;
    last = *event;
    (void)snprintf(last_address, sizeof(last_address), "%s", event->address);
    (void)snprintf(last_other, sizeof(last_other), "%s",
                   event->other_address ? event->other_address : "");
}

void events_note_monitor(const struct registry_socket *socket)
{
    assert_ptr_equal(socket, socket_of_program);
    assert_int_equal(tap_played_lock_depth, 1);
    n_noted++;
}

static void *make_target(void *context, int type)
{
    assert_ptr_equal(context, &tap_played);
    assert_int_equal(type, ZMQ_PAIR);
    n_made++;
    return target_fails ? NULL : TARGET;
}

static int close_target(void *handle)
{
    assert_ptr_equal(handle, TARGET);
    n_closed++;
    return 3;
}

static int set_target(void *handle, int option, const void *value, size_t size)
{
    (void)value, (void)size;
    assert_ptr_equal(handle, TARGET);
    return option;
}

static int bind_target(void *handle, const char *address)
{
    assert_ptr_equal(handle, TARGET);
    assert_string_equal(address, "inproc://m");
    return 5;
}

static int send_target(struct tap_message *message, void *handle, int flags)
{
    assert_ptr_equal(handle, TARGET);
    n_sent++;
    last_flags = flags;
    tap_played.msg_close(message);
    tap_played.msg_init(message);
    errno = 77;
    return 9;
}

static int set_up(void **state)
{
    (void)state;
    fake_socket_forked();
    tap_played_begin();
    tap_played.socket = make_target;
    tap_played.close = close_target;
    tap_played.setsockopt = set_target;
    tap_played.bind = bind_target;
    tap_played.msg_send = send_target;
    n_counted = n_noted = n_made = n_closed = n_sent = 0;
    target_fails = false;
    last_address[0] = last_other[0] = '\0';
    socket_of_program = tap_played_open(ZMQ_PUSH);
    fake_socket_reset(socket_of_program);
    return 0;
}

static struct fake_socket_request request_of(int version)
{
    return (struct fake_socket_request){.library = &tap_played,
                                        .context = &tap_played,
                                        .socket = socket_of_program,
                                        .mask = 0xffff,
                                        .type = ZMQ_PAIR,
                                        .version = version};
}

static void *make(struct fake_socket_request *request)
{
    fake_socket_begin(request);
    void *handle = fake_socket_make();
    fake_socket_end();
    assert_non_null(handle);
    return handle;
}

static int send_frame(void *fake, const void *content, size_t size, int flags)
{
    struct tap_message message;
    tap_played_message(&message, content, size, flags & ZMQ_SNDMORE);
    int rc = fake_socket_msg_send(&message, fake, flags);
    assert_int_equal(tap_played.msg_size(&message), rc < 0 ? size : 0); /* taken, as by libzmq */
    tap_played.msg_close(&message);
    return rc;
}

static int send_event(void *fake, uint16_t kind, uint32_t value, const char *address)
{
    unsigned char frame[6];
    memcpy(frame, &kind, 2);
    memcpy(frame + 2, &value, 4);
    int rc = send_frame(fake, frame, sizeof(frame), ZMQ_SNDMORE);
    int second = send_frame(fake, address, strlen(address), 0);
    assert_int_equal(second, rc == 9 ? 9 : strlen(address));
    return rc;
}

static int send_number(void *fake, uint64_t number)
{
    return send_frame(fake, &number, sizeof(number), ZMQ_SNDMORE);
}

static void make__while_a_request_is_begun__is_the_first_socket_of_its_context(void **state)
{
    (void)state;
    struct fake_socket_request request = request_of(1);
    assert_false(fake_socket_is_wanted(&tap_played));
    fake_socket_begin(&request);
    assert_true(fake_socket_is_wanted(&tap_played));
    assert_false(fake_socket_is_wanted(&request));
    assert_false(fake_socket_has_monitor(socket_of_program));
    void *fake = fake_socket_make();
    assert_non_null(fake);
    assert_int_equal(request.calls, FAKE_SOCKET_MADE);
    assert_false(fake_socket_is_wanted(&tap_played)); /* one is enough */
    assert_int_equal(fake_socket_setsockopt(fake, ZMQ_LINGER, NULL, 0), 0);
    assert_int_equal(fake_socket_bind(fake, "inproc://m"), 0);
    assert_int_equal(request.calls, FAKE_SOCKET_MADE | FAKE_SOCKET_OPTION_SET | FAKE_SOCKET_BOUND);
    assert_true(fake_socket_has_monitor(socket_of_program));
    assert_int_equal(n_noted, 1);
    assert_int_equal(send_event(fake, ZMQ_EVENT_LISTENING, 4, HERE), 6);
    assert_int_equal(request.n_frames, 2);
    assert_int_equal(fake_socket_close(fake), 0);
    assert_true(request.calls & FAKE_SOCKET_CLOSED);
    fake_socket_end();
    assert_false(fake_socket_is_wanted(&tap_played));
    assert_false(fake_socket_has_monitor(socket_of_program));
    assert_int_equal(n_made + n_closed + n_sent, 0);
}

static void send__version_1__is_counted_with_its_address(void **state)
{
    (void)state;
    char longer[600], cut[512] = "";
    struct fake_socket_request request = request_of(1);
    void *fake = make(&request);
    errno = 42;
    assert_int_equal(send_event(fake, ZMQ_EVENT_CONNECTED, 7, HERE), 6);
    assert_int_equal(errno, 42);
    assert_int_equal(n_counted, 1);
    assert_int_equal(last.kind, ZMQ_EVENT_CONNECTED);
    assert_int_equal(last.value, 7);
    assert_string_equal(last_address, HERE);
    assert_null(last.other_address);
    assert_false(last.is_oversized);
    memset(longer, 'x', sizeof(longer));
    longer[512] = '\0';
    memset(cut, 'x', 511);
    (void)send_event(fake, ZMQ_EVENT_ACCEPTED, 8, longer);
    assert_string_equal(last_address, cut);
    longer[511] = '\0';
    assert_int_equal(send_event(fake, ZMQ_EVENT_ACCEPTED, 8, longer), 6);
    assert_string_equal(last_address, longer);
    assert_int_equal(n_counted, 3);
    assert_int_equal(send_frame(fake, "short", 5, ZMQ_SNDMORE), 5); /* no event that is known */
    assert_int_equal(send_frame(fake, HERE, 4, 0), 4);
    assert_int_equal(n_counted, 3);
    assert_int_equal(fake_socket_close(fake), 0);
}

static void send_version_2(void *fake, uint64_t kind, const uint64_t *values, uint64_t n)
{
    assert_int_equal(send_number(fake, kind), 8);
    assert_int_equal(send_number(fake, n), 8);
    for (uint64_t i = 0; i < n; i++)
        assert_int_equal(send_number(fake, values[i]), 8);
    assert_int_equal(send_frame(fake, HERE, strlen(HERE), ZMQ_SNDMORE), strlen(HERE));
    assert_int_equal(send_frame(fake, THERE, strlen(THERE), 0), strlen(THERE));
}

static void send__version_2__is_counted_with_both_addresses(void **state)
{
    (void)state;
    struct fake_socket_request request = request_of(2);
    void *fake = make(&request);
    for (uint64_t n = 0; n <= 3; n++) {
        static const uint64_t values[] = {11, 12, 13};
        send_version_2(fake, ZMQ_EVENT_DISCONNECTED, values, n);
        assert_int_equal(n_counted, n + 1);
        assert_int_equal(last.kind, ZMQ_EVENT_DISCONNECTED);
        assert_int_equal(last.value, n ? 11 : 0);
        assert_string_equal(last_address, HERE);
        assert_string_equal(last_other, THERE);
    }
    assert_int_equal(send_number(fake, ZMQ_EVENT_CLOSED), 8);
    assert_int_equal(send_number(fake, 0), 8);
    assert_int_equal(send_frame(fake, THERE, 5, 0), 5); /* ends without a local address */
    assert_string_equal(last_address, "");
    assert_string_equal(last_other, "tcp:/");
    /* Closed in the middle of an event: what it holds is given back. */
    assert_int_equal(send_number(fake, ZMQ_EVENT_CLOSED), 8);
    assert_int_equal(send_number(fake, 0), 8);
    assert_int_equal(send_frame(fake, HERE, 3, ZMQ_SNDMORE), 3);
    assert_int_equal(fake_socket_close(fake), 0);
}

static void send__target__has_what_the_program_asked_for(void **state)
{
    (void)state;
    struct fake_socket_request request = request_of(1);
    request.has_target = true;
    request.mask = ZMQ_EVENT_CONNECTED | ZMQ_EVENT_CLOSED;
    void *fake = make(&request);
    assert_int_equal(n_made, 1);
    assert_int_equal(fake_socket_setsockopt(fake, 17, NULL, 0), 17);
    assert_int_equal(fake_socket_bind(fake, "inproc://m"), 5);
    assert_int_equal(send_event(fake, ZMQ_EVENT_ACCEPTED, 1, HERE), 6);
    assert_int_equal(n_sent, 0);
    assert_int_equal(send_event(fake, ZMQ_EVENT_CONNECTED, 1, HERE), 9);
    assert_int_equal(n_sent, 2);
    assert_int_equal(last_flags, 0);
    assert_int_equal(errno, 77); /* libzmq's own */
    assert_int_equal(n_counted, 2);
    errno = 42;
    assert_int_equal(fake_socket_close(fake), 3);
    assert_int_equal(n_closed, 1);
    assert_int_equal(errno, 42);
}

static void send__after_a_message_that_is_too_large__is_told_once(void **state)
{
    (void)state;
    struct fake_socket_request request = request_of(1);
    void *fake = make(&request);
    errno = EMSGSIZE;
    assert_int_equal(send_event(fake, ZMQ_EVENT_CONNECTED, 1, HERE), 6);
    assert_true(last.is_oversized);
    assert_int_equal(errno, EMSGSIZE); /* no end yet */
    assert_int_equal(send_event(fake, ZMQ_EVENT_DISCONNECTED, 1, HERE), 6);
    assert_true(last.is_oversized);
    assert_int_equal(errno, 0);
    errno = 42;
    assert_int_equal(send_event(fake, ZMQ_EVENT_DISCONNECTED, 1, HERE), 6);
    assert_false(last.is_oversized);
    assert_int_equal(errno, 42);
    /* What counts is the first frame. */
    static const unsigned char frame[6] = {0, ZMQ_EVENT_DISCONNECTED >> 8};
    errno = EMSGSIZE;
    assert_int_equal(send_frame(fake, frame, sizeof(frame), ZMQ_SNDMORE), 6);
    assert_int_equal(errno, EMSGSIZE);
    errno = 42;
    assert_int_equal(send_frame(fake, HERE, 4, 0), 4);
    assert_true(last.is_oversized);
    assert_int_equal(send_frame(fake, frame, sizeof(frame), ZMQ_SNDMORE), 6);
    errno = EMSGSIZE;
    assert_int_equal(send_frame(fake, HERE, 4, 0), 4);
    assert_false(last.is_oversized);
    assert_int_equal(fake_socket_close(fake), 0);
}

static void send__end_of_a_monitor__is_counted_unless_it_is_replaced(void **state)
{
    (void)state;
    struct fake_socket_request request = request_of(1), other = request_of(1);
    void *fake = make(&request);
    fake_socket_begin(&other);
    assert_int_equal(send_event(fake, ZMQ_EVENT_MONITOR_STOPPED, 0, ""), 6);
    assert_int_equal(n_counted, 0);
    assert_int_equal(send_event(fake, ZMQ_EVENT_CLOSED, 0, ""), 6);
    fake_socket_end();
    assert_int_equal(send_event(fake, ZMQ_EVENT_MONITOR_STOPPED, 0, ""), 6);
    assert_int_equal(n_counted, 2);
    assert_int_equal(fake_socket_close(fake), 0);
}

static void send__socket_is_another_by_now__is_not_counted(void **state)
{
    (void)state;
    struct fake_socket_request request = request_of(1), of_trial = request_of(1);
    void *fake = make(&request);
    socket_of_program->serial++;
    assert_int_equal(send_event(fake, ZMQ_EVENT_CLOSED, 0, ""), 6);
    assert_int_equal(n_counted, 0);
    assert_int_equal(fake_socket_close(fake), 0);
    assert_true(fake_socket_has_monitor(socket_of_program)); /* not this one's to take off */
    socket_of_program->serial--;
    fake_socket_reset(socket_of_program);
    assert_false(fake_socket_has_monitor(socket_of_program));
    of_trial.socket = NULL;
    fake = make(&of_trial);
    assert_int_equal(send_event(fake, ZMQ_EVENT_CLOSED, 0, ""), 6);
    assert_int_equal(fake_socket_close(fake), 0);
    assert_int_equal(n_counted, 0);
    assert_int_equal(n_noted, 1);
}

static void close__again_or_before__is_no_socket(void **state)
{
    (void)state;
    struct fake_socket_request request = request_of(1);
    struct tap_message message;
    void *fake = make(&request);
    assert_int_equal(fake_socket_close(fake), 0);
    errno = 0;
    assert_int_equal(fake_socket_close(fake), -1);
    assert_int_equal(errno, ENOTSOCK);
    assert_int_equal(fake_socket_setsockopt(fake, 1, NULL, 0), -1);
    assert_int_equal(fake_socket_bind(fake, "inproc://m"), -1);
    tap_played_message(&message, HERE, 3, false);
    assert_int_equal(fake_socket_msg_send(&message, fake, 0), -1);
    assert_int_equal(tap_played.msg_size(&message), 3);
    tap_played.msg_close(&message);
}

/* Events come until the monitor is closed; only then the entry is free for another socket. */
static void close__program_closed_its_socket__frees_the_entry(void **state)
{
    (void)state;
    struct fake_socket_request request = request_of(1);
    void *fake = make(&request);
    registry_close_socket(socket_of_program);
    assert_int_equal(send_event(fake, ZMQ_EVENT_CLOSED, 0, ""), 6);
    assert_int_equal(n_counted, 1);
    assert_int_equal(tap_played_n_ended, 0);
    assert_int_equal(fake_socket_close(fake), 0);
    assert_int_equal(tap_played_n_ended, 1);
    assert_false(socket_of_program->is_used);
}

static void close__entry_is_free_by_now__is_left_alone(void **state)
{
    (void)state;
    struct fake_socket_request request = request_of(1);
    void *fake = make(&request);
    registry_close_socket(socket_of_program);
    registry_free_socket(socket_of_program);
    assert_int_equal(send_event(fake, ZMQ_EVENT_CLOSED, 0, ""), 6);
    assert_int_equal(n_counted, 0);
    errno = 42;
    assert_int_equal(fake_socket_close(fake), 0);
    assert_int_equal(errno, 42);
    assert_int_equal(tap_played_n_ended, 1);
}

static void close__another_monitor_has_followed__stays(void **state)
{
    (void)state;
    struct fake_socket_request first = request_of(1), second = request_of(1);
    void *fake = make(&first), *other = make(&second);
    registry_close_socket(socket_of_program);
    assert_int_equal(fake_socket_close(fake), 0);
    assert_true(fake_socket_has_monitor(socket_of_program));
    assert_int_equal(tap_played_n_ended, 0);
    errno = 42;
    assert_int_equal(fake_socket_close(other), 0);
    assert_int_equal(errno, 42);
    assert_int_equal(tap_played_n_ended, 1);
}

/* Before it has begun as a process of its own. */
static void close__in_a_child__changes_nothing_that_is_the_parents(void **state)
{
    (void)state;
    struct fake_socket_request request = request_of(1);
    void *fake = make(&request);
    tap_played_set_own(false);
    assert_int_equal(send_event(fake, ZMQ_EVENT_CLOSED, 0, ""), 6);
    assert_int_equal(fake_socket_close(fake), 0);
    assert_true(fake_socket_has_monitor(socket_of_program));
    assert_int_equal(n_counted, 0);
    assert_int_equal(fake_socket_close(fake), -1);
    tap_played_set_own(true);
    void *other = make(&request); /* the place of the first is not free */
    assert_ptr_not_equal(fake, other);
    assert_int_equal(fake_socket_close(other), 0);
}

static void make__many__each_has_its_own_and_beyond_the_limit_there_is_none(void **state)
{
    (void)state;
    static void *fakes[FAKE_SOCKET_MAX];
    struct fake_socket_request request = request_of(1);
    request.socket = NULL;
    for (size_t i = 0; i < FAKE_SOCKET_MAX; i++) {
        fakes[i] = make(&request);
        assert_true(i == 0 || fakes[i] != fakes[i - 1]);
        request.calls = 0;
    }
    fake_socket_begin(&request);
    errno = 0;
    request.socket = socket_of_program;
    assert_null(fake_socket_make());
    assert_int_equal(errno, EMFILE);
    request.has_target = true; /* then the program has its own at least */
    errno = 42;
    assert_ptr_equal(fake_socket_make(), TARGET);
    assert_int_equal(errno, 42);
    assert_int_equal(n_noted, 0);
    request.socket = NULL;
    target_fails = true;
    assert_null(fake_socket_make());
    fake_socket_end();
    request.has_target = false;
    assert_int_equal(fake_socket_close(fakes[7]), 0);
    assert_int_equal(fake_socket_close(fakes[5]), 0);
    assert_ptr_equal(make(&request), fakes[5]);
    assert_ptr_equal(make(&request), fakes[7]);
    assert_int_equal(fake_socket_close(fakes[9]), 0);
    assert_int_equal(fake_socket_close(fakes[7]), 0);
    /* A child keeps those of its parent, and has what is free. */
    fake_socket_forked();
    assert_ptr_equal(make(&request), fakes[9]);
    assert_ptr_equal(make(&request), fakes[7]);
    fake_socket_begin(&request);
    assert_null(fake_socket_make());
    fake_socket_end();
    for (size_t i = 0; i < FAKE_SOCKET_MAX; i++)
        assert_int_equal(fake_socket_close(fakes[i]), 0);
}

static void forked__in_the_middle_of_an_event__counts_nothing_of_the_parent(void **state)
{
    (void)state;
    struct fake_socket_request request = request_of(1), other = request_of(1);
    request.has_target = true;
    request.mask = ZMQ_EVENT_CLOSED;
    void *fake = make(&request);
    fake_socket_begin(&other);
    assert_int_equal(send_frame(fake, "\1\0\0\0\0\0", 6, ZMQ_SNDMORE), 6);
    fake_socket_forked();
    assert_false(fake_socket_is_wanted(&tap_played)); /* no request is begun */
    assert_int_equal(send_event(fake, ZMQ_EVENT_CLOSED, 0, ""), 9);
    assert_int_equal(n_sent, 2); /* to the program's own, as it asked */
    assert_int_equal(n_counted, 0);
    assert_int_equal(fake_socket_close(fake), 3);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tap_played_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(make__while_a_request_is_begun__is_the_first_socket_of_its_context),
        CASE(send__version_1__is_counted_with_its_address),
        CASE(send__version_2__is_counted_with_both_addresses),
        CASE(send__target__has_what_the_program_asked_for),
        CASE(send__after_a_message_that_is_too_large__is_told_once),
        CASE(send__end_of_a_monitor__is_counted_unless_it_is_replaced),
        CASE(send__socket_is_another_by_now__is_not_counted),
        CASE(close__again_or_before__is_no_socket),
        CASE(close__program_closed_its_socket__frees_the_entry),
        CASE(close__entry_is_free_by_now__is_left_alone),
        CASE(close__another_monitor_has_followed__stays),
        CASE(close__in_a_child__changes_nothing_that_is_the_parents),
        CASE(make__many__each_has_its_own_and_beyond_the_limit_there_is_none),
        CASE(forked__in_the_middle_of_an_event__counts_nothing_of_the_parent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
