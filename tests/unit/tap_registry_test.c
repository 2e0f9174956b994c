/* SPDX-License-Identifier: MPL-2.0 */
/* Sockets and contexts by their handles: what is found, what is free again, what has no room. */
#include "tap/registry/registry.h"

#include "support/cmocka.h"
#include "support/tap_played.h"

#include <string.h>
#include <zmq.h>

static int set_up(void **state)
{
    (void)state;
    tap_played_begin();
    return 0;
}

static struct registry_socket *open_at(uintptr_t handle)
{
    return registry_open_socket(tap_played_context, (void *)handle, ZMQ_PUSH);
}

static void close_socket(struct registry_socket *socket)
{
    registry_close_socket(socket);
    registry_free_socket(socket);
}

static void open__handle__is_found_until_it_is_closed(void **state)
{
    (void)state;
    struct registry_socket *socket = tap_played_open(ZMQ_PUSH);
    void *handle = socket->handle;
    assert_int_equal(tap_played_n_begun, 1);
    assert_ptr_equal(registry_find(handle), socket->slot);
    assert_ptr_equal(registry_find_first(handle), socket->slot);
    assert_ptr_equal(socket->slot->socket, socket);
    assert_ptr_equal(socket->slot->words, socket->words);
    assert_null(registry_find((char *)handle + 8));
    assert_null(registry_find(NULL));
    assert_int_equal(TAP_PLAYED_WORD(socket, SERIAL), socket->serial);
    assert_int_not_equal(TAP_PLAYED_WORD(socket, OPENED_NS), SEGMENT_UNKNOWN);
    assert_int_equal(TAP_PLAYED_WORD(socket, LIBRARY), 0);
    assert_int_equal(TAP_PLAYED_WORD(socket, CONTEXT), tap_played_context->segment_index);
    registry_close_socket(socket);
    assert_null(registry_find(handle));
    assert_true(socket->is_used);
    assert_int_equal(tap_played_n_ended, 0);
    registry_close_socket(socket); /* again: nothing is left to do */
    assert_int_equal(tap_played_context->n_sockets, 0);
    registry_free_socket(socket);
    assert_false(socket->is_used);
    assert_int_equal(tap_played_n_ended, 1);
}

static void open__library_beyond_the_table__is_not_named(void **state)
{
    (void)state;
    tap_played.index = SEGMENT_MAX_LIBRARIES;
    struct registry_socket *socket = tap_played_open(ZMQ_PUSH);
    assert_int_equal(TAP_PLAYED_WORD(socket, LIBRARY), SEGMENT_UNKNOWN);
    tap_played.index = SEGMENT_MAX_LIBRARIES - 1;
    socket = tap_played_open(ZMQ_PUSH);
    assert_int_equal(TAP_PLAYED_WORD(socket, LIBRARY), SEGMENT_MAX_LIBRARIES - 1);
}

/* Handles whose first slots are all the same: each is found, whoever goes before. */
static size_t same_hash(uintptr_t *handles, size_t n)
{
    size_t found = 0;
    uint32_t hash = registry_hash((void *)0x7f0000001000);
    for (uintptr_t handle = 0x7f0000001000; found < n; handle += 16) {
        if (registry_hash((void *)handle) == hash)
            handles[found++] = handle;
    }
    return hash;
}

