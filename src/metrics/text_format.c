/* SPDX-License-Identifier: MPL-2.0 */
#include "metrics/text_format.h"

#include "metrics/text_number.h"

#include <errno.h>
#include <string.h>

/*
 * Design. Ten thousand lines are copies of few texts: the family's name, the labels that their
 * group rendered once, a number. So a family's lines are measured first, room is made once, and
 * they are then written without a check, most of it in moves of 16 bytes.
 */

#define LINE_EXTRA (TEXT_NUMBER_MAX + 32u) /* number, braces, commas, le="", suffix, newline */

static inline char *put(char *at, const char *from, size_t n)
{
    if (n < 16) {
        for (size_t i = 0; i < n; i++)
            at[i] = from[i];
        return at + n;
    }
    for (size_t i = 0; i + 16 < n; i += 16)
        memcpy(at + i, from + i, 16);
    memcpy(at + n - 16, from + n - 16, 16);
    return at + n;
}

#define PUT_LITERAL(at, text) ((char *)memcpy((at), (text), sizeof(text) - 1) + sizeof(text) - 1)

static char *put_labels(char *at, const struct sample *sample, const char *bound)
{
    if (!sample->labels_size && !sample->extra_size && !bound)
        return PUT_LITERAL(at, " ");
    *at++ = '{';
    at = put(at, sample->labels, sample->labels_size);
    if (sample->extra_size) {
        if (sample->labels_size)
            *at++ = ',';
        at = put(at, sample->extra, sample->extra_size);
    }
    if (bound) {
        if (at[-1] != '{')
            *at++ = ',';
        at = PUT_LITERAL(at, "le=\"");
        at = put(at, bound, strlen(bound));
        *at++ = '"';
    }
    return PUT_LITERAL(at, "} ");
}

static char *put_histogram(char *at, const struct text_block *block, const struct sample *sample)
{
    const struct sample_histogram *histogram = sample->value.histogram;
    uint64_t total = 0;
    for (size_t i = 0; i < histogram->n_buckets; i++) {
        total = histogram->counts[i];
        at = put(at, block->family, block->family_size);
        at = PUT_LITERAL(at, "_bucket");
        at = put_labels(at, sample, histogram->bounds[i]);
        at = text_number_write_u64(at, total);
        *at++ = '\n';
    }
    at = put(at, block->family, block->family_size);
    at = PUT_LITERAL(at, "_sum");
    at = put_labels(at, sample, NULL);
    at = text_number_write_real(at, histogram->sum);
    *at++ = '\n';
    at = put(at, block->family, block->family_size);
    at = PUT_LITERAL(at, "_count");
    at = put_labels(at, sample, NULL);
    at = text_number_write_u64(at, total);
    *at++ = '\n';
    return at;
}

static char *put_created(char *at, const struct text_block *block, const struct sample *sample)
{
    at = put(at, block->family, block->family_size);
    at = PUT_LITERAL(at, "_created");
    at = put_labels(at, sample, NULL);
    at = text_number_write_real(at, sample->value.real);
    *at++ = '\n';
    return at;
}

static char *put_sample(char *at, const struct text_block *block, const struct sample *sample,
                        enum text_format format)
{
    switch ((enum sample_kind)sample->kind) {
    case SAMPLE_CREATED:
        return format == TEXT_FORMAT_OPENMETRICS ? put_created(at, block, sample) : at;
    case SAMPLE_HISTOGRAM:
        return put_histogram(at, block, sample);
    case SAMPLE_U64:
    case SAMPLE_REAL:
        break;
    }
    at = put(at, block->sample, block->sample_size);
    at = put_labels(at, sample, NULL);
    at = sample->kind == SAMPLE_U64 ? text_number_write_u64(at, sample->value.u64)
                                    : text_number_write_real(at, sample->value.real);
    *at++ = '\n';
    return at;
}

/* At least what put_sample writes. */
static size_t measure(const struct text_block *block, const struct sample *sample)
{
    size_t line = block->sample_size + LINE_EXTRA + sample->labels_size +
                  (size_t)sample->extra_size;
    if (sample->kind != SAMPLE_HISTOGRAM)
        return line;
    const struct sample_histogram *histogram = sample->value.histogram;
    size_t size = line * (histogram->n_buckets + 2);
    for (size_t i = 0; i < histogram->n_buckets; i++)
        size += strlen(histogram->bounds[i]);
    return size;
}

static size_t measure_family(const struct text_block *block, enum family_id id,
                             const struct samples *const *parts, size_t n_parts)
{
    size_t size = 0;
    for (size_t i = 0; i < n_parts; i++) {
        const struct sample_list *list = &parts[i]->lists[id];
        for (size_t k = 0; k < list->n; k++)
            size += measure(block, &list->items[k]);
    }
    return size;
}

static void append_family(struct string_buffer *page, enum text_format format,
                          const struct text_block *block, enum family_id id,
                          const struct samples *const *parts, size_t n_parts)
{
    size_t size = measure_family(block, id, parts, n_parts);
    char *start = size ? string_buffer_reserve(page, size + block->header_size) : NULL;
    if (!start)
        return;

    char *at = put(start, block->header, block->header_size);
    for (size_t i = 0; i < n_parts; i++) {
        const struct sample_list *list = &parts[i]->lists[id];
        for (size_t k = 0; k < list->n; k++)
            at = put_sample(at, block, &list->items[k], format);
    }
    page->size += (size_t)(at - start);
    *at = '\0';
}

int text_format_write(enum text_format format, const struct samples *const *parts, size_t n_parts,
                      struct string_buffer *page)
{
    const struct text_block *blocks = text_blocks_get(format);
    if (!blocks)
        return -ENOMEM;
    for (size_t id = 0; id < FAMILY_N; id++)
        append_family(page, format, &blocks[id], (enum family_id)id, parts, n_parts);
    if (format == TEXT_FORMAT_OPENMETRICS)
        string_buffer_append_text(page, "# EOF\n");
    return page->has_failed ? -ENOMEM : 0;
}
