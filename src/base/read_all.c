/* SPDX-License-Identifier: MPL-2.0 */
#include "base/read_all.h"

#include <errno.h>
#include <unistd.h>

#define CHUNK ((size_t)65536)

int read_all(int fd, size_t max, struct string_buffer *text)
{
    while (text->size <= max) {
        size_t n_left = max - text->size + 1; /* one more tells a file that is too large */
        size_t n = n_left < CHUNK ? n_left : CHUNK;
        char *place = string_buffer_reserve(text, n);
        ssize_t got = place ? read(fd, place, n) : 0;
        if (!place)
            return -ENOMEM;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        place[got] = '\0';
        if (got == 0)
            return 0;
        text->size += (size_t)got;
    }
    return -EFBIG;
}
