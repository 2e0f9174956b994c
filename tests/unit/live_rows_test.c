/* SPDX-License-Identifier: MPL-2.0 */
#include "live/live_rows.h"

#include "support/cmocka.h"

#include <stdio.h>

#define MINUTE_NS (60 * CLOCK_NS_PER_SECOND)

/* A host with a few groups of sockets; a count of 0 is a group that is not there. */
struct host {
    struct live_rows rows;
    uint64_t now_ns;
};

static const char *const labels[] = {"program=\"a\"", "program=\"b\"", "program=\"c\""};

static struct label_text label(unsigned i)
{
    return (struct label_text){labels[i], (uint32_t)strlen(labels[i])};
}

static void fill(struct samples *samples, const uint64_t counts[3])
{
    samples_init(samples);
    for (unsigned i = 0; i < 3; i++) {
        if (counts[i] == 0)
            continue;
        samples_add_u64(samples, FAMILY_SOCKETS, label(i), NULL, 1);
        samples_add_u64(samples, FAMILY_SOCKET_SENT_MESSAGES, label(i), NULL, counts[i]);
    }
}

/* What a page is told that has the answer of revision `since`. */
static void expect(struct host *self, const uint64_t counts[3], uint64_t since, const char *text)
{
    struct samples samples;
    struct string_buffer json = {0};
    struct label_sets sets;
    struct live_row *rows[8];
    const struct samples *parts[] = {&samples};
    fill(&samples, counts);
    assert_int_equal(label_sets_gather(parts, 1, NULL, &sets), 0);
    assert_int_equal(live_rows_look(&self->rows, &sets, self->now_ns, rows), 0);
    live_rows_append_json(&self->rows, since, &sets, rows, &json);
    char *programs = strstr(json.data, ",\"programs\":[],\"libraries\":[],\"probes\":[],"
                                       "\"exporter\":[]");
    assert_non_null(programs);
    *programs = '\0';
    char all[1024];
    (void)snprintf(all, sizeof(all), "%s%s", json.data, strstr(programs + 1, ",\"gone\""));
    assert_string_equal(all, text);
    string_buffer_finish(&json);
    label_sets_finish(&sets);
    samples_finish(&samples);
}

static void remember(struct host *self, const uint64_t counts[3], uint64_t tick)
{
    struct samples samples;
    struct label_sets sets;
    const struct samples *parts[] = {&samples};
    fill(&samples, counts);
    assert_int_equal(label_sets_gather(parts, 1, NULL, &sets), 0);
    assert_int_equal(live_rows_remember(&self->rows, &sets, tick, self->now_ns), 0);
    label_sets_finish(&sets);
    samples_finish(&samples);
}

#define VALUES(n) "\"values\":{\"zmq_sockets\":1,\"zmq_socket_sent_messages_total\":" #n "}"
#define WHOLE(id, program, n)                                                                      \
    "{\"id\":" #id ",\"labels\":{\"program\":\"" program "\"}," VALUES(n) "}"
#define PART(id, n) "{\"id\":" #id "," VALUES(n) "}"

static void look__what_changed__is_told_alone(void **state)
{
    (void)state;
    struct host host = {.now_ns = 1};
    expect(&host, (uint64_t[]){1, 1, 0}, 0,
           "\"is_whole\":true,\"sockets\":[" WHOLE(1, "a", 1) "," WHOLE(2, "b", 1) "],\"gone\":[]");
    expect(&host, (uint64_t[]){1, 1, 0}, 1, "\"is_whole\":false,\"sockets\":[],\"gone\":[]");
    expect(&host, (uint64_t[]){1, 2, 0}, 2,
           "\"is_whole\":false,\"sockets\":[" PART(2, 2) "],\"gone\":[]");
    /* Who asks more rarely is told all of it. */
    expect(&host, (uint64_t[]){3, 2, 0}, 1,
           "\"is_whole\":false,\"sockets\":[" PART(1, 3) "," PART(2, 2) "],\"gone\":[]");
    expect(&host, (uint64_t[]){3, 2, 0}, 0,
           "\"is_whole\":true,\"sockets\":[" WHOLE(1, "a", 3) "," WHOLE(2, "b", 2) "],\"gone\":[]");
    live_rows_finish(&host.rows);
}

