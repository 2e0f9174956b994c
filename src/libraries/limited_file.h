/* SPDX-License-Identifier: MPL-2.0 */
/*
 * limited_file - reading a file of which only so many bytes are read in all.
 *
 * For databases that belong to whoever made a container's root: a file whose parts refer to each
 * other in a circle comes to an end.
 *
 * Thread: one at a time.   Blocks: on the file.
 */
#ifndef LIBRARIES_LIMITED_FILE_H
#define LIBRARIES_LIMITED_FILE_H

#include <stddef.h>
#include <stdint.h>

#define LIMITED_FILE_E_BROKEN 1 /* it ends before, or too much was read */

struct limited_file {
    int fd; /* borrowed */
    size_t n_left;
};

/* `size` bytes from `offset` on: 0, -errno or LIMITED_FILE_E_BROKEN. */
int limited_file_read(struct limited_file *self, void *to, size_t size, uint64_t offset);

#endif
