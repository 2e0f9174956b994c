/* SPDX-License-Identifier: MPL-2.0 */
/*
 * samples - the values of one scrape, gathered by the collectors, written by text_format.
 *
 * A sample is a family, a label text (see labels.h; borrowed, it must live until the page is
 * written), an optional `extra` label text that is a literal (`reason="hwm"`; borrowed, may be
 * NULL) and a value. Order of samples of one family is kept.
 *
 * Thread: one at a time. Errors: a failed allocation is remembered, samples_has_failed().
 */
#ifndef METRICS_SAMPLES_H
#define METRICS_SAMPLES_H

#include "metrics/family.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Rendered label pairs without braces, `size` bytes. {NULL, 0}: no labels. */
struct label_text {
    const char *text;
    uint32_t size;
};

#define LABEL_TEXT_NONE ((struct label_text){0})

/* Cumulative counts per upper bound; the last bound is "+Inf" and its count is the total. */
struct sample_histogram {
    size_t n_buckets;
    const char *const *bounds; /* canonical texts for le: "0.5", "1.0", "+Inf" */
    const uint64_t *counts;
    double sum;
};

enum sample_kind { SAMPLE_U64, SAMPLE_REAL, SAMPLE_HISTOGRAM, SAMPLE_CREATED };

/* 32 bytes: a scrape writes and reads thousands of them. */
struct sample {
    const char *labels;
    const char *extra; /* NULL: none */
    union {
        uint64_t u64;
        double real; /* also of SAMPLE_CREATED, in seconds since the epoch */
        const struct sample_histogram *histogram;
    } value;
    uint32_t labels_size;
    uint16_t extra_size;
    uint8_t kind; /* enum sample_kind */
};

struct sample_list {
    struct sample *items;
    size_t n;
    size_t capacity;
};

struct samples {
    struct sample_list lists[FAMILY_N];
    struct sample_chunk *chunks; /* copies made by samples_copy_* */
    bool has_failed;
};

void samples_init(struct samples *self);
void samples_finish(struct samples *self);
void samples_clear(struct samples *self); /* empties it and keeps the memory */

void samples_add_u64(struct samples *self, enum family_id id, struct label_text labels,
                     const char *extra, uint64_t value);
void samples_add_real(struct samples *self, enum family_id id, struct label_text labels,
                      const char *extra, double value);
/* Copies `histogram` and its counts; `bounds` is borrowed (a literal table). */
void samples_add_histogram(struct samples *self, enum family_id id, struct label_text labels,
                           const struct sample_histogram *histogram);

/* When the counter or histogram that was added just before began to count, where it is known.
 * Only OpenMetrics shows it. */
void samples_add_created(struct samples *self, enum family_id id, double seconds);

/* A copy of `size` bytes of label text that lives as long as the samples. */
struct label_text samples_copy_labels(struct samples *self, const char *text, size_t size);

#endif
