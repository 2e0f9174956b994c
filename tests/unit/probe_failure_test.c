/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/probe/monitor_event.h"
#include "collectors/probe/probe_failure.h"
#include "config/probe_settings.h"

#include "support/cmocka.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <zmq.h>

static const char *labels(enum probe_cause cause, int code)
{
    struct probe_failure failure = {PROBE_PHASE_HANDSHAKE, cause, code};
    return probe_failure_labels(probe_failure_index(&failure));
}

static void labels__known_codes__have_libzmqs_names(void **state)
{
    (void)state;
    assert_string_equal(labels(PROBE_CAUSE_AUTH, 400), "cause=\"auth\",detail=\"400\"");
    assert_string_equal(labels(PROBE_CAUSE_TRANSPORT, ECONNREFUSED),
                        "cause=\"transport\",detail=\"ECONNREFUSED\"");
    assert_string_equal(labels(PROBE_CAUSE_TRANSPORT, 0), "cause=\"transport\",detail=\"none\"");
    assert_string_equal(labels(PROBE_CAUSE_TRANSPORT, ENOENT),
                        "cause=\"transport\",detail=\"ENOENT\"");
    assert_string_equal(labels(PROBE_CAUSE_PROTOCOL, ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH),
                        "cause=\"protocol\",detail=\"zmtp_mechanism_mismatch\"");
    assert_string_equal(labels(PROBE_CAUSE_RESOLVE, EAI_NONAME),
                        "cause=\"resolve\",detail=\"EAI_NONAME\"");
    assert_string_equal(labels(PROBE_CAUSE_POLICY, PROBE_POLICY_OLD_PEER),
                        "cause=\"policy\",detail=\"old_peer\"");
}

static void labels__unknown_codes__are_other_of_their_cause(void **state)
{
    (void)state;
    assert_string_equal(labels(PROBE_CAUSE_AUTH, 0), "cause=\"auth\",detail=\"other\"");
    assert_string_equal(labels(PROBE_CAUSE_TRANSPORT, EXDEV),
                        "cause=\"transport\",detail=\"other\"");
    assert_string_equal(labels(PROBE_CAUSE_PROTOCOL, 1), "cause=\"protocol\",detail=\"other\"");
    assert_string_equal(labels(PROBE_CAUSE_RESOLVE, 1), "cause=\"resolve\",detail=\"other\"");
}

static void labels__all_numbers__differ(void **state)
{
    (void)state;
    for (size_t i = 0; i < probe_failure_n_details(); i++) {
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(probe_failure_labels(i), probe_failure_labels(j));
    }
}

static void hint__silent_close_with_curve__names_the_key(void **state)
{
    (void)state;
    struct probe_failure failure = {PROBE_PHASE_HANDSHAKE, PROBE_CAUSE_TRANSPORT, EPIPE};
    assert_non_null(strstr(probe_failure_hint(&failure, PROBE_CURVE), "server key"));
    assert_null(probe_failure_hint(&failure, PROBE_NULL));
    failure.phase = PROBE_PHASE_CONNECT;
    assert_null(probe_failure_hint(&failure, PROBE_CURVE));
}

static void decode__frame_at_any_alignment__gives_event_and_value(void **state)
{
    (void)state;
    char frame[8] = {0};
    uint16_t event = ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
    uint32_t value = 400;
    memcpy(frame + 1, &event, sizeof(event));
    memcpy(frame + 3, &value, sizeof(value));
    struct monitor_event decoded;
    assert_true(monitor_event_decode(frame + 1, MONITOR_EVENT_SIZE, &decoded));
    assert_int_equal(decoded.event, event);
    assert_int_equal(decoded.value, value);
    assert_false(monitor_event_decode(frame, 5, &decoded));
    assert_false(monitor_event_decode(frame, 7, &decoded));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels__known_codes__have_libzmqs_names),
        cmocka_unit_test(labels__unknown_codes__are_other_of_their_cause),
        cmocka_unit_test(labels__all_numbers__differ),
        cmocka_unit_test(hint__silent_close_with_curve__names_the_key),
        cmocka_unit_test(decode__frame_at_any_alignment__gives_event_and_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
