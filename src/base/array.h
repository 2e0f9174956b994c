/* SPDX-License-Identifier: MPL-2.0 */
/* array - room for one more in an array that grows by doubling. */
#ifndef BASE_ARRAY_H
#define BASE_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* `items_p` is the address of the pointer to `n` items of `size` bytes, with room for `*capacity`.
 * False: there is no memory, and all is as it was. */
static inline bool array_make_room(void *items_p, size_t *capacity, size_t n, size_t size)
{
    if (n < *capacity)
        return true;
    size_t more = *capacity ? *capacity * 2 : 16;
    void *items;
    memcpy(&items, items_p, sizeof(items));
    items = reallocarray(items, more, size);
    if (!items)
        return false;
    memcpy(items_p, &items, sizeof(items));
    *capacity = more;
    return true;
}

#endif