static void find__slots_in_a_row__whoever_goes_before(void **state)
{
    (void)state;
    enum { N = REGISTRY_MAX_PROBES + 2 };
    static struct registry_socket *sockets[N];
    uintptr_t handles[N];
    (void)same_hash(handles, N);
    for (size_t i = 0; i < N; i++) {
        sockets[i] = open_at(handles[i]);
        assert_int_equal(sockets[i] != NULL, i < REGISTRY_MAX_PROBES);
    }
    assert_int_equal(tap_played_table->header->untracked_sockets, 2);
    assert_true(tap_played_context->has_untracked);
    assert_int_equal(tap_played_context->n_sockets, REGISTRY_MAX_PROBES);
    for (size_t i = 0; i < N; i++)
        assert_int_equal(registry_find((void *)handles[i]) != NULL, i < REGISTRY_MAX_PROBES);
    assert_non_null(registry_find_first((void *)handles[0]));
    assert_null(registry_find_first((void *)handles[1]));
    close_socket(sockets[0]);
    close_socket(sockets[5]);
    for (size_t i = 0; i < REGISTRY_MAX_PROBES; i++)
        assert_int_equal(registry_find((void *)handles[i]) != NULL, i != 0 && i != 5);
    sockets[5] = open_at(handles[N - 1]); /* in the first place that is free */
    assert_ptr_equal(registry_find_first((void *)handles[N - 1]), sockets[5]->slot);
    /* From behind: places are free as if nobody had been there. */
    const struct registry_slot *last = sockets[REGISTRY_MAX_PROBES - 1]->slot;
    const struct registry_slot *last_but_one = sockets[REGISTRY_MAX_PROBES - 2]->slot;
    registry_close_socket(sockets[REGISTRY_MAX_PROBES - 2]);
    assert_int_not_equal(last_but_one->key, 0);
    registry_close_socket(sockets[REGISTRY_MAX_PROBES - 1]);
    assert_int_equal(last->key, 0);
    assert_int_equal(last_but_one->key, 0);
    assert_int_not_equal(last_but_one[-1].key, 0);
    assert_ptr_equal(registry_find((void *)handles[7]), sockets[7]->slot);
}

/* The row of slots goes on at the begin of the table. */
static void find__at_the_end_of_the_table__goes_on_at_its_begin(void **state)
{
    (void)state;
    uintptr_t handles[3];
    struct registry_socket *sockets[3];
    size_t n = 0;
    for (uintptr_t handle = 0x7f0000001000; n < 3; handle += 16) {
        if (registry_hash((void *)handle) == REGISTRY_N_SLOTS - 1)
            handles[n++] = handle;
    }
    for (size_t i = 0; i < 3; i++)
        sockets[i] = open_at(handles[i]);
    assert_ptr_equal(sockets[1]->slot, &registry_slots[0]);
    for (size_t i = 0; i < 3; i++)
        assert_ptr_equal(registry_find((void *)handles[i]), sockets[i]->slot);
    registry_close_socket(sockets[0]);
    registry_close_socket(sockets[1]);
    assert_int_not_equal(registry_slots[REGISTRY_N_SLOTS - 1].key, 0);
    registry_close_socket(sockets[2]);
    assert_int_equal(registry_slots[REGISTRY_N_SLOTS - 1].key, 0);
    assert_int_equal(registry_slots[0].key, 0);
}

static void open__many__as_many_as_there_are_lanes(void **state)
{
    (void)state;
    static struct registry_socket *sockets[REGISTRY_MAX_SOCKETS];
    for (uint32_t i = 0; i < REGISTRY_MAX_SOCKETS; i++) {
        sockets[i] = tap_played_open(ZMQ_PUSH);
        assert_true(sockets[i]->index < REGISTRY_MAX_SOCKETS);
        assert_ptr_equal(registry_socket_at(sockets[i]->index), sockets[i]);
    }
    assert_null(open_at(0x700000000000));
    assert_null(registry_find((void *)0x700000000000));
    assert_int_equal(tap_played_context->n_sockets, REGISTRY_MAX_SOCKETS);
    assert_null(registry_socket_at(REGISTRY_MAX_SOCKETS));
    close_socket(sockets[7]);
    close_socket(sockets[3]);
    assert_ptr_equal(open_at(0x700000000000), sockets[3]);
    assert_ptr_equal(open_at(0x700000000700), sockets[7]);
    assert_null(open_at(0x700000001400));
    assert_int_equal(tap_played_table->header->untracked_sockets, 2);
}

static void count(struct registry_socket *socket, void *data)
{
    assert_true(socket->is_used && socket->slot);
    ++*(unsigned *)data;
}

static void each__open_sockets__are_visited(void **state)
{
    (void)state;
    unsigned n = 0;
    struct registry_socket *first = tap_played_open(ZMQ_PUSH), *second = tap_played_open(ZMQ_PUSH);
    registry_each_socket(count, &n);
    assert_int_equal(n, 2);
    registry_close_socket(first);
    close_socket(second);
    registry_each_socket(count, &n);
    assert_int_equal(n, 2);
    registry_free_socket(first);
}

