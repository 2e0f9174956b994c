/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Threads of a program count, the tap's publishes, the collector and two HTTP threads read, all
 * at once. Under the thread sanitizer this shows that none needs a lock; everywhere, that no
 * page is behind the one before.
 */
#include "support/tap_fixture.h"

#include "collectors/tap/tap_sockets.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#define PUSH      8
#define N_LANES   4
#define N_SCRAPES 100
#define SENT      "zmq_socket_sent_messages_total{program=\"feed\",type=\"PUSH\",address=\"tcp://a\"}"

struct stage {
    struct tap_fixture *fixture;
    struct segment_table *table;
    struct segment_writer *writer;
    uint64_t *lanes[N_LANES];
    atomic_bool is_over;
    atomic_uint n_walks;
};

struct player {
    struct stage *stage;
    uint64_t *words;
};

static void *count(void *data)
{
    const struct player *player = data;
    while (!atomic_load(&player->stage->is_over)) {
        segment_word_add(&player->words[SEGMENT_SENT_MESSAGES], 1);
        segment_word_set(&player->words[SEGMENT_SEND_QUEUE], 5);
        sched_yield();
    }
    return NULL;
}

static void *publish(void *data)
{
    const struct player *player = data;
    while (!atomic_load(&player->stage->is_over))
        (void)segment_writer_publish(player->stage->writer);
    return NULL;
}

static int visit(const struct tap_socket *socket, void *data)
{
    struct tap_socket_field fields[TAP_SOCKET_MAX_FIELDS];
    (void)data;
    return tap_socket_fields(socket, fields) > 0 ? 0 : -1;
}

static void *walk(void *data)
{
    const struct player *player = data;
    while (!atomic_load(&player->stage->is_over)) {
        if (tap_sockets_each(player->stage->fixture->directory, visit, NULL) == 0)
            atomic_fetch_add(&player->stage->n_walks, 1);
    }
    return NULL;
}

static void all__at_once__pages_only_grow(void **state)
{
    static struct stage stage;
    static void *(*const parts[])(void *) = {count, count, count, count, publish, walk, walk};
    enum { N = sizeof(parts) / sizeof(*parts) };
    pthread_t threads[N];
    struct player players[N];
    stage.fixture = *state;
    assert_int_equal(segment_table_new(16, &stage.table), 0);
    assert_int_equal(segment_writer_new(stage.table, stage.fixture->directory, &stage.writer), 0);
    tap_set_capability(stage.table, SEGMENT_CAPABILITY_MESSAGES, SEGMENT_CAPABILITY_ON);
    for (int i = 0; i < N_LANES; i++)
        stage.lanes[i] = tap_open_socket(stage.table, PUSH, "tcp://a");
    assert_int_equal(segment_writer_publish(stage.writer), 0);
    for (int i = 0; i < N; i++) {
        players[i] = (struct player){&stage, i < N_LANES ? stage.lanes[i] : NULL};
        assert_int_equal(pthread_create(&threads[i], NULL, parts[i], &players[i]), 0);
    }

    double last = 0;
    for (int i = 0; i < N_SCRAPES || last == 0 || atomic_load(&stage.n_walks) < 2; i++) {
        double now = tap_fixture_value(stage.fixture, SENT);
        assert_true(now >= last);
        last = now;
        tap_fixture_tick(stage.fixture);
    }
    atomic_store(&stage.is_over, true);
    for (int i = 0; i < N; i++)
        pthread_join(threads[i], NULL);
    segment_writer_close(stage.writer);
    uint64_t sum = 0;
    for (int i = 0; i < N_LANES; i++)
        sum += stage.lanes[i][SEGMENT_SENT_MESSAGES];
    assert_true(tap_fixture_value(stage.fixture, SENT) == (double)sum);
    segment_writer_destroy(&stage.writer);
    segment_table_destroy(&stage.table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all__at_once__pages_only_grow, tap_fixture_set_up,
                                        tap_fixture_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
