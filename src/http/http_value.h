/* SPDX-License-Identifier: MPL-2.0 */
/*
 * http_value - the value of a header without the blanks after it, which are no part of it
 * (RFC 9110, 5.5) and which the library leaves.
 */
#ifndef HTTP_HTTP_VALUE_H
#define HTTP_HTTP_VALUE_H

#include <string.h>

static inline size_t http_value_size(const char *value)
{
    size_t size = strlen(value);
    while (size && (value[size - 1] == ' ' || value[size - 1] == '\t'))
        size--;
    return size;
}

#endif
