/* SPDX-License-Identifier: MPL-2.0 */
/*
 * segment_fill - counts a sample of how full a socket's queues are into the block of a lane.
 *
 * Thread: the one writer of these words.
 */
#ifndef SEGMENT_SEGMENT_FILL_H
#define SEGMENT_SEGMENT_FILL_H

#include "segment/segment_table.h"

static inline uint32_t segment_fill_bucket(uint64_t ratio)
{
    static const int limits[] = {
#define X(number, per_cent, text) [number] = (per_cent),
        SEGMENT_FILL_BUCKETS(X)
#undef X
    };
    uint32_t i = 0;
    while (limits[i] >= 0 && ratio > (uint64_t)limits[i] * UINT64_C(10000000))
        i++;
    return i;
}

static inline void segment_fill_count(uint64_t *block, uint64_t ratio)
{
    if (ratio == SEGMENT_UNKNOWN)
        return;
    segment_word_add(&block[segment_fill_bucket(ratio)], 1);
    segment_word_add(&block[SEGMENT_FILL_SUM], ratio);
}

#endif
