/* SPDX-License-Identifier: MPL-2.0 */
#include "segment/segment_table.h"

#include "base/fnv.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define IS_COUNTER(number) ((number) >= SEGMENT_FIRST_COUNTER && (number) < SEGMENT_FIRST_GAUGE)
enum { GAUGE = 0, COUNTER = 1 };
#define X(number, name, kind)                                                                      \
    static_assert((number) < SEGMENT_LANE_WORDS_MAX && IS_COUNTER(number) == (kind), #name);
SEGMENT_LANE_WORDS(X)
#undef X

/* One mapping holds everything; pages that were never touched cost nothing. What precedes the gap
 * can be laid into the file, page by page. */
struct segment_memory {
    struct segment_header header;
    struct segment_group groups[SEGMENT_MAX_GROUPS];
    struct segment_lane lanes[SEGMENT_MAX_LANES];
    unsigned char gap[SEGMENT_LARGEST_PAGE];
    uint8_t is_private_group[SEGMENT_MAX_GROUPS];
    uint8_t is_private_lane[SEGMENT_MAX_LANES];
    uint32_t group_hashes[SEGMENT_MAX_GROUPS];
    uint32_t lane_groups[SEGMENT_MAX_LANES];
    uint32_t free_lanes[SEGMENT_MAX_GROUPS];
    uint32_t next_free_lane[SEGMENT_MAX_LANES];
    struct segment_table table;
};

static void fill_layout(struct segment_header *header)
{
    header->magic = SEGMENT_MAGIC;
    header->version = SEGMENT_VERSION;
    header->byte_order = SEGMENT_BYTE_ORDER;
    header->header_size = sizeof(struct segment_header);
    header->group_size = sizeof(struct segment_group);
    header->lane_size = sizeof(struct segment_lane);
    header->n_lane_words = SEGMENT_LANE_WORDS_MAX;
    header->groups_offset = offsetof(struct segment_memory, groups);
    header->lanes_offset = offsetof(struct segment_memory, lanes);
    header->group_capacity = SEGMENT_MAX_GROUPS;
    header->lane_capacity = SEGMENT_MAX_LANES;
}

static void prepare_rows(struct segment_memory *memory)
{
    memory->table.group_rows = (struct segment_rows){
        .most = SEGMENT_MAX_GROUPS,
        .shown = &memory->header.n_groups,
        .is_private = memory->is_private_group,
        .offset = offsetof(struct segment_memory, groups),
        .row_size = sizeof(struct segment_group),
    };
    memory->table.lane_rows = (struct segment_rows){
        .most = SEGMENT_MAX_LANES,
        .shown = &memory->header.n_lanes,
        .is_private = memory->is_private_lane,
        .offset = offsetof(struct segment_memory, lanes),
        .row_size = sizeof(struct segment_lane),
    };
}

int segment_table_new(uint32_t max_groups, struct segment_table **ret_table)
{
    const uint32_t most = SEGMENT_MAX_GROUPS - SEGMENT_N_TYPES;
    struct segment_memory *memory = mmap(NULL, sizeof(*memory), PROT_READ | PROT_WRITE,
                                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return -ENOMEM;

    /* A core dump of the program is about the program. */
    (void)madvise(memory, sizeof(*memory), MADV_DONTDUMP);
    fill_layout(&memory->header);
    memory->table = (struct segment_table){
        .header = &memory->header,
        .groups = memory->groups,
        .lanes = memory->lanes,
        .max_groups = max_groups == 0     ? 1
                      : max_groups > most ? most
                                          : max_groups,
        .group_hashes = memory->group_hashes,
        .lane_groups = memory->lane_groups,
        .free_lanes = memory->free_lanes,
        .next_free_lane = memory->next_free_lane,
    };
    prepare_rows(memory);
    *ret_table = &memory->table;
    return 0;
}

static struct segment_memory *memory_of(struct segment_table *self)
{
    return (struct segment_memory *)(void *)((char *)self - offsetof(struct segment_memory, table));
}

void segment_table_destroy(struct segment_table **self_p)
{
    if (!self_p || !*self_p)
        return;
    munmap(memory_of(*self_p), sizeof(struct segment_memory));
    *self_p = NULL;
}

void segment_table_leave_to_parent(struct segment_table **self_p)
{
    static struct segment_table *former;
    segment_table_destroy(&former);
    if (!*self_p)
        return;
    struct segment_memory *memory = memory_of(*self_p);
    /* Of what the parent and the child would share nothing may stay. */
    if (memory->table.was_mapped &&
        mmap(memory, offsetof(struct segment_memory, is_private_group), PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
        munmap(memory, offsetof(struct segment_memory, gap));
    former = *self_p;
    *self_p = NULL;
}

bool segment_table_wants_room(const struct segment_table *self)
{
    const struct segment_rows *groups = &self->group_rows, *lanes = &self->lane_rows;
    return __atomic_load_n(&self->is_mapped, __ATOMIC_RELAXED) &&
           !__atomic_load_n(&self->has_no_room, __ATOMIC_RELAXED) &&
           (segment_rows_are_scarce(groups, 8) || segment_rows_are_scarce(lanes, 8));
}

/* So that a search reads four bytes of a group and not its texts. */
static uint32_t hash_group(const struct segment_group *group)
{
    uint32_t hash = FNV_BASIS_32 ^ group->type ^ group->is_other << 16;
    return fnv_text_32(fnv_text_32(hash, group->endpoint) + 1, group->name);
}

/* Cuts between characters of UTF-8, so that a cut text is no worse than the whole. */
static void copy_text(char *to, size_t size, const char *from)
{
    size_t n = strnlen(from, size);
    if (n == size) {
        n = size - 1;
        while (n > 0 && ((unsigned char)from[n] & 0xc0) == 0x80)
            n--;
    }
    memcpy(to, from, n);
    memset(to + n, 0, size - n);
}

static bool find_group(const struct segment_table *self, uint32_t hash,
                       const struct segment_group *wanted, uint32_t *ret_group)
{
    for (uint32_t i = 0; i < self->group_rows.n; i++) {
        const struct segment_group *group = &self->groups[i];
        if (self->group_hashes[i] == hash && group->type == wanted->type &&
            group->is_other == wanted->is_other && strcmp(group->endpoint, wanted->endpoint) == 0 &&
            strcmp(group->name, wanted->name) == 0) {
            *ret_group = i;
            return true;
        }
    }
    return false;
}

/* The next row is complete. The header shows it, unless the file lacks it or one before it. */
static void take_row(const struct segment_table *self, struct segment_rows *rows)
{
    uint32_t i = rows->n;
    bool is_private = i < rows->mapped_begin || i >= rows->mapped_end;
    rows->is_private[i] = is_private;
    if (is_private)
        __atomic_store_n(&rows->n_private, rows->n_private + 1, __ATOMIC_RELAXED);
    __atomic_store_n(&rows->n, i + 1, __ATOMIC_RELEASE);
    bool is_next = !is_private && __atomic_load_n(rows->shown, __ATOMIC_RELAXED) == i;
    if (!self->is_mapped || is_next)
        __atomic_store_n(rows->shown, i + 1, __ATOMIC_RELEASE);
}

static uint32_t find_or_add(struct segment_table *self, const struct segment_group *wanted,
                            uint32_t limit)
{
    uint32_t hash = hash_group(wanted);
    uint32_t n = self->group_rows.n;
    uint32_t i;
    if (find_group(self, hash, wanted, &i))
        return i;
    if (n >= limit)
        return UINT32_MAX;
    self->groups[n] = *wanted;
    self->group_hashes[n] = hash;
    take_row(self, &self->group_rows);
    return n;
}

uint32_t segment_table_group(struct segment_table *self, uint32_t type, const char *endpoint,
                             const char *name)
{
    struct segment_group wanted = {.type = type};
    copy_text(wanted.endpoint, sizeof(wanted.endpoint), endpoint);
    copy_text(wanted.name, sizeof(wanted.name), name ? name : "");
    uint32_t group = find_or_add(self, &wanted, self->max_groups);
    if (group != UINT32_MAX)
        return group;

    segment_word_add(&self->header->folded_groups, 1);
    wanted = (struct segment_group){.type = type, .is_other = 1, .endpoint = SEGMENT_OTHER};
    group = find_or_add(self, &wanted, SEGMENT_MAX_GROUPS);
    return group != UINT32_MAX ? group : SEGMENT_MAX_GROUPS - 1;
}

static void forget_gauges(uint64_t *words)
{
    for (uint32_t i = SEGMENT_SERIAL; i < SEGMENT_FIRST_COUNTER; i++)
        segment_word_set(&words[i], SEGMENT_UNKNOWN);
    for (uint32_t i = SEGMENT_FIRST_GAUGE; i < SEGMENT_LANE_WORDS_MAX; i++)
        segment_word_set(&words[i], SEGMENT_UNKNOWN);
}

static bool take_free_lane(struct segment_table *self, uint32_t group, uint32_t *ret_lane)
{
    if (!self->free_lanes[group])
        return false;
    *ret_lane = self->free_lanes[group] - 1;
    self->free_lanes[group] = self->next_free_lane[*ret_lane];
    return true;
}

int segment_table_take_lane(struct segment_table *self, uint32_t group, uint32_t *ret_lane)
{
    uint32_t n = self->lane_rows.n;
    uint32_t lane;
    bool is_new = !take_free_lane(self, group, &lane);
    if (is_new && n == SEGMENT_MAX_LANES)
        return -ENOSPC;
    if (is_new)
        lane = n;

    uint64_t *words = segment_table_words(self, lane);
    self->lane_groups[lane] = group;
    segment_word_set(&words[SEGMENT_GROUP], (uint64_t)group + 1);
    forget_gauges(words);
    segment_word_set(&words[SEGMENT_STATE], SEGMENT_LANE_OPEN);
    if (is_new)
        take_row(self, &self->lane_rows);
    *ret_lane = lane;
    return 0;
}

void segment_table_release_lane(struct segment_table *self, uint32_t lane)
{
    uint64_t *words = segment_table_words(self, lane);
    uint32_t group = self->lane_groups[lane];
    segment_word_set(&words[SEGMENT_STATE], SEGMENT_LANE_FREE);
    forget_gauges(words);
    self->next_free_lane[lane] = self->free_lanes[group];
    self->free_lanes[group] = lane + 1;
}
