/* SPDX-License-Identifier: MPL-2.0 */
#include "peek/peek_target.h"

#include "base/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define PRESENT     (UINT64_C(1) << 63) /* of a page map's entry */
#define SWAPPED     (UINT64_C(1) << 62)
#define PAGE_BATCH  64u
#define PATH_LENGTH 4352u

int peek_target_open(struct peek_target *self, int procfs_fd, pid_t pid, uint64_t start_ticks)
{
    char name[16];
    uint64_t found_ticks;
    *self = PEEK_TARGET_NONE;
    (void)snprintf(name, sizeof(name), "%d", pid);
    self->process_fd = openat(procfs_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (self->process_fd < 0)
        return errno == ENOENT ? -ESRCH : -errno;
    int r = procfs_start_time(procfs_fd, pid, &found_ticks);
    if (r == 0 && found_ticks != start_ticks)
        r = -ESRCH;
    if (r == 0)
        r = peek_maps_read(self->process_fd, &self->maps);
    if (r < 0)
        return r == -ENOENT ? -ESRCH : r;
    self->pagemap_fd = openat(self->process_fd, "pagemap", O_RDONLY | O_CLOEXEC);
    if (self->pagemap_fd < 0)
        return -errno;
    self->pid = pid;
    self->start_ticks = start_ticks;
    self->page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
    pipe_memory_open_foreign(&self->memory, pid);
    return 0;
}

void peek_target_close(struct peek_target *self)
{
    if (self->process_fd >= 0)
        close(self->process_fd);
    if (self->pagemap_fd >= 0)
        close(self->pagemap_fd);
    peek_maps_finish(&self->maps);
    *self = PEEK_TARGET_NONE;
}

/* The folder is the process's own: with another process of the same number it is empty. */
bool peek_target_is_alive(const struct peek_target *self)
{
    struct stat status;
    return fstatat(self->process_fd, "stat", &status, 0) == 0;
}

/* The page map is that of the memory that the process had. When that is gone, it is empty. */
bool peek_target_has_same_memory(const struct peek_target *self)
{
    uint64_t entry;
    return pread(self->pagemap_fd, &entry, sizeof(entry), 0) != 0;
}

/* How many of the pages from `address` on, at most PAGE_BATCH, are alike in being present. */
static size_t count_alike(const struct peek_target *self, uintptr_t address, size_t n,
                          bool *ret_is_present)
{
    uint64_t entries[PAGE_BATCH];
    uintptr_t page = address / self->page_size;
    if (n > PAGE_BATCH)
        n = PAGE_BATCH;
    ssize_t n_bytes = pread(self->pagemap_fd, entries, n * sizeof(*entries),
                            (off_t)(page * sizeof(*entries)));
    *ret_is_present = n_bytes >= (ssize_t)sizeof(*entries) && entries[0] & (PRESENT | SWAPPED);
    size_t n_read = n_bytes > 0 ? (size_t)n_bytes / sizeof(*entries) : 0, n_alike = 1;
    while (n_alike < n_read && ((entries[n_alike] & (PRESENT | SWAPPED)) != 0) == *ret_is_present)
        n_alike++;
    return n_alike;
}

bool peek_target_is_present(const struct peek_target *self, uintptr_t address, size_t size)
{
    uintptr_t begin = address - address % self->page_size, end = address + size;
    if (end < address)
        return false;
    while (begin < end) {
        bool is_present;
        size_t n = count_alike(self, begin, (end - begin - 1) / self->page_size + 1, &is_present);
        if (!is_present)
            return false;
        begin += n * self->page_size;
    }
    return true;
}

bool peek_target_read(struct peek_target *self, uintptr_t address, void *to, size_t size)
{
    return peek_target_is_present(self, address, size) &&
           pipe_memory_read_one(&self->memory, address, to, size);
}

/*
 * Files
 */
int peek_target_read_path(const struct peek_target *self, const struct peek_mapping *mapping,
                          char *ret_path, size_t size)
{
    char name[64];
    (void)snprintf(name, sizeof(name), "map_files/%lx-%lx", (unsigned long)mapping->begin,
                   (unsigned long)mapping->end);
    ssize_t n = readlinkat(self->process_fd, name, ret_path, size - 1);
    if (n <= 0 || (size_t)n == size - 1)
        return n < 0 ? -errno : -ENAMETOOLONG;
    ret_path[n] = '\0';
    return 0;
}

int peek_target_open_file(const struct peek_target *self, const struct peek_mapping *mapping)
{
    char path[PATH_LENGTH] = "root";
    const size_t root = strlen(path);
    struct stat status;
    if (peek_target_read_path(self, mapping, path + root, sizeof(path) - root) < 0 ||
        fstatat(self->process_fd, path, &status, 0) < 0 || !S_ISREG(status.st_mode) ||
        status.st_ino != mapping->inode)
        return -1;
    int fd = openat(self->process_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd >= 0 &&
        (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || status.st_ino != mapping->inode)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* One stretch of pages that are alike. */
static size_t read_alike(struct peek_target *self, int file_fd, const struct peek_mapping *mapping,
                         const struct pipe_memory_range *range)
{
    bool is_present;
    size_t skew = range->address % self->page_size;
    size_t n_pages = (skew + range->size - 1) / self->page_size + 1;
    size_t size = count_alike(self, range->address, n_pages, &is_present) * self->page_size - skew;
    if (size > range->size)
        size = range->size;
    if (is_present || file_fd < 0)
        (void)pipe_memory_read_one(&self->memory, range->address, range->to, size);
    else
        (void)!pread(file_fd, range->to, size,
                     (off_t)(mapping->offset + (range->address - mapping->begin)));
    return size;
}

void peek_target_read_file(struct peek_target *self, int file_fd,
                           const struct peek_mapping *mapping, struct pipe_memory_range *range)
{
    struct pipe_memory_range left = *range;
    memset(range->to, 0, range->size);
    while (left.size > 0) {
        size_t done = read_alike(self, file_fd, mapping, &left);
        left.address += done;
        left.to = (unsigned char *)left.to + done;
        left.size -= (uint32_t)done;
    }
    range->is_read = true;
}
