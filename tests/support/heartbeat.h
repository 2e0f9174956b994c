/* SPDX-License-Identifier: MPL-2.0 */
/*
 * heartbeat - the time in the segments of one process, set from outside.
 *
 * A process of a test that writes once would be silent soon; one that was heard tomorrow is not,
 * however long the test takes.
 */
#ifndef TESTS_SUPPORT_HEARTBEAT_H
#define TESTS_SUPPORT_HEARTBEAT_H

#include "base/clock.h"
#include "segment/segment_layout.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

/* Where the files may not be written, or seen, they stay as they are. */
static inline void heartbeat_set(const char *path, pid_t pid, uint64_t updated_ns)
{
    char prefix[16];
    DIR *directory = opendir(path);
    int n = snprintf(prefix, sizeof(prefix), "%d-", pid);
    if (!directory)
        return;
    for (const struct dirent *entry; (entry = readdir(directory));) {
        if (strncmp(entry->d_name, prefix, (size_t)n) != 0)
            continue;
        int fd = openat(dirfd(directory), entry->d_name, O_WRONLY | O_CLOEXEC);
        if (fd >= 0 && pwrite(fd, &updated_ns, sizeof(updated_ns),
                              offsetof(struct segment_header, updated_ns)) < 0)
            abort();
        if (fd >= 0)
            close(fd);
    }
    closedir(directory);
}

static inline void heartbeat_set_tomorrow(const char *path)
{
    heartbeat_set(path, getpid(), clock_monotonic_ns() + 86400 * CLOCK_NS_PER_SECOND);
}

#endif
