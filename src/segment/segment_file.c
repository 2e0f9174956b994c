/* SPDX-License-Identifier: MPL-2.0 */
#include "segment/segment_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define OPEN_FLAGS (O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
#define OPEN_MODE  0640 /* while it is written to */
#define KEPT_MODE  0440 /* of a protected file, otherwise */

int segment_file_init(struct segment_file *self, const char *directory)
{
    memset(self, 0, sizeof(*self));
    /* A relative name means what it meant at the start, wherever the program goes later. */
    if (directory[0] != '/' && !getcwd(self->directory, sizeof(self->directory)))
        return errno == ERANGE ? -ENAMETOOLONG : -errno;
    size_t used = strlen(self->directory);
    int n = snprintf(self->directory + used, sizeof(self->directory) - used, "%s%s",
                     used ? "/" : "", directory);
    return n < 0 || (size_t)n >= sizeof(self->directory) - used ? -ENAMETOOLONG : 0;
}

bool segment_file_is_on_tmpfs(const struct segment_file *self)
{
    struct statfs status;
    return statfs(self->directory, &status) == 0 && (uint64_t)status.f_type == TMPFS_MAGIC;
}

static void name_image(struct segment_file *self, const struct segment_header *header, unsigned n)
{
    char suffix[16] = "";
    if (n > 0)
        (void)snprintf(suffix, sizeof(suffix), ".%u", n);
    (void)snprintf(self->path, sizeof(self->path), "%s/%llu-%llu%s" SEGMENT_SUFFIX, self->directory,
                   (unsigned long long)header->pid, (unsigned long long)header->start_ticks,
                   suffix);
}

static uint64_t word_at(const unsigned char *bytes, size_t offset)
{
    uint64_t word;
    memcpy(&word, bytes + offset, sizeof(word));
    return word;
}

/* Whether the open file holds the account of an image that this process was before execve(). The
 * head of the header tells; the whole is too much for the stack of somebody else's thread. */
static bool is_older_image(int fd, const struct segment_header *header)
{
    unsigned char found[offsetof(struct segment_header, reserved)];
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == geteuid() &&
           pread(fd, found, sizeof(found), 0) == (ssize_t)sizeof(found) &&
           memcmp(found, header, offsetof(struct segment_header, header_size)) == 0 &&
           word_at(found, offsetof(struct segment_header, pid)) == header->pid &&
           word_at(found, offsetof(struct segment_header, start_ticks)) == header->start_ticks &&
           word_at(found, offsetof(struct segment_header, created_ns)) != header->created_ns &&
           word_at(found, offsetof(struct segment_header, state)) == SEGMENT_LIVE;
}

/* Opens a file of the process's own user for writing, though its mode may forbid that. Whoever has
 * the right to change the mode has it back. */
static int open_own(const char *path, int *ret_fd)
{
    struct stat before, after;
    int fd = open(path, O_RDWR | OPEN_FLAGS);
    if (fd >= 0 || errno != EACCES) {
        *ret_fd = fd;
        return fd < 0 ? -errno : 0;
    }
    int reading_fd = open(path, O_RDONLY | OPEN_FLAGS);
    if (reading_fd < 0)
        return -errno;
    bool is_own = fstat(reading_fd, &before) == 0 && S_ISREG(before.st_mode) &&
                  before.st_uid == geteuid() && fchmod(reading_fd, OPEN_MODE) == 0;
    fd = is_own ? open(path, O_RDWR | OPEN_FLAGS) : -1;
    int r = fd >= 0 ? 0 : is_own ? -errno : -EACCES;
    if (r == 0 &&
        (fstat(fd, &after) < 0 || after.st_dev != before.st_dev || after.st_ino != before.st_ino)) {
        close(fd); /* put in its place meanwhile */
        r = -ESTALE;
    }
    if (r < 0 && is_own)
        (void)fchmod(reading_fd, before.st_mode & 07777);
    close(reading_fd);
    *ret_fd = fd;
    return r;
}

/* The one who made the file at the path, if it was we, is gone. Where this cannot be written, or
 * does not come to pass because an earlier name was free, the agent still sees that a newer image
 * of the process lives. */
