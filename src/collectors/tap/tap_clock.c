/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/tap/tap_clock.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t read_namespace(int procfs_fd, pid_t pid, const char *name)
{
    char path[64];
    struct stat status;
    (void)snprintf(path, sizeof(path), "%d/ns/%s", pid, name);
    return fstatat(procfs_fd, path, &status, 0) == 0 ? status.st_ino : 0;
}

/* Lines of a clock's name, seconds and nanoseconds; the first kernels have numbers for names. */
static int read_offsets(int procfs_fd, pid_t pid, struct tap_clock *ret_clock)
{
    cleanup(string_buffer_finish) struct string_buffer text = {0};
    int r = procfs_read(procfs_fd, pid, "timens_offsets", &text);
    if (r < 0)
        return r;
    for (const char *line = text.data; line && *line; line = strchr(line, '\n')) {
        char name[16];
        int64_t seconds, ns;
        line += *line == '\n';
        if (sscanf(line, "%15s %" SCNd64 " %" SCNd64, name, &seconds, &ns) != 3)
            continue;
        int64_t offset_ns = seconds * (int64_t)CLOCK_NS_PER_SECOND + ns;
        if (strcmp(name, "monotonic") == 0 || strcmp(name, "1") == 0)
            ret_clock->monotonic_ns = offset_ns;
        if (strcmp(name, "boottime") == 0 || strcmp(name, "7") == 0)
            ret_clock->boottime_ns = offset_ns;
    }
    return 0;
}

void tap_clock_base_init(struct tap_clock_base *self, int procfs_fd)
{
    struct tap_clock own = {0};
    *self = (struct tap_clock_base){.time_namespace = read_namespace(procfs_fd, getpid(), "time")};
    if (read_offsets(procfs_fd, getpid(), &own) < 0)
        return;
    self->monotonic_ns = own.monotonic_ns;
    self->boottime_ns = own.boottime_ns;
}

struct tap_clock tap_clock_of(const struct tap_clock_base *base, int procfs_fd, pid_t pid)
{
    struct tap_clock clock = {0};
    uint64_t its = read_namespace(procfs_fd, pid, "time");
    if (base->time_namespace == 0 || its == base->time_namespace)
        return (struct tap_clock){.is_sure = true};
    if (read_offsets(procfs_fd, pid, &clock) < 0)
        return (struct tap_clock){0};
    clock.monotonic_ns -= base->monotonic_ns;
    clock.boottime_ns -= base->boottime_ns;
    /* The offsets are those that its children will have. */
    clock.is_sure = its && its == read_namespace(procfs_fd, pid, "time_for_children");
    if (clock.monotonic_ns == 0 && clock.boottime_ns == 0)
        clock.is_sure = true;
    return clock;
}

bool tap_clock_is_start(const struct tap_clock *self, uint64_t its_ticks, uint64_t our_ticks)
{
    const int64_t tick_ns = (int64_t)CLOCK_NS_PER_SECOND / sysconf(_SC_CLK_TCK);
    if (its_ticks == our_ticks && (self->boottime_ns == 0 || !self->is_sure))
        return true;
    if (self->boottime_ns == 0)
        return false;
    /* Both were cut to whole ticks, each by its own clock. */
    uint64_t expected = our_ticks + (uint64_t)(self->boottime_ns / tick_ns);
    return its_ticks - expected + 1 <= 2;
}

uint64_t tap_clock_to_ours(const struct tap_clock *self, uint64_t its_ns)
{
    uint64_t offset_ns = self->monotonic_ns < 0 ? -(uint64_t)self->monotonic_ns
                                                : (uint64_t)self->monotonic_ns;
    if (self->monotonic_ns < 0)
        return its_ns + offset_ns < its_ns ? UINT64_MAX : its_ns + offset_ns;
    return its_ns > offset_ns ? its_ns - offset_ns : 0;
}
