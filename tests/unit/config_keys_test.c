/* SPDX-License-Identifier: MPL-2.0 */
#include "config/config_keys.h"

#include "support/cmocka.h"

#include <errno.h>
#include <string.h>

struct values {
    bool is_on;
    int64_t count, timeout_ms, size_bytes;
    const char *name;
    int color;
    const struct config_node *mapping, *list;
};

enum { RED = 1, GREEN = 7 };
static const struct config_choice colors[] = {{"red", RED}, {"green", GREEN}, {0}};

static const struct config_key keys[] = {
    {"on", CONFIG_BOOL, offsetof(struct values, is_on), .fallback = 1},
    {"count", CONFIG_INTEGER, offsetof(struct values, count), .fallback = 3, .min = -1, .max = 10},
    {"timeout", CONFIG_DURATION, offsetof(struct values, timeout_ms), .fallback = 5000, .min = 100,
     .max = 90000},
    {"size", CONFIG_SIZE, offsetof(struct values, size_bytes), .fallback = 64},
    {"name", CONFIG_TEXT, offsetof(struct values, name), .fallback_text = "none", .min = 1,
     .max = 4},
    {"color", CONFIG_CHOICE, offsetof(struct values, color), .fallback = GREEN, .choices = colors},
    {"mapping", CONFIG_MAPPING, offsetof(struct values, mapping)},
    {"list", CONFIG_LIST, offsetof(struct values, list), .min = 1, .max = 2},
    {"colour", CONFIG_REFUSED, .hint = "write color"},
};
#define N_KEYS (sizeof(keys) / sizeof(*keys))

static int read_text(const char *text, struct values *values, struct config_document **document,
                     struct error *err)
{
    assert_int_equal(config_document_parse("x.yml", text, strlen(text), document, err), 0);
    return config_keys_read(config_document_root(*document), keys, N_KEYS, values, err);
}

static void read__nothing__gives_the_fallbacks(void **state)
{
    (void)state;
    struct config_document *document = NULL;
    struct values values;
    struct error err = {0};
    memset(&values, 0xff, sizeof(values));
    assert_int_equal(read_text("", &values, &document, &err), 0);
    assert_true(values.is_on);
    assert_int_equal(values.count, 3);
    assert_int_equal(values.timeout_ms, 5000);
    assert_int_equal(values.size_bytes, 64);
    assert_string_equal(values.name, "none");
    assert_int_equal(values.color, GREEN);
    assert_null(values.mapping);
    assert_null(values.list);
    config_document_destroy(&document);
}

static void read__every_type__is_converted(void **state)
{
    (void)state;
    struct config_document *document = NULL;
    struct values values;
    struct error err = {0};
    assert_int_equal(read_text("on: off\ncount: -1\ntimeout: '1m30s'\nsize: 2MiB\nname: '5'\n"
                               "color: red\nmapping: {a: b}\nlist: [1]\n",
                               &values, &document, &err),
                     0);
    assert_false(values.is_on);
    assert_int_equal(values.count, -1);
    assert_int_equal(values.timeout_ms, 90000);
    assert_int_equal(values.size_bytes, 2 << 20);
    assert_string_equal(values.name, "5");
    assert_int_equal(values.color, RED);
    assert_string_equal(values.mapping->first->text, "b");
    assert_int_equal(values.list->n_children, 1);
    config_document_destroy(&document);
}

#define DURATION "x.yml:1:10: 'timeout' must be a duration such as 500ms, 5s or 1m30s, not "
#define SIZE     "x.yml:1:7: 'size' must be a size such as 65536, 64KiB or 1MiB, not "

static void read__at_the_limits__is_taken(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct values values;
    } cases[] = {
        {"{count: -1, timeout: 100ms, size: 0, name: a, list: [1]}",
         {.count = -1, .timeout_ms = 100}},
        {"{count: 10, timeout: 90s, size: 1KiB, name: abcd, list: [1, 2]}",
         {.count = 10, .timeout_ms = 90000, .size_bytes = 1024}},
        {"{timeout: 1m29s1000ms, size: 8589934591GiB}",
         {.count = 3, .timeout_ms = 90000, .size_bytes = INT64_C(8589934591) << 30}},
        {"{timeout: 1m0s5ms, size: 9223372036854775807}",
         {.count = 3, .timeout_ms = 60005, .size_bytes = INT64_MAX}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct config_document *document = NULL;
        struct values values;
        struct error err = {0};
        if (read_text(cases[i].text, &values, &document, &err) != 0)
            fail_msg("%s", err.message);
        assert_int_equal(values.count, cases[i].values.count);
        assert_int_equal(values.timeout_ms, cases[i].values.timeout_ms);
        assert_true(values.size_bytes == cases[i].values.size_bytes);
        config_document_destroy(&document);
    }
}

