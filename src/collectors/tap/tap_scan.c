/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/tap/tap_scan.h"

#include "base/cleanup.h"
#include "collectors/tap/tap_descriptors.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int tap_scan_init(struct tap_scan *self, const char *directory, const char *procfs,
                  struct tap_groups *groups)
{
    *self = (struct tap_scan){.directory_fd = -1, .groups = groups};
    self->host.procfs_fd = -1;
    self->directory = strdup(directory);
    return self->directory ? tap_host_init(&self->host, procfs) : -ENOMEM;
}

void tap_scan_finish(struct tap_scan *self)
{
    for (size_t i = 0; i < self->n_processes; i++)
        tap_process_destroy(&self->processes[i], 0);
    if (self->directory_fd >= 0)
        close(self->directory_fd);
    tap_host_finish(&self->host);
    free(self->processes);
    free(self->polls);
    free(self->folded);
    free(self->scratch.accounts);
    free(self->directory);
    *self = (struct tap_scan){.directory_fd = -1};
}

/*
 * The directory
 */
static bool is_same_directory(const struct tap_scan *self)
{
    struct stat open_one, named_one;
    return self->directory_fd >= 0 && fstat(self->directory_fd, &open_one) == 0 &&
           stat(self->directory, &named_one) == 0 && open_one.st_dev == named_one.st_dev &&
           open_one.st_ino == named_one.st_ino;
}

