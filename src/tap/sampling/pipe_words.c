/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/sampling/pipe_words.h"

#include "queues/pipe_bytes.h"
#include "segment/segment_fill.h"
#include "segment/segment_table.h"

#include <assert.h>

static_assert(PIPE_UNKNOWN == SEGMENT_UNKNOWN, "what the reader does not know");

/* Of the intervals that have passed the last is as it is now, the others were as it was before. */
static void count_fill(uint64_t *block, uint64_t before, uint64_t now, uint32_t n_times)
{
    for (uint32_t i = 1; i < n_times; i++)
        segment_fill_count(block, before != SEGMENT_UNKNOWN ? before : now);
    segment_fill_count(block, now);
}

void pipe_words_update(uint64_t *words, const struct pipe_sample *sample, uint64_t elapsed_ns,
                       uint32_t n_times)
{
    if (!sample->is_valid)
        return;
    count_fill(&words[SEGMENT_SEND_FILL_BASE], segment_word_get(&words[SEGMENT_SEND_FULLEST]),
               sample->send_fullest, n_times);
    count_fill(&words[SEGMENT_RECEIVE_FILL_BASE], segment_word_get(&words[SEGMENT_RECEIVE_FULLEST]),
               sample->receive_fullest, n_times);
    segment_word_set(&words[SEGMENT_PIPES], sample->n_pipes);
    segment_word_set(&words[SEGMENT_SEND_QUEUE], sample->send_queue);
    segment_word_set(&words[SEGMENT_RECEIVE_QUEUE], sample->receive_queue);
    segment_word_set(&words[SEGMENT_SEND_FULLEST], sample->send_fullest);
    segment_word_set(&words[SEGMENT_RECEIVE_FULLEST], sample->receive_fullest);
    segment_word_set(&words[SEGMENT_SEND_AGE_NS], sample->send_age_ns);
    segment_word_set(&words[SEGMENT_RECEIVE_AGE_NS], sample->receive_age_ns);
    if (sample->n_send_full > 0)
        segment_word_add(&words[SEGMENT_SEND_AT_HWM_NS], elapsed_ns);
}

void pipe_words_forget(uint64_t *words)
{
    segment_word_set(&words[SEGMENT_PIPES], SEGMENT_UNKNOWN);
    segment_word_set(&words[SEGMENT_SEND_QUEUE], SEGMENT_UNKNOWN);
    segment_word_set(&words[SEGMENT_RECEIVE_QUEUE], SEGMENT_UNKNOWN);
    segment_word_set(&words[SEGMENT_SEND_FULLEST], SEGMENT_UNKNOWN);
    segment_word_set(&words[SEGMENT_RECEIVE_FULLEST], SEGMENT_UNKNOWN);
    segment_word_set(&words[SEGMENT_SEND_AGE_NS], SEGMENT_UNKNOWN);
    segment_word_set(&words[SEGMENT_RECEIVE_AGE_NS], SEGMENT_UNKNOWN);
}
