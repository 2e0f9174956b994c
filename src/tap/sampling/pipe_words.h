/* SPDX-License-Identifier: MPL-2.0 */
/*
 * pipe_words - what a sample means in the words of a lane.
 *
 * Thread: the tap's own, which is the one writer of these words. The lane must be the socket's.
 */
#ifndef TAP_PIPE_WORDS_H
#define TAP_PIPE_WORDS_H

#include "queues/pipe_accounts.h"

/* `elapsed_ns` is the time since the socket's sample before this one, for which the histograms
 * count this one `n_times`. A sample that is not valid leaves all as it is. */
void pipe_words_update(uint64_t *words, const struct pipe_sample *sample, uint64_t elapsed_ns,
                       uint32_t n_times);

/* What was measured is not known any more: the gauges are SEGMENT_UNKNOWN. */
void pipe_words_forget(uint64_t *words);

#endif
