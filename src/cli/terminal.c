/* SPDX-License-Identifier: MPL-2.0 */
#include "cli/terminal.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool has_colours(FILE *stream)
{
    const char *kind = getenv("TERM"), *refused = getenv("NO_COLOR");
    return isatty(fileno(stream)) && kind && *kind && strcmp(kind, "dumb") != 0 &&
           !(refused && *refused);
}

struct terminal_ink terminal_ink(FILE *stream)
{
    if (!has_colours(stream))
        return (struct terminal_ink){"", "", "", "", ""};
    return (struct terminal_ink){"\033[1m", "\033[1;31m", "\033[33m", "\033[32m", "\033[0m"};
}

void terminal_fail(const char *program, const struct error *err)
{
    struct terminal_ink ink = terminal_ink(stderr);
    (void)fprintf(stderr, "%s%s:%s %s\n", ink.red, program, ink.plain, err->message);
}

void terminal_warn(const char *program, const char *format, ...)
{
    char text[1024];
    struct terminal_ink ink = terminal_ink(stderr);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    (void)fprintf(stderr, "%s%s:%s %s\n", ink.yellow, program, ink.plain, text);
}