static void look__group_comes_and_goes__is_told_each_time(void **state)
{
    (void)state;
    struct host host = {.now_ns = 1};
    expect(&host, (uint64_t[]){1, 0, 1}, 0,
           "\"is_whole\":true,\"sockets\":[" WHOLE(1, "a", 1) "," WHOLE(2, "c", 1) "],\"gone\":[]");
    expect(&host, (uint64_t[]){1, 1, 0}, 1,
           "\"is_whole\":false,\"sockets\":[" WHOLE(3, "b", 1) "],\"gone\":[2]");
    expect(&host, (uint64_t[]){1, 1, 0}, 2, "\"is_whole\":false,\"sockets\":[],\"gone\":[]");
    /* The same as it was, and yet new to the page. */
    expect(&host, (uint64_t[]){1, 1, 1}, 3,
           "\"is_whole\":false,\"sockets\":[" WHOLE(2, "c", 1) "],\"gone\":[]");
    live_rows_finish(&host.rows);
}

static void look__revision_not_known__is_told_all(void **state)
{
    (void)state;
    struct host host = {.now_ns = 1};
    expect(&host, (uint64_t[]){1, 0, 0}, 7,
           "\"is_whole\":true,\"sockets\":[" WHOLE(1, "a", 1) "],\"gone\":[]");
    live_rows_finish(&host.rows);
}

/* What was gone before rows were forgotten cannot be told. */
static void look__asked_after_it_was_forgotten__is_told_all(void **state)
{
    (void)state;
    struct host host = {.now_ns = 1};
    expect(&host, (uint64_t[]){1, 1, 0}, 0,
           "\"is_whole\":true,\"sockets\":[" WHOLE(1, "a", 1) "," WHOLE(2, "b", 1) "],\"gone\":[]");
    expect(&host, (uint64_t[]){1, 0, 0}, 1, "\"is_whole\":false,\"sockets\":[],\"gone\":[2]");
    host.now_ns = 9 * MINUTE_NS;
    expect(&host, (uint64_t[]){1, 0, 0}, 1, "\"is_whole\":false,\"sockets\":[],\"gone\":[2]");
    assert_int_equal(host.rows.n, 2);
    host.now_ns = 11 * MINUTE_NS;
    expect(&host, (uint64_t[]){1, 0, 0}, 1,
           "\"is_whole\":true,\"sockets\":[" WHOLE(1, "a", 1) "],\"gone\":[]");
    assert_int_equal(host.rows.n, 1);
    expect(&host, (uint64_t[]){1, 0, 0}, 2, "\"is_whole\":false,\"sockets\":[],\"gone\":[]");
    live_rows_finish(&host.rows);
}

/* Two collectors may say something of one program: two rows with the same labels. */
static void look__two_parts_with_one_text__are_two_rows(void **state)
{
    (void)state;
    struct host host = {.now_ns = 1};
    struct samples one, other;
    static char copy[] = "program=\"a\""; /* not const: clang would make it one with the literal */
    struct label_sets sets;
    struct live_row *rows[2];
    const struct samples *parts[] = {&one, &other};
    samples_init(&one);
    samples_init(&other);
    samples_add_u64(&one, FAMILY_PROCESSES, label(0), NULL, 1);
    samples_add_u64(&other, FAMILY_UNSEEN_PROCESSES, (struct label_text){copy, sizeof(copy) - 1},
                    "reason=\"time\"", 1);
    for (unsigned i = 0; i < 3; i++) {
        struct string_buffer json = {0};
        assert_int_equal(label_sets_gather(parts, 2, NULL, &sets), 0);
        assert_int_equal(live_rows_look(&host.rows, &sets, 1, rows), 0);
        assert_ptr_not_equal(rows[0], rows[1]);
        live_rows_append_json(&host.rows, i, &sets, rows, &json);
        assert_int_equal(strstr(json.data, "zmq_processes") != NULL, i == 0);
        assert_int_equal(strstr(json.data, "zmq_unseen_processes") != NULL, i == 0);
        string_buffer_finish(&json);
        label_sets_finish(&sets);
    }
    assert_int_equal(host.rows.n, 2);
    samples_finish(&one);
    samples_finish(&other);
    live_rows_finish(&host.rows);
}