static void open__types__that_several_threads_may_use(void **state)
{
    (void)state;
    static const bool is_shared[] = {
        [12] = true, [13] = true, [14] = true, [15] = true,  [16] = true,
        [17] = true, [19] = true, [20] = true, [21] = false,
    };
    for (int type = 0; type <= 21; type++) {
        struct registry_socket *socket = tap_played_open(type);
        assert_int_equal(socket->is_shared, is_shared[type]);
        assert_ptr_equal(socket->slot->words, is_shared[type] ? registry_nowhere : socket->words);
        assert_int_equal(socket->type, type);
        assert_false(socket->is_attached);
    }
    struct registry_socket *attached = registry_attach_socket(tap_played_context, (void *)0x990000,
                                                              13);
    assert_false(attached->is_shared);
    assert_true(attached->is_attached);
    assert_ptr_equal(attached->slot->words, registry_nowhere);
}

static void slot__next_socket__has_nothing_of_the_last(void **state)
{
    (void)state;
    struct registry_socket *socket = open_at(0x880000);
    struct registry_slot *slot = socket->slot;
    slot->frame.whole_below = slot->first_frame.whole_below = 5;
    slot->call.sent_below = slot->received_below = 4;
    slot->n_until_measured = slot->message_kind = slot->pipe_state = 9;
    slot->small_kind = 3;
    slot->is_receiving = slot->is_within = true;
    uint32_t serial = socket->serial;
    close_socket(socket);
    socket = open_at(0x880000);
    assert_ptr_equal(socket->slot, slot);
    assert_int_equal(slot->frame.whole_below + slot->first_frame.whole_below, 0);
    assert_int_equal(slot->call.sent_below + slot->received_below, 0);
    assert_int_equal(slot->n_until_measured + slot->message_kind + slot->pipe_state, 0);
    assert_int_equal(slot->small_kind, 0);
    assert_false(slot->is_receiving || slot->is_within);
    assert_true(socket->serial > serial);
}

static const struct segment_group *group_of(const struct registry_socket *socket)
{
    return &tap_played_table->groups[tap_played_table->lane_groups[socket->lane]];
}

static void place__counters_stay_and_what_is_of_the_socket_goes_along(void **state)
{
    (void)state;
    static const enum segment_lane_word carried[] = {SEGMENT_OPENED_NS, SEGMENT_LARGEST_SENT,
                                                     SEGMENT_LARGEST_RECEIVED,
                                                     SEGMENT_API_ERROR_KINDS, SEGMENT_RECEIVER};
    struct registry_socket *socket = tap_played_open(ZMQ_PUSH);
    uint32_t lane = socket->lane;
    uint64_t *before = socket->words;
    segment_word_add(&before[SEGMENT_SENT_MESSAGES], 5);
    for (size_t i = 0; i < sizeof(carried) / sizeof(*carried); i++)
        segment_word_set(&before[carried[i]], 70 + i);
    segment_word_set(&before[SEGMENT_SEND_QUEUE], 3);
    assert_false(socket->is_placed);
    registry_place_socket(socket, "tcp://*:1");
    assert_true(socket->is_placed);
    assert_int_not_equal(socket->lane, lane);
    assert_string_equal(group_of(socket)->endpoint, "tcp://*:1");
    assert_ptr_equal(socket->slot->words, socket->words);
    for (size_t i = 0; i < sizeof(carried) / sizeof(*carried); i++)
        assert_int_equal(segment_word_get(&socket->words[carried[i]]), 70 + i);
    assert_int_equal(TAP_PLAYED_WORD(socket, SENT_MESSAGES), 0);
    assert_int_equal(TAP_PLAYED_WORD(socket, SEND_QUEUE), SEGMENT_UNKNOWN);
    assert_int_equal(segment_word_get(&before[SEGMENT_SENT_MESSAGES]), 5);
    assert_int_equal(segment_word_get(&before[SEGMENT_STATE]), SEGMENT_LANE_FREE);
    assert_int_equal(TAP_PLAYED_WORD(socket, ATTACHED), 0);
    registry_name_socket(socket, "jobs");
    assert_string_equal(group_of(socket)->endpoint, "tcp://*:1");
    assert_string_equal(group_of(socket)->name, "jobs");
    /* The lane that it left goes to the next socket, whose counters begin where it left off. */
    struct registry_socket *next = tap_played_open(ZMQ_PUSH);
    assert_int_equal(next->lane, lane);
    assert_int_equal(next->n_sent_before, 5);
    assert_int_equal(next->n_received_before, 0);
    registry_name_socket(next, "others");
    registry_place_socket(next, "tcp://*:2");
    assert_string_equal(group_of(next)->name, "others");
    assert_string_equal(group_of(next)->endpoint, "tcp://*:2");
    struct registry_socket *attached = registry_attach_socket(tap_played_context, (void *)0x990000,
                                                              ZMQ_PUSH);
    registry_place_socket(attached, "tcp://*:3");
    assert_int_equal(TAP_PLAYED_WORD(attached, ATTACHED), 1);
    assert_ptr_equal(attached->slot->words, registry_nowhere);
}