static void close_older_image(const struct segment_file *self, const struct segment_header *header)
{
    const uint64_t closed = SEGMENT_CLOSED;
    int fd = open(self->path, O_RDONLY | OPEN_FLAGS);
    if (fd < 0)
        return;
    bool is_older = is_older_image(fd, header);
    close(fd);
    if (!is_older || open_own(self->path, &fd) < 0)
        return;
    if (is_older_image(fd, header) &&
        pwrite(fd, &closed, sizeof(closed), offsetof(struct segment_header, state)) < 0)
        errno = 0;
    close(fd);
}

/* Files of processes that ended stay until the agent has read them. Where it does not run they must
 * not fill a file system that others need: /run is everybody's. */
static bool is_room_left(int fd)
{
    struct statvfs room;
    if (fstatvfs(fd, &room) < 0)
        return true; /* writing will say whether there is */
    uint64_t n_reserved = SEGMENT_FILE_RESERVED_BYTES / (room.f_frsize ? room.f_frsize : 1);
    if (n_reserved > room.f_blocks / SEGMENT_FILE_RESERVED_PART)
        n_reserved = room.f_blocks / SEGMENT_FILE_RESERVED_PART;
    return room.f_bavail >= n_reserved;
}

static int take_file(struct segment_file *self, int fd)
{
    if (!is_room_left(fd))
        return -ENOSPC;
    struct stat status;
    /* The umask may have taken the group's right to read, through which the agent sees it. */
    if (fchmod(fd, OPEN_MODE) < 0 || fstat(fd, &status) < 0)
        return -errno;
    self->device = status.st_dev;
    self->inode = status.st_ino;
    self->owner = status.st_uid;
    self->size = 0;
    self->is_made = true;
    self->is_protected = false;
    return 0;
}

int segment_file_make(struct segment_file *self, const struct segment_header *header, int *ret_fd)
{
    self->is_made = false;
    for (unsigned n = 0; n < SEGMENT_MAX_IMAGES; n++) {
        name_image(self, header, n);
        int fd = open(self->path, O_RDWR | OPEN_FLAGS | O_CREAT | O_EXCL, OPEN_MODE);
        if (fd < 0 && errno == EEXIST) {
            close_older_image(self, header);
            continue;
        }
        if (fd < 0)
            return -errno;
        int r = take_file(self, fd);
        if (r < 0) {
            (void)unlink(self->path);
            close(fd);
            return r;
        }
        *ret_fd = fd;
        return 0;
    }
    return -EEXIST;
}

static bool is_ours(const struct segment_file *self, const struct stat *status)
{
    return S_ISREG(status->st_mode) && status->st_dev == self->device &&
           status->st_ino == self->inode && status->st_uid == self->owner;
}

int segment_file_open(const struct segment_file *self, int *ret_fd)
{
    struct stat status;
    int fd = -1;
    int r = open_own(self->path, &fd);
    if (r < 0) {
        bool is_replaced = r == -ENOENT || r == -ELOOP || r == -EISDIR || r == -ENXIO;
        return is_replaced ? -ESTALE : r;
    }
    if (fstat(fd, &status) < 0 || !is_ours(self, &status) || status.st_size < self->size) {
        close(fd);
        return -ESTALE;
    }
    *ret_fd = fd;
    return 0;
}

void segment_file_protect(struct segment_file *self, int fd)
{
    self->is_protected = true;
    (void)fchmod(fd, KEPT_MODE);
}

void segment_file_release(const struct segment_file *self, int fd)
{
    if (self->is_protected)
        (void)fchmod(fd, KEPT_MODE);
    close(fd);
}

bool segment_file_is_missing(const struct segment_file *self)
{
    struct stat status;
    if (lstat(self->path, &status) < 0)
        return errno == ENOENT || errno == ENOTDIR;
    return !is_ours(self, &status);
}

void segment_file_remove(struct segment_file *self)
{
    struct stat status;
    if (self->is_made && lstat(self->path, &status) == 0 && is_ours(self, &status))
        (void)unlink(self->path);
    self->is_made = false;
}
