/* SPDX-License-Identifier: MPL-2.0 */
/* Each kind of event in its word, each failure by its cause, peers from what is left. */
#include "tap/events/events.h"
#include "tap/ground/thread_state.h"

#include "support/cmocka.h"
#include "support/tap_played.h"

#include <errno.h>
#include <string.h>
#include <zmq.h>

#define HERE  "tcp://127.0.0.1:5555"
#define THERE "tcp://127.0.0.1:6666"

static struct registry_socket *socket_now;
static unsigned n_observed;
static uint64_t last_observed;

static void observe(struct registry_socket *socket, uint64_t kind)
{
    assert_ptr_equal(socket, socket_now);
    n_observed++;
    last_observed = kind;
}

static void open_another(int type)
{
    socket_now = tap_played_open(type);
    events_reset(socket_now);
}

static int set_up(void **state)
{
    (void)state;
    tap_played_begin();
    events_forked();
    events_set_observer(observe);
    n_observed = 0;
    open_another(ZMQ_PUSH);
    return 0;
}

static void see_at(uint64_t kind, uint64_t value, const char *address)
{
    const struct event event = {.kind = kind, .value = value, .address = address};
    events_count(socket_now, &event);
}

static void see(uint64_t kind, uint64_t value)
{
    see_at(kind, value, HERE);
}

static uint64_t word(uint32_t number)
{
    return segment_word_get(&socket_now->words[number]);
}

static uint64_t peers(void)
{
    events_tick(socket_now, 0, 0);
    return TAP_PLAYED_WORD(socket_now, PEERS);
}

static void count__each_kind__has_its_word(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 16; i++) {
        see(UINT64_C(1) << i, 0);
        assert_int_equal(last_observed, UINT64_C(1) << i);
        bool is_known = i < SEGMENT_EVENTS_SIZE;
        assert_int_equal(word(SEGMENT_EVENTS_BASE + (i < 15 ? i : 15)), is_known);
    }
    open_another(ZMQ_PUSH);
    see(0, 0);
    see(UINT64_C(1) << 16, 0);
    see(UINT64_C(1) << 40, 0);
    assert_int_equal(word(SEGMENT_EVENT_UNKNOWN), 3);
    assert_int_equal(n_observed, 19);
}

/* What connects before it fails: each of its own. */
/* The tap's thread is to look now. */
static void count__thread_rests__rouses_it(void **state)
{
    (void)state;
    thread_state_rest = 1;
    see(ZMQ_EVENT_CONNECTED, 4);
    assert_int_equal(thread_state_rest, 0);
    thread_state_rest = 1;
    events_begin_bind(socket_now, HERE);
    assert_int_equal(thread_state_rest, 0);
    events_end_endpoint(socket_now);
}

static void see_failure(uint64_t kind, uint64_t value)
{
    see(ZMQ_EVENT_CONNECTED, 7);
    see(kind, value);
    see(ZMQ_EVENT_DISCONNECTED, 7);
}

#define EACH(details, event, base)                                                                 \
    do {                                                                                           \
        static const int64_t values[] = {details(VALUE)};                                          \
        const size_t n = sizeof(values) / sizeof(*values);                                         \
        for (size_t i = 0; i < n; i++) {                                                           \
            see_failure(event, values[i] == -1 ? 987654 : (uint64_t)values[i]);                    \
            assert_int_equal(word((uint32_t)((base) + i)), 1);                                     \
        }                                                                                          \
        see_failure(event, 987655);                                                                \
        assert_int_equal(word((uint32_t)((base) + n - 1)), 2);                                     \
    } while (0)
#define VALUE(number, value, name) value,

static void count__failures__each_by_its_cause(void **state)
{
    (void)state;
    EACH(SEGMENT_AUTH_DETAILS, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, SEGMENT_HANDSHAKE_AUTH_BASE);
    EACH(SEGMENT_TRANSPORT_DETAILS, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL,
         SEGMENT_HANDSHAKE_TRANSPORT_BASE);
    EACH(SEGMENT_PROTOCOL_DETAILS, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
         SEGMENT_HANDSHAKE_PROTOCOL_BASE);
}

static void count__failure_in_two_words__is_one(void **state)
{
    (void)state;
    see(ZMQ_EVENT_CONNECTED, 7);
    see(ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, 400);
    see(ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, EPIPE);
    assert_int_equal(word(SEGMENT_HANDSHAKE_AUTH_BASE + 1), 1);
    assert_int_equal(word(SEGMENT_HANDSHAKE_TRANSPORT_BASE + 1), 0);
    see(ZMQ_EVENT_DISCONNECTED, 7);
    assert_int_equal(word(SEGMENT_HANDSHAKE_PROTOCOL_BASE), 0);
}

