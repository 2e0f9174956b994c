/* SPDX-License-Identifier: MPL-2.0 */
/* What moves through pipes that come, go, are missed and take each other's addresses. */
#include "queues/followed.h"

#include "support/cmocka.h"

#define PATIENCE 3u     /* rounds for which a pipe that is not shown is remembered */
#define MOST     32768u /* pipes of one socket */
#define LARGEST  ((UINT64_C(1) << 40) - 1)

static struct followed followed;

static int set_up(void **state)
{
    (void)state;
    followed = (struct followed){0};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    followed_finish(&followed);
    return 0;
}

static const struct pipe_count a_pipe = {
    .pipe = 0x1000, .peer = 0x2000, .in_queue = 0x3000, .is_readable = true};

/* Of one pipe, and whether the sums are what they should be. */
static void note(struct pipe_count count, uint64_t n_written, uint64_t n_read)
{
    count.n_written = n_written;
    count.n_read = n_read;
    followed_note(&followed, &count);
}

static void end_rounds(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        followed_end_round(&followed);
}

#define assert_sums(written, read)                                                                 \
    do {                                                                                           \
        assert_int_equal(followed.n_written, written);                                             \
        assert_int_equal(followed.n_read, read);                                                   \
    } while (0)

static void note__same_pipe__adds_what_moved(void **state)
{
    (void)state;
    note(a_pipe, 10, 5);
    assert_sums(10, 5);
    note(a_pipe, 10, 5);
    assert_sums(10, 5);
    note(a_pipe, 12, 9);
    end_rounds(1);
    note(a_pipe, 13, 9);
    assert_sums(13, 9);
}

static void note__another_at_the_same_address__is_counted_anew(void **state)
{
    struct pipe_count other = a_pipe;
    (void)state;
    note(a_pipe, 10, 5);
    note(a_pipe, 11, 4); /* fewer read */
    assert_sums(21, 9);
    other.peer++;
    note(other, 12, 6);
    assert_sums(33, 15);
    other.in_queue++;
    note(other, 13, 7);
    assert_sums(46, 22);
    note(other, 14, 7);
    assert_sums(47, 22);
}

/* A subscriber that connects again has its pipe's unread subscriptions taken back. */
static void note__fewer_written__goes_on_from_there(void **state)
{
    (void)state;
    note(a_pipe, 10, 5);
    note(a_pipe, 4, 5);
    assert_sums(10, 5);
    note(a_pipe, 6, 5);
    assert_sums(12, 5);
}

static void note__missed_for_some_rounds__is_the_same(void **state)
{
    (void)state;
    note(a_pipe, 10, 5);
    end_rounds(PATIENCE);
    note(a_pipe, 11, 6);
    assert_sums(11, 6);
    end_rounds(PATIENCE + 1);
    note(a_pipe, 12, 7); /* another of the same place, for all that is known */
    assert_sums(23, 13);
}

static void note__not_readable__is_there_all_the_same(void **state)
{
    struct pipe_count hidden = a_pipe;
    (void)state;
    hidden.is_readable = false;
    note(hidden, 99, 99);
    assert_sums(0, 0);
    note(a_pipe, 10, 5);
    end_rounds(PATIENCE);
    note(hidden, 99, 99);
    end_rounds(PATIENCE);
    note(a_pipe, 11, 6);
    assert_sums(11, 6);
}

static void note__more_than_a_count__is_none(void **state)
{
    (void)state;
    note(a_pipe, LARGEST, LARGEST);
    assert_sums(LARGEST, LARGEST);
    note(a_pipe, 2 * LARGEST + 1, 2 * LARGEST + 1);
    assert_sums(LARGEST, LARGEST);
    note(a_pipe, 2 * LARGEST + 2, 2 * LARGEST + 3);
    assert_sums(LARGEST + 1, LARGEST + 2);
}

static void note__many__each_has_its_own(void **state)
{
    struct pipe_count pipe = a_pipe;
    (void)state;
    for (uint64_t i = 0; i <= MOST; i++) {
        pipe.pipe = 0x1000 + 16 * i;
        note(pipe, 2, 1);
    }
    assert_sums(2 * MOST, MOST);
    for (uint64_t i = 0; i < MOST; i++) {
        pipe.pipe = 0x1000 + 16 * i;
        note(pipe, 3, 2);
    }
    assert_sums(3 * MOST, 2 * MOST);
    /* Those that are gone make room. */
    end_rounds(PATIENCE + 1);
    for (uint64_t i = 0; i < 100; i++) {
        pipe.pipe = 0x10000000 + 16 * i;
        note(pipe, 1, 1);
    }
    assert_sums(3 * MOST + 100, 2 * MOST + 100);
}

static void note__ever_new_ones__no_more_memory_than_for_those_there(void **state)
{
    struct pipe_count pipe = a_pipe;
    (void)state;
    for (uint64_t i = 0; i < 20000; i++) {
        pipe.pipe = 0x1000 + 16 * i;
        note(pipe, 1, 0);
        if (i % 10 == 9)
            end_rounds(1);
    }
    assert_sums(20000, 0);
    assert_true(followed.n_slots <= 256);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(note__same_pipe__adds_what_moved),
        CASE(note__another_at_the_same_address__is_counted_anew),
        CASE(note__fewer_written__goes_on_from_there),
        CASE(note__missed_for_some_rounds__is_the_same),
        CASE(note__not_readable__is_there_all_the_same),
        CASE(note__more_than_a_count__is_none),
        CASE(note__many__each_has_its_own),
        CASE(note__ever_new_ones__no_more_memory_than_for_those_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
