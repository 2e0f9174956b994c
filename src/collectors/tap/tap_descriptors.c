/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/tap/tap_descriptors.h"

#include "base/cleanup.h"
#include "base/procfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

static int count_entries(int fd, uint64_t *ret_n)
{
    DIR *directory = fdopendir(fd);
    if (!directory)
        return -errno;
    uint64_t n = 0;
    const struct dirent *entry;
    while ((entry = readdir(directory)))
        n += entry->d_name[0] != '.';
    closedir(directory);
    *ret_n = n;
    return 0;
}

/* Since Linux 6.2 the folder's size is the number of its entries, which anybody may ask for. */
static int read_open(int procfs_fd, pid_t pid, uint64_t *ret_open)
{
    char path[32];
    struct stat status;
    (void)snprintf(path, sizeof(path), "%d/fd", pid);
    if (fstatat(procfs_fd, path, &status, 0) == 0 && status.st_size > 0) {
        *ret_open = (uint64_t)status.st_size;
        return 0;
    }
    int fd = openat(procfs_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = count_entries(fd, ret_open);
    if (r < 0)
        close(fd);
    return r;
}

static int read_max(int procfs_fd, pid_t pid, uint64_t *ret_max)
{
    cleanup(string_buffer_finish) struct string_buffer text = {0};
    int r = procfs_read(procfs_fd, pid, "limits", &text);
    if (r < 0)
        return r;
    unsigned long long soft;
    const char *line = strstr(text.data, "\nMax open files");
    if (!line || sscanf(line + 15, "%llu", &soft) != 1)
        return -EBADMSG;
    *ret_max = soft;
    return 0;
}

int tap_descriptors_read(int procfs_fd, pid_t pid, uint64_t *ret_open, uint64_t *ret_max)
{
    uint64_t n = 0;
    int r = read_open(procfs_fd, pid, &n);
    if (r == 0)
        r = read_max(procfs_fd, pid, ret_max);
    if (r == 0)
        *ret_open = n;
    return r;
}
