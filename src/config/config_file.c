/* SPDX-License-Identifier: MPL-2.0 */
#include "config/config_file.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

int config_file_open(const char *path, int *ret_fd, struct error *ret_why)
{
    struct stat status;
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &status) < 0)
        return error_set(ret_why, -errno, "%s", strerror(errno));
    if (S_ISDIR(status.st_mode))
        return error_set(ret_why, -EISDIR, "%s", strerror(EISDIR));
    if (!S_ISREG(status.st_mode))
        return error_set(ret_why, -EINVAL, "is not a regular file");
    *ret_fd = fd;
    fd = -1;
    return 0;
}
