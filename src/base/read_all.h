/* SPDX-License-Identifier: MPL-2.0 */
/*
 * read_all - the rest of a file, appended to a buffer, up to the end that it has by then.
 *
 * A buffer that has room for `max` bytes and one more is not moved.
 *
 * Thread: any.   Blocks: on the file.
 * Errors: -EFBIG  the buffer has more than `max` bytes; -ENOMEM; -errno of read(2)
 */
#ifndef BASE_READ_ALL_H
#define BASE_READ_ALL_H

#include "base/string_buffer.h"

/* A NUL follows the text, which is not part of it. */
int read_all(int fd, size_t max, struct string_buffer *text);

#endif
