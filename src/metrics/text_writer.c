/* SPDX-License-Identifier: MPL-2.0 */
#include "metrics/text_writer.h"

#include "metrics/text_lines.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/*
 * Design. Where the room is enough for whatever lines a list may have, they are written without a
 * further check. Near the end of a piece each line's exact size decides, and it takes a detour so
 * that nothing is written beyond the piece.
 */

#define END "# EOF\n"

static_assert(TEXT_LINE_MAX < TEXT_WRITER_PIECE_MIN, "a piece has room for any line");

/* One sample's line, of a histogram the one at self->line. Returns its end. */
static char *put_line(const struct text_writer *self, const struct text_block *block,
                      const struct sample *sample, char *at)
{
    if (sample->kind == SAMPLE_HISTOGRAM)
        return text_lines_put_histogram(at, block, sample, self->line);
    text_lines_put(&at, block, sample, sample + 1);
    return at;
}

/* By way of a buffer of its own: for the line that may only just fit. */
static char *put_last(struct text_writer *self, const struct text_block *block,
                      const struct sample *sample, char *at, size_t room)
{
    char line[TEXT_LINE_MAX];
    char *end = put_line(self, block, sample, line);
    if (!end)
        return NULL;
    size_t size = (size_t)(end - line);
    self->is_full = size > room;
    if (self->is_full)
        return at;
    memcpy(at, line, size);
    return at + size;
}

/* The lines of one sample, as far as they fit before `end`. */
static char *put_sample(struct text_writer *self, const struct text_block *block,
                        const struct sample *sample, char *at, const char *end)
{
    size_t longest = (size_t)sample->labels_size + sample->extra_size + TEXT_LINE_EXTRA;
    do {
        size_t room = (size_t)(end - at);
        char *next = room < longest ? put_last(self, block, sample, at, room)
                                    : put_line(self, block, sample, at);
        if (!next || self->is_full)
            break;
        at = next;
        self->line++;
    } while (sample->kind == SAMPLE_HISTOGRAM);
    if (!self->is_full)
        self->line = 0;
    return at;
}

/* The samples of one part from self->item on. */
static char *put_list(struct text_writer *self, const struct text_block *block,
                      const struct sample_list *list, char *at, const char *end)
{
    bool is_roomy = (size_t)(end - at) >= text_lines_room(list);
    const struct sample *last = list->next, *sample = list->items + self->item;
    while (sample < last && !self->is_full) {
        if (is_roomy)
            sample = text_lines_put(&at, block, sample, last);
        if (sample < last)
            at = put_sample(self, block, sample, at, end);
        sample += sample < last && !self->is_full;
    }
    self->item = self->is_full ? (size_t)(sample - list->items) : 0;
    return at;
}

static char *put_family(struct text_writer *self, char *at, const char *end)
{
    const struct text_block *block = &self->blocks[self->family];
    for (; self->part < self->n_parts; self->part++) {
        const struct sample_list *list = &self->parts[self->part]->lists[self->family];
        if (list->next == list->items)
            continue;
        if (!self->has_header) {
            self->is_full = (size_t)(end - at) < block->header_size;
            if (self->is_full)
                return at;
            memcpy(at, block->header, block->header_size);
            at += block->header_size;
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
    if (self->family == FAMILY_N && text_format_is_open_metrics(self->format) && !self->has_end &&
        (size_t)(end - at) >= strlen(END)) {
        memcpy(at, END, strlen(END));
        at += strlen(END);
        self->has_end = true;
    }
    return (size_t)(at - start);
}

static size_t family_room(const struct text_writer *self, unsigned id)
{
    size_t room = 0;
    for (size_t i = 0; i < self->n_parts; i++)
        room += text_lines_room(&self->parts[i]->lists[id]);
    return room ? room + self->blocks[id].header_size : 0;
}

int text_writer_init(struct text_writer *self, enum text_format format,
                     const struct samples *const *parts, size_t n_parts)
{
    *self = (struct text_writer){.format = format,
                                 .blocks = text_blocks_get(format),
                                 .parts = parts,
                                 .n_parts = n_parts,
                                 .room = strlen(END)};
    if (!self->blocks)
        return -ENOMEM;
    for (unsigned id = 0; id < FAMILY_N; id++)
        self->room += family_room(self, id);
    return 0;
}

size_t text_writer_measure(const struct text_writer *self, char *piece, size_t room)
{
    struct text_writer copy = *self;
    size_t size = 0;
    for (size_t n; (n = text_writer_fill(&copy, piece, room)) > 0;)
        size += n;
    return size;
}

int text_format_write(enum text_format format, const struct samples *const *parts, size_t n_parts,
                      struct string_buffer *page)
{
    struct text_writer writer;
    int r = text_writer_init(&writer, format, parts, n_parts);
    char *place = r == 0 ? string_buffer_reserve(page, writer.room) : NULL;
    if (!place)
        return -ENOMEM;
    page->size += text_writer_fill(&writer, place, writer.room);
    page->data[page->size] = '\0';
    return 0;
}
