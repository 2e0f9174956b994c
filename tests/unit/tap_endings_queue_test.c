/* SPDX-License-Identifier: MPL-2.0 */
/* Queues from round to round: which are gone, which are others at the same address, and since when.
 */
#include "tap/losses/endings_queue.h"

#include "support/cmocka.h"

#include <string.h>

#define PIPE      ((uintptr_t)0x7f0000001000)
#define PEER      ((uintptr_t)0x7f0000002000)
#define SERIAL    9u
#define N_WAYS    4 /* queues at one place of the table */
#define N_BUCKETS 1024
#define N_GONE    128 /* that wait aside */

static struct endings_round this_round;
static struct endings_owner owner;

static int set_up(void **state)
{
    (void)state;
    endings_queue_forget_all();
    this_round = (struct endings_round){.number = 1, .now_ns = 1000};
    owner = (struct endings_owner){.serial = SERIAL, .index = 5, .n_before = 2, .n_last = 3};
    return 0;
}

static struct pipe_end end_of(uint64_t n_written, uint64_t n_read)
{
    return (struct pipe_end){.pipe = PIPE,
                             .peer = PEER,
                             .n_written = n_written,
                             .n_read = n_read,
                             .is_read_on = true,
                             .is_network = true};
}

static void see(struct pipe_end end)
{
    endings_queue_observe(&this_round, &owner, &end);
}

static void next_look(void)
{
    this_round.number++;
    this_round.now_ns += 100;
}

struct visits {
    bool is_taken;
    unsigned n;
    struct endings_queue last;
};

static bool visit(const struct endings_queue *queue, void *data)
{
    struct visits *visits = data;
    visits->n++;
    visits->last = *queue;
    return visits->is_taken;
}

static struct visits each_gone(bool is_taken)
{
    struct visits visits = {.is_taken = is_taken};
    endings_queue_each_gone(&this_round, visit, &visits);
    return visits;
}

static void see__queue__is_known_with_all_that_was_seen(void **state)
{
    (void)state;
    assert_false(endings_queue_has_any());
    see(end_of(7, 7)); /* empty */
    assert_false(endings_queue_has_any());
    assert_int_equal(owner.n_queues, 0);
    see(end_of(10, 4));
    assert_true(endings_queue_has_any());
    assert_true(endings_queue_has(SERIAL));
    assert_false(endings_queue_has(SERIAL + 1));
    assert_int_equal(owner.n_queues, 1);
    const struct endings_queue *queue = endings_queue_find(PIPE, SERIAL);
    assert_non_null(queue);
    assert_int_equal(queue->n_written, 10);
    assert_int_equal(queue->n_read, 4);
    assert_int_equal(queue->seen_ns, 1000);
    assert_int_equal(queue->still_ns, 1000);
    assert_int_equal(queue->n_before, 2);
    assert_int_equal(queue->n_last, 3);
    assert_int_equal(queue->index, 5);
    assert_true(queue->is_network && !queue->is_unread && !queue->is_closed);
    assert_int_equal(queue->n_thrown, 0);
    assert_null(endings_queue_find(PIPE, SERIAL + 1));
    assert_null(endings_queue_find(PIPE + 16, SERIAL));
    see(end_of(10, 10)); /* read empty: nothing is gone */
    assert_false(endings_queue_has_any());
    assert_int_equal(each_gone(true).n, 0);
}

static void see__no_count_or_conflating__is_not_followed(void **state)
{
    (void)state;
    struct pipe_end end = end_of(5, 0);
    end.is_conflating = true;
    see(end);
    see(end_of(UINT64_C(1) << 40, 0));
    see(end_of(3, 4)); /* read ahead of what was written */
    assert_false(endings_queue_has_any());
    see(end_of((UINT64_C(1) << 40) - 1, 0));
    assert_true(endings_queue_has_any());
}

