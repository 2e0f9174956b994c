/* SPDX-License-Identifier: MPL-2.0 */
/* A socket's events, refusals and failed handshakes as JSON. */
#include "agent/agent_events.h"

#include "support/cmocka.h"

#include <string.h>

static struct segment_header process;
static uint64_t words[SEGMENT_LANE_WORDS_MAX];
static struct tap_socket socket_now;
static struct string_buffer json;

static int set_up(void **state)
{
    (void)state;
    process = (struct segment_header){.n_lanes = 0};
    memset(words, 0, sizeof(words));
    socket_now = (struct tap_socket){.process = &process, .words = words};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    string_buffer_finish(&json);
    return 0;
}

static const char *append(void)
{
    string_buffer_clear(&json);
    string_buffer_append_text(&json, "{\"a\":1");
    agent_events_append(&json, &socket_now);
    return json.data + strlen("{\"a\":1");
}

static void know(enum segment_capability_id id, enum segment_capability_state state)
{
    process.capabilities[id].state = state;
}

static void append__nothing_known__is_nothing(void **state)
{
    (void)state;
    assert_string_equal(append(), "");
    know(SEGMENT_CAPABILITY_EVENTS, SEGMENT_CAPABILITY_OFF);
    know(SEGMENT_CAPABILITY_MISUSE, SEGMENT_CAPABILITY_OFF);
    know(SEGMENT_CAPABILITY_HANDSHAKES, SEGMENT_CAPABILITY_OFF);
    assert_string_equal(append(), "");
    know(SEGMENT_CAPABILITY_EVENTS, SEGMENT_CAPABILITY_ON);
    know(SEGMENT_CAPABILITY_MISUSE, SEGMENT_CAPABILITY_ON);
    know(SEGMENT_CAPABILITY_HANDSHAKES, SEGMENT_CAPABILITY_ON);
    socket_now.is_peeked = true;
    assert_string_equal(append(), "");
}

static void append__events__are_those_that_came(void **state)
{
    (void)state;
    know(SEGMENT_CAPABILITY_EVENTS, SEGMENT_CAPABILITY_BOUND);
    assert_string_equal(append(), ",\"events\":{}");
    words[SEGMENT_EVENTS_BASE] = 3;
    words[SEGMENT_EVENTS_BASE + SEGMENT_EVENTS_SIZE - 1] = 5;
    words[SEGMENT_EVENTS_BASE + SEGMENT_EVENTS_SIZE] = 7; /* no event any more */
    assert_string_equal(append(), ",\"events\":{\"connected\":3,\"unknown\":5}");
}

static void append__refusals__are_those_that_came(void **state)
{
    (void)state;
    know(SEGMENT_CAPABILITY_MISUSE, SEGMENT_CAPABILITY_ON);
    assert_string_equal(append(), ",\"api_errors\":{}");
    words[SEGMENT_API_ERRORS_BASE] = 1;
    words[SEGMENT_API_ERRORS_BASE + 12] = 2;
    words[SEGMENT_API_ERRORS_BASE + 13] = 4; /* has no name */
    assert_string_equal(append(), ",\"api_errors\":{\"EFSM\":1,\"other\":2}");
}

static void append__failures__are_summed_by_cause(void **state)
{
    (void)state;
    static const struct {
        unsigned base, size;
    } causes[] = {
        {SEGMENT_HANDSHAKE_AUTH_BASE, SEGMENT_HANDSHAKE_AUTH_SIZE},
        {SEGMENT_HANDSHAKE_PROTOCOL_BASE, SEGMENT_HANDSHAKE_PROTOCOL_SIZE},
        {SEGMENT_HANDSHAKE_TRANSPORT_BASE, SEGMENT_HANDSHAKE_TRANSPORT_SIZE},
    };
    know(SEGMENT_CAPABILITY_HANDSHAKES, SEGMENT_CAPABILITY_ON);
    for (unsigned i = 0; i < 3; i++) {
        words[causes[i].base] += 1 + i;
        words[causes[i].base + causes[i].size - 1] += 10;
    }
    assert_string_equal(append(),
                        ",\"handshake_failures\":{\"auth\":11,\"protocol\":12,\"transport\":13}");
    know(SEGMENT_CAPABILITY_EVENTS, SEGMENT_CAPABILITY_ON);
    static const char begin[] = ",\"events\":{},\"handshake_failures\":{";
    assert_memory_equal(append(), begin, sizeof(begin) - 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(append__nothing_known__is_nothing),
        CASE(append__events__are_those_that_came),
        CASE(append__refusals__are_those_that_came),
        CASE(append__failures__are_summed_by_cause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
