/* SPDX-License-Identifier: MPL-2.0 */
#include "metrics/text_format.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* The shortest decimal text that reads back as the same double. */
static void append_real(struct string_buffer *page, double value)
{
    if (isnan(value)) {
        string_buffer_append_text(page, "NaN");
        return;
    }
    if (isinf(value)) {
        string_buffer_append_text(page, value > 0 ? "+Inf" : "-Inf");
        return;
    }
    char digits[40];
    for (int precision = 15; precision <= 17; precision++) {
        (void)snprintf(digits, sizeof(digits), "%.*g", precision, value);
        if (strtod(digits, NULL) == value)
            break;
    }
    string_buffer_append_text(page, digits);
}

static void append_help(struct string_buffer *page, const char *help)
{
    for (; *help; help++) {
        if (*help == '\n')
            string_buffer_append(page, "\\n", 2);
        else if (*help == '\\')
            string_buffer_append(page, "\\\\", 2);
        else
            string_buffer_append(page, help, 1);
    }
}

static void append_header(struct string_buffer *page, const struct family *family)
{
    string_buffer_append_text(page, "# HELP ");
    string_buffer_append_text(page, family->name);
    string_buffer_append(page, " ", 1);
    append_help(page, family->help);
    string_buffer_append_text(page, "\n# TYPE ");
    string_buffer_append_text(page, family->name);
    string_buffer_append(page, " ", 1);
    string_buffer_append_text(page, family_type_name(family->type));
    string_buffer_append(page, "\n", 1);
}

static void append_name(struct string_buffer *page, const struct family *family, const char *suffix,
                        const struct sample *sample, const char *bound)
{
    string_buffer_append_text(page, family->name);
    string_buffer_append_text(page, suffix);

    bool has_labels = sample->labels_size > 0;
    if (!has_labels && !sample->extra && !bound)
        return;
    string_buffer_append(page, "{", 1);
    string_buffer_append(page, has_labels ? sample->labels : "", sample->labels_size);
    if (sample->extra) {
        string_buffer_append(page, ",", has_labels);
        string_buffer_append_text(page, sample->extra);
    }
    if (bound) {
        string_buffer_append(page, ",", has_labels || sample->extra);
        string_buffer_append_text(page, "le=\"");
        string_buffer_append_text(page, bound);
        string_buffer_append(page, "\"", 1);
    }
    string_buffer_append(page, "}", 1);
}

static void append_histogram(struct string_buffer *page, const struct family *family,
                             const struct sample *sample)
{
    const struct sample_histogram *histogram = sample->value.histogram;
    uint64_t total = 0;
    for (size_t i = 0; i < histogram->n_buckets; i++) {
        total = histogram->counts[i];
        append_name(page, family, "_bucket", sample, histogram->bounds[i]);
        string_buffer_append(page, " ", 1);
        string_buffer_append_u64(page, total);
        string_buffer_append(page, "\n", 1);
    }
    append_name(page, family, "_sum", sample, NULL);
    string_buffer_append(page, " ", 1);
    append_real(page, histogram->sum);
    string_buffer_append(page, "\n", 1);
    append_name(page, family, "_count", sample, NULL);
    string_buffer_append(page, " ", 1);
    string_buffer_append_u64(page, total);
    string_buffer_append(page, "\n", 1);
}

static void append_sample(struct string_buffer *page, const struct family *family,
                          const struct sample *sample)
{
    if (sample->kind == SAMPLE_CREATED)
        return;
    if (sample->kind == SAMPLE_HISTOGRAM) {
        append_histogram(page, family, sample);
        return;
    }
    append_name(page, family, "", sample, NULL);
    string_buffer_append(page, " ", 1);
    if (sample->kind == SAMPLE_REAL)
        append_real(page, sample->value.real);
    else
        string_buffer_append_u64(page, sample->value.u64);
    string_buffer_append(page, "\n", 1);
}

static void append_family(struct string_buffer *page, enum family_id id,
                          const struct samples *const *parts, size_t n_parts)
{
    const struct family *family = family_get(id);
    bool has_header = false;

    for (size_t i = 0; i < n_parts; i++) {
        const struct sample_list *list = &parts[i]->lists[id];
        if (list->n && !has_header)
            append_header(page, family);
        has_header = has_header || list->n;
        for (size_t k = 0; k < list->n; k++)
            append_sample(page, family, &list->items[k]);
    }
}

int text_format_write(const struct samples *const *parts, size_t n_parts,
                      struct string_buffer *page)
{
    for (size_t id = 0; id < FAMILY_N; id++)
        append_family(page, (enum family_id)id, parts, n_parts);
    return page->has_failed ? -ENOMEM : 0;
}
