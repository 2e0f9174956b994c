/* SPDX-License-Identifier: MPL-2.0 */
#include "metrics/text_writer.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/*
 * Design. Ten thousand lines are copies of few texts: the family's name, the labels that their
 * group rendered once, a number that was measured when the sample was added. Where there is room
 * for the longest that a line can be, it is written without a further check, most of it in moves
 * of 16 bytes. Near the end of a piece the line's exact size decides, and the line takes a detour
 * so that nothing is written beyond the piece.
 */

#define LINE_EXTRA 96u /* number, braces, commas, le="", suffix, newline, slack */
#define LINE_MAX   (SAMPLES_LABELS_MAX + 1024)

static_assert(LINE_MAX < TEXT_WRITER_PIECE_MIN, "a piece has room for any line");

/* A line that is not a plain value: of a histogram, or _created. */
struct line {
    const char *name;
    uint32_t name_size;
    const char *suffix;
    const char *bound; /* NULL: none */
    struct text_number number;
};

/* By size in few classes, each a fixed number of moves that overlap: how many moves there are is
 * then the same from line to line, and the processor guesses it right. */
static inline char *put(char *at, const char *from, size_t n)
{
    if (n > 128) {
        memcpy(at, from, n);
    } else if (n > 64) {
        memcpy(at, from, 64);
        memcpy(at + n - 64, from + n - 64, 64);
    } else if (n > 32) {
        memcpy(at, from, 32);
        memcpy(at + n - 32, from + n - 32, 32);
    } else if (n >= 16) {
        memcpy(at, from, 16);
        memcpy(at + n - 16, from + n - 16, 16);
    } else {
        for (size_t i = 0; i < n; i++)
            at[i] = from[i];
    }
    return at + n;
}

#define PUT_LITERAL(at, text) ((char *)memcpy((at), (text), sizeof(text) - 1) + sizeof(text) - 1)

static inline char *put_labels(char *at, const struct sample *sample)
{
    if (!sample->labels_size && !sample->extra_size)
        return PUT_LITERAL(at, " ");
    *at++ = '{';
    at = put(at, sample->labels, sample->labels_size);
    if (sample->extra_size) {
        if (sample->labels_size)
            *at++ = ',';
        at = put(at, sample->extra, sample->extra_size);
    }
    return PUT_LITERAL(at, "} ");
}

static char *put_labels_bound(char *at, const struct sample *sample, const char *bound)
{
    *at++ = '{';
    if (sample->labels_size) {
        at = put(at, sample->labels, sample->labels_size);
        *at++ = ',';
    }
    at = PUT_LITERAL(at, "le=\"");
    at = put(at, bound, strlen(bound));
    return PUT_LITERAL(at, "\"} ");
}

static inline char *put_value(char *at, const struct text_block *block, const struct sample *sample)
{
    at = put(at, block->sample, block->sample_size);
    at = put_labels(at, sample);
    at = text_number_write(at, sample_number(sample));
    *at++ = '\n';
    return at;
}

static char *put_line(char *at, const struct line *line, const struct sample *sample)
{
    at = put(at, line->name, line->name_size);
    at = put(at, line->suffix, strlen(line->suffix));
    at = line->bound ? put_labels_bound(at, sample, line->bound) : put_labels(at, sample);
    at = text_number_write(at, line->number);
    *at++ = '\n';
    return at;
}

static size_t bound_of(const struct text_block *block, const struct sample *sample)
{
    return block->sample_size + (size_t)sample->labels_size + sample->extra_size + LINE_EXTRA;
}

/* The line `index` of a histogram: buckets, sum, count. False: there are no more. */
static bool histogram_line(const struct text_block *block, const struct sample *sample,
                           size_t index, struct line *ret_line)
{
    const struct sample_histogram *histogram = sample->value.histogram;
    size_t n = histogram->n_buckets;
    *ret_line = (struct line){.name = block->family, .name_size = block->family_size};
    if (index < n) {
        ret_line->suffix = "_bucket";
        ret_line->bound = histogram->bounds[index];
        ret_line->number = text_number_of_u64(histogram->counts[index]);
    } else if (index == n) {
        ret_line->suffix = "_sum";
        ret_line->number = text_number_of_real(histogram->sum);
    } else {
        ret_line->suffix = "_count";
        ret_line->number = text_number_of_u64(histogram->counts[n - 1]);
    }
    return index < n + 2;
}

/* By way of a buffer of its own: for the line that may only just fit. */
static char *put_last(const struct text_block *block, const struct sample *sample,
                      const struct line *line, char *at, const char *end)
{
    char room[LINE_MAX];
    char *stop = line ? put_line(room, line, sample) : put_value(room, block, sample);
    size_t size = (size_t)(stop - room);
    if (size > (size_t)(end - at))
        return NULL;
    memcpy(at, room, size);
    return at + size;
}

