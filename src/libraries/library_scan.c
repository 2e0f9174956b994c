/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: the processes are an array in rising order of pid. A run lists /proc, sorts the pids
 * (the kernel gives them almost sorted) and merges the list with the array: entries without a
 * pid are dropped, new pids get an entry that is due at once. Then every entry that is due is
 * looked at, in order, until the budget is spent; what was not reached stays due.
 *
 * A pid that was given to another process between two looks is noticed at the next look, by the
 * start time.
 */
#include "libraries/library_scan.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/procfs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY ((size_t)512)

struct entry {
    struct library_process process;
    uint64_t due_ns;      /* next look */
    uint64_t full_due_ns; /* next read of the maps in any case */
    uint32_t interval_s;
};

struct library_scan {
    struct library_sources sources;
    struct entry *entries;
    size_t n_entries;
    pid_t *pids;
    size_t n_pids, pids_capacity;
    uint64_t n_changes;
};

int library_scan_new(int root_fd, struct library_scan **ret_scan)
{
    struct library_scan *self = calloc(1, sizeof(*self));
    if (!self)
        return -ENOMEM;
    self->sources.root_fd = root_fd;
    *ret_scan = self;
    return 0;
}

void library_scan_destroy(struct library_scan **self_p)
{
    struct library_scan *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < self->n_entries; i++)
        library_process_finish(&self->entries[i].process);
    free(self->entries);
    free(self->pids);
    package_lookup_finish(&self->sources.packages);
    string_buffer_finish(&self->sources.text);
    free(self);
    *self_p = NULL;
}

static int add_pid(struct library_scan *self, pid_t pid)
{
    if (self->n_pids == self->pids_capacity) {
        size_t capacity = self->pids_capacity ? self->pids_capacity * 2 : FIRST_CAPACITY;
        pid_t *pids = reallocarray(self->pids, capacity, sizeof(*pids));
        if (!pids)
            return -ENOMEM;
        self->pids = pids;
        self->pids_capacity = capacity;
    }
    self->pids[self->n_pids++] = pid;
    return 0;
}

static int compare_pids(const void *a, const void *b)
{
    pid_t left = *(const pid_t *)a, right = *(const pid_t *)b;
    return (left > right) - (left < right);
}

