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

    bool has_labels = sample->labels.size > 0;
    if (!has_labels && !sample->extra && !bound)
        return;
    string_buffer_append(page, "{", 1);
    string_buffer_append(page, has_labels ? sample->labels.text : "", sample->labels.size);
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
    const struct sample_histogram *histogram = sample->histogram;
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
    if (sample->histogram) {
        append_histogram(page, family, sample);
        return;
    }
    append_name(page, family, "", sample, NULL);
    string_buffer_append(page, " ", 1);
    if (sample->is_real)
        append_real(page, sample->value.real);
    else
        string_buffer_append_u64(page, sample->value.u64);
    string_buffer_append(page, "\n", 1);
}

int text_format_write(const struct samples *samples, struct string_buffer *page)
{
    for (size_t id = 0; id < FAMILY_N; id++) {
        const struct sample_list *list = &samples->lists[id];
        const struct family *family = family_get((enum family_id)id);
        if (list->n)
            append_header(page, family);
        for (size_t i = 0; i < list->n; i++)
            append_sample(page, family, &list->items[i]);
    }
    return page->has_failed ? -ENOMEM : 0;
}