/* It stands still since the last message was read, not written. */
static void see__again__knows_since_when_nothing_was_read(void **state)
{
    (void)state;
    see(end_of(10, 4));
    next_look();
    owner.n_before = 4;
    owner.n_last = 6;
    see(end_of(12, 4));
    const struct endings_queue *queue = endings_queue_find(PIPE, SERIAL);
    assert_int_equal(queue->still_ns, 1000);
    assert_int_equal(queue->seen_ns, 1100);
    assert_int_equal(queue->n_before, 2);
    assert_int_equal(queue->n_last, 6);
    next_look();
    see(end_of(12, 5));
    assert_int_equal(queue->still_ns, 1200);
    assert_int_equal(queue->n_before, 4);
    assert_int_equal(each_gone(true).n, 0);
}

static void see__reader_gone_once__stays_unread(void **state)
{
    (void)state;
    struct pipe_end end = end_of(10, 4);
    end.is_read_on = false;
    see(end);
    assert_true(endings_queue_find(PIPE, SERIAL)->is_unread);
    see(end_of(10, 4));
    assert_true(endings_queue_find(PIPE, SERIAL)->is_unread);
}

static void gone__not_seen_by_a_look__is_visited_until_taken(void **state)
{
    (void)state;
    see(end_of(10, 4));
    assert_int_equal(each_gone(true).n, 0);
    next_look();
    for (int i = 0; i < 3; i++) {
        struct visits visits = each_gone(false);
        assert_int_equal(visits.n, 1);
        assert_int_equal(visits.last.n_written, 10);
    }
    assert_true(endings_queue_has(SERIAL));
    assert_int_equal(each_gone(true).n, 1);
    assert_int_equal(each_gone(true).n, 0);
    assert_false(endings_queue_has_any());
}

/* At the address of one that was there before: that one is gone, at once. */
static void gone__another_at_the_same_address__is_put_aside(void **state)
{
    (void)state;
    struct pipe_end others[] = {end_of(10, 4), end_of(10, 3), end_of(9, 4), end_of(9, 3)};
    others[0].peer += 16;
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        (void)set_up(NULL);
        see(end_of(10, 4));
        next_look();
        see(others[i]);
        struct visits visits = each_gone(false);
        assert_int_equal(visits.n, 1);
        assert_int_equal(visits.last.n_written, 10);
        assert_int_equal(visits.last.n_read, 4);
        assert_int_equal(visits.last.peer, PEER);
        assert_int_equal(visits.last.n_thrown, 0);
        const struct endings_queue *queue = endings_queue_find(PIPE, SERIAL);
        assert_non_null(queue);
        assert_int_equal(queue->n_written, others[i].n_written);
        assert_int_equal(queue->still_ns, this_round.now_ns);
        assert_int_equal(each_gone(true).n, 1);
        assert_true(endings_queue_has_any()); /* the new one */
        assert_int_equal(each_gone(true).n, 0);
        others[i].n_read = others[i].n_written;
        see(others[i]);
        assert_false(endings_queue_has_any());
    }
}

static void gone__another_that_is_empty__leaves_the_old_one_aside(void **state)
{
    (void)state;
    see(end_of(10, 4));
    see(end_of(2, 2));
    assert_null(endings_queue_find(PIPE, SERIAL));
    assert_true(endings_queue_has_any());
    assert_int_equal(each_gone(true).last.n_written, 10);
    assert_false(endings_queue_has_any());
}

/* libzmq takes unread messages of a socket with ZMQ_IMMEDIATE back. */
static void gone__fewer_written_of_an_immediate_one__says_how_many(void **state)
{
    (void)state;
    owner.is_immediate = true;
    see(end_of(10, 4));
    see(end_of(7, 4));
    assert_int_equal(each_gone(true).last.n_thrown, 3);
    see(end_of(7, 3)); /* another: nothing is known of it */
    assert_int_equal(each_gone(true).last.n_thrown, 0);
}