static void expect_history(const struct host *self, uint32_t id, const char *text)
{
    struct string_buffer json = {0};
    live_rows_append_history(&self->rows, id, 0, &json);
    assert_string_equal(json.data ? json.data : "", text);
    string_buffer_finish(&json);
}

static void remember__groups__have_their_own_history(void **state)
{
    (void)state;
    struct host host = {.now_ns = 5 * CLOCK_NS_PER_SECOND};
    remember(&host, (uint64_t[]){10, 10, 0}, 1);
    host.now_ns *= 2;
    remember(&host, (uint64_t[]){20, 60, 0}, 2);
    expect_history(&host, live_rows_find(&host.rows, LABEL_SECTION_SOCKETS, "program=\"a\"", 11),
                   "{\"id\":1,\"first\":1,\"sent_messages_per_second\":[null,2]}");
    expect_history(&host, live_rows_find(&host.rows, LABEL_SECTION_SOCKETS, "program=\"b\"", 11),
                   "{\"id\":2,\"first\":1,\"sent_messages_per_second\":[null,10]}");
    assert_int_equal(live_rows_find(&host.rows, LABEL_SECTION_SOCKETS, "program=\"c\"", 11), 0);
    assert_int_equal(live_rows_find(&host.rows, LABEL_SECTION_PROGRAMS, "program=\"a\"", 11), 0);
    expect_history(&host, 3, "");
    /* A page that opens now is told of them by the same numbers. */
    expect(
        &host, (uint64_t[]){20, 60, 0}, 0,
        "\"is_whole\":true,\"sockets\":[" WHOLE(1, "a", 20) "," WHOLE(2, "b", 60) "],\"gone\":[]");
    live_rows_finish(&host.rows);
}

static void remember__more_groups_than_the_limit__bounds_memory(void **state)
{
    (void)state;
    struct host host = {.rows.n_histories = LIVE_ROWS_HISTORY_MAX - 1};
    remember(&host, (uint64_t[]){1, 1, 1}, 1);
    assert_int_equal(host.rows.n_histories, LIVE_ROWS_HISTORY_MAX);
    expect_history(&host, 1, "{\"id\":1,\"first\":1}");
    expect_history(&host, 2, "");
    live_rows_finish(&host.rows);
}

/* Thousands, so that the table grows. */
static void look__many_groups__each_keeps_its_row(void **state)
{
    (void)state;
    enum { N = 3000 };
    static char texts[N][32];
    static struct live_row *rows[2][N];
    struct host host = {.now_ns = 1};
    for (unsigned pass = 0; pass < 2; pass++) {
        struct samples samples;
        struct label_sets sets;
        const struct samples *parts[] = {&samples};
        samples_init(&samples);
        for (unsigned i = 0; i < N; i++) {
            int size = snprintf(texts[i], sizeof(texts[i]), "program=\"%u\"", i);
            samples_add_u64(&samples, FAMILY_SOCKETS, (struct label_text){texts[i], (uint32_t)size},
                            NULL, 1);
        }
        assert_int_equal(label_sets_gather(parts, 1, NULL, &sets), 0);
        assert_int_equal(live_rows_look(&host.rows, &sets, 1, rows[pass]), 0);
        label_sets_finish(&sets);
        samples_finish(&samples);
    }
    assert_memory_equal(rows[0], rows[1], sizeof(rows[0]));
    assert_int_equal(host.rows.n, N);
    live_rows_finish(&host.rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(look__what_changed__is_told_alone),
        cmocka_unit_test(look__group_comes_and_goes__is_told_each_time),
        cmocka_unit_test(look__revision_not_known__is_told_all),
        cmocka_unit_test(look__asked_after_it_was_forgotten__is_told_all),
        cmocka_unit_test(look__two_parts_with_one_text__are_two_rows),
        cmocka_unit_test(remember__groups__have_their_own_history),
        cmocka_unit_test(remember__more_groups_than_the_limit__bounds_memory),
        cmocka_unit_test(look__many_groups__each_keeps_its_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