static void read__wrong__says_where_and_what(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"timout: 1s", "x.yml:1:1: unknown key 'timout' (did you mean 'timeout'?)"},
        {"on: yes\nfrequency: 1", "x.yml:2:1: unknown key 'frequency'"},
        {"colour: red", "x.yml:1:1: write color"},
        {"on: 1", "x.yml:1:5: 'on' must be true or false, not '1'"},
        {"on: 'true'", "x.yml:1:5: 'on' must be true or false, not 'true'"},
        {"on:", "x.yml:1:1: 'on' has no value"},
        {"on: [true]", "x.yml:1:5: 'on' must be a single value"},
        {"count: 0x10", "x.yml:1:8: 'count' must be a number, not '0x10'"},
        {"count: +1", "x.yml:1:8: 'count' must be a number, not '+1'"},
        {"count: 99999999999999999999",
         "x.yml:1:8: 'count' must be a number, not '99999999999999999999'"},
        {"count: 11", "x.yml:1:8: 'count' must be from -1 to 10, not 11"},
        {"timeout: 5", "x.yml:1:10: 'timeout' must be a duration such as 500ms, 5s or 1m30s, "
                       "not '5'"},
        /* 2^64 + 5000 ms, of terms that are possible each; then a term and a number that are not */
        {"timeout: 106751991167d2562047788015h445m56s616ms", DURATION "'106751991167d2562047788015"
                                                                      "h445m56s616ms'"},
        {"timeout: 213503982335d", DURATION "'213503982335d'"},
        {"timeout: 18446744073709556616ms", DURATION "'18446744073709556616ms'"},
        {"timeout: 1s1m", DURATION "'1s1m'"},
        {"timeout: 1s1s", DURATION "'1s1s'"},
        {"timeout: 1", DURATION "'1'"},
        {"timeout: 1.5s", DURATION "'1.5s'"},
        {"timeout: s", DURATION "'s'"},
        {"timeout: 1sm", DURATION "'1sm'"},
        {"timeout: -1s", DURATION "'-1s'"},
        {"timeout: 99ms", "x.yml:1:10: 'timeout' must be from 100ms to 1m30s, not 99ms"},
        {"timeout: 90001ms", "x.yml:1:10: 'timeout' must be from 100ms to 1m30s, not 90001ms"},
        {"count: -2", "x.yml:1:8: 'count' must be from -1 to 10, not -2"},
        {"count: 1x", "x.yml:1:8: 'count' must be a number, not '1x'"},
        {"count: --1", "x.yml:1:8: 'count' must be a number, not '--1'"},
        {"count: 18446744073709551621",
         "x.yml:1:8: 'count' must be a number, not '18446744073709551621'"},
        {"size: 17179869185GiB", SIZE "'17179869185GiB'"}, /* 2^64 + 2^30 */
        {"size: 8589934592GiB", SIZE "'8589934592GiB'"},   /* 2^63 */
        {"size: 18446744073709551680", SIZE "'18446744073709551680'"},
        {"size: -1", SIZE "'-1'"},
        {"size: KiB", SIZE "'KiB'"},
        {"timeout: 2m", "x.yml:1:10: 'timeout' must be from 100ms to 1m30s, not 2m"},
        {"size: 1MB", "x.yml:1:7: 'size' must be a size such as 65536, 64KiB or 1MiB, not '1MB'"},
        {"name: ''", "x.yml:1:7: 'name' must have at least 1 character"},
        {"name: abcde", "x.yml:1:7: 'name' must have at most 4 bytes"},
        {"color: gren", "x.yml:1:8: 'color' cannot be 'gren' (did you mean 'green'?); it must be "
                        "one of red, green"},
        {"mapping: 1", "x.yml:1:10: 'mapping' must be a mapping of keys to values"},
        {"list: {}", "x.yml:1:7: 'list' must be a list"},
        {"list: []", "x.yml:1:7: 'list' must have at least 1 member"},
        {"list: [1, 2, 3]", "x.yml:1:7: 'list' must have at most 2 members"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct config_document *document = NULL;
        struct values values;
        struct error err = {0};
        assert_int_equal(read_text(cases[i].text, &values, &document, &err), -EINVAL);
        assert_string_equal(err.message, cases[i].message);
        config_document_destroy(&document);
    }
}

static void read__required_key_is_absent__says_so(void **state)
{
    (void)state;
    static const struct config_key required[] = {
        {"name", CONFIG_TEXT, 0, .is_required = true},
    };
    struct config_document *document = NULL;
    const char *name;
    struct error err = {0};
    assert_int_equal(config_document_parse("x.yml", "{}", 2, &document, &err), 0);
    assert_int_equal(config_keys_read(config_document_root(document), required, 1, &name, &err),
                     -EINVAL);
    assert_string_equal(err.message, "x.yml:1:1: key 'name' is missing");
    config_document_destroy(&document);
}

static void duration_format__any__is_what_the_reader_takes(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {{0, "0"}, {1, "1ms"}, {5000, "5s"}, {90061001, "1d1h1m1s1ms"}, {120000, "2m"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char text[32];
        config_duration_format(cases[i].ms, text);
        assert_string_equal(text, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read__nothing__gives_the_fallbacks),
        cmocka_unit_test(read__every_type__is_converted),
        cmocka_unit_test(read__at_the_limits__is_taken),
        cmocka_unit_test(read__wrong__says_where_and_what),
        cmocka_unit_test(read__required_key_is_absent__says_so),
        cmocka_unit_test(duration_format__any__is_what_the_reader_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