static void gone__many_put_aside__are_as_many_as_there_is_room_for(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < N_GONE + 20; i++)
        see(end_of(1000 - i, 10)); /* fewer each time */
    assert_int_equal(each_gone(false).n, N_GONE);
    assert_int_equal(each_gone(true).n, N_GONE);
    assert_int_equal(each_gone(true).n, 0);
    see(end_of(1, 0));
    assert_int_equal(each_gone(true).n, 1);
}

static size_t bucket_of(uintptr_t pipe)
{
    return (size_t)(((uint64_t)(pipe >> 4) * UINT64_C(0x9e3779b97f4a7c15)) >> 40) % N_BUCKETS;
}

static void see__more_at_one_place_than_it_holds__leaves_the_last_out(void **state)
{
    (void)state;
    uintptr_t pipes[N_WAYS + 1], pipe = PIPE;
    for (size_t n = 0; n <= N_WAYS; pipe += 16) {
        if (bucket_of(pipe) == bucket_of(PIPE))
            pipes[n++] = pipe;
    }
    struct pipe_end end = end_of(5, 0);
    for (size_t i = 0; i <= N_WAYS; i++) {
        end.pipe = pipes[i];
        see(end);
    }
    for (size_t i = 0; i <= N_WAYS; i++)
        assert_int_equal(endings_queue_find(pipes[i], SERIAL) != NULL, i < N_WAYS);
    assert_int_equal(owner.n_queues, N_WAYS);
    end = end_of(5, 5);
    end.pipe = pipes[1];
    see(end);
    end = end_of(5, 0);
    end.pipe = pipes[N_WAYS];
    see(end);
    for (size_t i = 0; i <= N_WAYS; i++)
        assert_int_equal(endings_queue_find(pipes[i], SERIAL) != NULL, i != 1);
    next_look();
    assert_int_equal(each_gone(true).n, N_WAYS);
}

static void serials__two_at_one_address__are_apart(void **state)
{
    (void)state;
    see(end_of(10, 4));
    owner.serial++;
    see(end_of(3, 1));
    assert_int_equal(endings_queue_find(PIPE, SERIAL)->n_written, 10);
    assert_int_equal(endings_queue_find(PIPE, SERIAL + 1)->n_written, 3);
    assert_int_equal(each_gone(true).n, 0);

    struct endings_owner closed = {.serial = SERIAL, .index = 77, .is_closed = true};
    endings_queue_close_all(SERIAL, &closed);
    const struct endings_queue *queue = endings_queue_find(PIPE, SERIAL);
    assert_true(queue->is_closed);
    assert_int_equal(queue->index, 77);
    assert_false(endings_queue_find(PIPE, SERIAL + 1)->is_closed);
    assert_int_equal(each_gone(false).n, 1); /* unless it is seen again by this round */
    assert_int_equal(each_gone(false).last.serial, SERIAL);

    endings_queue_forget_before(SERIAL, 1000); /* seen at 1000 */
    assert_true(endings_queue_has(SERIAL));
    endings_queue_forget_before(SERIAL, 1001);
    assert_false(endings_queue_has(SERIAL));
    assert_true(endings_queue_has(SERIAL + 1));
    endings_queue_forget_all();
    assert_false(endings_queue_has(SERIAL + 1));
    assert_false(endings_queue_has_any());
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, set_up)
    const struct CMUnitTest tests[] = {
        TEST(see__queue__is_known_with_all_that_was_seen),
        TEST(see__no_count_or_conflating__is_not_followed),
        TEST(see__again__knows_since_when_nothing_was_read),
        TEST(see__reader_gone_once__stays_unread),
        TEST(gone__not_seen_by_a_look__is_visited_until_taken),
        TEST(gone__another_at_the_same_address__is_put_aside),
        TEST(gone__another_that_is_empty__leaves_the_old_one_aside),
        TEST(gone__fewer_written_of_an_immediate_one__says_how_many),
        TEST(gone__many_put_aside__are_as_many_as_there_is_room_for),
        TEST(see__more_at_one_place_than_it_holds__leaves_the_last_out),
        TEST(serials__two_at_one_address__are_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
