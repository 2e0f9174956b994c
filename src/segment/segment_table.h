/* SPDX-License-Identifier: MPL-2.0 */
/*
 * segment_table - the tap's counters in memory, in the segment's own layout.
 *
 * The words of a lane are written in place by the program's threads and the tap's, relaxed, one
 * writer a word. A row (a group or a lane) is *mapped*, then its words lie in the file itself
 * (segment_map.h), or *private*, then segment_writer copies them out. It stays what it was when
 * it was taken. Addresses are reserved once with mmap and touched as they are used; nothing here
 * allocates later.
 *
 * Thread: every function is called with the registry's lock held. Words may be written, and the
 *         whole be published by segment_writer, without it: what the rows' `n` counts is complete
 *         before it is raised.
 * Errors: -ENOMEM from _new only; afterwards a limit is met by the group (other), or by -ENOSPC.
 */
#ifndef SEGMENT_SEGMENT_TABLE_H
#define SEGMENT_SEGMENT_TABLE_H

#include "segment/segment_layout.h"

#include <stdbool.h>
#include <string.h>

/* Rows of one kind. Those of [mapped_begin, mapped_end) that are still to be taken will be mapped;
 * the others were judged when they were taken. */
struct segment_rows {
    uint32_t n;      /* taken, from 0 on */
    uint32_t most;   /* there can be */
    uint32_t *shown; /* in the header: those that the file has */
    uint32_t mapped_begin, mapped_end;
    uint32_t n_private;  /* of the n */
    uint8_t *is_private; /* for each of the n */
    uint64_t offset;     /* in the file and in memory */
    uint32_t row_size;
};

struct segment_table {
    struct segment_header *header; /* its addresses are those of the file from 0 on */
    struct segment_group *groups;  /* SEGMENT_MAX_GROUPS */
    struct segment_lane *lanes;    /* SEGMENT_MAX_LANES */
    struct segment_rows group_rows;
    struct segment_rows lane_rows;
    bool is_mapped;           /* the header; then it shows only those rows that the file has */
    bool was_mapped;          /* once: its memory is shared with a file, which may be gone */
    bool has_no_room;         /* the file could not be made longer when it was last tried */
    uint32_t max_groups;      /* beyond it, the group (other) of the type */
    uint32_t *group_hashes;   /* per group, of type and endpoint */
    uint32_t *lane_groups;    /* per lane: its group, where nobody else can write to it */
    uint32_t *free_lanes;     /* per group: head of the list of free lanes + 1 */
    uint32_t *next_free_lane; /* per lane */
};

/* An empty table with the layout's fields of the header filled in. `max_groups` is brought into
 * 1 … SEGMENT_MAX_GROUPS - SEGMENT_N_TYPES. */
int segment_table_new(uint32_t max_groups, struct segment_table **ret_table);
void segment_table_destroy(struct segment_table **self_p);

/* In a forked child, whose parent goes on counting in the file: its mapped rows become private
 * memory of zeros at the same addresses, which a call that the fork interrupted may still add to.
 * The memory before this one is freed, so that generations of children do not add up. */
void segment_table_leave_to_parent(struct segment_table **self_p);

/* Whether one in `part` of the mapped rows is left to be taken, or fewer, and there can be more. */
static inline bool segment_rows_are_scarce(const struct segment_rows *rows, uint32_t part)
{
    uint32_t n = __atomic_load_n(&rows->n, __ATOMIC_RELAXED);
    uint32_t end = __atomic_load_n(&rows->mapped_end, __ATOMIC_RELAXED);
    uint32_t n_left = end > n ? end - n : 0;
    return end < rows->most && n_left <= end / part;
}

/* Whether the next few rows may not all be mapped, though they could: the writer should be asked
 * to publish, which makes room. */
bool segment_table_wants_room(const struct segment_table *self);

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

/* Sets the words of a part of the header that a reader may be reading. The first word, which says
 * what the others mean, comes last. */
static inline void segment_words_copy(void *to, const void *from, size_t size)
{
    uint64_t *words = to;
    for (size_t i = size / sizeof(*words); i-- > 0;) {
        uint64_t word;
        memcpy(&word, (const char *)from + i * sizeof(word), sizeof(word));
        segment_word_set(&words[i], word);
    }
}

static inline uint64_t segment_word_get(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_RELAXED);
}

#endif
