/* SPDX-License-Identifier: MPL-2.0 */
#include "libraries/limited_file.h"

#include <errno.h>
#include <unistd.h>

int limited_file_read(struct limited_file *self, void *to, size_t size, uint64_t offset)
{
    if (size > self->n_left || offset > INT64_MAX)
        return LIMITED_FILE_E_BROKEN;
    self->n_left -= size;
    ssize_t n = pread(self->fd, to, size, (off_t)offset);
    if (n < 0)
        return -errno;
    return (size_t)n == size ? 0 : LIMITED_FILE_E_BROKEN;
}