static const struct segment_context *shown_of(const struct registry_context *context)
{
    return &tap_played_table->header->contexts[context->segment_index];
}

static void contexts__are_shown_with_their_sockets(void **state)
{
    (void)state;
    int handles[2];
    struct registry_context *context = registry_add_context(&handles[0], &tap_played);
    assert_ptr_equal(registry_find_context(&handles[0]), context);
    assert_null(registry_find_context(&handles[1]));
    assert_null(registry_find_context(NULL));
    assert_int_equal(context->segment_index, REGISTRY_NO_INDEX);
    assert_true(registry_has_started_context());
    tap_played_context->has_started = false;
    assert_false(registry_has_started_context());
    context->limit = 7;
    context->n_io_threads = 2;
    struct registry_socket *socket = registry_open_socket(context, (void *)0x660000, ZMQ_PUB);
    assert_int_equal(shown_of(context)->is_open, 1);
    assert_int_equal(shown_of(context)->n_sockets, 1);
    assert_int_equal(shown_of(context)->max_sockets, 7);
    assert_int_equal(shown_of(context)->io_threads, 2);
    assert_int_equal(tap_played_table->header->n_contexts, context->segment_index + 1);
    registry_close_socket(socket);
    assert_int_equal(shown_of(context)->n_sockets, 0);
    registry_free_socket(socket);
    struct registry_socket *of_other = tap_played_open(ZMQ_PUB);
    socket = registry_open_socket(context, (void *)0x660000, ZMQ_PUB);
    const struct segment_context *shown = shown_of(context);
    uint32_t serial = context->serial;
    unsigned n_ended = tap_played_n_ended;
    /* One that comes with its handle: it has ended. */
    context = registry_add_context(&handles[0], &tap_played);
    assert_int_not_equal(context->serial, serial);
    assert_int_equal(shown->is_open, 0);
    assert_int_equal(tap_played_n_ended, n_ended + 1);
    assert_null(registry_find((void *)0x660000));
    assert_true(of_other->is_used);
    registry_remove_context(context);
    assert_null(registry_find_context(&handles[0]));
    struct registry_context *attached = registry_add_context(&handles[1], &tap_played);
    attached->is_attached = true; /* it may have others */
    socket = registry_attach_socket(attached, (void *)0x660000, ZMQ_PUB);
    assert_int_equal(attached->segment_index, REGISTRY_NO_INDEX);
    assert_int_equal(TAP_PLAYED_WORD(socket, CONTEXT), SEGMENT_UNKNOWN);
    registry_remove_context(attached);
}

