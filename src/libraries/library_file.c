/* SPDX-License-Identifier: MPL-2.0 */
#include "libraries/library_file.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The file itself, whatever became of its name. Needs CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE. */
static int find_by_mapping(int root_fd, pid_t pid, const struct library_mapping *mapping)
{
    char name[96];
    (void)snprintf(name, sizeof(name), "%d/map_files/%" PRIx64 "-%" PRIx64, pid, mapping->start,
                   mapping->end);
    int fd = openat(root_fd, name, O_PATH | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int library_file_open_root(int root_fd, pid_t pid)
{
    char root[32];
    (void)snprintf(root, sizeof(root), "%d/root", pid);
    int fd = openat(root_fd, root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* One folder after the other, none of which is a link or leads up. As openat2(2) with
 * RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS, but a filter of system calls sees the flags. */
static int open_beneath(int process_root, const char *path, int flags)
{
    char name[NAME_MAX + 1];
    cleanup_fd int folder = openat(process_root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    while (folder >= 0) {
        path += strspn(path, "/");
        size_t size = strcspn(path, "/");
        bool is_last = path[size + strspn(path + size, "/")] == '\0';
        if (size == 0 || size > NAME_MAX || (path[0] == '.' && size <= 2 && path[size - 1] == '.'))
            return -ENOENT;
        memcpy(name, path, size);
        name[size] = '\0';
        int how = is_last ? flags : O_PATH | O_DIRECTORY;
        int fd = openat(folder, name, how | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || is_last)
            return fd < 0 ? -errno : fd;
        close(folder);
        folder = fd;
        path += size;
    }
    return -errno;
}

static int find_by_name(int root_fd, pid_t pid, const struct library_mapping *mapping)
{
    char path[PATH_MAX];
    if (mapping->is_deleted || mapping->path_size >= sizeof(path))
        return -ENOENT;
    memcpy(path, mapping->path, mapping->path_size);
    path[mapping->path_size] = '\0';

    cleanup_fd int process_root = library_file_open_root(root_fd, pid);
    return process_root < 0 ? process_root : open_beneath(process_root, path, O_PATH);
}

/* From a descriptor that only names the file to one that reads it. */
static int open_for_reading(int path_fd)
{
    struct stat status;
    if (fstat(path_fd, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode))
        return -EMEDIUMTYPE;
    char name[32];
    (void)snprintf(name, sizeof(name), "/proc/self/fd/%d", path_fd);
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    return fd < 0 ? -errno : fd;
}

int library_file_open(int root_fd, pid_t pid, const struct library_mapping *mapping)
{
    int found = find_by_mapping(root_fd, pid, mapping);
    if (found < 0)
        found = find_by_name(root_fd, pid, mapping);
    if (found < 0)
        return found;
    cleanup_fd int path_fd = found;
    return open_for_reading(path_fd);
}

int library_file_open_in_root(int process_root, const char *path)
{
    int found = open_beneath(process_root, path, O_PATH);
    if (found < 0)
        return found;
    cleanup_fd int path_fd = found;
    return open_for_reading(path_fd);
}

int library_file_open_folder(int process_root, const char *path)
{
    return open_beneath(process_root, path, O_RDONLY | O_DIRECTORY);
}
