/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/tap/tap_life.h"

#include "base/cleanup.h"
#include "base/procfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int tap_host_init(struct tap_host *self, const char *procfs)
{
    struct stat status;
    *self = (struct tap_host){.procfs_fd = -1};
    int r = procfs_boot_id(self->boot_id);
    if (r < 0)
        return r;
    self->procfs_fd = open(procfs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (self->procfs_fd < 0)
        return -errno;
    if (stat("/proc/self/ns/pid", &status) == 0)
        self->pid_namespace = status.st_ino;
    tap_clock_base_init(&self->clock, self->procfs_fd);
    return 0;
}

void tap_host_finish(struct tap_host *self)
{
    if (self->procfs_fd >= 0)
        close(self->procfs_fd);
    self->procfs_fd = -1;
}

/* Fields of stat(5) in proc, from the state on, which is number 3. */
struct process_status {
    char state;
    long n_threads;
    uint64_t start_ticks;
};

static int read_status(const struct tap_host *host, pid_t pid, struct process_status *ret_status)
{
    cleanup(string_buffer_finish) struct string_buffer text = {0};
    int r = procfs_read(host->procfs_fd, pid, "stat", &text);
    if (r < 0)
        return r;
    unsigned long long start;
    const char *field = memrchr(text.data, ')', text.size);
    if (!field || sscanf(field,
                         ") %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %ld"
                         " %*s %llu",
                         &ret_status->state, &ret_status->n_threads, &start) != 3)
        return -EBADMSG;
    ret_status->start_ticks = start;
    return 0;
}

/* A process whose first thread has ended, and others not, looks like a zombie too. */
static bool is_zombie(const struct process_status *status)
{
    return (status->state == 'Z' || status->state == 'X') && status->n_threads <= 1;
}

/* By /proc, or, where that is hidden, by whether there is anything with the pid. */
static enum tap_life_state state_by_procfs(const struct tap_life *self, const struct tap_host *host)
{
    struct process_status status;
    int r = read_status(host, self->pid, &status);
    if (r == 0 && is_zombie(&status))
        return TAP_LIFE_DEAD;
    if (r == 0 && tap_clock_is_start(&self->clock, self->start_ticks, status.start_ticks))
        return TAP_LIFE_ALIVE;
    if (r == 0 && self->clock.is_sure)
        return TAP_LIFE_DEAD;
    if (kill(self->pid, 0) < 0 && errno == ESRCH)
        return TAP_LIFE_DEAD;
    return TAP_LIFE_UNSURE;
}

/* Whether one of the process's user ids is the file's. A file of root's is above suspicion: the
 * process may have given up being root after it made the file. */
static bool is_owner(const struct tap_host *host, pid_t pid, uid_t owner)
{
    cleanup(string_buffer_finish) struct string_buffer text = {0};
    unsigned ids[4];
    if (owner == 0 || procfs_read(host->procfs_fd, pid, "status", &text) < 0)
        return true;
    const char *line = strstr(text.data, "\nUid:");
    if (!line || sscanf(line + 5, "%u %u %u %u", &ids[0], &ids[1], &ids[2], &ids[3]) != 4)
        return true;
    return ids[0] == owner || ids[1] == owner || ids[2] == owner || ids[3] == owner;
}

/* Whether the process `pid` of ours is `inner_pid` in its own namespace. */
static bool is_inner_pid(const struct tap_host *host, pid_t pid, uint64_t inner_pid)
{
    cleanup(string_buffer_finish) struct string_buffer text = {0};
    if (procfs_read(host->procfs_fd, pid, "status", &text) < 0)
        return false;
    const char *line = strstr(text.data, "\nNSpid:");
    if (!line)
        return false;
    size_t n = strcspn(line + 1, "\n");
    const char *last = memrchr(line + 1, '\t', n);
    return last && strtoull(last + 1, NULL, 10) == inner_pid;
}

/* Nearly always the start times are by one clock; only where they differ it is asked which. */
static bool is_started(const struct tap_host *host, pid_t pid, uint64_t start_ticks)
{
    struct process_status status;
    if (read_status(host, pid, &status) < 0)
        return false;
    if (status.start_ticks == start_ticks)
        return true;
    struct tap_clock clock = tap_clock_of(&host->clock, host->procfs_fd, pid);
    return tap_clock_is_start(&clock, start_ticks, status.start_ticks);
}

static pid_t find_inner_pid(const struct tap_host *host, const struct tap_life_name *name)
{
    int fd = openat(host->procfs_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
    pid_t found = 0;
    const struct dirent *entry;
    if (!directory) {
        if (fd >= 0)
            close(fd);
        return 0;
    }
    while (!found && (entry = readdir(directory))) {
        char *end;
        long pid = strtol(entry->d_name, &end, 10);
        if (pid > 0 && !*end && is_started(host, (pid_t)pid, name->start_ticks) &&
            is_inner_pid(host, (pid_t)pid, name->pid))
            found = (pid_t)pid;
    }
    closedir(directory);
    return found;
}

/* The pidfd first, the check after it: so both are of the same process. */
static void watch(struct tap_life *self, const struct tap_host *host)
{
    int fd = (int)syscall(SYS_pidfd_open, self->pid, 0);
    if (fd < 0 && errno == ESRCH) {
        self->state = TAP_LIFE_DEAD;
        return;
    }
    self->clock = tap_clock_of(&host->clock, host->procfs_fd, self->pid);
    self->state = state_by_procfs(self, host);
    if (self->state == TAP_LIFE_ALIVE)
        self->pidfd = fd;
    else if (fd >= 0)
        close(fd);
}

void tap_life_begin(struct tap_life *self, const struct tap_host *host,
                    const struct tap_life_name *name, uid_t owner)
{
    bool is_near = name->pid_namespace == host->pid_namespace;
    tap_life_end(self);
    self->start_ticks = name->start_ticks;
    if (name->start_ticks == 0 || name->pid == 0 || name->pid > INT32_MAX)
        return;
    self->pid = is_near ? (pid_t)name->pid : find_inner_pid(host, name);
    if (self->pid == 0)
        return;
    watch(self, host);
    if (self->state == TAP_LIFE_ALIVE && !is_owner(host, self->pid, owner))
        self->state = TAP_LIFE_FOREIGN;
}

void tap_life_update(struct tap_life *self, const struct tap_host *host, bool is_ended)
{
    if (self->pidfd >= 0 && is_ended)
        self->state = TAP_LIFE_DEAD;
    bool is_open = self->state == TAP_LIFE_ALIVE || self->state == TAP_LIFE_UNSURE;
    if (self->pidfd < 0 && self->pid && is_open)
        self->state = state_by_procfs(self, host);
}

void tap_life_unwatch(struct tap_life *self)
{
    if (self->pidfd >= 0)
        close(self->pidfd);
    self->pidfd = -1;
}

void tap_life_end(struct tap_life *self)
{
    tap_life_unwatch(self);
    *self = TAP_LIFE_NONE;
}
