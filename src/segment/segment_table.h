/* SPDX-License-Identifier: MPL-2.0 */
/*
 * segment_table - the tap's counters in private memory, in the segment's own layout.
 *
 * The words of a lane are written in place by the program's threads and the tap's, relaxed, one
 * writer a word; segment_writer copies them out. Memory is reserved once with mmap and touched
 * as it is used; nothing here allocates later.
 *
 * Thread: every function is called with the registry's lock held. Words may be written, and the
 *         whole be published by segment_writer, without it: what n_groups and n_lanes count is
 *         complete before they are raised.
 * Errors: -ENOMEM from _new only; afterwards a limit is met by the group (other), or by -ENOSPC.
 */
#ifndef SEGMENT_SEGMENT_TABLE_H
#define SEGMENT_SEGMENT_TABLE_H

#include "segment/segment_layout.h"

struct segment_table {
    struct segment_header *header;
    struct segment_group *groups; /* SEGMENT_MAX_GROUPS */
    struct segment_lane *lanes;   /* SEGMENT_MAX_LANES */
    uint32_t max_groups;          /* beyond it, the group (other) of the type */
    uint32_t *group_hashes;       /* per group, of type and endpoint */
    uint32_t *free_lanes;         /* per group: head of the list of free lanes + 1 */
    uint32_t *next_free_lane;     /* per lane */
};

/* An empty table with the layout's fields of the header filled in. `max_groups` is brought into
 * 1 … SEGMENT_MAX_GROUPS - SEGMENT_N_TYPES. */
int segment_table_new(uint32_t max_groups, struct segment_table **ret_table);
void segment_table_destroy(struct segment_table **self_p);

/* The group of `type`, `endpoint` and friendly `name` (NULL: none), texts cut to fit, made if it
 * is new. Past `max_groups` it is the type's group (other), and header.folded_groups counts each
 * refusal. A group keeps its texts for ever: a socket that is given a name moves to another. */
uint32_t segment_table_group(struct segment_table *self, uint32_t type, const char *endpoint,
                             const char *name);

/* A free lane of `group`, state open, gauges SEGMENT_UNKNOWN, counters as the last socket left
 * them; a new one if none is free. -ENOSPC when all lanes are taken. */
int segment_table_take_lane(struct segment_table *self, uint32_t group, uint32_t *ret_lane);

/* The socket that held the lane is gone: state free, gauges SEGMENT_UNKNOWN. */
void segment_table_release_lane(struct segment_table *self, uint32_t lane);

static inline uint64_t *segment_table_words(struct segment_table *self, uint32_t lane)
{
    return self->lanes[lane].words;
}

/* Single-writer words: a plain load and store that no reader sees half-way. */
static inline void segment_word_add(uint64_t *word, uint64_t n)
{
    __atomic_store_n(word, __atomic_load_n(word, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

static inline void segment_word_set(uint64_t *word, uint64_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELAXED);
}

static inline uint64_t segment_word_get(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_RELAXED);
}

#endif
