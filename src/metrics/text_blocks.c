/* SPDX-License-Identifier: MPL-2.0 */
#include "metrics/text_blocks.h"

#include "base/string_buffer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct text_block blocks[TEXT_FORMAT_N][FAMILY_N];
static bool is_whole = true;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* OpenMetrics escapes quotes in HELP, 0.0.4 does not. */
static void append_help(struct string_buffer *text, const char *help, enum text_format format)
{
    for (; *help; help++) {
        if (*help == '\n')
            string_buffer_append(text, "\\n", 2);
        else if (*help == '\\' || (*help == '"' && text_format_is_open_metrics(format)))
            string_buffer_append(text, (const char[]){'\\', *help}, 2);
        else
            string_buffer_append(text, help, 1);
    }
}

static size_t length_without(const char *name, const char *suffix)
{
    size_t length = strlen(name), n = strlen(suffix);
    return length > n && strcmp(name + length - n, suffix) == 0 ? length - n : length;
}

/* The family's name: OpenMetrics leaves off what marks the type. */
static size_t family_length(const struct family *family, enum text_format format)
{
    if (text_format_is_open_metrics(format) && family->type == FAMILY_COUNTER)
        return length_without(family->name, "_total");
    if (text_format_is_open_metrics(format) && family->type == FAMILY_INFO)
        return length_without(family->name, "_info");
    return strlen(family->name);
}

static void append_line(struct string_buffer *text, const char *keyword, const char *name)
{
    string_buffer_append_format(text, "# %s %s ", keyword, name);
}

static char *render_header(const struct family *family, const char *name, enum text_format format)
{
    struct string_buffer text = {0};
    if (format == TEXT_FORMAT_PROMETHEUS) {
        append_line(&text, "HELP", name);
        append_help(&text, family->help, format);
        string_buffer_append(&text, "\n", 1);
        append_line(&text, "TYPE", name);
        string_buffer_append_format(&text, "%s\n", family_type_name(family->type));
    } else {
        append_line(&text, "TYPE", name);
        string_buffer_append_format(
            &text, "%s\n", family->type == FAMILY_INFO ? "info" : family_type_name(family->type));
        if (family->unit[0]) {
            append_line(&text, "UNIT", name);
            string_buffer_append_format(&text, "%s\n", family->unit);
        }
        append_line(&text, "HELP", name);
        append_help(&text, family->help, format);
        string_buffer_append(&text, "\n", 1);
    }
    return text.has_failed ? NULL : text.data;
}

static bool begin(struct text_beginning *beginning, const char *name, const char *suffix)
{
    int n = snprintf(beginning->text, sizeof(beginning->text), "%s%s{", name, suffix);
    beginning->size = (uint32_t)n;
    return n > 0 && (size_t)n < sizeof(beginning->text);
}

static bool has_created(const struct family *family, enum text_format format)
{
    return format == TEXT_FORMAT_OPENMETRICS_CREATED &&
           (family->type == FAMILY_COUNTER || family->type == FAMILY_HISTOGRAM);
}

static bool render(struct text_block *block, const struct family *family, enum text_format format)
{
    block->family = strndup(family->name, family_length(family, format));
    block->header = block->family ? render_header(family, block->family, format) : NULL;
    if (!block->header || !begin(&block->sample, family->name, "") ||
        (has_created(family, format) && !begin(&block->created, block->family, "_created")))
        return false;
    block->header_size = (uint32_t)strlen(block->header);
    block->family_size = (uint32_t)strlen(block->family);
    return true;
}

static void render_all(void)
{
    for (int format = 0; format < TEXT_FORMAT_N; format++) {
        for (int id = 0; id < FAMILY_N; id++)
            is_whole = is_whole && render(&blocks[format][id], family_get((enum family_id)id),
                                          (enum text_format)format);
    }
}

const struct text_block *text_blocks_get(enum text_format format)
{
    pthread_once(&once, render_all);
    return is_whole ? blocks[format] : NULL;
}

const char *text_format_content_type(enum text_format format)
{
    return text_format_is_open_metrics(format)
               ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
               : "text/plain; version=0.0.4; charset=utf-8";
}
