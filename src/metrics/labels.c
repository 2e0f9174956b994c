/* SPDX-License-Identifier: MPL-2.0 */
#include "metrics/labels.h"

#include <stdint.h>

#define REPLACEMENT "\xef\xbf\xbd"
#define ELLIPSIS    "\xe2\x80\xa6"

/* Length of the well-formed UTF-8 character at `c`, 0 if there is none (Unicode 15, table 3-7).
 * `c` is NUL-terminated, so no byte beyond the end is read. */
static size_t character_length(const unsigned char *c)
{
    unsigned char low = 0x80, high = 0xbf;
    size_t n;

    if (c[0] < 0x80)
        return 1;
    if (c[0] >= 0xc2 && c[0] <= 0xdf)
        n = 2;
    else if (c[0] >= 0xe0 && c[0] <= 0xef)
        n = 3;
    else if (c[0] >= 0xf0 && c[0] <= 0xf4)
        n = 4;
    else
        return 0;

    if (c[0] == 0xe0)
        low = 0xa0;
    else if (c[0] == 0xed)
        high = 0x9f;
    else if (c[0] == 0xf0)
        low = 0x90;
    else if (c[0] == 0xf4)
        high = 0x8f;

    if (c[1] < low || c[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++) {
        if (c[i] < 0x80 || c[i] > 0xbf)
            return 0;
    }
    return n;
}

static void append_escaped(struct string_buffer *text, const unsigned char *c, size_t n)
{
    if (n == 0)
        string_buffer_append(text, REPLACEMENT, 3);
    else if (*c == '\n')
        string_buffer_append(text, "\\n", 2);
    else if (*c == '"' || *c == '\\')
        string_buffer_append(text, (const char[]){'\\', (char)*c}, 2);
    else
        string_buffer_append(text, (const char *)c, n);
}

void labels_append(struct string_buffer *text, const char *name, const char *value)
{
    if (text->size)
        string_buffer_append(text, ",", 1);
    string_buffer_append_text(text, name);
    string_buffer_append(text, "=\"", 2);

    const unsigned char *first = (const unsigned char *)value;
    for (const unsigned char *c = first; *c;) {
        size_t n = character_length(c);
        if ((size_t)(c - first) + n > LABELS_VALUE_MAX) {
            string_buffer_append(text, ELLIPSIS, 3);
            break;
        }
        append_escaped(text, c, n);
        c += n ? n : 1;
    }
    string_buffer_append(text, "\"", 1);
}
