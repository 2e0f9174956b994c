/* SPDX-License-Identifier: MPL-2.0 */
#include "config/config_text.h"

#include <stdint.h>
#include <string.h>

/* The length of the UTF-8 character at `c`, 0 if it is none or one that YAML forbids. */
static size_t character_length(const unsigned char *c, size_t size)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = *c < 0x80 ? 1 : (*c & 0xe0) == 0xc0 ? 2 : (*c & 0xf0) == 0xe0 ? 3 : 4;
    if (n == 1)
        return *c >= 0x20 ? *c != 0x7f : *c == '\t' || *c == '\n' || *c == '\r';
    if (n > size || (*c & 0xc0) == 0x80 || *c > 0xf4)
        return 0;
    uint32_t point = *c & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((c[i] & 0xc0) != 0x80)
            return 0;
        point = point << 6 | (c[i] & 0x3f);
    }
    bool is_surrogate = point >= 0xd800 && point <= 0xdfff;
    bool is_control = point < 0xa0 && point != 0x85;
    return point < smallest[n] || point > 0x10ffff || is_surrogate || is_control ? 0 : n;
}

static bool is_lone_question(const char *text, size_t size, size_t i)
{
    static const char before[] = " \t\r\n[]{},-:?\"'", after[] = " \t\r\n[]{},:?";
    return text[i] == '?' && (i == 0 || strchr(before, text[i - 1])) &&
           (i + 1 == size || strchr(after, text[i + 1]));
}

/* From `i` to the line's end there is a comment and nothing that could end a quoted text. */
static bool begins_comment(const char *text, size_t size, size_t i)
{
    while (i < size && (text[i] == ' ' || text[i] == '\t'))
        i++;
    if (i == size || text[i] != '#')
        return false;
    while (i < size && text[i] != '\n' && text[i] != '\r' && text[i] != '"' && text[i] != '\'')
        i++;
    return i == size || text[i] == '\n' || text[i] == '\r';
}

/* The place behind a quoted text that begins at `i` and ends in the same line; else `i`. */
static size_t quoted_end(const char *text, size_t size, size_t i)
{
    char quote = text[i];
    bool may_begin = i == 0 || strchr(" \t\n[{,:", text[i - 1]);
    if ((quote != '"' && quote != '\'') || !may_begin)
        return i;
    for (size_t j = i + 1; j < size && text[j] != '\n' && text[j] != '\r'; j++) {
        if (quote == '"' && text[j] == '\\')
            j++;
        else if (text[j] == quote)
            return j + 1;
    }
    return i;
}

const char *config_text_check(const char *text, size_t size, struct config_text_place *ret_place,
                              bool *ret_has_question)
{
    bool is_comment = begins_comment(text, size, 0), has_question = false;
    size_t behind_quoted = 0;
    *ret_place = (struct config_text_place){1, 1};
    for (size_t i = 0; i < size;) {
        size_t n = character_length((const unsigned char *)text + i, size - i);
        if (n == 0)
            return "a byte that is not UTF-8 or a control character";
        if (i >= behind_quoted)
            behind_quoted = quoted_end(text, size, i);
        bool is_question = !is_comment && is_lone_question(text, size, i);
        if (is_question && i >= behind_quoted)
            return "a '?' by itself is not supported, nor are keys that begin with it";
        has_question |= is_question;
        if (text[i] == '\n')
            is_comment = begins_comment(text, size, i + 1);
        ret_place->line += text[i] == '\n';
        ret_place->column = text[i] == '\n' ? 1 : ret_place->column + 1;
        i += n;
    }
    *ret_has_question = has_question;
    return NULL;
}
