/* SPDX-License-Identifier: MPL-2.0 */
#include "cli/top_cells.h"

#include <inttypes.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

/* Control characters, and those that turn the direction of text: a name may not make a line look
 * like another. */
static bool is_shown(wint_t c)
{
    bool turns = c == 0x61c || (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
                 (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
    return iswprint(c) && !turns;
}

void top_cells_append(struct string_buffer *line, const char *text, size_t width)
{
    mbstate_t state = {0};
    size_t used = 0, left = strlen(text);
    while (left && used < width) {
        wchar_t c;
        size_t n = mbrtowc(&c, text, left, &state);
        bool is_whole = n != 0 && n != (size_t)-1 && n != (size_t)-2;
        int columns = is_whole && is_shown((wint_t)c) ? wcwidth(c) : -1;
        if (!is_whole) {
            n = 1;
            state = (mbstate_t){0};
        }
        if (columns < 0) {
            string_buffer_append(line, "?", 1);
            columns = 1;
        } else if (used + (size_t)columns > width) {
            break;
        } else {
            string_buffer_append(line, text, n);
        }
        used += (size_t)columns;
        text += n;
        left -= n;
    }
    for (; used < width; used++)
        string_buffer_append(line, " ", 1);
}

void top_cells_append_number(struct string_buffer *line, uint64_t gauge, int width)
{
    if (top_cells_is_known(gauge))
        string_buffer_append_format(line, " %*" PRIu64, width, gauge);
    else
        string_buffer_append_format(line, " %*s", width, "-");
}

void top_cells_append_fill(struct string_buffer *line, uint64_t billionths)
{
    if (top_cells_is_known(billionths))
        string_buffer_append_format(line, " %4" PRIu64 "%%", (billionths + 5000000) / 10000000);
    else
        string_buffer_append_format(line, " %5s", "-");
}
