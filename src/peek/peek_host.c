/* SPDX-License-Identifier: MPL-2.0 */
#include "peek/peek_host.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/procfs.h"
#include "base/program_name.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int peek_host_init(struct peek_host *self, const char *procfs)
{
    *self = (struct peek_host){.procfs_fd = open(procfs, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    return self->procfs_fd < 0 ? -errno : 0;
}

void peek_host_release(struct peek_host *self, struct peek_host_entry *entry)
{
    bool is_known = entry->process || entry->reason != PEEK_REASON_NONE;
    self->n_followed -= entry->process != NULL;
    self->n_insides_changes += entry->process && entry->process->n_insides > 0;
    peek_process_destroy(&entry->process);
    entry->reason = PEEK_REASON_NONE;
    entry->is_told = false;
    if (is_known && self->tell_gone)
        self->tell_gone(self->data, entry->pid, entry->start_ticks);
}

void peek_host_finish(struct peek_host *self)
{
    for (size_t i = 0; i < self->n_entries; i++)
        peek_process_destroy(&self->entries[i].process);
    free(self->entries);
    close(self->procfs_fd);
}

void peek_host_find_program(const struct peek_host *self, pid_t pid,
                            char ret_program[static PROGRAM_NAME_SIZE])
{
    cleanup(string_buffer_finish) struct string_buffer text = {0};
    char link[32], exe[PATH_MAX];
    if (procfs_read(self->procfs_fd, pid, "cgroup", &text) == 0 && text.data &&
        program_name_from_cgroup(text.data, ret_program))
        return;
    (void)snprintf(link, sizeof(link), "%d/exe", pid);
    ssize_t n = readlinkat(self->procfs_fd, link, exe, sizeof(exe) - 1);
    exe[n > 0 ? n : 0] = '\0';
    if (procfs_read(self->procfs_fd, pid, "cmdline", &text) < 0)
        string_buffer_clear(&text);
    program_name_from_command(exe, text.data, text.size, ret_program);
}

/* Another number of threads, or another process of the same number, is another signature. */
static uint64_t read_signature(const struct peek_host *self, pid_t pid)
{
    char path[32];
    struct stat status;
    (void)snprintf(path, sizeof(path), "%d/task", pid);
    if (fstatat(self->procfs_fd, path, &status, 0) < 0)
        return 0;
    return (uint64_t)status.st_nlink << 40 ^ (uint64_t)status.st_ino;
}

static bool runs_libzmq(const struct peek_host *self, pid_t pid)
{
    char path[16];
    struct peek_threads threads = {.n = 0};
    (void)snprintf(path, sizeof(path), "%d", pid);
    int fd = openat(self->procfs_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    int r = peek_threads_find(fd, &threads);
    close(fd);
    return r == 0 && threads.n > 0;
}

static uint64_t find_net_namespace(const struct peek_host *self, pid_t pid)
{
    char path[32];
    struct stat status;
    (void)snprintf(path, sizeof(path), "%d/ns/net", pid);
    return fstatat(self->procfs_fd, path, &status, 0) == 0 ? status.st_ino : 0;
}

static enum peek_reason begin(struct peek_host *self, struct peek_host_entry *entry)
{
    peek_host_find_program(self, entry->pid, entry->program);
    entry->net_namespace = find_net_namespace(self, entry->pid);
    if (peek_setup_is_excluded(self->setup, entry->program))
        return PEEK_REASON_EXCLUDED;
    if (peek_setup_has_failed(self->setup, entry->pid, entry->start_ticks))
        return PEEK_REASON_FAILED;
    if (self->n_followed == PEEK_MAX_PROCESSES ||
        peek_process_new(entry->pid, entry->start_ticks, &entry->process) < 0)
        return PEEK_REASON_LIMIT;
    self->n_followed++;
    return PEEK_REASON_NONE;
}

static void check_process(struct peek_host *self, struct peek_host_entry *entry)
{
    uint64_t start_ticks;
    if (entry->pid == self->excluded_pid ||
        procfs_start_time(self->procfs_fd, entry->pid, &start_ticks) < 0)
        return;
    bool is_another = entry->start_ticks != start_ticks;
    if (is_another && entry->start_ticks != 0)
        peek_host_release(self, entry);
    entry->start_ticks = start_ticks;
    bool is_known = entry->process || entry->reason != PEEK_REASON_NONE;
    bool runs = runs_libzmq(self, entry->pid);
    if (runs && !is_known)
        entry->reason = begin(self, entry);
    else if (!runs && is_known)
        peek_host_release(self, entry);
}

static int compare_entries(const void *a, const void *b)
{
    const struct peek_host_entry *one = a, *other = b;
    return one->pid < other->pid ? -1 : one->pid > other->pid;
}

static struct peek_host_entry *find_entry(struct peek_host *self, size_t n_sorted, pid_t pid)
{
    return n_sorted == 0 ? NULL
                         : bsearch(&(struct peek_host_entry){.pid = pid}, self->entries, n_sorted,
                                   sizeof(*self->entries), compare_entries);
}

static struct peek_host_entry *append(struct peek_host *self, pid_t pid)
{
    if (self->n_entries == self->capacity) {
        size_t capacity = self->capacity ? 2 * self->capacity : 512;
        struct peek_host_entry *entries = reallocarray(self->entries, capacity, sizeof(*entries));
        if (!entries)
            return NULL;
        self->entries = entries;
        self->capacity = capacity;
    }
    self->entries[self->n_entries] = (struct peek_host_entry){.pid = pid};
    return &self->entries[self->n_entries++];
}

static void drop_gone(struct peek_host *self)
{
    size_t n = 0;
    for (size_t i = 0; i < self->n_entries; i++) {
        if (self->entries[i].is_listed)
            self->entries[n++] = self->entries[i];
        else
            peek_host_release(self, &self->entries[i]);
    }
    self->n_entries = n;
    if (n > 0)
        qsort(self->entries, n, sizeof(*self->entries), compare_entries);
}

static void enter(struct peek_host *self, size_t n_sorted, pid_t pid)
{
    struct peek_host_entry *entry = find_entry(self, n_sorted, pid);
    if (!entry)
        entry = append(self, pid);
    if (!entry)
        return;
    entry->is_listed = true;
    uint64_t signature = read_signature(self, pid);
    if (signature != entry->signature) {
        entry->signature = signature;
        entry->n_looks_left = PEEK_HOST_LOOKS;
    }
    if (entry->n_looks_left == 0)
        return;
    entry->n_looks_left--;
    check_process(self, entry);
    if (entry->process || entry->reason != PEEK_REASON_NONE)
        entry->n_looks_left = 0;
    self->n_unsettled += entry->n_looks_left > 0;
}

static int list(struct peek_host *self)
{
    int fd = openat(self->procfs_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
    if (!directory) {
        int r = -errno;
        if (fd >= 0)
            close(fd);
        return r;
    }
    size_t n_sorted = self->n_entries;
    self->n_unsettled = 0;
    for (size_t i = 0; i < n_sorted; i++)
        self->entries[i].is_listed = false;
    const struct dirent *item;
    while ((item = readdir(directory))) {
        if (*item->d_name >= '1' && *item->d_name <= '9')
            enter(self, n_sorted, atoi(item->d_name));
    }
    closedir(directory);
    drop_gone(self);
    return 0;
}

/* The last field of /proc/loadavg: the number that the newest process or thread got. */
static uint64_t read_last_pid(const struct peek_host *self)
{
    char text[128];
    int fd = openat(self->procfs_fd, "loadavg", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    const char *last = strrchr(text, ' ');
    return last ? strtoull(last + 1, NULL, 10) : 0;
}

int peek_host_update(struct peek_host *self)
{
    uint64_t now_ns = clock_monotonic_ns(), last_pid;
    if (now_ns < self->next_list_ns)
        return 0;
    last_pid = read_last_pid(self);
    bool is_same = last_pid != 0 && last_pid == self->last_pid && self->n_unsettled == 0;
    if (is_same && now_ns < self->forced_list_ns)
        return 0;
    uint64_t begin_ns = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
    int r = list(self);
    uint64_t pause_ns = (clock_read_ns(CLOCK_THREAD_CPUTIME_ID) - begin_ns) * PEEK_LIST_SHARE;
    self->last_pid = last_pid;
    self->next_list_ns = now_ns + (pause_ns < PEEK_LIST_MAX_NS ? pause_ns : PEEK_LIST_MAX_NS);
    self->forced_list_ns = now_ns + 3 * PEEK_LIST_MAX_NS;
    return r;
}
