/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: a page lists families and their label sets, JSON lists label sets and their families.
 * So the samples are numbered by label set (a hash table on the text's address, which one set
 * keeps through a part), sorted by that number, and written in one go.
 *
 * Label texts are almost JSON already: the page's escapes \\, \" and \n are JSON's, and only
 * control characters must be added.
 */
#include "metrics/json_writer.h"

#include <errno.h>
#include <stdlib.h>

enum section { SOCKETS, PROGRAMS, LIBRARIES, PROBES, EXPORTER, N_SECTIONS };

static const char *const section_names[N_SECTIONS] = {"sockets", "programs", "libraries", "probes",
                                                      "exporter"};

/* One sample and where it goes. */
struct place {
    size_t set;   /* number of the label set, by first appearance */
    size_t order; /* of the sample, so that sorting keeps it */
    enum section section;
    enum family_id family;
    const struct sample *sample;
};

struct places {
    struct place *items;
    size_t n;
    struct set_slot {
        const char *labels; /* NULL: free, unless it is the set without labels */
        enum section section;
        size_t set; /* + 1; 0: free */
    } * slots;
    size_t n_slots; /* a power of two */
    size_t n_sets;
};

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static enum section section_of(const char *family)
{
    if (has_prefix(family, "zmq_socket"))
        return SOCKETS;
    if (has_prefix(family, "zmq_library_"))
        return LIBRARIES;
    if (has_prefix(family, "zmq_probe_"))
        return PROBES;
    if (has_prefix(family, "zmq_exporter_") || has_prefix(family, "process_"))
        return EXPORTER;
    return PROGRAMS;
}

static size_t set_number(struct places *self, const char *labels, enum section section)
{
    size_t at = ((uintptr_t)labels >> 3) * UINT64_C(0x9e3779b97f4a7c15) >> 20;
    for (at += section;; at++) {
        struct set_slot *slot = &self->slots[at & (self->n_slots - 1)];
        if (slot->set == 0) {
            *slot = (struct set_slot){labels, section, ++self->n_sets};
            return slot->set;
        }
        if (slot->labels == labels && slot->section == section)
            return slot->set;
    }
}

static int compare_places(const void *a, const void *b)
{
    const struct place *left = a, *right = b;
    if (left->section != right->section)
        return left->section < right->section ? -1 : 1;
    if (left->set != right->set)
        return left->set < right->set ? -1 : 1;
    return left->order < right->order ? -1 : left->order > right->order;
}

static size_t count_samples(const struct samples *const *parts, size_t n_parts)
{
    size_t n = 0;
    for (size_t i = 0; i < n_parts; i++) {
        for (size_t id = 0; id < FAMILY_N; id++)
            n += sample_list_n(&parts[i]->lists[id]);
    }
    return n;
}

static void gather_family(struct places *self, enum family_id id, const struct sample_list *list)
{
    enum section section = section_of(family_get(id)->name);
    for (const struct sample *sample = list->items; sample < list->next; sample++) {
        if (sample->kind != SAMPLE_VALUE)
            continue;
        self->items[self->n] = (struct place){set_number(self, sample->labels, section), self->n,
                                              section, id, sample};
        self->n++;
    }
}

static int gather(struct places *self, const struct samples *const *parts, size_t n_parts)
{
    size_t n = count_samples(parts, n_parts);
    for (self->n_slots = 64; self->n_slots < 2 * n; self->n_slots *= 2)
        ;
    self->items = calloc(n ? n : 1, sizeof(*self->items));
    self->slots = calloc(self->n_slots, sizeof(*self->slots));
    if (!self->items || !self->slots)
        return -ENOMEM;
    for (size_t id = 0; id < FAMILY_N; id++) {
        for (size_t i = 0; i < n_parts; i++)
            gather_family(self, (enum family_id)id, &parts[i]->lists[id]);
    }
    qsort(self->items, self->n, sizeof(*self->items), compare_places);
    return 0;
}

