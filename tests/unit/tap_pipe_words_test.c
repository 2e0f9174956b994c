/* SPDX-License-Identifier: MPL-2.0 */
/* What a sample makes of a socket's words: the edges of the buckets, time at the mark, the unknown.
 */
#include "tap/sampling/pipe_words.h"

#include "segment/segment_table.h"
#include "support/cmocka.h"

#include <string.h>

#define PER_CENT UINT64_C(10000000)

static uint64_t words[SEGMENT_LANE_WORDS_MAX];

static struct pipe_sample sample_of(uint64_t send_fullest, uint64_t receive_fullest)
{
    return (struct pipe_sample){.is_valid = true,
                                .n_pipes = 2,
                                .send_queue = 3,
                                .receive_queue = 4,
                                .send_fullest = send_fullest,
                                .receive_fullest = receive_fullest};
}

static void update__ratio_at_a_limit__is_in_its_bucket_and_one_more_in_the_next(void **state)
{
    static const int limits[] = {
#define X(number, per_cent, text) [number] = (per_cent),
        SEGMENT_FILL_BUCKETS(X)
#undef X
    };
    (void)state;
    for (size_t i = 0; limits[i] >= 0; i++) {
        uint64_t limit = (uint64_t)limits[i] * PER_CENT;
        struct pipe_sample sample = sample_of(limit, limit + 1);
        memset(words, 0, sizeof(words));
        pipe_words_update(words, &sample, 5, 1);
        for (size_t j = 0; j < SEGMENT_FILL_SUM; j++) {
            assert_int_equal(words[SEGMENT_SEND_FILL_BASE + j], j == i);
            assert_int_equal(words[SEGMENT_RECEIVE_FILL_BASE + j], j == i + 1);
        }
        assert_int_equal(words[SEGMENT_SEND_FILL_BASE + SEGMENT_FILL_SUM], limit);
        assert_int_equal(words[SEGMENT_RECEIVE_FILL_BASE + SEGMENT_FILL_SUM], limit + 1);
    }
}

static void update__full_and_unknown__counts_the_time_and_no_bucket(void **state)
{
    (void)state;
    struct pipe_sample sample = sample_of(SEGMENT_UNKNOWN, SEGMENT_UNKNOWN);
    memset(words, 0, sizeof(words));
    pipe_words_update(words, &sample, 5, 1);
    assert_int_equal(words[SEGMENT_SEND_AT_HWM_NS], 0);
    sample.n_send_full = 1;
    pipe_words_update(words, &sample, 7, 1);
    assert_int_equal(words[SEGMENT_SEND_AT_HWM_NS], 7);
    for (size_t j = 0; j <= SEGMENT_FILL_SUM; j++)
        assert_int_equal(words[SEGMENT_SEND_FILL_BASE + j], 0);
}

static void update__several_intervals_passed__all_but_the_last_were_as_before(void **state)
{
    (void)state;
    struct pipe_sample empty = sample_of(0, 0);
    struct pipe_sample full = sample_of(100 * PER_CENT, 100 * PER_CENT);
    memset(words, 0, sizeof(words));
    pipe_words_forget(words);
    pipe_words_update(words, &empty, 5, 3); /* what was before is not known */
    assert_int_equal(words[SEGMENT_SEND_FILL_BASE], 3);
    pipe_words_update(words, &full, 5, 10);
    assert_int_equal(words[SEGMENT_SEND_FILL_BASE], 12);
    assert_int_equal(words[SEGMENT_RECEIVE_FILL_BASE], 12);
    assert_int_equal(words[SEGMENT_SEND_FILL_BASE + 9], 1);
    assert_int_equal(words[SEGMENT_RECEIVE_FILL_BASE + 9], 1);
    pipe_words_update(words, &empty, 5, 2);
    assert_int_equal(words[SEGMENT_SEND_FILL_BASE + 9], 2);
    assert_int_equal(words[SEGMENT_SEND_FILL_BASE], 13);
}

static void forget__after_a_sample__leaves_what_was_counted(void **state)
{
    static const int gauges[] = {
        SEGMENT_PIPES,           SEGMENT_SEND_QUEUE,  SEGMENT_RECEIVE_QUEUE, SEGMENT_SEND_FULLEST,
        SEGMENT_RECEIVE_FULLEST, SEGMENT_SEND_AGE_NS, SEGMENT_RECEIVE_AGE_NS};
    (void)state;
    struct pipe_sample sample = sample_of(0, 0);
    memset(words, 0, sizeof(words));
    pipe_words_update(words, &sample, 5, 1);
    assert_int_equal(words[SEGMENT_SEND_QUEUE], 3);
    assert_int_equal(words[SEGMENT_RECEIVE_QUEUE], 4);
    pipe_words_forget(words);
    for (size_t i = 0; i < sizeof(gauges) / sizeof(*gauges); i++)
        assert_true(words[gauges[i]] == SEGMENT_UNKNOWN);
    assert_int_equal(words[SEGMENT_SEND_FILL_BASE], 1);
    pipe_words_update(words, &sample, 5, 2);
    assert_int_equal(words[SEGMENT_SEND_FILL_BASE], 3);
    assert_int_equal(words[SEGMENT_RECEIVE_FILL_BASE], 3);
    pipe_words_forget(words);
    sample.is_valid = false;
    pipe_words_update(words, &sample, 5, 1);
    assert_true(words[SEGMENT_PIPES] == SEGMENT_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(update__ratio_at_a_limit__is_in_its_bucket_and_one_more_in_the_next),
        cmocka_unit_test(update__full_and_unknown__counts_the_time_and_no_bucket),
        cmocka_unit_test(update__several_intervals_passed__all_but_the_last_were_as_before),
        cmocka_unit_test(forget__after_a_sample__leaves_what_was_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