static int list_pids(struct library_scan *self)
{
    /* The copy of the descriptor is closed with the stream; a dup would share its position. */
    int fd = openat(self->sources.root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    DIR *directory = fdopendir(fd);
    if (!directory) {
        close(fd);
        return -ENOMEM;
    }
    int r = 0;
    self->n_pids = 0;
    for (const struct dirent *item; r == 0 && (item = readdir(directory));) {
        if (isdigit((unsigned char)item->d_name[0]))
            r = add_pid(self, (pid_t)strtol(item->d_name, NULL, 10));
    }
    closedir(directory);
    qsort(self->pids, self->n_pids, sizeof(*self->pids), compare_pids);
    return r;
}

static void drop(struct library_scan *self, struct entry *entry)
{
    self->n_changes += entry->process.found != NULL;
    library_process_finish(&entry->process);
}

/* Makes the entries those of the listed pids, the first LIBRARY_SCAN_MAX_PROCESSES of them. */
static int merge_pids(struct library_scan *self)
{
    size_t n = self->n_pids;
    if (n > LIBRARY_SCAN_MAX_PROCESSES)
        n = LIBRARY_SCAN_MAX_PROCESSES;
    struct entry *entries = calloc(n ? n : 1, sizeof(*entries));
    if (!entries)
        return -ENOMEM;

    size_t old = 0;
    for (size_t i = 0; i < n; i++) {
        for (; old < self->n_entries && self->entries[old].process.pid < self->pids[i]; old++)
            drop(self, &self->entries[old]);
        if (old < self->n_entries && self->entries[old].process.pid == self->pids[i])
            entries[i] = self->entries[old++];
        else
            entries[i].process.pid = self->pids[i];
    }
    for (; old < self->n_entries; old++)
        drop(self, &self->entries[old]);
    free(self->entries);
    self->entries = entries;
    self->n_entries = n;
    return 0;
}

static void schedule(struct entry *entry, uint64_t now_ns)
{
    entry->interval_s = entry->interval_s ? entry->interval_s * 2 : 1;
    if (entry->interval_s > LIBRARY_SCAN_INTERVAL_S)
        entry->interval_s = LIBRARY_SCAN_INTERVAL_S;
    entry->due_ns = now_ns + entry->interval_s * CLOCK_NS_PER_SECOND;
}

static int scan_process(struct library_scan *self, struct entry *entry, uint64_t now_ns)
{
    struct library_process *process = &entry->process;
    uint64_t start_ticks, size_bytes;
    int r = procfs_start_and_size(self->sources.root_fd, process->pid, &start_ticks, &size_bytes);
    if (r == -ENOENT || r == -ESRCH)
        return r;
    if (r < 0) {
        process->access = LIBRARY_REFUSED; /* /proc is mounted with hidepid */
        schedule(entry, now_ns);
        return 0;
    }

    bool is_same = process->access != LIBRARY_UNREAD && process->start_ticks == start_ticks;
    if (!is_same)
        entry->interval_s = 0;
    schedule(entry, now_ns);
    /* A file that was replaced does not change the size, so where one is mapped look again. */
    if (is_same && process->size_bytes == size_bytes && !process->found &&
        now_ns < entry->full_due_ns)
        return 0;

    process->start_ticks = start_ticks;
    process->size_bytes = size_bytes;
    entry->full_due_ns = now_ns + LIBRARY_SCAN_FULL_S * CLOCK_NS_PER_SECOND;
    bool had_found = process->found != NULL;
    int r_read = library_process_read(process, &self->sources);
    self->n_changes += had_found || process->found;
    return r_read;
}

static int look_at_due(struct library_scan *self, uint64_t now_ns, uint64_t budget_ns)
{
    uint64_t end_ns = clock_monotonic_ns() + budget_ns;
    for (size_t i = 0; i < self->n_entries; i++) {
        struct entry *entry = &self->entries[i];
        if (entry->due_ns > now_ns)
            continue;
        if (clock_monotonic_ns() > end_ns)
            return 0;
        if (scan_process(self, entry, now_ns) == -ENOMEM)
            return -ENOMEM;
    }
    return 0;
}

static struct library_scan_totals count(const struct library_scan *self)
{
    struct library_scan_totals totals = {.n_processes = self->n_pids};
    totals.n_unreadable = self->n_pids - self->n_entries;
    for (size_t i = 0; i < self->n_entries; i++) {
        enum library_access access = self->entries[i].process.access;
        totals.n_unreadable += access == LIBRARY_REFUSED;
        totals.n_pending += access == LIBRARY_UNREAD;
    }
    return totals;
}

int library_scan_run(struct library_scan *self, uint64_t now_ns, uint64_t budget_ns,
                     struct library_scan_totals *ret_totals)
{
    int r = list_pids(self);
    if (r == 0)
        r = merge_pids(self);
    if (r == 0)
        r = look_at_due(self, now_ns, budget_ns);
    if (r == 0)
        *ret_totals = count(self);
    return r;
}

bool library_scan_is_refused(const struct library_scan *self, pid_t pid)
{
    for (size_t i = 0; i < self->n_entries; i++) {
        if (self->entries[i].process.pid == pid)
            return self->entries[i].process.access == LIBRARY_REFUSED;
    }
    return false;
}

uint64_t library_scan_n_changes(const struct library_scan *self)
{
    return self->n_changes;
}

void library_scan_ask_before_opening(struct library_scan *self,
                                     bool (*may_open)(void *data, pid_t pid, uint64_t start_ticks),
                                     void *data)
{
    self->sources.may_open = may_open;
    self->sources.data = data;
}

uint64_t library_scan_n_databases_read(const struct library_scan *self)
{
    return self->sources.packages.n_read;
}

void library_scan_each(const struct library_scan *self,
                       void (*visit)(const struct library_process *process, void *data), void *data)
{
    for (size_t i = 0; i < self->n_entries; i++) {
        if (self->entries[i].process.found)
            visit(&self->entries[i].process, data);
    }
}
