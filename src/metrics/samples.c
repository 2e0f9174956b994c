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
        *list = (struct sample_list){.items = list->items, .capacity = list->capacity};
    }
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

static __attribute__((noinline)) bool grow(struct samples *self, struct sample_list *list)
{
    size_t capacity = list->capacity ? list->capacity * 2 : FIRST_CAPACITY;
    struct sample *items = reallocarray(list->items, capacity, sizeof(*items));
    if (!items) {
        self->has_failed = true;
        return false;
    }
    list->items = items;
    list->capacity = capacity;
    return true;
}

/* The place of the next sample, with its labels. */
static inline struct sample *add(struct samples *self, struct sample_list *list,
                                 struct label_text labels, const char *extra)
{
    size_t extra_size = extra ? strlen(extra) : 0;
    if (labels.size + extra_size > SAMPLES_LABELS_MAX) {
        self->has_failed = true;
        return NULL;
    }
    if (list->n == list->capacity && !grow(self, list))
        return NULL;
    struct sample *sample = &list->items[list->n++];
    sample->labels = labels.text;
    sample->extra = extra;
    sample->labels_size = (uint16_t)labels.size;
    sample->extra_size = (uint16_t)extra_size;
    return sample;
}

static inline void set_number(struct sample *sample, struct text_number number)
{
    sample->value.digits = number.digits;
    sample->form = number.form;
    sample->places = number.places;
    sample->size = number.size;
}

/* "{labels,extra} " or, without either, " "; `more` is the size of a further label. */
static inline size_t decorated_size(const struct sample *sample, size_t more)
{
    size_t size = sample->labels_size + (size_t)sample->extra_size + more;
    if (size == 0)
        return 1;
    size_t n = (sample->labels_size > 0) + (size_t)(sample->extra_size > 0) + (more > 0);
    return size + 3 + n - 1;
}

static inline void add_number(struct samples *self, enum family_id id, struct label_text labels,
                              const char *extra, struct text_number number)
{
    struct sample_list *list = &self->lists[id];
    struct sample *sample = add(self, list, labels, extra);
    if (!sample)
        return;
    sample->kind = SAMPLE_VALUE;
    set_number(sample, number);
    list->n_lines++;
    list->lines_size += decorated_size(sample, 0) + number.size + 1;
}

void samples_add_u64(struct samples *self, enum family_id id, struct label_text labels,
                     const char *extra, uint64_t value)
{
    add_number(self, id, labels, extra, text_number_of_u64(value));
}

void samples_add_real(struct samples *self, enum family_id id, struct label_text labels,
                      const char *extra, double value)
{
    add_number(self, id, labels, extra, text_number_of_real(value));
}

void samples_add_scaled(struct samples *self, enum family_id id, struct label_text labels,
                        const char *extra, struct samples_scaled value)
{
    add_number(self, id, labels, extra, text_number_of_scaled(value.digits, value.places));
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
    struct sample *sample = copy ? add(self, list, labels, NULL) : NULL;
    if (!sample)
        return;
    sample->kind = SAMPLE_HISTOGRAM;
    sample->value.histogram = copy;

    size_t size = 0;
    for (size_t i = 0; i < copy->n_buckets; i++)
        size += strlen("_bucket") +
                decorated_size(sample, strlen("le=\"\"") + strlen(copy->bounds[i])) +
                text_number_of_u64(copy->counts[i]).size + 1;
    size += strlen("_sum") + decorated_size(sample, 0) + text_number_of_real(copy->sum).size + 1;
    size += strlen("_count") + decorated_size(sample, 0) +
            text_number_of_u64(copy->counts[copy->n_buckets - 1]).size + 1;
    list->n_lines += copy->n_buckets + 2;
    list->lines_size += size;
}

void samples_add_created(struct samples *self, enum family_id id, struct text_number seconds)
{
    struct sample_list *list = &self->lists[id];
    if (list->n == 0)
        return;
    const struct sample *last = &list->items[list->n - 1];
    struct label_text labels = {last->labels, last->labels_size};
    struct sample *sample = add(self, list, labels, last->extra);
    if (!sample)
        return;
    sample->kind = SAMPLE_CREATED;
    set_number(sample, seconds);
    list->n_created++;
    list->created_size += strlen("_created") + decorated_size(sample, 0) + seconds.size + 1;
}

struct label_text samples_copy_labels(struct samples *self, const char *text, size_t size)
{
    char *copy = allocate(self, size ? size : 1);
    if (!copy)
        return LABEL_TEXT_NONE;
    memcpy(copy, text, size);
    return (struct label_text){copy, (uint32_t)size};
}
