/* SPDX-License-Identifier: MPL-2.0 */
/* Two exporters on one directory: one folds, the other looks on, and may have to go on alone. */
#include "support/tap_fixture.h"

#include <stdlib.h>
#include <string.h>

#define PUSH 8
#define SENT "zmq_socket_sent_messages_total{program=\"feed\",type=\"PUSH\",address=\"tcp://a\"}"

static void send_ten(struct segment_table *table)
{
    tap_set_capability(table, SEGMENT_CAPABILITY_MESSAGES, SEGMENT_CAPABILITY_ON);
    segment_word_add(&tap_open_socket(table, PUSH, "tcp://a")[SEGMENT_SENT_MESSAGES], 10);
}

/* Two exporters by mistake: both show the truth, one writes, the other takes over. */
static void second__exporter__leaves_the_files_alone(void **state)
{
    struct tap_fixture *f = *state;
    struct tap_fixture second = {0};
    memcpy(second.directory, f->directory, sizeof(second.directory));
    tap_fixture_tick(f);
    tap_fixture_restart(&second, NULL);
    pid_t pid = tap_puppet_start(f, send_ten);
    assert_true(tap_fixture_value(&second, SENT) == 10);
    tap_puppet_kill(pid);
    tap_fixture_tick(&second);
    assert_int_equal(tap_fixture_files(f, ".seg"), 1);
    tap_fixture_tick(f);
    assert_int_equal(tap_fixture_files(f, ".seg"), 0);
    assert_true(tap_fixture_value(f, SENT) == 10);
    assert_true(tap_fixture_value(&second, SENT) == 10);

    f->collector.destroy(f->collector.state);
    f->collector.destroy = NULL;
    tap_fixture_tick(&second);
    tap_puppet_kill(tap_puppet_start(f, send_ten));
    tap_fixture_tick(&second);
    assert_int_equal(tap_fixture_files(f, ".seg"), 0);
    assert_true(tap_fixture_value(&second, SENT) == 20);
    second.collector.destroy(second.collector.state);
    tap_fixture_restart(f, NULL);
    assert_true(tap_fixture_value(f, SENT) == 20);
    free(second.page);
}

/* What lived and died between two looks of the second is known to the first alone. */
static void second__exporter__takes_over_what_it_never_saw(void **state)
{
    struct tap_fixture *f = *state;
    struct tap_fixture second = {0};
    memcpy(second.directory, f->directory, sizeof(second.directory));
    tap_fixture_tick(f);
    pid_t long_lived = tap_puppet_start(f, send_ten);
    tap_fixture_restart(&second, NULL);
    tap_fixture_tick(&second);
    tap_puppet_kill(tap_puppet_start(f, send_ten));
    tap_fixture_tick(f);
    assert_int_equal(tap_fixture_files(f, ".seg"), 1);
    assert_true(tap_fixture_value(f, SENT) == 20);
    assert_true(tap_fixture_value(&second, SENT) == 10);
    tap_puppet_kill(long_lived);
    tap_fixture_tick(&second); /* in its own memory alone */

    f->collector.destroy(f->collector.state);
    f->collector.destroy = NULL;
    tap_fixture_tick(&second);
    assert_true(tap_fixture_value(&second, SENT) == 20);
    tap_fixture_tick(&second);
    assert_int_equal(tap_fixture_files(f, ".seg"), 0);
    second.collector.destroy(second.collector.state);
    tap_fixture_restart(f, NULL);
    assert_true(tap_fixture_value(f, SENT) == 20);
    free(second.page);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, tap_fixture_set_up, tap_fixture_tear_down)
    const struct CMUnitTest tests[] = {
        CASE(second__exporter__leaves_the_files_alone),
        CASE(second__exporter__takes_over_what_it_never_saw),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
