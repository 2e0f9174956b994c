/* SPDX-License-Identifier: MPL-2.0 */
#include "base/log.h"

#include "base/cleanup.h"
#include "base/string_buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static const char *const format_names[] = {"logfmt", "json"};

static enum log_level threshold = LOG_LEVEL_INFO;
static enum log_format line_format = LOG_FORMAT_LOGFMT;

bool log_level_parse(const char *name, enum log_level *ret_level)
{
    for (unsigned i = 0; i < sizeof(level_names) / sizeof(*level_names); i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *ret_level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

bool log_format_parse(const char *name, enum log_format *ret_format)
{
    for (unsigned i = 0; i < sizeof(format_names) / sizeof(*format_names); i++) {
        if (strcmp(name, format_names[i]) == 0) {
            *ret_format = (enum log_format)i;
            return true;
        }
    }
    return false;
}

void log_configure(enum log_level level, enum log_format format)
{
    threshold = level;
    line_format = format;
}

static void append_quoted(struct string_buffer *line, const char *value)
{
    string_buffer_append(line, "\"", 1);
    for (const unsigned char *c = (const unsigned char *)value; *c; c++) {
        if (*c == '"' || *c == '\\')
            string_buffer_append_format(line, "\\%c", *c);
        else if (*c == '\n')
            string_buffer_append(line, "\\n", 2);
        else if (*c < 0x20 || *c == 0x7f)
            string_buffer_append_format(line, "\\u%04x", *c);
        else
            string_buffer_append(line, (const char *)c, 1);
    }
    string_buffer_append(line, "\"", 1);
}

static bool needs_quotes(const char *value)
{
    if (!*value)
        return true;
    for (const unsigned char *c = (const unsigned char *)value; *c; c++) {
        if (*c <= ' ' || *c == '"' || *c == '=' || *c == '\\' || *c == 0x7f)
            return true;
    }
    return false;
}

static void append_pair(struct string_buffer *line, const char *key, const char *value)
{
    if (line_format == LOG_FORMAT_JSON) {
        string_buffer_append(line, line->size > 1 ? "," : "", line->size > 1);
        append_quoted(line, key);
        string_buffer_append(line, ":", 1);
        append_quoted(line, value);
        return;
    }
    if (line->size)
        string_buffer_append(line, " ", 1);
    string_buffer_append_text(line, key);
    string_buffer_append(line, "=", 1);
    if (needs_quotes(value))
        append_quoted(line, value);
    else
        string_buffer_append_text(line, value);
}

static void append_time(struct string_buffer *line)
{
    struct timespec now;
    struct tm utc;
    char stamp[80];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t n = strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &utc);
    (void)snprintf(stamp + n, sizeof(stamp) - n, ".%03ldZ", now.tv_nsec / 1000000);
    append_pair(line, "time", stamp);
}

void log_write(enum log_level level, const char *message, ...)
{
    if (level < threshold)
        return;

    cleanup(string_buffer_finish) struct string_buffer line = {0};
    if (line_format == LOG_FORMAT_JSON)
        string_buffer_append(&line, "{", 1);
    append_time(&line);
    append_pair(&line, "level", level_names[level]);
    append_pair(&line, "msg", message);

    va_list args;
    va_start(args, message);
    for (const char *key = va_arg(args, const char *); key; key = va_arg(args, const char *)) {
        const char *value = va_arg(args, const char *);
        if (value)
            append_pair(&line, key, value);
    }
    va_end(args);

    string_buffer_append_text(&line, line_format == LOG_FORMAT_JSON ? "}\n" : "\n");
    if (!line.has_failed && write(STDERR_FILENO, line.data, line.size) < 0)
        return; /* standard error is gone: there is no one left to tell */
}
