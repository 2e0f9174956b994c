/* SPDX-License-Identifier: MPL-2.0 */
/*
 * samples - the values of one scrape, gathered by the collectors, written by text_writer.
 *
 * A sample is a family, a label text (see labels.h; borrowed, it must live until the samples are
 * cleared), an optional `extra` label text that is a literal (`reason="hwm"`; borrowed, may be
 * NULL) and a value. Order of samples of one family is kept.
 *
 * Thread: one at a time. Errors: a failed allocation or a label text of more than
 *         SAMPLES_LABELS_MAX bytes leaves the sample out and sets has_failed.
 */
#ifndef METRICS_SAMPLES_H
#define METRICS_SAMPLES_H

#include "metrics/family.h"
#include "metrics/text_number.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SAMPLES_LABELS_MAX  ((size_t)32 << 10)
#define SAMPLES_BUCKETS_MAX 64u

/* Rendered label pairs without braces, `size` bytes. {NULL, 0}: no labels. */
struct label_text {
    const char *text;
    uint32_t size;
};

#define LABEL_TEXT_NONE ((struct label_text){0})

/* Cumulative counts per upper bound; the last bound is "+Inf" and its count is the total. */
struct sample_histogram {
    size_t n_buckets;
    const char *const *bounds; /* canonical texts for le: "0.5", "1.0", "+Inf"; short */
    const uint64_t *counts;
    double sum;
};

struct samples_scaled {
    uint64_t digits;
    unsigned places; /* at most 9 */
};

enum sample_kind { SAMPLE_VALUE, SAMPLE_CREATED, SAMPLE_HISTOGRAM };

/* 32 bytes: a scrape writes and reads thousands of them. */
struct sample {
    const char *labels;
    const char *extra; /* NULL: none */
    union {
        uint64_t digits; /* of a struct text_number */
        const struct sample_histogram *histogram;
    } value;
    /* In one word, so that they are stored at once. */
    uint64_t labels_size : 16;
    uint64_t extra_size : 16;
    uint64_t kind : 8; /* enum sample_kind */
    uint64_t form : 8; /* of a struct text_number, as is */
    uint64_t places : 8;
    uint64_t : 8;
};

struct sample_list {
    struct sample *items, *next, *end; /* of which those before `next` are in use */
    size_t n_further_lines;            /* of the text, beyond one a sample: of histograms */
    size_t labels_size;                /* of all lines */
};

static inline size_t sample_list_n(const struct sample_list *self)
{
    return (size_t)(self->next - self->items);
}

struct samples {
    struct sample_list lists[FAMILY_N];
    struct sample_chunk *chunks; /* copies made by samples_copy_* */
    bool has_failed;
    bool leaves_created_out; /* samples_add_created() adds nothing: it will not be shown */
};

void samples_init(struct samples *self);
void samples_finish(struct samples *self);
void samples_clear(struct samples *self); /* empties it and keeps the memory */

/* Makes room for one more sample. False: labels too long, or out of memory; it is not added. */
bool samples_make_room(struct samples *self, struct sample_list *list, size_t labels_size);

static inline void samples_add(struct samples *self, enum family_id id, struct label_text labels,
                               const char *extra, struct text_number number)
{
    struct sample_list *list = &self->lists[id];
    size_t extra_size = extra ? strlen(extra) : 0, size = labels.size + extra_size;
    bool is_full = list->next == list->end, is_long = size > SAMPLES_LABELS_MAX;
    if (__builtin_expect(is_full | is_long, false) && !samples_make_room(self, list, size))
        return;
    struct sample *sample = list->next;
    list->next = sample + 1;
    list->labels_size += size;
    *sample = (struct sample){.labels = labels.text,
                              .extra = extra,
                              .value.digits = number.digits,
                              .labels_size = (uint16_t)labels.size,
                              .extra_size = (uint16_t)extra_size,
                              .kind = SAMPLE_VALUE,
                              .form = number.form,
                              .places = number.places};
}

static inline void samples_add_u64(struct samples *self, enum family_id id,
                                   struct label_text labels, const char *extra, uint64_t value)
{
    samples_add(self, id, labels, extra, text_number_of_u64(value));
}

/* Cheap to write for what has at most nine decimals and, in all, fifteen digits: give times of day
 * in microseconds or coarser. */
static inline void samples_add_real(struct samples *self, enum family_id id,
                                    struct label_text labels, const char *extra, double value)
{
    samples_add(self, id, labels, extra, text_number_of_real(value));
}

/* digits / 10^places, for what is counted in nanoseconds or the like; the cheapest with a point. */
static inline void samples_add_scaled(struct samples *self, enum family_id id,
                                      struct label_text labels, const char *extra,
                                      struct samples_scaled value)
{
    samples_add(self, id, labels, extra, text_number_of_scaled(value.digits, value.places));
}

/* Copies `histogram` and its counts; `bounds` is borrowed (a literal table). */
void samples_add_histogram(struct samples *self, enum family_id id, struct label_text labels,
                           const struct sample_histogram *histogram);

/* When the counter or histogram that was added just before began to count, where it is known.
 * Only OpenMetrics shows it. Nothing is added once an addition has failed: the sample before may
 * be another's. */
void samples_add_created(struct samples *self, enum family_id id, struct text_number seconds);

/* A copy of `size` bytes of label text that lives as long as the samples. */
struct label_text samples_copy_labels(struct samples *self, const char *text, size_t size);

/* The number of a sample that is no histogram. */
static inline struct text_number sample_number(const struct sample *self)
{
    return (struct text_number){self->value.digits, self->form, self->places};
}

#endif
