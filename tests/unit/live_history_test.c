/* SPDX-License-Identifier: MPL-2.0 */
#include "live/live_history.h"

#include "support/cmocka.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static struct live_moment moment(uint64_t seconds, double fill, double sent)
{
    struct live_moment self = {.at_ns = seconds * CLOCK_NS_PER_SECOND};
    for (unsigned i = 0; i < LIVE_N_VALUES; i++)
        self.values[i] = NAN;
    self.values[LIVE_SEND_FILL] = fill;
    self.values[LIVE_SENT] = sent;
    return self;
}

static void add(struct live_history *self, uint64_t tick, double fill, double sent)
{
    struct live_moment next = moment(tick * 5, fill, sent);
    live_history_add(self, tick, &next);
}

static void begin(struct live_history *self, uint64_t tick, double fill, double sent)
{
    struct live_moment first = moment(tick * 5, fill, sent);
    live_history_begin(self, tick, &first);
}

static void expect(const struct live_history *self, uint64_t since, uint64_t now, const char *text)
{
    struct string_buffer json = {0};
    live_history_append_json(self, since, now, &json);
    assert_string_equal(json.data, text);
    string_buffer_finish(&json);
}

static void add__each_tick__has_gauges_and_rates(void **state)
{
    (void)state;
    struct live_history history;
    begin(&history, 3, 0.5, 100);
    expect(&history, 0, 3, "\"first\":3,\"send_hwm_proximity_ratio\":[0.5]");
    add(&history, 4, 0.75, 105);
    add(&history, 5, 0, 1105);
    expect(&history, 0, 5,
           "\"first\":3,\"send_hwm_proximity_ratio\":[0.5,0.75,0],"
           "\"sent_messages_per_second\":[null,1,200]");
    expect(&history, 4, 5,
           "\"first\":5,\"send_hwm_proximity_ratio\":[0],\"sent_messages_per_second\":[200]");
    expect(&history, 5, 5, "\"first\":6");
}

/* A rate over a gap would be one of another time; one over a count that went back is none. */
static void add__ticks_missed_or_unknown__are_null(void **state)
{
    (void)state;
    struct live_history history;
    begin(&history, 1, 1, 0);
    add(&history, 3, NAN, 10);
    add(&history, 4, 1, 20);
    add(&history, 5, 1, 15);
    add(&history, 6, 1, NAN);
    expect(&history, 0, 6,
           "\"first\":1,\"send_hwm_proximity_ratio\":[1,null,null,1,1,1],"
           "\"sent_messages_per_second\":[null,null,null,2,null,null]");
}

static void add__more_than_ten_minutes__has_the_last(void **state)
{
    (void)state;
    struct live_history history;
    struct string_buffer json = {0};
    begin(&history, 1, 1, 0);
    for (uint64_t tick = 2; tick <= 130; tick++)
        add(&history, tick, (double)(tick % 2), (double)tick * 5);
    live_history_append_json(&history, 0, 130, &json);
    assert_non_null(strstr(json.data, "\"first\":11,\"send_hwm_proximity_ratio\":[1,0,1,"));
    size_t n_commas = 0;
    for (const char *at = strstr(json.data, "second\":["); *at; at++)
        n_commas += *at == ',';
    assert_int_equal(n_commas, LIVE_HISTORY_POINTS - 1);
    string_buffer_finish(&json);

    /* The same group, not seen for longer than that. */
    add(&history, 1000, 0.5, 7000);
    live_history_append_json(&history, 0, 1000, &json);
    assert_non_null(strstr(json.data, "\"first\":881,\"send_hwm_proximity_ratio\":[null,"));
    assert_non_null(strstr(json.data, "null,0.5]"));
    assert_null(strstr(json.data, "second"));
    string_buffer_finish(&json);

    /* It is gone since long: nothing of it is of the last ten minutes. */
    expect(&history, 0, 1120, "\"first\":1001");
}

/* One part in 256, whatever the size; what is beyond a float is not known. */
static void add__any_number__is_kept_to_one_part_in_256(void **state)
{
    (void)state;
    for (double number = 1e-4; number < 1e12; number *= 1.37) {
        struct live_history history;
        struct string_buffer json = {0};
        begin(&history, 1, number, NAN);
        live_history_append_json(&history, 0, 1, &json);
        double told = strtod(strchr(json.data, '[') + 1, NULL);
        assert_true(fabs(told - number) <= number / 256 * 1.2); /* and of four digits */
        string_buffer_finish(&json);
    }
    struct live_history history;
    begin(&history, 1, 1e300, NAN);
    expect(&history, 0, 1, "\"first\":1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(add__each_tick__has_gauges_and_rates),
        cmocka_unit_test(add__ticks_missed_or_unknown__are_null),
        cmocka_unit_test(add__more_than_ten_minutes__has_the_last),
        cmocka_unit_test(add__any_number__is_kept_to_one_part_in_256),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