static void contexts__too_many__are_none(void **state)
{
    (void)state;
    static char handles[REGISTRY_MAX_CONTEXTS + 1];
    static struct registry_context *contexts[REGISTRY_MAX_CONTEXTS];
    for (uint32_t i = 1; i < REGISTRY_MAX_CONTEXTS; i++) {
        contexts[i] = registry_add_context(&handles[i], &tap_played);
        assert_non_null(contexts[i]);
        assert_int_equal(contexts[i]->index, i);
        struct registry_socket *socket = registry_open_socket(
            contexts[i], (void *)(0x660000 + i * 0x100ul), ZMQ_PUB);
        bool is_shown = i <= SEGMENT_MAX_CONTEXTS;
        assert_int_equal(contexts[i]->segment_index, is_shown ? i - 1 : REGISTRY_NO_INDEX);
        assert_int_equal(TAP_PLAYED_WORD(socket, CONTEXT), is_shown ? i - 1 : SEGMENT_UNKNOWN);
    }
    assert_int_equal(tap_played_table->header->n_contexts, SEGMENT_MAX_CONTEXTS);
    assert_null(registry_add_context(&handles[0], &tap_played));
    assert_ptr_equal(registry_find_context(&handles[REGISTRY_MAX_CONTEXTS - 1]),
                     contexts[REGISTRY_MAX_CONTEXTS - 1]);
    for (uint32_t i = 1; i < REGISTRY_MAX_CONTEXTS; i++)
        registry_remove_context(contexts[i]);
}

static void forked__child_knows_no_socket_and_counts_nowhere(void **state)
{
    (void)state;
    int handle;
    struct registry_socket *socket = tap_played_open(ZMQ_PUSH);
    struct registry_slot *slot = socket->slot;
    struct registry_context *unused = registry_add_context(&handle, &tap_played);
    void *known = socket->handle;
    struct guard guard;
    slot->call.size = 11;
    registry_begin_fork();
    slot->call.size = 12;  /* of the handler that forks */
    registry_lock(&guard); /* of a thread that is not in the child */
    registry_forked();
    registry_end_fork();
    tap_played_lock_depth = 0;
    guard_restore_cancel(&guard);
    assert_null(registry_find(known));
    assert_ptr_equal(slot->words, registry_nowhere);
    assert_int_equal(slot->call.size, 11);
    assert_null(registry_find_context(&tap_played));
    assert_ptr_equal(registry_find_context(&handle), unused);
    assert_null(registry_socket_at(0));
    assert_null(registry_socket_at(socket->index));
    registry_lock(&guard); /* is free */
    registry_unlock(&guard);
    tap_played_context = unused;
    struct registry_socket *own = tap_played_open(ZMQ_PUSH);
    assert_int_equal(own->index, 0);
    slot = own->slot;
    slot->call.size = 13;
    registry_forked(); /* without what was copied before */
    assert_int_equal(slot->call.size, 13);
    assert_ptr_equal(slot->words, registry_nowhere);
    tap_played_context = registry_add_context(&handle, &tap_played);
}

static void claim__once_a_process__is_its_own(void **state)
{
    (void)state;
    assert_true(registry_is_own());
    assert_false(registry_begin_claim());
    tap_played_set_own(false);
    assert_false(registry_is_own());
    assert_true(registry_begin_claim());
    assert_false(registry_is_own());
    registry_end_claim();
    assert_true(registry_is_own());
    assert_true(registry_is_claimed_by_child()); /* children's marks are wiped here */
    tap_played_set_own(false);
    assert_false(registry_is_claimed_by_child());
    tap_played_set_own(true);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tap_played_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(open__handle__is_found_until_it_is_closed),
        CASE(open__library_beyond_the_table__is_not_named),
        CASE(find__slots_in_a_row__whoever_goes_before),
        CASE(find__at_the_end_of_the_table__goes_on_at_its_begin),
        CASE(open__many__as_many_as_there_are_lanes),
        CASE(each__open_sockets__are_visited),
        CASE(open__types__that_several_threads_may_use),
        CASE(slot__next_socket__has_nothing_of_the_last),
        CASE(place__counters_stay_and_what_is_of_the_socket_goes_along),
        CASE(contexts__are_shown_with_their_sockets),
        CASE(contexts__too_many__are_none),
        CASE(forked__child_knows_no_socket_and_counts_nowhere),
        CASE(claim__once_a_process__is_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
