/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: label texts are almost JSON already: the page's escapes \\, \" and \n are JSON's, and
 * only control characters must be added.
 */
#include "metrics/json_writer.h"

#include <errno.h>

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
static const struct label_set_sample *append_family(struct string_buffer *json,
                                                    const struct label_set_sample *first,
                                                    const struct label_set_sample *end)
{
    string_buffer_append(json, "\"", 1);
    string_buffer_append_text(json, family_get(first->family)->name);
    string_buffer_append(json, "\":", 2);
    if (!first->sample->extra) {
        append_number(json, first->sample);
        return first + 1;
    }
    const struct label_set_sample *at = first;
    string_buffer_append(json, "[", 1);
    for (bool is_empty = true; at < end && at->family == first->family; at++) {
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

void json_writer_set_labels(struct string_buffer *json, const struct label_set *set)
{
    const struct sample *first = set->samples->sample;
    string_buffer_append_text(json, "\"labels\":{");
    json_writer_labels(json, first->labels, first->labels_size);
    string_buffer_append(json, "}", 1);
}

void json_writer_set_values(struct string_buffer *json, const struct label_set *set)
{
    const struct label_set_sample *at = set->samples, *end = at + set->n;
    string_buffer_append_text(json, "\"values\":{");
    while (at < end) {
        if (at != set->samples)
            string_buffer_append(json, ",", 1);
        at = append_family(json, at, end);
    }
    string_buffer_append(json, "}", 1);
}

static void append_set(struct string_buffer *json, const struct label_set *set)
{
    string_buffer_append(json, "{", 1);
    json_writer_set_labels(json, set);
    string_buffer_append(json, ",", 1);
    json_writer_set_values(json, set);
    string_buffer_append(json, "}", 1);
}

int json_writer_write(const struct samples *const *parts, size_t n_parts,
                      struct string_buffer *json)
{
    struct label_sets sets;
    int r = label_sets_gather(parts, n_parts, NULL, &sets);
    size_t i = 0;
    for (unsigned section = 0; r == 0 && section < LABEL_N_SECTIONS; section++) {
        string_buffer_append_format(json, "%s\"%s\":[", section ? "," : "",
                                    label_section_name((enum label_section)section));
        for (bool is_first = true; i < sets.n && sets.sets[i].section == section; i++) {
            if (!is_first)
                string_buffer_append(json, ",", 1);
            append_set(json, &sets.sets[i]);
            is_first = false;
        }
        string_buffer_append(json, "]", 1);
    }
    label_sets_finish(&sets);
    return r < 0 || json->has_failed ? -ENOMEM : 0;
}