static void append_character(struct string_buffer *json, char c)
{
    if ((unsigned char)c < 0x20)
        string_buffer_append_format(json, "\\u%04x", c);
    else
        string_buffer_append(json, &c, 1);
}

void json_writer_text(struct string_buffer *json, const char *text)
{
    string_buffer_append(json, "\"", 1);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            string_buffer_append(json, "\\", 1);
        append_character(json, *text);
    }
    string_buffer_append(json, "\"", 1);
}

/* `name="value",…` as `"name":"value",…`. */
void json_writer_labels(struct string_buffer *json, const char *text, size_t size)
{
    const char *end = size ? text + size : text;
    while (text < end) {
        const char *equals = memchr(text, '=', (size_t)(end - text));
        if (!equals)
            return;
        string_buffer_append(json, "\"", 1);
        string_buffer_append(json, text, (size_t)(equals - text));
        string_buffer_append(json, "\":\"", 3);
        for (text = equals + 2; text < end && *text != '"'; text++) {
            append_character(json, *text);
            if (*text == '\\' && text + 1 < end)
                append_character(json, *++text);
        }
        string_buffer_append(json, "\"", 1);
        text += 2; /* the quotation mark and the comma */
        if (text < end)
            string_buffer_append(json, ",", 1);
    }
}

static void append_number(struct string_buffer *json, const struct sample *sample)
{
    char text[TEXT_NUMBER_ROOM];
    char *end = text_number_write(text, sample_number(sample));
    bool is_finite = text[*text == '-'] >= '0' && text[*text == '-'] <= '9';
    if (is_finite)
        string_buffer_append(json, text, (size_t)(end - text));
    else
        string_buffer_append_text(json, "null");
}

/* One family of one label set: the samples from `first` on that belong to it. Returns the rest. */
static const struct place *append_family(struct string_buffer *json, const struct place *first,
                                         const struct place *end)
{
    const struct place *at = first;
    string_buffer_append_format(json, "\"%s\":", family_get(first->family)->name);
    if (!first->sample->extra) {
        append_number(json, first->sample);
        return first + 1;
    }
    string_buffer_append(json, "[", 1);
    for (bool is_empty = true; at < end && at->set == first->set && at->family == first->family;
         at++) {
        if (at->sample->value.digits == 0)
            continue;
        string_buffer_append_text(json, is_empty ? "{" : ",{");
        is_empty = false;
        json_writer_labels(json, at->sample->extra, at->sample->extra_size);
        string_buffer_append_text(json, ",\"value\":");
        append_number(json, at->sample);
        string_buffer_append(json, "}", 1);
    }
    string_buffer_append(json, "]", 1);
    return at;
}

static const struct place *append_set(struct string_buffer *json, const struct place *first,
                                      const struct place *end)
{
    string_buffer_append_text(json, "{\"labels\":{");
    json_writer_labels(json, first->sample->labels, first->sample->labels_size);
    string_buffer_append_text(json, "},\"values\":{");
    const struct place *at = first;
    while (at < end && at->set == first->set) {
        if (at != first)
            string_buffer_append(json, ",", 1);
        at = append_family(json, at, end);
    }
    string_buffer_append_text(json, "}}");
    return at;
}

int json_writer_write(const struct samples *const *parts, size_t n_parts,
                      struct string_buffer *json)
{
    struct places places = {0};
    int r = gather(&places, parts, n_parts);
    const struct place *at = places.items, *end = r < 0 ? at : places.items + places.n;
    for (unsigned section = 0; r == 0 && section < N_SECTIONS; section++) {
        string_buffer_append_format(json, "%s\"%s\":[", section ? "," : "", section_names[section]);
        for (bool is_first = true; at < end && at->section == section; is_first = false) {
            if (!is_first)
                string_buffer_append(json, ",", 1);
            at = append_set(json, at, end);
        }
        string_buffer_append(json, "]", 1);
    }
    free(places.items);
    free(places.slots);
    return r < 0 || json->has_failed ? -ENOMEM : 0;
}
