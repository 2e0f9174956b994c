/* SPDX-License-Identifier: MPL-2.0 */
/* The time in receives, as ticks see it: a tenth of a second apart, and a second after a rest. */
#include "base/clock.h"
#include "tap/counting/blocking.h"
#include "tap/ground/tables.h"
#include "tap/learned/learned.h"

#include "support/cmocka.h"

#include <zmq.h>

#define TENTH  (100 * CLOCK_NS_PER_MS)
#define SECOND CLOCK_NS_PER_SECOND

static struct library library;
static struct learned learned;

/*
 * The rest of the tap
 */
_Thread_local const struct library *library_inside;

struct library *library_of_handle(const void *handle)
{
    (void)handle;
    return NULL;
}

const struct learned *learned_of(const struct library *of)
{
    (void)of;
    return &learned;
}

const struct pipe_layout *learned_pipes_of(const struct library *of)
{
    (void)of;
    return NULL;
}

void library_end_direct(void) {}

static void begin(struct registry_slot *slot)
{
    blocking_reset(slot->socket);
}

static void end(struct registry_socket *socket)
{
    (void)socket;
}

static struct registry_socket *open_socket(void)
{
    static const struct registry_callbacks callbacks = {.begin = begin, .end = end};
    static struct segment_table *table;
    static uint64_t context_object, objects[8], n_objects;
    if (!table) {
        assert_int_equal(segment_table_new(16, &table), 0);
        assert_int_equal(tables_map(), 0);
        registry_start(table, &callbacks);
        registry_add_context(&context_object, &library);
    }
    return registry_open_socket(registry_find_context(&context_object), &objects[n_objects++],
                                ZMQ_PULL);
}

/* What a tick adds, the thread being in a receive now or not. */
static uint64_t tick(struct registry_socket *socket, bool is_receiving, uint64_t elapsed_ns)
{
    const uint64_t *word = &socket->words[SEGMENT_RECEIVE_BLOCKED_NS];
    uint64_t before = *word;
    socket->slot->is_receiving = is_receiving;
    blocking_tick(socket, 1000 * SECOND, elapsed_ns);
    return *word - before;
}

static void tick__tenth_of_a_second__is_as_it_is_now(void **state)
{
    (void)state;
    struct registry_socket *socket = open_socket();
    assert_int_equal(tick(socket, false, TENTH), 0);
    assert_int_equal(tick(socket, true, TENTH), TENTH);
    assert_int_equal(tick(socket, true, 2 * TENTH), 2 * TENTH);
    assert_int_equal(tick(socket, false, 2 * TENTH), 0);
}

static void tick__after_a_rest__is_as_it_was_before(void **state)
{
    (void)state;
    struct registry_socket *socket = open_socket();
    assert_int_equal(tick(socket, false, TENTH), 0);
    assert_int_equal(tick(socket, true, SECOND), 0); /* its call has ended the rest */
    assert_int_equal(tick(socket, true, SECOND), SECOND);
    assert_int_equal(tick(socket, false, SECOND), SECOND / 2); /* it came back at some time */
    assert_int_equal(tick(socket, false, SECOND), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tick__tenth_of_a_second__is_as_it_is_now),
        cmocka_unit_test(tick__after_a_rest__is_as_it_was_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
