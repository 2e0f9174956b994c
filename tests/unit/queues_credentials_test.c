/* SPDX-License-Identifier: MPL-2.0 */
/* What is learned of a connection's in queue, look by look: when it is taken for empty, and when
 * what the accounts count too much is known. */
#include "queues/credentials.h"

#include "support/cmocka.h"

#include <string.h>

#define CHUNK   0x10000
#define MESSAGE 64

enum { N_READ = 8, IN_QUEUE = 16, N_WRITTEN = 24, PIPE_SIZE = 32 };

static const struct pipe_layout layout = {
    .n_read = N_READ, .in_queue = IN_QUEUE, .n_written = N_WRITTEN, .pipe_size = PIPE_SIZE};
static struct pipe_target target = {.layout = &layout};
static unsigned char pipe_bytes[PIPE_SIZE], peer_bytes[PIPE_SIZE], queue[CREDENTIALS_QUEUE_BYTES],
    front[CREDENTIALS_FRONT_BYTES];
static struct pipe_pair pair;
static struct credentials credentials;

static void set_words(uint64_t address, uint64_t n_written, uint64_t n_read)
{
    memcpy(pipe_bytes + N_READ, &n_read, sizeof(n_read));
    memcpy(pipe_bytes + IN_QUEUE, &address, sizeof(address));
    memcpy(peer_bytes + N_WRITTEN, &n_written, sizeof(n_written));
}

static void put_queue(uint64_t begin_chunk, uint32_t begin, uint64_t back_chunk, uint32_t back,
                      uint32_t end)
{
    memset(queue, 0, sizeof(queue));
    memcpy(queue + 8, &begin_chunk, sizeof(begin_chunk));
    memcpy(queue + 16, &begin, sizeof(begin));
    memcpy(queue + 24, &back_chunk, sizeof(back_chunk));
    memcpy(queue + 32, &back, sizeof(back));
    memcpy(queue + 48, &end, sizeof(end));
}

static void hold(uint32_t n)
{
    put_queue(CHUNK, 3, CHUNK, 3 + n, 4 + n);
}

static void put_message(int i, unsigned char type, unsigned char flags)
{
    front[i * MESSAGE + 42] = type;
    front[i * MESSAGE + 43] = flags;
}

static int set_up(void **state)
{
    (void)state;
    credentials = (struct credentials){.n = 0};
    memset(front, 0, sizeof(front));
    return 0;
}

/* The number that is known after a look, of a queue whose fields are these. */
static uint64_t look(uint64_t n_written, uint64_t n_read, const unsigned char *first)
{
    set_words(0x5000, n_written, n_read);
    pair = (struct pipe_pair){.target = &target, .pipe = pipe_bytes, .peer = peer_bytes};
    credentials_note(&credentials, &pair, queue, first);
    return pair.n_credentials;
}

static void note__empty_twice_with_the_same_counts__is_known(void **state)
{
    (void)state;
    hold(0);
    assert_int_equal(look(11, 10, NULL), 0);
    assert_true(pair.is_in_empty);
    assert_int_equal(look(11, 10, NULL), 1);
    assert_true(pair.is_in_empty);
    hold(2);
    assert_int_equal(look(13, 10, NULL), 1);
    assert_false(pair.is_in_empty);
    hold(0);
    assert_int_equal(look(13, 12, NULL), 1);
    assert_int_equal(look(13, 11, NULL), 0); /* fewer were read: it is another pipe */
}

static void note__counts_move_between__is_not_known(void **state)
{
    (void)state;
    hold(0);
    assert_int_equal(look(11, 9, NULL), 0); /* one is taken and not counted yet */
    assert_int_equal(look(11, 10, NULL), 0);
    assert_int_equal(look(12, 10, NULL), 0);
    hold(1);
    assert_int_equal(look(12, 10, NULL), 0);
    hold(0);
    assert_int_equal(look(12, 10, NULL), 0); /* it was not empty in the look before */
    assert_int_equal(look(12, 10, NULL), 2);
    assert_int_equal(look(12, 11, NULL), 1); /* there are never more than are unread */
    assert_int_equal(look(12, 12, NULL), 0);
}

/* One that was taken, and not counted for a long time, as by a thread that was stopped. */
static void note__all_was_read__there_are_none(void **state)
{
    (void)state;
    hold(0);
    (void)look(11, 10, NULL);
    assert_int_equal(look(11, 10, NULL), 1);
    pair = (struct pipe_pair){.target = &target, .pipe = pipe_bytes, .peer = peer_bytes};
    credentials_note(&credentials, &pair, NULL, NULL);
    assert_int_equal(pair.n_credentials, 0);
    assert_false(pair.is_in_empty);
    hold(1);
    assert_int_equal(look(12, 11, NULL), 0);
}

static void note__another_queue__begins_anew(void **state)
{
    (void)state;
    hold(0);
    (void)look(11, 10, NULL);
    assert_int_equal(look(11, 10, NULL), 1);
    set_words(0x6000, 11, 10);
    pair = (struct pipe_pair){.target = &target, .pipe = pipe_bytes, .peer = peer_bytes};
    credentials_note(&credentials, &pair, queue, NULL);
    assert_int_equal(pair.n_credentials, 0);
    assert_true(pair.is_in_empty);
}

