/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What each key takes at most and at least, and that a change of any key is a change: a reload
 * keeps the connections of probes whose settings are equal.
 */
#include "config/exporter_config.h"
#include "support/cmocka.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_1 "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
#define KEY_2 "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"

static int load(const char *text, struct exporter_config **ret, struct error *err)
{
    return exporter_config_parse("x.yml", text, strlen(text), ret, err);
}

/* Whether a file is that has the value where the pattern has %s. */
static bool is_taken(const char *pattern, const char *value)
{
    static char text[1 << 17];
    struct exporter_config *config = NULL;
    struct error err = {0};
    const char *place = strstr(pattern, "%s");
    assert_non_null(place);
    (void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(place - pattern), pattern, value,
                   place + 2);
    int r = load(text, &config, &err);
    if (config)
        exporter_config_unref(&config);
    return r == 0;
}

#define PROBE(more)    "probes: [{name: a, address: 'tcp://a:1', peer: PUB" more "}]"
#define SEQUENCE(more) PROBE(", subscriptions: [''], sequence: {" more "}")
#define SECURITY(more) PROBE(", security: {" more "}")

static void read__value_at_its_limit__is_taken_and_the_next_is_not(void **state)
{
    (void)state;
    static const struct {
        const char *format, *below, *first, *last, *beyond;
    } cases[] = {
        {"probe_requests: %s", "0", "1", "256", "257"},
        {PROBE(", timeout: %s"), "49ms", "50ms", "1m", "60001ms"},
        {PROBE(", interval: %s"), "99ms", "100ms", "1h", "3600001ms"},
        {PROBE(", reconnect_interval: %s"), "99ms", "100ms", "1h", "3600001ms"},
        {PROBE(", heartbeat_timeout: 10m, heartbeat_interval: %s"), NULL, "0", "10m", "600001ms"},
        {PROBE(", heartbeat_interval: 100ms, heartbeat_timeout: %s"), "99ms", "100ms", "10m",
         "600001ms"},
        {PROBE(", receive_hwm: %s"), "0", "1", "1000000", "1000001"},
        {PROBE(", max_message_size: %s"), "0", "1", "1GiB", "1073741825"},
        {SEQUENCE("encoding: decimal, frame: %s"), "-65", "-64", "63", "64"},
        {SEQUENCE("encoding: decimal, offset: %s"), "-1", "0", "65535", "65536"},
        {SEQUENCE("encoding: decimal, width: %s"), "-1", "0", "20", "21"},
        {SEQUENCE("encoding: big_endian, width: %s"), "0", "1", "8", "9"},
        {SEQUENCE("encoding: decimal, modulus: %s"), "1", "2", "9223372036854775807",
         "9223372036854775808"},
        {SEQUENCE("encoding: big_endian, width: 1, modulus: %s"), "1", "2", "256", "257"},
        {SEQUENCE("encoding: little_endian, width: 7, modulus: %s"), "1", "2", "72057594037927936",
         "72057594037927937"},
        {SEQUENCE("encoding: big_endian, width: 8, modulus: %s"), "1", "2", "9223372036854775807",
         "9223372036854775808"},
        {SEQUENCE("encoding: decimal, key: {frame: %s}"), "-65", "-64", "63", "64"},
        {SEQUENCE("encoding: decimal, key: {offset: %s}"), "-1", "0", "65535", "65536"},
        {SEQUENCE("encoding: decimal, key: {width: %s}"), "-1", "0", "255", "256"},
        {SEQUENCE("encoding: decimal, key: {limit: %s}"), "0", "1", "65536", "65537"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const char *format = cases[i].format;
        if (cases[i].below && is_taken(format, cases[i].below))
            fail_msg("%s takes %s", format, cases[i].below);
        if (!is_taken(format, cases[i].first))
            fail_msg("%s does not take %s", format, cases[i].first);
        if (!is_taken(format, cases[i].last))
            fail_msg("%s does not take %s", format, cases[i].last);
        if (is_taken(format, cases[i].beyond))
            fail_msg("%s takes %s", format, cases[i].beyond);
    }
}

static void read__text_at_its_limit__is_taken_and_a_longer_one_is_not(void **state)
{
    (void)state;
    static const struct {
        const char *format;
        size_t longest;
    } cases[] = {
        {"probes: [{name: %s, address: 'tcp://a:1', peer: PUB}]", 128},
        {"probes: [{name: a, address: 'ipc:///%s', peer: PUB}]", 106},
        {PROBE(", subscriptions: ['%s']"), 255},
        {SECURITY("mechanism: PLAIN, password_env: LIMITS_TEST, username: '%s'"), 255},
    };
    assert_int_equal(setenv("LIMITS_TEST", "word", 1), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char value[512];
        memset(value, 'x', sizeof(value));
        value[cases[i].longest + 1] = '\0';
        if (is_taken(cases[i].format, value))
            fail_msg("%s takes %zu", cases[i].format, cases[i].longest + 1);
        value[cases[i].longest] = '\0';
        if (!is_taken(cases[i].format, value))
            fail_msg("%s does not take %zu", cases[i].format, cases[i].longest);
    }
}

static void read__host_or_target_at_its_limit__is_taken_or_not(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *value;
        bool is_taken;
    } cases[] = {
        {"probes: [{name: a, address: 'tcp://%s:1'}]", "a-b", true},
        {"probes: [{name: a, address: 'tcp://%s:1'}]", "a", true},
        {"probes: [{name: a, address: 'tcp://%s:1'}]", "-ab", false},
        {"probes: [{name: a, address: 'tcp://a:%s'}]", "65535", true},
        {"probes: [{name: a, address: 'tcp://a:%s'}]", "65536", false},
        {"probe_targets: ['tcp://a:%s']", "65535", true},
        {"probe_targets: ['tcp://a:%s']", "65536", false},
        {"probe_targets: ['tcp://a:%s']", "1-65535", true},
        {"probe_targets: ['tcp://a:%s']", "1-65536", false},
        {"probe_targets: ['tcp://a:%s']", "65536-65536", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        if (is_taken(cases[i].pattern, cases[i].value) != cases[i].is_taken)
            fail_msg("%s: %s", cases[i].pattern, cases[i].value);
    }
}

/* A list of `n` numbers, with commas. */
static const char *numbers(unsigned n)
{
    static char text[1 << 16];
    size_t used = 0;
    for (unsigned i = 0; i < n; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "'%u',", i);
    return text;
}

static void read__list_at_its_limit__is_taken_and_a_longer_one_is_not(void **state)
{
    (void)state;
    assert_true(is_taken(PROBE(", subscriptions: [%s]"), numbers(256)));
    assert_false(is_taken(PROBE(", subscriptions: [%s]"), numbers(257)));
    assert_false(is_taken(PROBE(", subscriptions: [%s]"), ""));
}

static struct exporter_config *load_probe(const char *more)
{
    char text[1024];
    struct exporter_config *config = NULL;
    struct error err = {0};
    const char *peer = strncmp(more, ", peer", 6) == 0 ? "" : ", peer: PUB";
    (void)snprintf(text, sizeof(text), "probes: [{name: a, address: 'tcp://127.0.0.1:1'%s%s}]",
                   peer, more);
    if (load(text, &config, &err) < 0)
        fail_msg("%s: %s", text, err.message);
    return config;
}

static bool are_equal(const char *one, const char *other)
{
    struct exporter_config *a = load_probe(one), *b = load_probe(other);
    bool is_equal = probe_settings_is_equal(&a->probes[0].settings, &b->probes[0].settings);
    assert_int_equal(probe_settings_is_equal(&b->probes[0].settings, &a->probes[0].settings),
                     is_equal);
    exporter_config_unref(&a);
    exporter_config_unref(&b);
    return is_equal;
}

#define NUMBERED(more) ", subscriptions: [a, b], sequence: {encoding: big_endian, width: 4" more "}"
#define PLAIN(more)    ", security: {mechanism: PLAIN, " more "}"
#define CURVE(more)    ", security: {mechanism: CURVE, server_key: '" more "}"

static void is_equal__any_key_differs__is_false(void **state)
{
    (void)state;
    static const struct {
        const char *one, *other;
    } cases[] = {
        {"", ", timeout: 7s"},
        {"", ", interval: 7s"},
        {"", ", reconnect_interval: 7s"},
        {"", ", heartbeat_interval: 7s"},
        {"", ", heartbeat_timeout: 31s"},
        {"", ", receive_hwm: 7"},
        {"", ", max_message_size: 7"},
        {"", ", greet_old_peers: true"},
        {"", ", method: greeting"},
        {"", ", peer: XPUB"},
        {"", ", bind: true"},
        {"", ", subscriptions: [a]"},
        {", subscriptions: [a]", ", subscriptions: [a, b]"},
        {", subscriptions: [a, b]", ", subscriptions: [a, c]"},
        {", subscriptions: [a, b]", NUMBERED("")},
        {NUMBERED(""), NUMBERED(", frame: 0")},
        {NUMBERED(""), NUMBERED(", offset: 1")},
        {NUMBERED(""), NUMBERED(", modulus: 5")},
        {NUMBERED(""), NUMBERED(", key: {}")},
        {NUMBERED(", key: {}"), NUMBERED(", key: {frame: 1}")},
        {NUMBERED(", key: {}"), NUMBERED(", key: {offset: 1}")},
        {NUMBERED(", key: {}"), NUMBERED(", key: {width: 1}")},
        {NUMBERED(", key: {}"), NUMBERED(", key: {limit: 1}")},
        {NUMBERED(""), ", subscriptions: [a, b], sequence: {encoding: big_endian, width: 5}"},
        {NUMBERED(""), ", subscriptions: [a, b], sequence: {encoding: little_endian, width: 4}"},
        {"", ", security: {mechanism: 'NULL'}, greet_old_peers: true"},
        {"", PLAIN("username: u, password_env: LIMITS_A")},
        {PLAIN("username: u, password_env: LIMITS_A"),
         PLAIN("username: v, password_env: LIMITS_A")},
        {PLAIN("username: u, password_env: LIMITS_A"),
         PLAIN("username: u, password_env: LIMITS_B")},
        {"", CURVE(KEY_1 "'")},
        {CURVE(KEY_1 "'"), CURVE(KEY_2 "'")},
        {CURVE(KEY_1 "'"), CURVE(KEY_1 "', secret_key_env: LIMITS_KEY")},
    };
    setenv("LIMITS_A", "one", 1);
    setenv("LIMITS_B", "two", 1);
    setenv("LIMITS_KEY", KEY_2, 1);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        if (are_equal(cases[i].one, cases[i].other))
            fail_msg("'%s' is '%s'", cases[i].one, cases[i].other);
        if (!are_equal(cases[i].one, cases[i].one) || !are_equal(cases[i].other, cases[i].other))
            fail_msg("'%s' or '%s' is not itself", cases[i].one, cases[i].other);
    }
    /* What does not say what is meant, but means the same. */
    assert_true(are_equal("", ", method: socket"));
    assert_true(are_equal(PLAIN("username: u, password_env: LIMITS_A"),
                          PLAIN("password_env: LIMITS_A, username: 'u'")));
}

static void unref__nothing__is_nothing(void **state)
{
    (void)state;
    struct exporter_config *config = NULL;
    exporter_config_unref(&config);
    config = load_probe("");
    struct exporter_config *again = exporter_config_ref(config);
    exporter_config_unref(&config);
    assert_null(config);
    assert_string_equal(again->probes[0].name, "a");
    exporter_config_unref(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read__value_at_its_limit__is_taken_and_the_next_is_not),
        cmocka_unit_test(read__text_at_its_limit__is_taken_and_a_longer_one_is_not),
        cmocka_unit_test(read__host_or_target_at_its_limit__is_taken_or_not),
        cmocka_unit_test(read__list_at_its_limit__is_taken_and_a_longer_one_is_not),
        cmocka_unit_test(is_equal__any_key_differs__is_false),
        cmocka_unit_test(unref__nothing__is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
