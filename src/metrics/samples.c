/* SPDX-License-Identifier: MPL-2.0 */
#include "metrics/samples.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE     ((size_t)16384)
#define FIRST_CAPACITY ((size_t)64)

static_assert(sizeof(struct sample) == 32, "sample");

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
    for (size_t i = 0; i < FAMILY_N; i++) {
        struct sample_list *list = &self->lists[i];
        *list = (struct sample_list){.items = list->items, .next = list->items, .end = list->end};
    }
    free_chunks(self);
    self->has_failed = self->leaves_created_out = false;
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

bool samples_make_room(struct samples *self, struct sample_list *list, size_t labels_size)
{
    if (labels_size > SAMPLES_LABELS_MAX) {
        self->has_failed = true;
        return false;
    }
    if (list->next < list->end)
        return true;
    size_t n = sample_list_n(list), capacity = n ? n * 2 : FIRST_CAPACITY;
    struct sample *items = reallocarray(list->items, capacity, sizeof(*items));
    if (!items) {
        self->has_failed = true;
        return false;
    }
    list->items = items;
    list->next = items + n;
    list->end = items + capacity;
    return true;
}

static const struct sample_histogram *copy_histogram(struct samples *self,
                                                     const struct sample_histogram *histogram)
{
    size_t size = histogram->n_buckets * sizeof(*histogram->counts);
    struct sample_histogram *copy = allocate(self, sizeof(*copy));
    uint64_t *counts = copy ? allocate(self, size) : NULL;
    if (!counts)
        return NULL;
    memcpy(counts, histogram->counts, size);
    *copy = *histogram;
    copy->counts = counts;
    return copy;
}

void samples_add_histogram(struct samples *self, enum family_id id, struct label_text labels,
                           const struct sample_histogram *histogram)
{
    assert(histogram->n_buckets > 0 && histogram->n_buckets <= SAMPLES_BUCKETS_MAX);
    struct sample_list *list = &self->lists[id];
    const struct sample_histogram *copy = copy_histogram(self, histogram);
    if (!copy || !samples_make_room(self, list, labels.size))
        return;
    size_t n_further_lines = copy->n_buckets + 1;
    list->n_further_lines += n_further_lines;
    list->labels_size += labels.size * (n_further_lines + 1);
    *list->next++ = (struct sample){.labels = labels.text,
                                    .value.histogram = copy,
                                    .labels_size = (uint16_t)labels.size,
                                    .kind = SAMPLE_HISTOGRAM};
}

void samples_add_created(struct samples *self, enum family_id id, struct text_number seconds)
{
    struct sample_list *list = &self->lists[id];
    if (self->leaves_created_out || self->has_failed || list->next == list->items ||
        !samples_make_room(self, list, 0))
        return;
    struct sample *created = list->next++;
    *created = created[-1]; /* its labels */
    created->kind = SAMPLE_CREATED;
    created->value.digits = seconds.digits;
    created->form = seconds.form;
    created->places = seconds.places;
    list->labels_size += (size_t)created->labels_size + created->extra_size;
}

struct label_text samples_copy_labels(struct samples *self, const char *text, size_t size)
{
    char *copy = allocate(self, size ? size : 1);
    if (!copy)
        return LABEL_TEXT_NONE;
    memcpy(copy, text, size);
    return (struct label_text){copy, (uint32_t)size};
}
