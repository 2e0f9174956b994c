/* SPDX-License-Identifier: MPL-2.0 */
/* Since when a counter counts, as OpenMetrics has it. */
#include "base/clock.h"
#include "support/tap_fixture.h"

#include <math.h>

#define PUSH 8
#define SENT "zmq_socket_sent_messages_total{program=\"feed\",type=\"PUSH\",address=\"tcp://a\"}"
#define SENT_CREATED                                                                               \
    "zmq_socket_sent_messages_created{program=\"feed\",type=\"PUSH\",address=\"tcp://a\"}"
#define TAP_CREATED "zmq_tap_untracked_sockets_created{program=\"feed\"}"

static void send_ten(struct segment_table *table)
{
    tap_set_capability(table, SEGMENT_CAPABILITY_MESSAGES, SEGMENT_CAPABILITY_ON);
    uint64_t *words = tap_open_socket(table, PUSH, "tcp://a");
    segment_word_add(&words[SEGMENT_SENT_MESSAGES], 10);
}

/* A sum counts since the first of its processes did, also when that is gone and told of by the
 * state file. The time of day is made anew by each agent. */
static void created__first_process_gone_and_agent_anew__stays(void **state)
{
    struct tap_fixture *f = *state;
    f->format = TEXT_FORMAT_OPENMETRICS_CREATED;
    tap_fixture_restart(f, NULL);
    double started = (double)clock_realtime_ns() / 1e9;
    pid_t one = tap_puppet_start(f, send_ten);
    double sent = tap_fixture_value(f, SENT_CREATED), tap = tap_fixture_value(f, TAP_CREATED);
    assert_true(sent > started - 1 && sent < (double)clock_realtime_ns() / 1e9 + 1);
    assert_true(tap == sent);

    pid_t other = tap_puppet_start(f, send_ten);
    assert_true(tap_fixture_value(f, SENT_CREATED) == sent);
    tap_puppet_kill(one);
    tap_fixture_tick(f);
    assert_int_equal(tap_fixture_files(f, ".seg"), 1);
    assert_true(tap_fixture_value(f, SENT_CREATED) == sent);
    tap_puppet_kill(other);
    tap_fixture_tick(f);
    assert_true(tap_fixture_value(f, TAP_CREATED) == tap);
    tap_fixture_restart(f, NULL);
    assert_true(fabs(tap_fixture_value(f, SENT_CREATED) - sent) < 1);
    assert_true(fabs(tap_fixture_value(f, TAP_CREATED) - tap) < 1);
}

static void never_born(struct segment_table *table)
{
    send_ten(table);
    table->header->created_ns = UINT64_MAX - 1;
}

static void created__of_a_time_to_come__is_not_told(void **state)
{
    struct tap_fixture *f = *state;
    f->format = TEXT_FORMAT_OPENMETRICS_CREATED;
    tap_fixture_restart(f, NULL);
    (void)tap_puppet_start(f, never_born);
    assert_true(isnan(tap_fixture_value(f, SENT_CREATED)));
    assert_true(tap_fixture_value(f, SENT) == 10);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, tap_fixture_set_up, tap_fixture_tear_down)
    const struct CMUnitTest tests[] = {
        CASE(created__first_process_gone_and_agent_anew__stays),
        CASE(created__of_a_time_to_come__is_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
