/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: what is in the file is remembered as hashes, zero for zeros, which a new file is made of.
 * A round hashes the words and writes a row (a group, a lane, a part of the header's tables) whose
 * hash is new. So an idle socket costs two kilobytes of reading and no call; neighbours share one.
 * Words are copied out one by one before they are written, so that the kernel never reads one that
 * a thread of the program is changing.
 *
 * The histograms of a socket move with every sample even where nothing happens. They are looked
 * at once in RELAXED_ROUNDS, or when the rest of the lane has changed.
 *
 * After a failed write the content of the file is unknown: everything is written again.
 */
#include "segment/segment_copy.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define WORD_SIZE          sizeof(uint64_t)
#define LANE_WORDS         SEGMENT_LANE_WORDS_MAX
#define RELAXED_WORDS      96u /* histograms, time at HWM: up to, not including, */
#define RELAXED_WORDS_END  160u
#define GROUP_WORDS        (sizeof(struct segment_group) / WORD_SIZE)
#define RELAXED_ROUNDS     10u
#define RELAXED_NEIGHBOURS 8u /* lanes whose turn comes together: a buffer full */

/* Odd and unlike each other, so that no likely pair of changes leaves a sum as it was (the
 * finalizer of SplitMix64). */
static void fill_factors(uint64_t *factors)
{
    for (uint64_t i = 0; i < LANE_WORDS; i++) {
        uint64_t z = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        factors[i] = (z ^ (z >> 31)) | 1;
    }
}

void segment_copy_init(struct segment_copy *self, const struct segment_table *table)
{
    self->table = table;
    fill_factors(self->factors);
}

void segment_copy_forget(struct segment_copy *self, uint32_t n_groups, uint32_t n_lanes)
{
    memset(self->table_hashes, 0, sizeof(self->table_hashes));
    memset(self->group_hashes, 0, n_groups * sizeof(*self->group_hashes));
    memset(self->lane_hashes, 0, n_lanes * sizeof(*self->lane_hashes));
    self->is_unsure = false;
}

void segment_copy_words(uint64_t *to, const uint64_t *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = segment_word_get(&from[i]);
}

static uint64_t hash_words(const struct segment_copy *self, const uint64_t *words, size_t from,
                           size_t to)
{
    uint64_t sum = 0;
    for (size_t i = from; i < to; i++)
        sum += segment_word_get(&words[i]) * self->factors[i];
    return sum;
}

static uint64_t hash_urgent(const struct segment_copy *self, const uint64_t *words)
{
    return hash_words(self, words, 0, RELAXED_WORDS) +
           hash_words(self, words, RELAXED_WORDS_END, LANE_WORDS);
}

static uint64_t hash_relaxed(const struct segment_copy *self, const uint64_t *words)
{
    return hash_words(self, words, RELAXED_WORDS, RELAXED_WORDS_END);
}

int segment_copy_bytes(int fd, const void *bytes, size_t size, off_t offset)
{
    const char *from = bytes;
    while (size > 0) {
        ssize_t n = pwrite(fd, from, size, offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        from += n;
        size -= (size_t)n;
        offset += n;
    }
    return 0;
}

static int flush_buffer(struct segment_copy *self, int fd)
{
    size_t size = self->n_buffered * WORD_SIZE;
    self->n_buffered = 0;
    return size ? segment_copy_bytes(fd, self->buffer, size, (off_t)self->buffer_offset) : 0;
}

/* Copies a row to the buffer, from where it is written with its neighbours. */
static int buffer_row(struct segment_copy *self, int fd, const uint64_t *row, size_t n_words,
                      uint64_t offset, const uint64_t **ret_copy)
{
    bool is_apart = self->buffer_offset + self->n_buffered * WORD_SIZE != offset;
    if (is_apart || self->n_buffered + n_words > SEGMENT_COPY_BUFFER_WORDS) {
        int r = flush_buffer(self, fd);
        if (r < 0)
            return r;
        self->buffer_offset = offset;
    }
    uint64_t *copy = &self->buffer[self->n_buffered];
    segment_copy_words(copy, row, n_words);
    self->n_buffered += n_words;
    *ret_copy = copy;
    return 0;
}

/* Nothing that the file has in place is written there: it may be older by now. */
static bool is_in_place(const struct segment_copy *self, const struct segment_rows *rows,
                        size_t row)
{
    return self->table->is_mapped && !rows->is_private[row];
}

static bool lane_has_news(const struct segment_copy *self, uint32_t lane, bool is_last)
{
    const uint64_t *words = self->table->lanes[lane].words;
    const struct segment_lane_hashes *known = &self->lane_hashes[lane];
    bool is_turn = is_last || (self->round + lane / RELAXED_NEIGHBOURS) % RELAXED_ROUNDS == 0;
    return self->is_unsure || hash_urgent(self, words) != known->urgent ||
           (is_turn && hash_relaxed(self, words) != known->relaxed);
}

int segment_copy_lanes(struct segment_copy *self, int fd, uint32_t n_lanes, bool is_last)
{
    for (uint32_t i = 0; i < n_lanes; i++) {
        const uint64_t *copy;
        if (is_in_place(self, &self->table->lane_rows, i) || !lane_has_news(self, i, is_last))
            continue;
        int r = buffer_row(self, fd, self->table->lanes[i].words, LANE_WORDS,
                           self->table->header->lanes_offset + i * sizeof(struct segment_lane),
                           &copy);
        if (r < 0)
            return r;
        self->lane_hashes[i] = (struct segment_lane_hashes){hash_urgent(self, copy),
                                                            hash_relaxed(self, copy)};
    }
    return flush_buffer(self, fd);
}

struct row_set {
    const struct segment_rows *kind; /* NULL: all are written */
    const void *rows;
    uint64_t *hashes;
    size_t n;
    size_t n_words; /* of a row */
    uint64_t offset;
};

static int write_rows(struct segment_copy *self, int fd, const struct row_set *set)
{
    for (size_t i = 0; i < set->n; i++) {
        const uint64_t *row = (const uint64_t *)set->rows + i * set->n_words;
        const uint64_t *copy;
        if (set->kind && is_in_place(self, set->kind, i))
            continue;
        if (!self->is_unsure && hash_words(self, row, 0, set->n_words) == set->hashes[i])
            continue;
        int r = buffer_row(self, fd, row, set->n_words, set->offset + i * set->n_words * WORD_SIZE,
                           &copy);
        if (r < 0)
            return r;
        set->hashes[i] = hash_words(self, copy, 0, set->n_words);
    }
    return flush_buffer(self, fd);
}

int segment_copy_groups(struct segment_copy *self, int fd, uint32_t n_groups)
{
    return write_rows(self, fd,
                      &(struct row_set){.kind = &self->table->group_rows,
                                        .rows = self->table->groups,
                                        .hashes = self->group_hashes,
                                        .n = n_groups,
                                        .n_words = GROUP_WORDS,
                                        .offset = self->table->header->groups_offset});
}

/* Capabilities, libraries and contexts. */
int segment_copy_tables(struct segment_copy *self, int fd)
{
    return write_rows(
        self, fd,
        &(struct row_set){.rows = (const uint64_t *)(const void *)self->table->header +
                                  SEGMENT_COPY_HEAD_WORDS,
                          .hashes = self->table_hashes,
                          .n = SEGMENT_COPY_N_TABLE_ROWS,
                          .n_words = SEGMENT_COPY_TABLE_ROW_WORDS,
                          .offset = SEGMENT_COPY_HEAD_WORDS * WORD_SIZE});
}