static void count__end_in_the_handshake_without_a_word__is_a_failure(void **state)
{
    (void)state;
    see(ZMQ_EVENT_CONNECTED, 7);
    see(ZMQ_EVENT_DISCONNECTED, 8); /* of another */
    assert_int_equal(word(SEGMENT_HANDSHAKE_PROTOCOL_BASE), 0);
    see(ZMQ_EVENT_ACCEPTED, 7);
    see(ZMQ_EVENT_DISCONNECTED, 7);
    assert_int_equal(word(SEGMENT_HANDSHAKE_PROTOCOL_BASE), 1);
    open_another(ZMQ_STREAM); /* has no handshake */
    uint64_t before = word(SEGMENT_HANDSHAKE_PROTOCOL_BASE);
    see(ZMQ_EVENT_ACCEPTED, 7);
    see(ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, EPIPE);
    assert_int_equal(word(SEGMENT_HANDSHAKE_TRANSPORT_BASE + 1), 0);
    see(ZMQ_EVENT_DISCONNECTED, 7);
    see(ZMQ_EVENT_ACCEPTED, 9);
    see(ZMQ_EVENT_DISCONNECTED, 9);
    assert_int_equal(word(SEGMENT_HANDSHAKE_PROTOCOL_BASE), before);
}

static void count__end_for_a_large_message__is_told_apart(void **state)
{
    (void)state;
    struct event event = {.kind = ZMQ_EVENT_DISCONNECTED, .address = HERE};
    events_count(socket_now, &event);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, OVERSIZED), 0);
    event.is_oversized = true;
    events_count(socket_now, &event);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, OVERSIZED), 1);
}

static void count__both_addresses__the_one_that_is_known_counts(void **state)
{
    (void)state;
    events_note_monitor(socket_now);
    events_begin_connect(socket_now, HERE);
    events_end_endpoint(socket_now);
    struct event event = {.kind = ZMQ_EVENT_CONNECTED, .address = THERE, .other_address = HERE};
    events_count(socket_now, &event);
    event.kind = ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
    events_count(socket_now, &event);
    assert_int_equal(peers(), 1);
    events_drop_endpoint(socket_now, HERE);
    assert_int_equal(peers(), 0);
    event = (struct event){.kind = ZMQ_EVENT_ACCEPTED,
                           .address = "tcp://1.1.1.1:1",
                           .other_address = "tcp://2.2.2.2:2"};
    events_count(socket_now, &event);
    event.kind = ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
    events_count(socket_now, &event);
    assert_int_equal(peers(), 1);
    events_drop_endpoint(socket_now, "tcp://1.1.1.1:1");
    assert_int_equal(peers(), 0);
}

static void tick__peers__are_known_with_a_monitor_that_tells_of_handshakes(void **state)
{
    (void)state;
    assert_int_equal(peers(), SEGMENT_UNKNOWN);
    assert_true(events_may_have_peers(socket_now));
    events_note_monitor(socket_now);
    assert_int_equal(peers(), 0);
    assert_false(events_may_have_peers(socket_now));
    see(ZMQ_EVENT_CONNECTED, 7);
    assert_false(events_may_have_peers(socket_now));
    see(ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 0);
    assert_int_equal(peers(), 1);
    assert_true(events_may_have_peers(socket_now));
    events_set_inproc_peers(socket_now, 3);
    assert_int_equal(peers(), 4);
    static const struct {
        int version;
        bool is_draft, is_told;
    } rows[] = {{40300, false, true},
                {40299, false, false},
                {40203, true, true},
                {40202, true, false},
                {40203, false, false}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        tap_played.version_number = rows[i].version;
        tap_played.is_draft = rows[i].is_draft;
        assert_int_equal(peers(), rows[i].is_told ? 4 : SEGMENT_UNKNOWN);
    }
    open_another(ZMQ_STREAM);
    events_note_monitor(socket_now);
    assert_false(events_may_have_peers(socket_now));
    see(ZMQ_EVENT_ACCEPTED, 8);
    assert_int_equal(peers(), 1);
    assert_true(events_may_have_peers(socket_now));
}

