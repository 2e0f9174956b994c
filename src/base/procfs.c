/* SPDX-License-Identifier: MPL-2.0 */
#include "base/procfs.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_STEP      ((size_t)16384)
#define MAX_SIZE_BYTES ((size_t)16 << 20)
#define BOOT_ID_LENGTH 36

int procfs_read(int root_fd, pid_t pid, const char *name, struct string_buffer *ret_text)
{
    char path[288];
    int n = snprintf(path, sizeof(path), "%d/%s", pid, name);
    if (n < 0 || (size_t)n >= sizeof(path))
        return -ENAMETOOLONG;

    string_buffer_clear(ret_text);
    cleanup_fd int fd = openat(root_fd, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;

    while (ret_text->size < MAX_SIZE_BYTES) {
        char *place = string_buffer_reserve(ret_text, READ_STEP);
        if (!place)
            return -ENOMEM;
        ssize_t got = read(fd, place, READ_STEP);
        if (got < 0)
            return -errno;
        place[got] = '\0';
        ret_text->size += (size_t)got;
        if (got == 0)
            return 0;
    }
    return -EFBIG;
}

int procfs_start_and_size(int root_fd, pid_t pid, uint64_t *ret_ticks, uint64_t *ret_size_bytes)
{
    cleanup(string_buffer_finish) struct string_buffer text = {0};
    int r = procfs_read(root_fd, pid, "stat", &text);
    if (r < 0)
        return r;

    /* The second field is the program's name in parentheses and may hold anything, so fields are
     * counted from the last ')'. The start time is field 22, the 20th after it. */
    const char *field = memrchr(text.data, ')', text.size);
    for (int i = 0; field && i < 20; i++)
        field = strchr(field + 1, ' ');
    uint64_t ticks, size_bytes;
    if (!field || sscanf(field, " %" SCNu64 " %" SCNu64, &ticks, &size_bytes) != 2)
        return -EBADMSG;
    *ret_ticks = ticks;
    *ret_size_bytes = size_bytes;
    return 0;
}

int procfs_start_time(int root_fd, pid_t pid, uint64_t *ret_ticks)
{
    uint64_t size_bytes;
    return procfs_start_and_size(root_fd, pid, ret_ticks, &size_bytes);
}

int procfs_owner(int root_fd, pid_t pid, uid_t *ret_uid)
{
    cleanup(string_buffer_finish) struct string_buffer text = {0};
    int r = procfs_read(root_fd, pid, "status", &text);
    if (r < 0)
        return r;

    const char *line = strstr(text.data, "\nUid:");
    unsigned real, effective;
    if (!line || sscanf(line + 5, "%u %u", &real, &effective) != 2)
        return -EBADMSG;
    *ret_uid = effective;
    return 0;
}

int procfs_boot_id(char ret_id[static 37])
{
    cleanup_fd int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t got = read(fd, ret_id, BOOT_ID_LENGTH);
    if (got < 0)
        return -errno;
    if (got != BOOT_ID_LENGTH)
        return -EBADMSG;
    ret_id[BOOT_ID_LENGTH] = '\0';
    return 0;
}
