/* SPDX-License-Identifier: MPL-2.0 */
#include "segment/segment_state_file.h"

#include "base/cleanup.h"
#include "segment/segment_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEFTOVER SEGMENT_STATE_FILE ".new" /* of an agent that was killed while it saved */

static int read_all(int fd, size_t size, struct string_buffer *ret_text)
{
    string_buffer_clear(ret_text);
    char *place = string_buffer_reserve(ret_text, size);
    if (!place)
        return -ENOMEM;
    while (ret_text->size < size) {
        ssize_t n = read(fd, place + ret_text->size, size - ret_text->size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        ret_text->size += (size_t)n;
    }
    place[ret_text->size] = '\0';
    return 0;
}

int segment_state_file_load(int directory_fd, struct string_buffer *ret_text)
{
    struct stat status;
    cleanup_fd int fd = openat(directory_fd, SEGMENT_STATE_FILE,
                               O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return errno == ELOOP || errno == ENXIO ? -EPERM : -errno;
    if (fstat(fd, &status) < 0)
        return -errno;
    bool is_ours = status.st_uid == geteuid() || status.st_uid == 0;
    if (!S_ISREG(status.st_mode) || !is_ours || (status.st_mode & (S_IWGRP | S_IWOTH)))
        return -EPERM;
    if ((uint64_t)status.st_size > SEGMENT_STATE_MAX_SIZE)
        return -EFBIG;
    return read_all(fd, (size_t)status.st_size, ret_text);
}

static int write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, bytes, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        bytes += n;
        size -= (size_t)n;
    }
    return 0;
}

/* With an unpredictable name, so that no other user can create it first. */
static int make_file(int directory_fd, char *ret_name, size_t size)
{
    uint64_t number;
    (void)unlinkat(directory_fd, LEFTOVER, 0);
    int fd = openat(directory_fd, LEFTOVER, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    (void)snprintf(ret_name, size, "%s", LEFTOVER);
    if (fd >= 0 || errno != EEXIST)
        return fd >= 0 ? fd : -errno;
    if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
        return -EIO;
    (void)snprintf(ret_name, size, LEFTOVER ".%016llx", (unsigned long long)number);
    fd = openat(directory_fd, ret_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return fd >= 0 ? fd : -errno;
}

int segment_state_file_save(int directory_fd, const struct string_buffer *text)
{
    char name[64];
    if (text->has_failed)
        return -ENOMEM;
    cleanup_fd int fd = make_file(directory_fd, name, sizeof(name));
    if (fd < 0)
        return fd;
    int r = write_all(fd, text->data, text->size);
    /* Another user may have created a directory or a file of that name. */
    if (r == 0 && renameat(directory_fd, name, directory_fd, SEGMENT_STATE_FILE) < 0)
        r = -errno;
    if (r < 0)
        (void)unlinkat(directory_fd, name, 0);
    return r;
}