int tap_scan_open(struct tap_scan *self, bool *ret_is_new)
{
    *ret_is_new = !is_same_directory(self);
    if (!*ret_is_new)
        return 0;
    int fd = open(self->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (self->directory_fd >= 0)
        close(self->directory_fd);
    self->directory_fd = fd;
    self->is_listed = false;
    return 0;
}

static int compare_files(const void *a, const void *b)
{
    const struct tap_process *const *one = a, *const *other = b;
    return strcmp((*one)->file, (*other)->file);
}

static struct tap_process *find_file(const struct tap_scan *self, size_t n_sorted, const char *file)
{
    size_t low = 0, high = n_sorted;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(file, self->processes[middle]->file);
        if (order == 0)
            return self->processes[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

int tap_scan_add(struct tap_scan *self, struct tap_process *process)
{
    if (self->n_processes == self->capacity) {
        size_t capacity = self->capacity ? self->capacity * 2 : 64;
        struct tap_process **processes = reallocarray(self->processes, capacity,
                                                      sizeof(struct tap_process *));
        if (!processes)
            return -ENOMEM;
        self->processes = processes;
        self->capacity = capacity;
    }
    self->processes[self->n_processes++] = process;
    return 0;
}

/* Whether the name still means the file that the process's account was read from. A file made
 * again has the name of the one that was lost. */
static bool is_same_file(const struct tap_scan *self, const struct tap_process *process)
{
    struct stat status;
    return process->reader.inode == 0 ||
           (fstatat(self->directory_fd, process->file, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            status.st_dev == process->reader.device && status.st_ino == process->reader.inode);
}

static int take_entry(struct tap_scan *self, const char *file, size_t n_sorted, uint64_t now_ns)
{
    struct segment_name name;
    if (!segment_name_parse(file, &name))
        return 0;
    struct tap_process *process = find_file(self, n_sorted, file);
    if (process && is_same_file(self, process)) {
        process->is_on_disk = true;
        return 0;
    }
    if (process)
        process->has_lost_name = true;
    if (self->n_processes >= TAP_MAX_PROCESSES) {
        self->n_beyond_limit++;
        return 0;
    }
    struct tap_process *found;
    int r = tap_process_new(file, &name, now_ns, &found);
    if (r < 0)
        return r;
    found->is_on_disk = true;
    r = tap_scan_add(self, found);
    if (r < 0)
        tap_process_destroy(&found, now_ns);
    return r;
}

static int list_entries(struct tap_scan *self, uint64_t now_ns)
{
    size_t n_sorted = self->n_processes;
    int fd = openat(self->directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
    if (!directory) {
        int r = -errno;
        if (fd >= 0)
            close(fd);
        return r;
    }
    for (size_t i = 0; i < n_sorted; i++)
        self->processes[i]->is_on_disk = false;
    self->n_beyond_limit = 0;

    int r = 0;
    const struct dirent *entry;
    errno = 0;
    while (r == 0 && (entry = readdir(directory)))
        r = take_entry(self, entry->d_name, n_sorted, now_ns);
    if (r == 0 && errno)
        r = -errno;
    closedir(directory);
    for (size_t i = 0; i < n_sorted; i++) {
        if (self->processes[i]->has_lost_name)
            self->processes[i]->file[0] = '\0';
    }
    if (self->n_processes)
        qsort(self->processes, self->n_processes, sizeof(*self->processes), compare_files);
    return r;
}

/* A change within the clock's grain of the last listing may not show in the time stamp. */
static bool is_recent(const struct timespec *changed)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec - changed->tv_sec < 2;
}

static int list_directory(struct tap_scan *self, uint64_t now_ns)
{
    struct stat status;
    if (fstat(self->directory_fd, &status) < 0)
        return -errno;
    bool is_known = self->is_listed && status.st_mtim.tv_sec == self->changed.tv_sec &&
                    status.st_mtim.tv_nsec == self->changed.tv_nsec;
    if (is_known)
        return 0;
    int r = list_entries(self, now_ns);
    self->changed = status.st_mtim;
    self->is_listed = r == 0 && !is_recent(&status.st_mtim);
    return r;
}

/*
 * Lives
 */
/* A search may have failed for want of memory or descriptors; it is too dear to be made often. */
static void search_again(const struct tap_scan *self, struct tap_process *process, uint64_t now_ns)
{
    bool is_lost = process->life.state == TAP_LIFE_UNSURE && process->life.pid == 0;
    if (is_lost && now_ns - process->searched_ns > TAP_SEARCH_INTERVAL_NS)
        tap_process_search(process, &self->host, now_ns);
}

static int reserve_polls(struct tap_scan *self)
{
    if (self->polls_capacity >= self->n_processes)
        return 0;
    struct pollfd *polls = reallocarray(self->polls, self->capacity, sizeof(*polls));
    if (!polls)
        return -ENOMEM;
    self->polls = polls;
    self->polls_capacity = self->capacity;
    return 0;
}

/* One call for all; a descriptor of -1 is passed over. */
static int update_lives(struct tap_scan *self)
{
    int r = reserve_polls(self);
    if (r < 0)
        return r;
    for (size_t i = 0; i < self->n_processes; i++)
        self->polls[i] = (struct pollfd){.fd = self->processes[i]->life.pidfd, .events = POLLIN};
    if (self->n_processes && poll(self->polls, self->n_processes, 0) < 0)
        return -errno;
    for (size_t i = 0; i < self->n_processes; i++)
        tap_life_update(&self->processes[i]->life, &self->host, self->polls[i].revents != 0);
    return 0;
}

/*
 * Who supersedes whom
 */
static int compare_u64(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static int compare_processes(const struct tap_process_id *a, const struct tap_process_id *b)
{
    int order = compare_u64(a->pid, b->pid);
    if (order == 0)
        order = compare_u64(a->start_ticks, b->start_ticks);
    return order ? order : compare_u64(a->pid_namespace, b->pid_namespace);
}

/* The images of a process from old to new; of one image, the account written last at the end. */
static int compare_images(const void *a, const void *b)
{
    const struct tap_process *one = *(struct tap_process *const *)a;
    const struct tap_process *other = *(struct tap_process *const *)b;
    int order = compare_processes(&one->id, &other->id);
    if (order == 0)
        order = compare_u64(one->id.created_ns, other->id.created_ns);
    if (order == 0) /* what was folded or is unreadable speaks for all of its id */
        order = (one->state == TAP_PROCESS_FOLDED) - (other->state == TAP_PROCESS_FOLDED);
    return order ? order : compare_u64(one->updated_ns, other->updated_ns);
}

static void resolve_pair(struct tap_process *older, const struct tap_process *newer,
                         uint64_t now_ns)
{
    if (compare_processes(&older->id, &newer->id) != 0)
        return;
    if (older->id.created_ns != newer->id.created_ns)
        older->is_superseded = true;
    else
        tap_process_drop(older, now_ns); /* the newer one's counters hold the older one's */
}

static int resolve(struct tap_scan *self, uint64_t now_ns)
{
    size_t n = 0;
    struct tap_process **known = calloc(self->n_processes + 1, sizeof(struct tap_process *));
    if (!known)
        return -ENOMEM;
    for (size_t i = 0; i < self->n_processes; i++) {
        struct tap_process *process = self->processes[i];
        if (process->has_reading && process->state != TAP_PROCESS_REFUSED)
            known[n++] = process;
    }
    qsort(known, n, sizeof(*known), compare_images);
    for (size_t i = 0; i + 1 < n; i++)
        resolve_pair(known[i], known[i + 1], now_ns);
    free(known);
    self->is_unresolved = false;
    return 0;
}

/*
 * Reading
 */
static bool was_folded(const struct tap_scan *self, const struct tap_process_id *id)
{
    for (size_t i = 0; i < self->n_folded; i++) {
        if (memcmp(&self->folded[i], id, sizeof(*id)) == 0)
            return true;
    }
    return false;
}

static int read_process(struct tap_scan *self, struct tap_process *process, uint64_t now_ns)
{
    const struct tap_reading reading = {self->directory_fd, &self->host,   self->groups,
                                        &self->scratch,     &self->budget, now_ns};
    bool is_first = !process->has_reading;
    self->budget.n_groups -= process->n_groups;
    self->budget.n_lanes -= process->n_lanes;
    int r = tap_process_read(process, &reading, false);
    self->budget.n_groups += process->n_groups;
    self->budget.n_lanes += process->n_lanes;
    if (!process->has_reading)
        return r;
    if (is_first) {
        self->is_unresolved = true;
        if (was_folded(self, &process->id)) {
            tap_process_drop(process, now_ns);
            process->state = TAP_PROCESS_FOLDED;
            return 0;
        }
    }
    search_again(self, process, now_ns);
    return r;
}

static bool is_readable(const struct tap_process *process)
{
    return process->state == TAP_PROCESS_NEW || process->state == TAP_PROCESS_LIVE ||
           process->state == TAP_PROCESS_SILENT || process->state == TAP_PROCESS_DEAD;
}

/* Its end will be told by its pidfd; until then there is no hurry to know what it counts. */
static bool can_wait(const struct tap_process *process)
{
    return process->has_reading && process->life.pidfd >= 0 &&
           process->life.state == TAP_LIFE_ALIVE;
}

static void start_budget(struct tap_scan *self)
{
    self->budget = (struct tap_budget){0};
    for (size_t i = 0; i < self->n_processes; i++) {
        self->budget.n_groups += self->processes[i]->n_groups;
        self->budget.n_lanes += self->processes[i]->n_lanes;
    }
}

static int read_processes(struct tap_scan *self, enum tap_scan_depth depth, uint64_t now_ns)
{
    int result = 0;
    bool is_complete = self->is_listed && self->n_beyond_limit == 0;
    start_budget(self);
    for (size_t i = 0; i < self->n_processes; i++) {
        struct tap_process *process = self->processes[i];
        if (!is_readable(process) || (depth == TAP_SCAN_LIVES && can_wait(process)))
            continue;
        int r = read_process(self, process, now_ns);
        if (r < 0 && r != -ENOENT)
            result = r;
        is_complete = is_complete && (process->has_reading || process->state != TAP_PROCESS_NEW);
    }
    if (is_complete)
        self->n_folded = 0; /* every file has been looked at */
    return result;
}

int tap_scan_run(struct tap_scan *self, enum tap_scan_depth depth, uint64_t now_ns)
{
    int listed = list_directory(self, now_ns);
    int r = update_lives(self);
    if (r < 0)
        return r;
    r = read_processes(self, depth, now_ns);
    if (self->is_unresolved && resolve(self, now_ns) < 0)
        r = -ENOMEM;
    for (size_t i = 0; i < self->n_processes; i++)
        tap_process_judge(self->processes[i], now_ns);
    return listed < 0 ? listed : r;
}

static bool has_owner(const struct segment_name *name)
{
    return name->pid <= INT32_MAX && (kill((pid_t)name->pid, 0) == 0 || errno != ESRCH);
}

bool tap_scan_is_garbage(const struct tap_process *process, uint64_t now_ns)
{
    bool is_nothing = process->state == TAP_PROCESS_REFUSED || process->state == TAP_PROCESS_NEW;
    return is_nothing && !process->is_dropped && now_ns - process->seen_ns > TAP_GARBAGE_NS;
}

bool tap_scan_is_removable(const struct tap_process *process, uint64_t now_ns)
{
    if (!process->is_on_disk)
        return false;
    if (process->state == TAP_PROCESS_FOLDED || process->state == TAP_PROCESS_PARKED ||
        process->is_dropped || process->is_of_another_boot)
        return true;
    return tap_scan_is_garbage(process, now_ns) && !has_owner(&process->name);
}

int tap_scan_remove(struct tap_scan *self, struct tap_process *process)
{
    /* The name may be that of another file by now, which is nobody's to remove. */
    if (is_same_file(self, process) && unlinkat(self->directory_fd, process->file, 0) < 0 &&
        errno != ENOENT)
        return -errno;
    process->is_on_disk = false;
    return 0;
}

void tap_scan_forget(struct tap_scan *self, uint64_t now_ns)
{
    size_t n = 0;
    for (size_t i = 0; i < self->n_processes; i++) {
        struct tap_process *process = self->processes[i];
        bool is_over = process->state == TAP_PROCESS_FOLDED ||
                       process->state == TAP_PROCESS_REFUSED || process->state == TAP_PROCESS_NEW;
        if (is_over && !process->is_on_disk)
            tap_process_destroy(&process, now_ns);
        else
            self->processes[n++] = process;
    }
    self->n_processes = n;
}