static void note__front__is_a_credential_or_not(void **state)
{
    (void)state;
    static const struct {
        unsigned char types[2], flags[2];
        uint64_t n;
    } rows[] = {
        {{101, 101}, {32, 0}, 1},  {{102, 101}, {32, 0}, 1},  {{101, 101}, {64, 32}, 1},
        {{101, 102}, {64, 32}, 1}, {{101, 101}, {0, 32}, 0},  {{101, 101}, {64, 64}, 0},
        {{101, 101}, {33, 0}, 0},  {{100, 101}, {32, 32}, 0}, {{103, 101}, {32, 0}, 0},
        {{101, 103}, {64, 32}, 0}, {{103, 101}, {64, 32}, 0}, {{101, 101}, {0, 0}, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        (void)set_up(NULL);
        hold(3);
        put_message(0, rows[i].types[0], rows[i].flags[0]);
        put_message(1, rows[i].types[1], rows[i].flags[1]);
        print_message("# row %zu\n", i);
        assert_int_equal(look(3, 0, front), rows[i].n);
        assert_int_equal(look(3, 0, NULL), rows[i].n);
        assert_int_equal(look(3, 0, front), rows[i].n);
    }
    credentials.n = 2; /* as it was seen empty */
    put_message(0, 101, 32);
    assert_int_equal(look(3, 0, front), 2);
}

/* A place that was never written holds anything, as what an earlier queue left there. */
static void note__only_an_id_is_there__is_looked_at_again(void **state)
{
    (void)state;
    put_message(0, 101, 64);
    put_message(1, 101, 32);
    put_queue(CHUNK, 0, CHUNK, 1, 2);
    assert_int_equal(look(1, 0, front), 0);
    assert_int_equal(credentials_front(&credentials, &pair, queue), CHUNK);
    put_queue(CHUNK, 0, CHUNK, 2, 3);
    assert_int_equal(look(2, 0, front), 1);
    assert_int_equal(credentials_front(&credentials, &pair, queue), 0);
    set_words(0x6000, 2, 0);
    assert_int_equal(credentials_front(&credentials, &pair, queue), CHUNK); /* of another queue */
}

static void note__later_chunks_are_there__the_second_place_counts(void **state)
{
    (void)state;
    put_message(0, 101, 64);
    put_message(1, 101, 32);
    put_queue(CHUNK, 2, CHUNK + 0x8000, 0, 1);
    assert_int_equal(look(300, 1, front), 1);
}

static void note__the_first_is_no_id__is_not_looked_at_again(void **state)
{
    (void)state;
    put_message(0, 101, 0);
    put_queue(CHUNK, 0, CHUNK, 1, 2);
    assert_int_equal(look(1, 0, front), 0);
    assert_int_equal(credentials_front(&credentials, &pair, queue), 0);
}

static void queue__not_as_it_must_be__says_nothing(void **state)
{
    (void)state;
    static const struct {
        uint64_t begin_chunk;
        uint32_t begin;
        uint64_t back_chunk;
        uint32_t back, end;
        uintptr_t front; /* of one whose first chunk is there */
        bool is_empty;
    } rows[] = {
        {CHUNK, 3, CHUNK, 3, 4, 0, true},
        {CHUNK, 3, CHUNK, 4, 5, CHUNK, false},
        {CHUNK, 3, CHUNK + 0x8000, 3, 4, CHUNK, false},
        {CHUNK, 254, CHUNK + 0x8000, 255, 0, CHUNK, false},
        {CHUNK, 255, CHUNK + 0x8000, 3, 4, CHUNK, false},
        {CHUNK, 255, CHUNK, 255, 0, 0, true},
        {CHUNK, 256, CHUNK, 256, 1, 0, false},
        {CHUNK, 3, CHUNK, 256, 1, 0, false},
        {CHUNK, 3, CHUNK, 4, 4, 0, false},
        {CHUNK, 3, CHUNK, 3, 5, 0, false},
        {CHUNK + 4, 3, CHUNK + 4, 3, 4, 0, false},
        {0, 3, 0, 3, 4, 0, false},
        {CHUNK, 3, 0, 4, 5, 0, false},
        {CHUNK, 3, CHUNK + 4, 4, 5, 0, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        (void)set_up(NULL);
        put_queue(rows[i].begin_chunk, rows[i].begin, rows[i].back_chunk, rows[i].back,
                  rows[i].end);
        print_message("# row %zu\n", i);
        (void)look(5, 0, NULL);
        assert_int_equal(pair.is_in_empty, rows[i].is_empty);
        assert_int_equal(credentials_front(&credentials, &pair, queue), rows[i].front);
        assert_int_equal(look(5, 0, NULL), rows[i].is_empty ? 5 : 0);
        set_words(0x5000, 600, rows[i].begin);
        assert_int_equal(credentials_front(&credentials, &pair, queue), rows[i].front);
        set_words(0x5000, 600, rows[i].begin + 1); /* more than this chunk has given */
        assert_int_equal(credentials_front(&credentials, &pair, queue), 0);
    }
}

#define CASE(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(note__empty_twice_with_the_same_counts__is_known),
        CASE(note__counts_move_between__is_not_known),
        CASE(note__all_was_read__there_are_none),
        CASE(note__another_queue__begins_anew),
        CASE(note__front__is_a_credential_or_not),
        CASE(note__only_an_id_is_there__is_looked_at_again),
        CASE(note__later_chunks_are_there__the_second_place_counts),
        CASE(note__the_first_is_no_id__is_not_looked_at_again),
        CASE(queue__not_as_it_must_be__says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