/* What libzmq raises while the program binds is counted where the socket is placed by it. */
static void bind__first__events_are_held_until_it_ends(void **state)
{
    (void)state;
    int error = 0;
    events_begin_bind(socket_now, HERE);
    see(ZMQ_EVENT_LISTENING, 3);
    see(ZMQ_EVENT_LISTENING, 4);
    see(ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, 0);
    see(ZMQ_EVENT_BIND_FAILED, EADDRINUSE);
    assert_int_equal(word(SEGMENT_EVENTS_BASE + 3), 0);
    events_end_endpoint(socket_now);
    assert_int_equal(word(SEGMENT_EVENTS_BASE + 3), 2);
    assert_int_equal(word(SEGMENT_EVENTS_BASE + 4), 1);
    events_end_endpoint(socket_now);
    assert_int_equal(word(SEGMENT_EVENTS_BASE + 3), 2);
    assert_int_equal(events_bind_failures(socket_now, &error), 1);
    assert_int_equal(error, EADDRINUSE);
    events_begin_connect(socket_now, NULL);
    see(ZMQ_EVENT_CONNECT_DELAYED, 0);
    assert_int_equal(word(SEGMENT_EVENTS_BASE + 1), 0);
    events_end_endpoint(socket_now);
    assert_int_equal(word(SEGMENT_EVENTS_BASE + 1), 1);
    assert_int_equal(word(SEGMENT_EVENTS_BASE + 3), 2); /* those before are not added again */
    registry_place_socket(socket_now, HERE);
    events_begin_bind(socket_now, NULL);
    see(ZMQ_EVENT_LISTENING, 3);
    assert_int_equal(word(SEGMENT_EVENTS_BASE + 3), 1);
    events_end_endpoint(socket_now);
    assert_int_equal(word(SEGMENT_EVENTS_BASE + 3), 1);
}

/* The last word of those that are held. */
static void bind__last_cause__is_held_too(void **state)
{
    (void)state;
    see(ZMQ_EVENT_CONNECTED, 7);
    events_begin_bind(socket_now, HERE);
    see(ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, 987654);
    assert_int_equal(word(SEGMENT_HANDSHAKE_PROTOCOL_BASE + 21), 0);
    events_end_endpoint(socket_now);
    assert_int_equal(word(SEGMENT_HANDSHAKE_PROTOCOL_BASE + 21), 1);
}

static void connect__again_after_it_was_dropped__counts_anew(void **state)
{
    (void)state;
    events_note_monitor(socket_now);
    see(ZMQ_EVENT_CONNECTED, 7);
    see(ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 0);
    events_drop_endpoint(socket_now, HERE);
    see(ZMQ_EVENT_CONNECTED, 8); /* of a connection that is ended */
    see(ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 0);
    assert_int_equal(peers(), 0);
    events_begin_connect(socket_now, HERE);
    events_end_endpoint(socket_now);
    see(ZMQ_EVENT_CONNECTED, 8);
    see(ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 0);
    assert_int_equal(peers(), 1);
    events_drop_endpoint(socket_now, HERE);
    events_begin_bind(socket_now, HERE);
    events_end_endpoint(socket_now);
    see(ZMQ_EVENT_ACCEPTED, 8);
    see(ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 0);
    assert_int_equal(peers(), 1);
}

static void reset__next_socket__has_nothing_of_the_last(void **state)
{
    (void)state;
    int error = 0;
    events_note_monitor(socket_now);
    events_set_inproc_peers(socket_now, 2);
    see(ZMQ_EVENT_BIND_FAILED, EACCES);
    see(ZMQ_EVENT_CONNECTED, 7);
    see(ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 0);
    assert_int_equal(peers(), 3);
    events_freed(socket_now);
    events_reset(socket_now);
    assert_int_equal(peers(), SEGMENT_UNKNOWN);
    events_note_monitor(socket_now);
    assert_int_equal(peers(), 0);
    assert_int_equal(events_bind_failures(socket_now, &error), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tap_played_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(count__each_kind__has_its_word),
        CASE(count__thread_rests__rouses_it),
        CASE(count__failures__each_by_its_cause),
        CASE(count__failure_in_two_words__is_one),
        CASE(count__end_in_the_handshake_without_a_word__is_a_failure),
        CASE(count__end_for_a_large_message__is_told_apart),
        CASE(count__both_addresses__the_one_that_is_known_counts),
        CASE(tick__peers__are_known_with_a_monitor_that_tells_of_handshakes),
        CASE(bind__first__events_are_held_until_it_ends),
        CASE(bind__last_cause__is_held_too),
        CASE(connect__again_after_it_was_dropped__counts_anew),
        CASE(reset__next_socket__has_nothing_of_the_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