/* One line at `at`; NULL: it does not fit before `end`. */
static inline char *put_checked(const struct text_block *block, const struct sample *sample,
                                const struct line *line, char *at, const char *end)
{
    if ((size_t)(end - at) < bound_of(block, sample))
        return put_last(block, sample, line, at, end);
    return line ? put_line(at, line, sample) : put_value(at, block, sample);
}

/* The lines of a histogram from self->line on. */
static char *put_histogram(struct text_writer *self, const struct text_block *block,
                           const struct sample *sample, char *at, const char *end)
{
    struct line line;
    for (; histogram_line(block, sample, self->line, &line); self->line++) {
        char *next = put_checked(block, sample, &line, at, end);
        if (!next) {
            self->is_full = true;
            return at;
        }
        at = next;
    }
    self->line = 0;
    return at;
}

static char *put_created(struct text_writer *self, const struct text_block *block,
                         const struct sample *sample, char *at, const char *end)
{
    if (self->format != TEXT_FORMAT_OPENMETRICS)
        return at;
    struct line line = {.name = block->family,
                        .name_size = block->family_size,
                        .suffix = "_created",
                        .number = sample_number(sample)};
    char *next = put_checked(block, sample, &line, at, end);
    self->is_full = !next;
    return next ? next : at;
}

/* The samples of one part from self->item on. */
static char *put_list(struct text_writer *self, const struct text_block *block,
                      const struct sample_list *list, char *at, const char *end)
{
    for (; self->item < list->n; self->item++) {
        const struct sample *sample = &list->items[self->item];
        if (sample->kind == SAMPLE_VALUE) {
            char *next = put_checked(block, sample, NULL, at, end);
            self->is_full = !next;
            at = next ? next : at;
        } else if (sample->kind == SAMPLE_HISTOGRAM) {
            at = put_histogram(self, block, sample, at, end);
        } else {
            at = put_created(self, block, sample, at, end);
        }
        if (self->is_full)
            return at;
    }
    self->item = 0;
    return at;
}

static char *put_family(struct text_writer *self, char *at, const char *end)
{
    const struct text_block *block = &self->blocks[self->family];
    for (; self->part < self->n_parts; self->part++) {
        const struct sample_list *list = &self->parts[self->part]->lists[self->family];
        if (list->n && !self->has_header) {
            self->is_full = (size_t)(end - at) < block->header_size;
            if (self->is_full)
                return at;
            at = put(at, block->header, block->header_size);
            self->has_header = true;
        }
        at = put_list(self, block, list, at, end);
        if (self->is_full)
            return at;
    }
    self->part = 0;
    self->has_header = false;
    self->family++;
    return at;
}

size_t text_writer_fill(struct text_writer *self, char *at, size_t room)
{
    const char *end = at + room;
    char *start = at;
    self->is_full = false;
    while (self->family < FAMILY_N && !self->is_full)
        at = put_family(self, at, end);
    if (self->family == FAMILY_N && self->format == TEXT_FORMAT_OPENMETRICS && !self->has_end &&
        end - at >= 6) {
        at = PUT_LITERAL(at, "# EOF\n");
        self->has_end = true;
    }
    return (size_t)(at - start);
}

static size_t measure_family(const struct text_writer *self, unsigned id)
{
    const struct text_block *block = &self->blocks[id];
    size_t size = 0;
    for (size_t i = 0; i < self->n_parts; i++) {
        const struct sample_list *list = &self->parts[i]->lists[id];
        size += list->lines_size + list->n_lines * block->sample_size;
        if (self->format == TEXT_FORMAT_OPENMETRICS)
            size += list->created_size + list->n_created * block->family_size;
    }
    return size ? size + block->header_size : 0;
}

int text_writer_init(struct text_writer *self, enum text_format format,
                     const struct samples *const *parts, size_t n_parts)
{
    *self = (struct text_writer){.format = format,
                                 .blocks = text_blocks_get(format),
                                 .parts = parts,
                                 .n_parts = n_parts,
                                 .size = format == TEXT_FORMAT_OPENMETRICS ? 6 : 0};
    if (!self->blocks)
        return -ENOMEM;
    for (unsigned id = 0; id < FAMILY_N; id++)
        self->size += measure_family(self, id);
    return 0;
}

int text_format_write(enum text_format format, const struct samples *const *parts, size_t n_parts,
                      struct string_buffer *page)
{
    struct text_writer writer;
    int r = text_writer_init(&writer, format, parts, n_parts);
    char *place = r == 0 ? string_buffer_reserve(page, writer.size) : NULL;
    if (!place)
        return -ENOMEM;
    page->size += text_writer_fill(&writer, place, writer.size);
    page->data[page->size] = '\0';
    return 0;
}
