/* SPDX-License-Identifier: MPL-2.0 */
/*
 * segment_copy - copies rows of a segment_table to the segment's file, those that have changed.
 *
 * A row that is mapped lies in the file already and is left out.
 *
 * Thread: one at a time.   Errors: a negative errno of pwrite(2); then set `is_unsure`.
 */
#ifndef SEGMENT_SEGMENT_COPY_H
#define SEGMENT_SEGMENT_COPY_H

#include "segment/segment_table.h"

#include <sys/types.h>

#define SEGMENT_COPY_HEAD_WORDS      512u /* of the header, the caller's; the tables follow */
#define SEGMENT_COPY_TABLE_ROW_WORDS 128u
#define SEGMENT_COPY_N_TABLE_ROWS                                                                  \
    ((sizeof(struct segment_header) / sizeof(uint64_t) - SEGMENT_COPY_HEAD_WORDS) /                \
     SEGMENT_COPY_TABLE_ROW_WORDS)
#define SEGMENT_COPY_BUFFER_WORDS 2048u

struct segment_lane_hashes {
    uint64_t urgent;
    uint64_t relaxed;
};

struct segment_copy {
    const struct segment_table *table;
    uint64_t round; /* raised by the caller: whose turn it is */
    bool is_unsure; /* of what the file holds */
    uint64_t factors[SEGMENT_LANE_WORDS_MAX];
    uint64_t table_hashes[SEGMENT_COPY_N_TABLE_ROWS];
    uint64_t group_hashes[SEGMENT_MAX_GROUPS];
    struct segment_lane_hashes lane_hashes[SEGMENT_MAX_LANES];
    /* Rows to be written, one stretch of the file. */
    uint64_t buffer_offset;
    size_t n_buffered; /* words */
    uint64_t buffer[SEGMENT_COPY_BUFFER_WORDS];
};

/* Of memory that is all zero. */
void segment_copy_init(struct segment_copy *self, const struct segment_table *table);

/* The file is a new one, of zeros; so many rows are in use. */
void segment_copy_forget(struct segment_copy *self, uint32_t n_groups, uint32_t n_lanes);

int segment_copy_groups(struct segment_copy *self, int fd, uint32_t n_groups);
int segment_copy_lanes(struct segment_copy *self, int fd, uint32_t n_lanes, bool is_last);

/* Capabilities, libraries and contexts. */
int segment_copy_tables(struct segment_copy *self, int fd);

int segment_copy_bytes(int fd, const void *bytes, size_t size, off_t offset);

/* One by one: others are writing them. */
void segment_copy_words(uint64_t *to, const uint64_t *from, size_t n);

#endif
