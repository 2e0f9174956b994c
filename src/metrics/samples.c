/* SPDX-License-Identifier: MPL-2.0 */
#include "metrics/samples.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE     ((size_t)16384)
#define FIRST_CAPACITY ((size_t)64)

struct sample_chunk {
    struct sample_chunk *next;
    size_t used;
    size_t size;
    _Alignas(8) char bytes[];
};

void samples_init(struct samples *self)
{
    memset(self, 0, sizeof(*self));
}

static void free_chunks(struct samples *self)
{
    while (self->chunks) {
        struct sample_chunk *next = self->chunks->next;
        free(self->chunks);
        self->chunks = next;
    }
}

void samples_finish(struct samples *self)
{
    if (!self)
        return;
    for (size_t i = 0; i < FAMILY_N; i++)
        free(self->lists[i].items);
    free_chunks(self);
    samples_init(self);
}

void samples_clear(struct samples *self)
{
    for (size_t i = 0; i < FAMILY_N; i++)
        self->lists[i].n = 0;
    free_chunks(self);
    self->has_failed = false;
}

static void *allocate(struct samples *self, size_t size)
{
    size = (size + 7) & ~(size_t)7;
    struct sample_chunk *chunk = self->chunks;
    if (!chunk || chunk->size - chunk->used < size) {
        size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;
        chunk = malloc(sizeof(*chunk) + room);
        if (!chunk) {
            self->has_failed = true;
            return NULL;
        }
        *chunk = (struct sample_chunk){.next = self->chunks, .size = room};
        self->chunks = chunk;
    }
    void *place = chunk->bytes + chunk->used;
    chunk->used += size;
    return place;
}

static struct sample *add(struct samples *self, enum family_id id)
{
    struct sample_list *list = &self->lists[id];
    if (list->n == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : FIRST_CAPACITY;
        struct sample *items = reallocarray(list->items, capacity, sizeof(*items));
        if (!items) {
            self->has_failed = true;
            return NULL;
        }
        list->items = items;
        list->capacity = capacity;
    }
    return &list->items[list->n++];
}

void samples_add_u64(struct samples *self, enum family_id id, struct label_text labels,
                     const char *extra, uint64_t value)
{
    struct sample *sample = add(self, id);
    if (!sample)
        return;
    *sample = (struct sample){
        .labels = labels.text,
        .extra = extra,
        .value.u64 = value,
        .labels_size = labels.size,
        .extra_size = extra ? (uint16_t)strlen(extra) : 0,
        .kind = SAMPLE_U64,
    };
}

void samples_add_real(struct samples *self, enum family_id id, struct label_text labels,
                      const char *extra, double value)
{
    struct sample *sample = add(self, id);
    if (!sample)
        return;
    *sample = (struct sample){
        .labels = labels.text,
        .extra = extra,
        .value.real = value,
        .labels_size = labels.size,
        .extra_size = extra ? (uint16_t)strlen(extra) : 0,
        .kind = SAMPLE_REAL,
    };
}

void samples_add_histogram(struct samples *self, enum family_id id, struct label_text labels,
                           const struct sample_histogram *histogram)
{
    size_t size = histogram->n_buckets * sizeof(*histogram->counts);
    struct sample_histogram *copy = allocate(self, sizeof(*copy));
    uint64_t *counts = copy ? allocate(self, size) : NULL;
    struct sample *sample = counts ? add(self, id) : NULL;
    if (!sample)
        return;
    memcpy(counts, histogram->counts, size);
    *copy = *histogram;
    copy->counts = counts;
    *sample = (struct sample){
        .labels = labels.text,
        .value.histogram = copy,
        .labels_size = labels.size,
        .kind = SAMPLE_HISTOGRAM,
    };
}

void samples_add_created(struct samples *self, enum family_id id, double seconds)
{
    size_t n = self->lists[id].n;
    struct sample *sample = n ? add(self, id) : NULL;
    if (!sample)
        return;
    *sample = self->lists[id].items[n - 1];
    sample->value.real = seconds;
    sample->kind = SAMPLE_CREATED;
}

struct label_text samples_copy_labels(struct samples *self, const char *text, size_t size)
{
    char *copy = allocate(self, size ? size : 1);
    if (!copy)
        return LABEL_TEXT_NONE;
    memcpy(copy, text, size);
    return (struct label_text){copy, (uint32_t)size};
}
